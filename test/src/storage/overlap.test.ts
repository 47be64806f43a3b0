import { overlapOf } from '../../../src/storage/overlap.ts';
import type { Storage } from '../../../src/storage/storage.ts';

const storage: Storage = { schemes: ['x'], module: 'x', list: async function* () {}, read: async () => 0 };
const MiB = 1024 * 1024;

describe('how many reads a worker has in hand', () => {
  it('is one where the storage does not wait', () => {
    expect(overlapOf(storage, 8 * MiB)).toBe(1);
    expect(overlapOf({ ...storage, waits: false }, null)).toBe(1);
  });

  it.each([
    [0, 16],
    [1, 16],
    [8 * MiB, 16],
    [32 * MiB, 4],
    [128 * MiB, 2],
    [10_000 * MiB, 2],
    [null, 4],
  ])('is for blocks of %j bytes %i', (nbytes, count) => {
    expect(overlapOf({ ...storage, waits: true }, nbytes)).toBe(count);
  });
});
