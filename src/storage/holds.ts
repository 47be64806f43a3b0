import { openFile } from './read-block.ts';
import type { Storage, StorageCall } from './storage.ts';

/** Whether a file is there with exactly these bytes: then a write whose end was not heard of has been done. */
export async function holds(
  storage: Pick<Storage, 'list' | 'read' | 'open'>,
  path: string,
  data: Uint8Array,
  call: StorageCall,
): Promise<boolean> {
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
