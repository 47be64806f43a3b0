import { rangeError } from '../../graph/index.ts';

/**
 * Where n parts go: `dir/` → `dir/0`, `dir/1`, …; `file.*.dat` → the number at the star; any other path is the file of a single part and the directory of several, as in Dask.
 * Numbers are padded with zeros to the width of n - 1, so that names sort as parts do.
 */
export function partPaths(path: string, n: number): string[] {
  const star = path.indexOf('*');
  if (star !== path.lastIndexOf('*'))
    throw rangeError('ERR_INVALID_ARGUMENT', `${path} has more than one "*"; the part's number goes to one place`);
  if (star < 0 && n === 1 && !path.endsWith('/')) return [path];
  const before = star < 0 ? (path.endsWith('/') ? path : `${path}/`) : path.slice(0, star);
  const after = star < 0 ? '' : path.slice(star + 1);
  const width = String(Math.max(0, n - 1)).length;
  return Array.from({ length: n }, (_, i) => before + String(i).padStart(width, '0') + after);
}
