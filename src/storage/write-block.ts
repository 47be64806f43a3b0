/** Writes one part, inside a worker: whole or not at all. */
import { HeddleError, isHeddleError } from '../../graph/index.ts';
import { checkBytes } from './check-bytes.ts';
import { type Codec, pack } from './compression.ts';
import { loadStorage } from './load-storage.ts';
import { openFile } from './read-block.ts';
import type { Storage, StorageCall } from './storage.ts';
import { isRetry, storageCall } from './storage-call.ts';

/** What the parts of one call have in common. */
export interface WriteTarget {
  readonly scheme: string;
  /** Where a worker finds the storage. */
  readonly module: string;
  /** The user's `storage` option. */
  readonly storage: unknown;
  readonly codec: Codec | null;
  readonly overwrite: boolean;
}

/** Which part goes where. */
export interface WriteRequest {
  readonly target: WriteTarget;
  readonly path: string;
  /** Its place among the parts. */
  readonly part: number;
}

/** Writes bytes; the number of bytes in the file. */
export async function writeBlock({ target, path, part }: WriteRequest, bytes: unknown): Promise<number> {
  checkBytes(bytes, part, path);
  const storage = await loadStorage(target.module, target.scheme);
  if (storage.write === undefined)
    throw new HeddleError(
      'ERR_UNSUPPORTED',
      `cannot write ${path}: the storage of "${target.scheme}:" only reads; write to another scheme`,
    );
  const data = target.codec === null ? bytes : pack(target.codec, bytes);
  const call = storageCall(storage, target.storage);
  try {
    return await storage.write(path, data, { ...call, overwrite: target.overwrite });
  } catch (error) {
    // An attempt that died after its work was done has left the whole part: then there is nothing to do again.
    if (isHeddleError(error, 'ERR_EXISTS') && isRetry() && (await holds(storage, path, data, call))) return data.byteLength;
    throw error;
  }
}

async function holds(storage: Storage, path: string, data: Uint8Array, call: StorageCall): Promise<boolean> {
  for await (const file of storage.list(path, call)) {
    if (file.path !== path || file.size !== data.byteLength) continue;
    const opened = await openFile(storage, file, call);
    try {
      const chunk = new Uint8Array(Math.min(data.byteLength, 1024 * 1024));
      for (let done = 0; done < data.byteLength; ) {
        const nbytes = await opened.read(done, chunk.subarray(0, data.byteLength - done));
        if (nbytes === 0 || Buffer.compare(chunk.subarray(0, nbytes), data.subarray(done, done + nbytes)) !== 0) return false;
        done += nbytes;
      }
      await opened.verify();
      return true;
    } finally {
      await opened.close();
    }
  }
  return false;
}
