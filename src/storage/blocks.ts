/**
 * Where a file is cut. Bytes are spread evenly, so that no small rest is left over: 133 bytes at blockSize 45 give two blocks, cut at 66, not three of 45, 45 and 43.
 *
 *     133 bytes, blockSize 45   →   133 / 2 = 66.5 a block   →   [0, 66) [66, 133)
 *
 * The arithmetic is that of `read_bytes` in Dask (dask/bytes/core.py), fractions and all, so that both cut a file at the same places.
 */
import type { BlockHosts } from './storage.ts';

/** Bytes from `start` up to, not with, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Offsets at which a file's blocks begin; none for an empty file. */
export function blockOffsets(size: number, blockSize: number): number[] {
  if (size === 0) return [];
  const bytesPerBlock = size % blockSize !== 0 && size > blockSize ? size / Math.floor(size / blockSize) : blockSize;
  const offsets = [0];
  for (let place = 0; size - place > bytesPerBlock * 2 - 1; ) {
    place += bytesPerBlock;
    offsets.push(Math.trunc(place));
  }
  return offsets;
}

/** The blocks of a file; `null` makes it one. */
export function cutFile(size: number, blockSize: number | null): ByteRange[] {
  return rangesOf(blockSize === null ? (size === 0 ? [] : [0]) : blockOffsets(size, blockSize), size);
}

/** The blocks in which the storage itself keeps the file. `undefined` when what it says does not cover the file. */
export function cutWhereStored(size: number, stored: readonly BlockHosts[]): ByteRange[] | undefined {
  const sorted = [...stored].sort((a, b) => a.offset - b.offset);
  let reached = 0;
  for (const { offset, length } of sorted) {
    if (offset !== reached || length <= 0) return undefined;
    reached += length;
  }
  return reached === size
    ? rangesOf(
        sorted.map(({ offset }) => offset),
        size,
      )
    : undefined;
}

/** Hosts that hold a block, those with most of its bytes first; hosts with less than half of what the best has are left out. */
export function hostsOf({ start, end }: ByteRange, stored: readonly BlockHosts[] | undefined): readonly string[] | undefined {
  if (stored === undefined) return undefined;
  const bytesByHost = new Map<string, number>();
  for (const { offset, length, hosts } of stored) {
    const shared = Math.min(end, offset + length) - Math.max(start, offset);
    if (shared > 0) for (const host of new Set(hosts)) bytesByHost.set(host, (bytesByHost.get(host) ?? 0) + shared);
  }
  const most = Math.max(0, ...bytesByHost.values());
  const best = [...bytesByHost].filter(([, bytes]) => bytes * 2 >= most).sort(([a, more], [b, less]) => less - more || (a < b ? -1 : 1));
  return best.length === 0 ? undefined : best.map(([host]) => host);
}

function rangesOf(offsets: readonly number[], size: number): ByteRange[] {
  return offsets.map((start, i) => ({ start, end: offsets[i + 1] ?? size }));
}
