/**
 * Reads one block, inside a worker: finds its borders, reads it into memory of its own, and makes sure that the file was the one that was listed, before and after.
 * Synchronous from end to end where the storage is (local files); a promise elsewhere.
 */
import { HeddleError, SourceChangedError } from '../../graph/index.ts';
import { allocateBytes } from '../../runtime/index.ts';
import { type BlockArguments, type BlockRequest, unpackSource } from './block-request.ts';
import { unpack } from './compression.ts';
import { indexOf, readCut } from './delimiter.ts';
import { loadStorage } from './load-storage.ts';
import { type MaybeAsync, settle } from './maybe-async.ts';
import type { OpenFile, Storage, StorageCall, StoredFile } from './storage.ts';
import { storageCall } from './storage-call.ts';

/** `readBlock` as tasks call it. */
export function readBlockTask(
  ...[source, path, size, identity, codec, start, end, storage]: BlockArguments
): Uint8Array | Promise<Uint8Array> {
  return readBlock({ source: { ...unpackSource(source), storage }, file: { path, size, identity }, codec, start, end });
}

/** The bytes of a block, in memory of their own. */
export function readBlock(request: BlockRequest): Uint8Array | Promise<Uint8Array> {
  return settle(reading(request));
}

function* reading(request: BlockRequest): MaybeAsync<Uint8Array> {
  const { source, file } = request;
  const storage = (yield loadStorage(source.module, source.scheme)) as Storage;
  const opened = (yield openFile(storage, file, storageCall(storage, source.storage))) as OpenFile;
  try {
    const bytes = yield* contentOf(opened, request);
    yield opened.verify();
    return request.codec === null && request.end !== null ? bytes : wholeFile(bytes, request);
  } finally {
    yield opened.close();
  }
}

/** Opens a file; a storage without `open` verifies in each of its reads. */
export function openFile(storage: Pick<Storage, 'open' | 'read'>, file: StoredFile, call: StorageCall): OpenFile | Promise<OpenFile> {
  if (storage.open !== undefined) return storage.open(file, call);
  return { read: (offset, into) => storage.read(file, offset, into, call), verify: () => {}, close: () => {} };
}

/** The block's bytes; of a packed file, and of one whose size only reading tells, all of its bytes as they are. */
function* contentOf(opened: OpenFile, { source, file, codec, start, end }: BlockRequest): MaybeAsync<Uint8Array> {
  if (end === null || file.size === null) return yield* readToEnd(opened, file.path);
  const { delimiter, notZero } = source;
  const cut = { size: file.size, start, end, delimiter: codec === null ? delimiter : null, notZero };
  const steps = readCut(cut, (length) => allocate(length, file.path, codec === null));
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    const { offset, into } = step.value;
    for (let done = 0; done < into.length; ) {
      const nbytes = (yield opened.read(offset + done, done === 0 ? into : into.subarray(done))) as number;
      if (nbytes === 0) throw new SourceChangedError(file.path, `it had ${file.size} bytes, now it ends at byte ${offset + done}`);
      done += checkedCount(nbytes, into.length - done, file.path);
    }
  }
}

const firstChunk = 64 * 1024;
const largestChunk = 16 * 1024 * 1024;

function* readToEnd(opened: OpenFile, path: string): MaybeAsync<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (let size = firstChunk; ; size = Math.min(size * 2, largestChunk)) {
    const chunk = new Uint8Array(size);
    const nbytes = (yield opened.read(total, chunk)) as number;
    if (nbytes === 0) return Buffer.concat(chunks, total);
    chunks.push(chunk.subarray(0, checkedCount(nbytes, size, path)));
    total += nbytes;
  }
}

function checkedCount(nbytes: unknown, wanted: number, path: string): number {
  if (typeof nbytes === 'number' && Number.isInteger(nbytes) && nbytes > 0 && nbytes <= wanted) return nbytes;
  throw new HeddleError(
    'ERR_STORAGE',
    `the storage of ${path} says that it read ${String(nbytes)} of ${wanted} bytes; its read() must give the number of bytes it read`,
  );
}

/** Unpacks, drops the header, and moves to memory of its own what shares it. */
function wholeFile(bytes: Uint8Array, { source: { delimiter, notZero }, file, codec }: BlockRequest): Uint8Array {
  const content = codec === null ? bytes : unpack(codec, bytes, file.path);
  const header = notZero && delimiter !== null ? indexOf(content, delimiter) : -1;
  const first = notZero && delimiter !== null ? (header < 0 ? content.length : header + delimiter.length) : 0;
  if (first === 0 && content.byteOffset === 0 && content.byteLength === content.buffer.byteLength) return new Uint8Array(content.buffer);
  const own = allocate(content.length - first, file.path, true);
  own.set(content.subarray(first));
  return own;
}

function allocate(length: number, path: string, forUser: boolean): Uint8Array {
  try {
    return forUser ? allocateBytes(length) : Buffer.allocUnsafeSlow(length);
  } catch (cause) {
    throw new HeddleError(
      'ERR_STORAGE',
      `a block of ${path} has ${length} bytes, for which there is no memory; make blocks smaller with blockSize`,
      { cause },
    );
  }
}
