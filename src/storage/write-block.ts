/** Writes one part, inside a worker: whole or not at all. */
import { HeddleError, isHeddleError } from '../../graph/index.ts';
import { checkBytes } from './check-bytes.ts';
import { type Codec, pack } from './compression.ts';
import { holds } from './holds.ts';
import { loadStorage } from './load-storage.ts';
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
