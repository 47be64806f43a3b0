/**
 * How many reads or writes of a storage that waits a worker has in hand: enough to keep the line full while one block is parsed, and few enough that what is being read takes little memory.
 *
 *     8 MiB blocks     ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭    16 at a time: 128 MiB on their way
 *     128 MiB blocks   ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭    2 at a time, each in several parts (fill.ts)
 */
import type { Storage } from './storage.ts';

const bytesOnTheirWay = 128 * 1024 * 1024;
const least = 2;
const most = 16;
/** Where the size is not known. */
const usual = 4;

/** The number for blocks of this size; 1 where the storage does not wait. */
export function overlapOf({ waits }: Storage, nbytes: number | null): number {
  if (waits !== true) return 1;
  return nbytes === null ? usual : Math.max(least, Math.min(most, Math.floor(bytesOnTheirWay / Math.max(1, nbytes))));
}
