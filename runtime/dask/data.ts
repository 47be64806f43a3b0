import { types } from 'node:util';
import { Deserializer, Serializer } from 'node:v8';
import { HeddleError } from '../../graph/index.ts';
import { decode } from '../worker/decode.ts';
import { type Blob, BlobKind } from './wire.ts';

/** What a structured clone keeps, as bytes: V8's own form, in which views on one buffer go on sharing it. Throws ERR_UNSENDABLE for memory that threads share. */
export function serialize(value: unknown): Uint8Array {
  const serializer = new Serializer();
  serializer.writeHeader();
  try {
    serializer.writeValue(value);
  } catch (error) {
    throw new HeddleError(
      'ERR_UNSENDABLE',
      `the data cannot leave this process (${error instanceof Error ? error.message : String(error)}); shared memory stays on one machine: copy it`,
      { cause: error },
    );
  }
  return serializer.releaseBuffer();
}

/** The value again. */
export function deserialize(bytes: Uint8Array): unknown {
  const deserializer = new Deserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

/** What `encode` made of a value, as a blob. Throws ERR_UNSENDABLE for memory that is shared between threads. */
export function toBlob({ rich, value }: { readonly rich: boolean; readonly value: unknown }): Blob {
  if (!rich && isPlainBytes(value)) return { kind: BlobKind.bytes, body: value };
  return { kind: rich ? BlobKind.table : BlobKind.data, body: serialize(value) };
}

/** The value of a blob that `toBlob` made. */
export function fromBlob({ kind, body }: Blob): unknown {
  if (kind === BlobKind.bytes) return body;
  return decode({ rich: kind === BlobKind.table, value: deserialize(body) });
}

function isPlainBytes(value: unknown): value is Uint8Array {
  return (
    types.isUint8Array(value) &&
    !Buffer.isBuffer(value) &&
    types.isArrayBuffer(value.buffer) &&
    Object.prototype.toString.call(value) === '[object Uint8Array]'
  );
}
