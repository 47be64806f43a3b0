import { createRequire } from 'node:module';
import type * as zlib from 'node:zlib';
import { type ErrorCode, HeddleError } from '../../graph/index.ts';

/** How bytes are packed. `infer`: by the name's ending (`.gz`, `.zz`, `.zlib`, `.deflate`, `.br`); other endings are read as they are. */
export type Compression = 'infer' | Codec;

/** A way of packing bytes. `deflate` writes the zlib format and reads it and raw deflate. */
export type Codec = 'gzip' | 'deflate' | 'brotli';

/** Every codec. */
export const codecs: readonly Codec[] = ['gzip', 'deflate', 'brotli'];

const codecByEnding: ReadonlyMap<string, Codec> = new Map([
  ['.gz', 'gzip'],
  ['.zz', 'deflate'],
  ['.zlib', 'deflate'],
  ['.deflate', 'deflate'],
  ['.br', 'brotli'],
]);

let loaded: typeof zlib | undefined;
const library = (): typeof zlib => {
  loaded ??= createRequire(import.meta.url)('node:zlib') as typeof zlib;
  return loaded;
};

/** The codec that a path's ending tells of, or `null`. */
export function inferCodec(path: string): Codec | null {
  const dot = path.lastIndexOf('.');
  return dot < 0 ? null : (codecByEnding.get(path.slice(dot).toLowerCase()) ?? null);
}

/** Packs bytes. */
export function pack(codec: Codec, bytes: Uint8Array): Uint8Array {
  const { gzipSync, deflateSync, brotliCompressSync } = library();
  return { gzip: gzipSync, deflate: deflateSync, brotli: brotliCompressSync }[codec](bytes);
}

interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/** Unpacks a whole file. What is damaged, cut short or followed by something else is an `ERR_DAMAGED` that names the file. */
export function unpack(codec: Codec, bytes: Uint8Array, path: string): Uint8Array {
  const { gunzipSync, inflateSync, inflateRawSync, brotliDecompressSync } = library();
  const unpackWith = { gzip: gunzipSync, deflate: isZlib(bytes) ? inflateSync : inflateRawSync, brotli: brotliDecompressSync }[codec];
  // `info` is not in the types of Node: https://nodejs.org/api/zlib.html#class-options
  const options = { chunkSize: Math.min(Math.max(bytes.length * 4, 16 * 1024), 8 * 1024 * 1024), info: true };
  let unpacked: Unpacked;
  try {
    unpacked = unpackWith(bytes, options) as unknown as Unpacked;
  } catch (cause) {
    throw damaged(codec, path, cause);
  }
  // Node ignores what follows the last member, though it may be a member whose first byte is broken; zeros are padding, as tapes have it.
  const rest = bytes.subarray(unpacked.engine.bytesWritten);
  if (rest.some((byte) => byte !== 0))
    throw new HeddleError(
      'ERR_DAMAGED',
      `${path} is damaged: its ${codec} data ends ${rest.length} bytes before the file does; make the file anew, or pass compression: null to read it as it is`,
    );
  return unpacked.buffer;
}

/** Unpacks the beginning of a file: asks for packed chunks until `isEnough`, or the end. */
export async function unpackStart(
  codec: Codec,
  chunks: AsyncIterable<Uint8Array>,
  isEnough: (bytes: Uint8Array) => boolean,
  path: string,
): Promise<Uint8Array> {
  const { createGunzip, createInflate, createInflateRaw, createBrotliDecompress } = library();
  const { Readable } = await import('node:stream');
  const iterator = chunks[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return new Uint8Array(0);
  const packed = async function* (): AsyncGenerator<Uint8Array> {
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  };
  const unpacker = { gzip: createGunzip, deflate: isZlib(first.value) ? createInflate : createInflateRaw, brotli: createBrotliDecompress }[
    codec
  ]();
  const source = Readable.from(packed());
  source.on('error', (error) => unpacker.destroy(error));
  source.pipe(unpacker);
  try {
    return await takeUntil(unpacker as AsyncIterable<Uint8Array>, isEnough);
  } catch (cause) {
    throw source.errored === null ? damaged(codec, path, cause) : source.errored;
  } finally {
    source.destroy();
    unpacker.destroy();
  }
}

/** Joins chunks until there are enough of them, or no more. */
export async function takeUntil(chunks: AsyncIterable<Uint8Array>, isEnough: (bytes: Uint8Array) => boolean): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let total = 0;
  let nextLook = 1;
  for await (const part of chunks) {
    parts.push(part);
    total += part.length;
    if (total < nextLook) continue;
    // Each look joins all parts, so looks are made at growing sizes.
    if (isEnough(Buffer.concat(parts))) break;
    nextLook = total * 1.5;
  }
  return Buffer.concat(parts);
}

// The zlib format begins with method 8 and a check that makes its first two bytes a multiple of 31; raw deflate that does so by chance is not made by any packer we know.
function isZlib(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 15) === 8 && (first * 256 + second) % 31 === 0;
}

function damaged(codec: Codec, path: string, cause: unknown): HeddleError {
  const code: ErrorCode | undefined =
    typeof cause === 'object' && cause !== null && 'code' in cause ? (String(cause.code) as ErrorCode) : undefined;
  if (code === 'ERR_BUFFER_TOO_LARGE')
    return new HeddleError(
      'ERR_STORAGE',
      `${path} unpacks to more bytes than one buffer can hold; unpack it outside and read it in blocks`,
      { cause },
    );
  const why = typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause);
  return new HeddleError(
    'ERR_DAMAGED',
    `${path} is damaged: as ${codec} data it cannot be unpacked (${why}); make the file anew, or pass compression: null to read it as it is`,
    { cause },
  );
}
