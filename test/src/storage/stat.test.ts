import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { stat, statListed, statRest } from '../../../src/storage/stat.ts';
import { removeDirectory, temporaryDirectory } from '../../fixtures/storage/temporary.ts';

describe('looking at many files', () => {
  let root: string;
  let paths: string[];
  beforeEach(() => {
    root = temporaryDirectory();
    paths = Array.from({ length: 200 }, (_, i) => `${root}${i}`);
    for (const [i, path] of paths.entries()) {
      if (i % 10 === 0) continue;
      if (i % 10 === 1) mkdirSync(path);
      else if (i % 10 === 2) symlinkSync(path, path);
      else writeFileSync(path, 'x'.repeat(i));
    }
  });
  afterEach(() => removeDirectory(root));

  // Both ways must agree: which is taken depends on how fast the disk is.
  const ways: [string, (paths: readonly string[], signal?: AbortSignal) => ReturnType<typeof statListed>][] = [
    ['at once', statListed],
    [
      'through the pool',
      async (all, signal) => {
        const found = new Array(all.length);
        await statRest(all, 0, found, signal);
        return found;
      },
    ],
  ];

  it.each(ways)('gives sizes in order, and nothing for what is not there or leads to itself (%s)', async (_, look) => {
    const found = await look(paths);
    expect(found).toHaveLength(200);
    for (const [i, stats] of found.entries()) {
      if (i % 10 === 0 || i % 10 === 2) expect(stats).toBeUndefined();
      else if (i % 10 === 1) expect(stats!.isDirectory()).toBe(true);
      else expect(stats!.size).toBe(BigInt(i));
    }
    expect(await look([])).toEqual([]);
  });

  it.each(ways)('fails on what is wrong (%s)', async (_, look) => {
    await expect(look([...paths, root + 'x'.repeat(300)])).rejects.toMatchObject({ code: 'ERR_STORAGE', cause: { code: 'ENAMETOOLONG' } });
  });

  it.each(ways)('ends with its signal (%s)', async (_, look) => {
    const reason = new Error('enough');
    await expect(look(paths, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('refuses a link to itself that is asked for by name', async () => {
    await expect(stat(paths[2]!)).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('links go round') });
    expect(await stat(paths[0]!)).toBeUndefined();
  });
});
