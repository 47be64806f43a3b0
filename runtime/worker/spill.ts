import { closeSync, fstatSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'node:util';
import { Deserializer, Serializer } from 'node:v8';
import { isOwnShared, ownShared } from './context.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import { expandoOf } from './extras.ts';
import { builtinName, Kind, kindOf } from './kinds.ts';

/** A result in a file. What is in the file is said here: nobody else reads it. */
export interface Spilled {
  readonly path: string;
  readonly bytes: number;
  /** `undefined`: the encoded value. Otherwise a buffer as it is, and the view on it that the result is. */
  readonly view: View | undefined;
}

interface View {
  readonly type: string;
  readonly isShared: boolean;
  readonly offset: number;
  readonly length: number;
}

/** Results of one worker in files of their own, in a folder that is made with the first. Bytes lie there raw, other values as the loss-less encoder gives them. */
export class SpillFiles {
  readonly #folder: string;
  #next = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a value whole, or leaves nothing behind. `undefined`: it cannot be made again from bytes, so it stays in memory. Throws what the file system says. */
  write(value: unknown): Spilled | undefined {
    const raw = rawOf(value);
    const bytes = raw?.bytes ?? encoded(value);
    if (bytes === undefined) return undefined;
    const path = join(this.#folder, String(this.#next++));
    try {
      writeWhole(path, bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 }); // the first one, or somebody tidied up
      writeWhole(path, bytes);
    }
    return { path, bytes: bytes.byteLength, view: raw?.view };
  }

  /** The value again. Throws when the file is gone or cut. */
  read({ path, bytes, view }: Spilled): unknown {
    const buffer = view?.isShared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
    readWhole(path, new Uint8Array(buffer));
    if (view === undefined) {
      const deserializer = new Deserializer(new Uint8Array(buffer));
      deserializer.readHeader();
      const [rich, value] = deserializer.readValue() as [boolean, unknown];
      return decode({ rich, value });
    }
    if (view.isShared) ownShared(buffer as SharedArrayBuffer);
    if (view.type === 'ArrayBuffer') return buffer;
    if (view.type === 'Buffer') return Buffer.from(buffer as ArrayBuffer, view.offset, view.length);
    const View = Reflect.get(globalThis, view.type) as new (buffer: ArrayBufferLike, offset: number, length: number) => unknown;
    return new View(buffer, view.offset, view.length);
  }

  remove({ path }: Spilled): void {
    try {
      rmSync(path, { force: true });
    } catch {
      // it goes with its folder
    }
  }
}

/** Bytes as they are: of a view its whole buffer, or its own part where that is less than half of it, or where it lies in a pool. */
function rawOf(value: unknown): { readonly bytes: Uint8Array; readonly view: View } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const kind = kindOf(value);
  if (kind === Kind.arrayBuffer) {
    if (Reflect.ownKeys(value).length > 0) return undefined;
    const { byteLength } = value as ArrayBuffer;
    return {
      bytes: new Uint8Array(value as ArrayBuffer),
      view: { type: 'ArrayBuffer', isShared: false, offset: 0, length: byteLength },
    };
  }
  const isShared = kind === Kind.leaf && ArrayBuffer.isView(value) && types.isSharedArrayBuffer(value.buffer) && isOwnShared(value.buffer);
  if ((kind !== Kind.view && kind !== Kind.nodeBuffer && !isShared) || expandoOf(value as Uint8Array) !== undefined) return undefined;
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  const isPart = kind === Kind.nodeBuffer || byteLength * 2 < buffer.byteLength;
  return {
    bytes: isPart ? new Uint8Array(buffer, byteOffset, byteLength) : new Uint8Array(buffer),
    view: {
      type: kind === Kind.nodeBuffer ? 'Buffer' : builtinName(Object.getPrototypeOf(value)),
      isShared,
      offset: isPart ? 0 : byteOffset,
      length: types.isDataView(value) ? byteLength : (value as Uint8Array).length,
    },
  };
}

/** A value as the encoder gives it; `undefined` for what it refuses, and for what shares memory with others. */
function encoded(value: unknown): Uint8Array | undefined {
  try {
    const { rich, value: plain } = encode(value, 'result');
    const serializer = new Serializer();
    serializer.writeHeader();
    serializer.writeValue([rich, plain]);
    return serializer.releaseBuffer();
  } catch {
    return undefined;
  }
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'wx', 0o600);
  let isWhole = false;
  try {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(file, bytes, at, Math.min(bytes.byteLength - at, 2 ** 30));
    isWhole = true;
  } finally {
    closeSync(file);
    if (!isWhole) rmSync(path, { force: true });
  }
}

function readWhole(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'r');
  try {
    if (fstatSync(file).size !== bytes.byteLength) throw new Error(`${path} is not what was written`);
    for (let at = 0; at < bytes.byteLength; ) {
      const read = readSync(file, bytes, at, Math.min(bytes.byteLength - at, 2 ** 30), at);
      if (read === 0) throw new Error(`${path} was cut`);
      at += read;
    }
  } finally {
    closeSync(file);
  }
}
