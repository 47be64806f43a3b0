import fc from 'fast-check';
import { blockOffsets, cutFile, cutWhereStored, hostsOf } from '../../../src/storage/blocks.ts';

describe('blockOffsets', () => {
  it.each([
    [5, 26],
    [15, 8],
    [45, 2],
    [1500, 1],
    [133, 1],
    [1, 133],
  ])('cuts 133 bytes at blockSize %i into %i blocks', (blockSize, count) => {
    expect(blockOffsets(133, blockSize)).toHaveLength(count);
  });

  it('spreads spare bytes instead of leaving a small rest', () => {
    expect(blockOffsets(133, 45)).toEqual([0, 66]);
    expect(blockOffsets(100, 33)).toEqual([0, 33, 66]);
    expect(blockOffsets(10, 4)).toEqual([0, 5]);
    expect(blockOffsets(8, 4)).toEqual([0, 4]);
    expect(blockOffsets(9, 4)).toEqual([0, 4]);
  });

  it('gives no blocks for an empty file, however it is cut', () => {
    expect(cutFile(0, 10)).toEqual([]);
    expect(cutFile(0, null)).toEqual([]);
  });

  it('gives one block for blockSize null', () => {
    expect(cutFile(133, null)).toEqual([{ start: 0, end: 133 }]);
  });

  it('covers the file without gaps, in blocks that differ by one byte when the size is no multiple', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 100_000 }), (size, blockSize) => {
        fc.pre(size / blockSize < 5000);
        const cuts = cutFile(size, blockSize);
        expect(cuts[0]!.start).toBe(0);
        expect(cuts.at(-1)!.end).toBe(size);
        for (const [i, cut] of cuts.entries()) if (i > 0) expect(cut.start).toBe(cuts[i - 1]!.end);
        const lengths = cuts.map(({ start, end }) => end - start);
        expect(cuts).toHaveLength(Math.max(1, Math.floor(size / blockSize)));
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('cuts a file of terabytes where doubles still count every byte', () => {
    const cuts = cutFile(5e12 + 1, 128 * 1024 * 1024);
    expect(cuts).toHaveLength(Math.floor((5e12 + 1) / (128 * 1024 * 1024)));
    expect(cuts.at(-1)!.end).toBe(5e12 + 1);
    expect(cuts.every(({ start, end }) => Number.isSafeInteger(start) && end > start)).toBe(true);
  });
});

describe('blocks where the storage keeps them', () => {
  const stored = [
    { offset: 0, length: 100, hosts: ['a', 'b', 'c'] },
    { offset: 100, length: 100, hosts: ['b', 'c', 'd'] },
    { offset: 200, length: 50, hosts: ['d'] },
  ];

  it('are the blocks of the file', () => {
    expect(cutWhereStored(250, [...stored].reverse())).toEqual([
      { start: 0, end: 100 },
      { start: 100, end: 200 },
      { start: 200, end: 250 },
    ]);
  });

  it('do not count when they leave gaps, overlap, or do not reach the end', () => {
    expect(cutWhereStored(250, stored.slice(1))).toBeUndefined();
    expect(cutWhereStored(251, stored)).toBeUndefined();
    expect(cutWhereStored(250, [...stored, stored[1]!])).toBeUndefined();
  });

  it('name hosts by how many of the bytes they hold', () => {
    expect(hostsOf({ start: 0, end: 100 }, stored)).toEqual(['a', 'b', 'c']);
    expect(hostsOf({ start: 50, end: 160 }, stored)).toEqual(['b', 'c', 'd']);
    expect(hostsOf({ start: 90, end: 200 }, stored)).toEqual(['b', 'c', 'd']);
    expect(hostsOf({ start: 210, end: 220 }, stored)).toEqual(['d']);
    expect(hostsOf({ start: 0, end: 10 }, undefined)).toBeUndefined();
    expect(hostsOf({ start: 300, end: 310 }, stored)).toBeUndefined();
  });
});
