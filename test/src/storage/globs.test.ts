import { compileName, globMatcher, hasGlob, parseGlob } from '../../../src/storage/globs.ts';

describe('a glob', () => {
  it.each<[glob: string, matches: string[], others: string[]]>([
    ['/d/*', ['/d/a', '/d/.hidden', '/d/a.b'], ['/d/a/b', '/d', '/e/a']],
    ['/d/*.csv', ['/d/a.csv', '/d/.csv'], ['/d/a.csvx', '/d/x/a.csv']],
    ['/d/?.csv', ['/d/a.csv', '/d/é.csv'], ['/d/ab.csv', '/d/.csv']],
    ['/d/[a-c]1', ['/d/a1', '/d/c1'], ['/d/d1', '/d/-1']],
    ['/d/[!a-c]1', ['/d/d1', '/d/!1'], ['/d/a1', '/d/c1']],
    ['/d/[^a-c]1', ['/d/d1'], ['/d/a1']],
    ['/d/[]x]', ['/d/]', '/d/x'], ['/d/y']],
    ['/d/{a,b}.txt', ['/d/a.txt', '/d/b.txt'], ['/d/c.txt', '/d/{a,b}.txt']],
    ['/d/*.{md,tx{t,y}}', ['/d/a.md', '/d/a.txt', '/d/a.txy'], ['/d/a.tx']],
    ['/d/{a/b,c}/*.txt', ['/d/a/b/x.txt', '/d/c/x.txt'], ['/d/a/x.txt', '/d/b/x.txt']],
    ['/d/{a,{b/c,e}}/x', ['/d/a/x', '/d/b/c/x', '/d/e/x'], ['/d/b/x']],
    ['/d/**', ['/d/a', '/d/a/b/c'], ['/d', '/e/d/a']],
    ['/d/**/x', ['/d/x', '/d/a/x', '/d/a/b/x'], ['/d/a/x/b', '/x']],
    ['/d/**/b/**', ['/d/b/x', '/d/a/b/x', '/d/a/b/x/y'], ['/d/b', '/d/a/b', '/d/a/x']],
    ['/d/**/**/x', ['/d/x', '/d/a/b/x'], ['/d/a']],
    ['/d/*/', ['/d/a/x', '/d/a/b/x'], ['/d/a']],
    ['/d/a**b', ['/d/ab', '/d/axxb'], ['/d/a/b']],
    // Everything else means itself.
    ['/d/a(1)+!@$^|*.txt', ['/d/a(1)+!@$^|x.txt'], ['/d/a1x.txt', '/d/aa(1)x.txt']],
    ['/d/!*', ['/d/!a'], ['/d/a']],
    ['/d/+(a)*', ['/d/+(a)b'], ['/d/aab']],
    ['/d/a{b*', ['/d/a{bc'], ['/d/abc']],
    ['/d/a[b*', ['/d/a[bc'], ['/d/abc']],
    ['/d/{a}*', ['/d/{a}b'], ['/d/ab']],
    ['/d/\\**', ['/d/*a'], ['/d/a']],
    ['/d/*ü ß%20#', ['/d/xü ß%20#'], ['/d/xü']],
  ])('%s', (glob, matches, others) => {
    const isMatch = globMatcher(glob);
    for (const path of matches) expect([path, isMatch(path)]).toEqual([path, true]);
    for (const path of others) expect([path, isMatch(path)]).toEqual([path, false]);
  });

  it('knows its characters', () => {
    expect(['a*', 'a?', '[a]', '{a,b}', '**'].map(hasGlob)).toEqual([true, true, true, true, true]);
    expect(['a', 'a(b)', 'a+b', '!a', 'a}', 'a]', 'a\\b'].map(hasGlob)).toEqual([false, false, false, false, false, false, false]);
  });

  it('has a fixed prefix, so that only what is needed is walked', () => {
    expect(parseGlob('/data/2015/*/x.csv').map(({ prefix, steps }) => [prefix, steps.map(({ kind }) => kind)])).toEqual([
      ['/data/2015/', ['match', 'name']],
    ]);
    expect(parseGlob('/data/**/*.csv').map(({ prefix, steps }) => [prefix, steps.map(({ kind }) => kind)])).toEqual([
      ['/data/', ['deep', 'match']],
    ]);
    expect(parseGlob('/d/{a/b,c}').map(({ prefix }) => prefix)).toEqual(['/d/a/', '/d/']);
  });

  it('matches names that regular expressions would trip over', () => {
    expect(compileName('*.(*')('a.(b')).toBe(true);
    expect(compileName('?.\\')('a.\\')).toBe(true);
    expect(compileName('*constructor')('constructor')).toBe(true);
  });
});
