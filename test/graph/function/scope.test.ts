import { needs, parseAlone, parseScript, siteAt } from '../../../graph/function/parse.ts';

/** The free names of a function's text. */
function free(text: string): string[] {
  const { unit, offset } = parseAlone(text, true);
  return [...needs(siteAt(unit, offset)!, []).free.keys()].sort();
}

/** What comes from outside of a function that begins at `§` in a script. */
function inScript(script: string, isModule = true) {
  const start = script.indexOf('§');
  const unit = parseScript(script.replace('§', ''), isModule);
  return needs(siteAt(unit, start)!, []);
}

describe('free names', () => {
  it.each<[string, string, string]>([
    ['parameters are not', '(a, { b, c: [d = e, ...f] }, ...g) => [a, b, c, d, e, f, g]', 'c,e'],
    ['locals are not, wherever they stand', '() => { use(v, l, f, C); { var v; } let l; function f() {} class C {} }', 'use'],
    ['a block keeps its own', '() => { { let a; const b = 1; } return [a, b] }', 'a,b'],
    [
      'loops keep their own',
      '() => { for (let i = 0, n = m; i < n; i++) j(i); for (const k of k2) k; for (var v in o) v; return [i, k, v] }',
      'i,j,k,k2,m,o',
    ],
    ['catch keeps its own', '() => { try {} catch ({ message: m }) { m } try {} catch { e } }', 'e'],
    ['switch keeps its own', '(x) => { switch (x) { case y: let z; z } z }', 'y,z'],
    ['labels, keys and members are not', '(o) => { here: while (o.a) break here; return { b: o.c, d() {}, [e]: 1 } }', 'e'],
    ['shorthand is', '() => ({ a })', 'a'],
    ['assigned names are', '() => { a = 1; [b, c.d, ...e] = f; ({ g, h: i = j } = k); l++; m += 1 }', 'a,b,c,e,f,g,i,j,k,l,m'],
    ['the own name of an expression is not', '(function f() { return f })', ''],
    [
      'a class is its own name inside',
      '(class A extends B { static a = A; [c] = d; #p = e; m() { return super.x + A.#p } static { f(this) } })',
      'B,c,d,e,f',
    ],
    ['arguments is not', 'function f() { return () => arguments }', ''],
    ['defaults see other parameters', '(a, b = a, c = () => d) => c', 'd'],
    ['templates and tags are read', '() => t`${a}` + `${b}`', 'a,b,t'],
    ['import() and import.meta name nothing', "() => [import('x'), import.meta]", ''],
    ['new, yield, await and chains are read', 'async function* f() { yield* new A(await b?.c[d]) }', 'A,b,d'],
    ['typeof is read', '() => typeof maybe', 'maybe'],
  ])('%s', (_rule, text, names) => {
    expect(free(text.startsWith('(function') || text.startsWith('(class') ? text.slice(1, -1) : text).join()).toBe(names);
  });

  it('may be functions in blocks, which are variables of the whole function where code is not strict', () => {
    const script = 'x = §function f() { { function g() {} } return g }';
    expect([...inScript(script, false).free.keys()]).toEqual([]);
    expect([...inScript(script, true).free.keys()]).toEqual(['g']);
  });

  it('belong to the nearest declaration', () => {
    const { free: found } = inScript('let a = 1; { const a = 2; { const f = §() => a; } }');
    expect(found.get('a')?.binding?.kind).toBe('const');
  });

  it('know whether anything assigns them after their declaration', () => {
    const assigned = (script: string) => inScript(script).free.get('a')?.binding?.assigned;
    expect(assigned('let a = 1; f(§() => a)')).toBe(false);
    expect(assigned('let a = 1; f(§() => a); a = 2')).toBe(true);
    expect(assigned('let a; f(§() => a); function g() { a ??= 2 }')).toBe(true);
    expect(assigned('let a; f(§() => a); [{ b: a }] = []')).toBe(true);
    expect(assigned('let a = 1; f(§() => a); for (a of []) {}')).toBe(true);
    expect(assigned('for (let a = 0; a < 1; a++) f(§() => a)')).toBe(false); // each round has its own
    expect(assigned('for (let a = 0; a < 1; a++) { f(§() => a); a += 2 }')).toBe(true);
    expect(assigned('for (var a = 0; a < 1; a++) f(§() => a)')).toBe(true);
    expect(assigned('for (const a of []) f(§() => a)')).toBe(false);
    expect(assigned('let a = 1; f(§() => a); { let a; a = 2 }')).toBe(false);
    expect(assigned('let a = 1; f(§() => a); eval("a = 2")')).toBe(true);
    expect(assigned('function a() {} f(§() => a)')).toBe(false);
  });

  it('know where imports come from and as what a module exports them', () => {
    const unit = parseScript(
      "import d, { n as m, 'odd name' as o } from 'x'; import * as ns from 'y'; export function f() {} const g = 1; export { g as h, g as default }; export const { k } = d;",
      true,
    );
    const binding = (name: string) => unit.table.top.bindings.get(name);
    expect(binding('d')?.from).toEqual({ specifier: 'x', imported: 'default' });
    expect(binding('m')?.from).toEqual({ specifier: 'x', imported: 'n' });
    expect(binding('o')?.from).toEqual({ specifier: 'x', imported: 'odd name' });
    expect(binding('ns')?.from).toEqual({ specifier: 'y', imported: '*' });
    expect(binding('f')?.exportedAs).toEqual(['f']);
    expect(binding('g')?.exportedAs).toEqual(['h', 'default']);
  });
});

describe('marks', () => {
  const kinds = (script: string) => inScript(script).marks.map(({ kind }) => kind);
  it.each<[string, string, string[]]>([
    ["an arrow's this is of the code around it", 'function f() { return §() => this }', ['this']],
    ["a function's this is its own", 'x = §function () { return () => this }', []],
    ["a method's super is of its object", 'x = { §m() { return super.m() } }', ['super']],
    ["a class's super is its own", 'x = §class extends A { m() { return () => super.m() } a = super.b; static { super.c } }', []],
    ["an object's super is its own", 'x = §() => ({ m() { return super.m() } })', []],
    ['eval is a mark', 'x = §() => eval("1")', ['eval']],
    ['new.target in an arrow', 'function f() { return §() => new.target }', ['new.target']],
    ['a field arrow uses this', 'class A { a = §() => this.b }', ['this']],
    ['#private of a class around it', 'class A { #a; static m(o) { return §() => o.#a } }', ['#private']],
    ['#private of its own class', 'x = §class { #a; has(o) { return #a in o } }', []],
    ['import.meta is a mark', 'x = §() => import.meta.url', ['import.meta']],
  ])('%s', (_rule, script, marks) => {
    expect(kinds(script)).toEqual(marks);
  });
});
