import { partPaths } from '../../../src/storage/part-paths.ts';

describe('partPaths', () => {
  it('numbers the parts in a directory', () => {
    expect(partPaths('/out/', 3)).toEqual(['/out/0', '/out/1', '/out/2']);
    expect(partPaths('/out/', 1)).toEqual(['/out/0']);
  });

  it('puts the number at the star', () => {
    expect(partPaths('/out/file.*.dat', 2)).toEqual(['/out/file.0.dat', '/out/file.1.dat']);
    expect(partPaths('/out-*/x', 2)).toEqual(['/out-0/x', '/out-1/x']);
  });

  it('pads numbers to the width of n - 1, so that names sort as parts do', () => {
    for (const n of [1, 9, 10, 11, 100, 101, 1001]) {
      const paths = partPaths('/out/', n);
      expect([...paths].sort()).toEqual(paths);
      expect(new Set(paths.map((path) => path.length)).size).toBe(1);
      expect(paths[0]).toBe(`/out/${'0'.repeat(String(n - 1).length)}`);
    }
  });

  it('takes no parts at all', () => {
    expect(partPaths('/out/', 0)).toEqual([]);
    expect(partPaths('/out/*', 0)).toEqual([]);
    expect(partPaths('/out', 0)).toEqual([]);
  });

  it('takes a plain path for the file of one part and the directory of several', () => {
    expect(partPaths('/out', 1)).toEqual(['/out']);
    expect(partPaths('/out', 2)).toEqual(['/out/0', '/out/1']);
  });

  it('refuses two stars', () => {
    expect(() => partPaths('/*/*.dat', 2)).toThrow(
      expect.objectContaining({ name: 'RangeError', code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining('more than one "*"') }),
    );
  });
});
