import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { tokenizer } from 'acorn';
import fc from 'fast-check';
import { siteDigest } from '../../../graph/function/canonical.ts';
import { addEntry } from '../../../graph/function/entry.ts';
import { moduleIdentity, reachesEntry, specifiersOf } from '../../../graph/function/module-identity.ts';
import { parseAlone } from '../../../graph/function/parse.ts';
import { functionParts } from '../../../graph/function/parts.ts';
import { resolve } from '../../../graph/function/resolve.ts';
import { tokenize } from '../../../graph/token.ts';

const folder = mkdtempSync(join(tmpdir(), 'heddle-identity-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Writes files below a new folder; its path. */
function tree(files: Readonly<Record<string, string>>): string {
  const place = mkdtempSync(join(folder, 'tree-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), text);
  }
  return place;
}

function digest(text: string): string {
  const { unit, offset } = parseAlone(text, true);
  return siteDigest(unit.functions.get(offset)!);
}

/** What acorn's token types say, beyond its own types. */
type TokenKind = { readonly label: string; readonly binop: number | null; readonly isAssign: boolean; readonly prefix: boolean };

describe('the digest of a text', () => {
  it.each([
    ['spaces and brackets', 'x=>x+1', '( x ) =>\n  (x + 1)'],
    ['comments', '(x) => x /* y */ + 1 // z', '(x) => x + 1'],
    ['quotes and templates', '() => [\'a\', "b", `c`]', '() => ["a", `b`, "c"]'],
    ['keys in quotes', "() => ({ 'a': 1, b: 2 })", '() => ({ a: 1, "b": 2 })'],
    ['members in quotes', "(o) => o['a']", '(o) => o.a'],
    ['shorthand', '(a) => ({ a })', '(a) => ({ a: a })'],
    ['numbers', '() => [1000, 0xff]', '() => [1_000, 255]'],
    ['semicolons', '() => { return 1 }', '() => { ; return 1; }'],
    ['directives', "function f() { 'use strict'; return 1 }", 'function f() { return 1 }'],
    [
      "esbuild's names",
      'function f() { const g = __name(() => 1, "g"); __name(h, "h"); function h() {} return g }',
      'function f() { const g = () => 1; function h() {} return g }',
    ],
    ["esbuild's names in classes", 'class A { static { __name(this, "A"); } a = 1 }', 'class A { a = 1 }'],
    ['escapes', '() => "\\u0061"', "() => 'a'"],
  ])('is the same with other %s', (_what, a, b) => {
    expect(digest(a)).toBe(digest(b));
  });

  it.each([
    ['an operator', 'x => x + 1', 'x => x - 1'],
    ['a constant', 'x => x + 1', 'x => x + 2'],
    ['its type', 'x => x + 1', "x => x + '1'"],
    ['a bigint', '() => 1', '() => 1n'],
    ['zero', '() => 0', '() => -0'],
    ['async', '() => 1', 'async () => 1'],
    ['a generator', 'function f() { return 1 }', 'function* f() { return 1 }'],
    ['a statement', '() => { f(1); }', '() => { f(2); }'],
    ['an assignment', '(o) => { o.a = 1; }', '(o) => { o.a += 1; }'],
    ['what is awaited', 'async (a, b) => { await a; }', 'async (a, b) => { await b; }'],
    ['a static block', 'class A { static { f() } }', 'class A { static { g() } }'],
    ['an arrow', 'function f() {}', 'f => {}'],
    ['a default', '(a) => a', '(a = 1) => a'],
    ['rest', '(a) => a', '(...a) => a'],
    ['a regex', '() => /a/', '() => /a/g'],
    ['let for const', '() => { let a = 1 }', '() => { const a = 1 }'],
    ['optional chaining', 'o => o.a', 'o => o?.a'],
    ['order', '(a, b) => a', '(b, a) => a'],
    ['prefix', '(a) => ++a', '(a) => a++'],
    ['static', 'class A { static m() {} }', 'class A { m() {} }'],
    ['a getter', 'class A { get m() { return 1 } }', 'class A { m() { return 1 } }'],
    ['#private', 'class A { #a = 1; m() { return this.#a } }', 'class A { a = 1; m() { return this.a } }'],
    ['computed', '() => ({ [a]: 1 })', '() => ({ a: 1 })'],
    ['computed members', '(o, a) => o[a]', '(o, a) => o.a'],
    ['a hole', '() => [1, , 2]', '() => [1, 2]'],
    ['a tag', '() => f`a`', "() => f('a')"],
    ['raw text of a tag', '() => f`\\n`', '() => f`\n`'],
    ['__proto__', '(__proto__) => ({ __proto__ })', '(__proto__) => ({ __proto__: __proto__ })'],
    ['an empty statement', 'x => { if (x); y() }', 'x => { if (x) y() }'],
    ['delegation', 'function* f() { yield [] }', 'function* f() { yield* [] }'],
    ['else', '(a, b) => { if (a) { if (b) f() } else g() }', '(a, b) => { if (a) { if (b) f(); else g() } }'],
  ])('differs by %s', (_what, a, b) => {
    expect(digest(a)).not.toBe(digest(b));
  });

  it('hangs on every name, number, text and operator of a text', () => {
    const text = `class A extends mix(B, 1) { static n = f(2); static { g(this.n); } #p = 'q'; get [k]() { return this.#p; } static async *m({ a, b: [c = 3, ...d] }, ...e) {
      label: for (const x of a.b?.c ?? []) { if (x in d && !(x instanceof E)) continue label; else if (typeof x === 'str') break label; }
      for (let i = 0, j; i < 10; i++, j--) { try { await w(i ** j); yield* h\`t\${i}u\`; throw new Err(i); } catch ({ message }) { o.p ||= message; } finally { delete o[r]; } }
      switch (a) { case 4: case 'z': { var v = y ? z : -5n; } default: do { u(v); } while (v > 6); }
      [s, { t: t.u }] = [(l, { m = 7 }) => l + m, function named() { return new.target; }, /re/g, import.meta, await import('mod'), void vv, null, true];
      return { a, ...b, 'key': 8, [ck]: 9, method() {}, get acc() { return 1; }, set acc(value) {} }; } }`;
    const whole = digest(text);
    const tokens = [...tokenizer(text, { ecmaVersion: 'latest' })] as unknown as { type: TokenKind; start: number; end: number }[];
    let changed = 0;
    for (const { type, start, end } of tokens) {
      const old = text.slice(start, end);
      const others =
        type.label === 'name' || type.label === 'privateId'
          ? [`${old}Z`]
          : type.label === 'num'
            ? [old.replace(/\d/, (digit) => String((Number(digit) + 1) % 10))]
            : type.label === 'string'
              ? [`'${old.slice(1, -1)}Z'`]
              : type.label === 'template'
                ? [`${old}Z`]
                : type.binop !== null || type.isAssign || type.prefix
                  ? ['+', '-', '=', '+=', '++', '--', '!', '~', '<', '&&', '||', '??', '===']
                  : [];
      for (const other of others) {
        if (other === old) continue;
        let now: string;
        try {
          now = digest(`${text.slice(0, start)} ${other} ${text.slice(end)}`);
        } catch {
          continue; // no longer a program
        }
        changed++;
        expect([start, old, other, now !== whole]).toEqual([start, old, other, true]);
      }
    }
    expect(changed).toBeGreaterThan(150);
  });

  it('is always the same: these hold for every version of Node', () => {
    expect(digest('x => x + 1')).toBe('8a3871abd74c38b59dcdb11679723a68');
    expect(digest('class A extends B { static n = 1; #a = `x${1}`; async *m([a, ...b] = [], { c: d }) { yield* this.#a } }')).toBe(
      '739f63b91fa96ffa8b5fcd3fc3665308',
    );
  });

  it('tells any two numbers and texts apart', () => {
    const literal = fc.oneof(fc.double({ noNaN: true, min: 0 }).filter(Number.isFinite), fc.string());
    fc.assert(
      fc.property(literal, literal, (a, b) => {
        expect(digest(`() => ${JSON.stringify(a)}`) === digest(`() => ${JSON.stringify(b)}`)).toBe(Object.is(a, b));
      }),
    );
  });
});

describe('what a function is', () => {
  it('hangs on the values it captures, deep', () => {
    const make = (k: number) => {
      const inner = (x: number) => x * k;
      return (x: number) => inner(x) + 1;
    };
    expect(tokenize(make(1))).toBe(tokenize(make(1)));
    expect(tokenize(make(1))).not.toBe(tokenize(make(2)));
  });

  it('sees a variable that has changed', () => {
    let k = 1;
    const fn = () => k;
    const before = tokenize(fn);
    k = 2;
    expect(tokenize(fn)).not.toBe(before);
    k = 1;
    expect(tokenize(fn)).toBe(before);
  });

  it('gives captured variables by name, statics, privates and the base class', () => {
    const b = 2;
    const a = 1;
    const fn = Object.assign(() => a + b, { extra: 3 });
    const { children } = functionParts(fn, 'fn');
    expect(children).toEqual([
      ['a', 1],
      ['b', 2],
      ['.extra', 3],
    ]);
    class Base {}
    class Derived extends Base {
      static n = 4;
      static #secret = 5;
      static read(): number {
        return Derived.#secret;
      }
    }
    expect(functionParts(Derived as never, 'Derived').children).toEqual([
      ['(extends)', Base],
      ['#secret', 5],
      ['.n', 4],
    ]);
  });

  it('names builtins, bound functions and imports', () => {
    expect(functionParts(Math.max, 'fn')).toEqual({ head: 'builtin Math.max', children: [] });
    expect(functionParts(readFileSync, 'fn').head).toBe('builtin node:fs.readFileSync');
    const self = {};
    const target = (x: number) => x;
    expect(functionParts(target.bind(self, 1), 'fn')).toEqual({
      head: 'bound 1',
      children: [
        ['target', target],
        ['this', self],
        ['argument 0', 1],
      ],
    });
    expect(functionParts(() => join('a'), 'fn').head).toMatch(/join = import node:path join/);
  });

  it('changes with old-style prototypes', () => {
    const make = (value: number) => {
      const Old = function (this: object) {
        void this;
      } as unknown as { prototype: { n?: number }; new (): object };
      Old.prototype.n = value;
      return () => new Old();
    };
    expect(tokenize(make(1))).toBe(tokenize(make(1)));
    expect(tokenize(make(1))).not.toBe(tokenize(make(2)));
  });
});

describe('what a module is', () => {
  const identity = (specifier: string, parent: string) => moduleIdentity(resolve(specifier, parent));
  const files = {
    'main.mjs': '',
    'lib/a.mjs': "export { b } from './b.mjs';",
    'lib/b.mjs': "import 'pack';\nimport './c.js';\nexport const b = 1;",
    'lib/c.ts': 'export const c: number = 1;',
    'node_modules/pack/package.json': '{"name":"pack","version":"1.2.3","exports":{".":{"import":"./esm.mjs"},"./sub/*":"./deep/*.js"}}',
    'node_modules/pack/esm.mjs': '',
    'node_modules/pack/deep/x.js': '',
  };

  it('is the same wherever it lies', () => {
    expect(identity('./lib/a.mjs', join(tree(files), 'main.mjs'))).toBe(identity('./lib/a.mjs', join(tree(files), 'main.mjs')));
  });

  it.each([
    ['its own text', { 'lib/a.mjs': "export { b } from './b.mjs'; // x" }],
    ['a file it imports', { 'lib/b.mjs': "import 'pack';\nimport './c.js';\nexport const b = 2;" }],
    ['a TypeScript file further on', { 'lib/c.ts': 'export const c: number = 2;' }],
    ["a package's version", { 'node_modules/pack/package.json': '{"name":"pack","version":"1.2.4","exports":"./esm.mjs"}' }],
  ])('changes with %s', (_what, change) => {
    const before = identity('./lib/a.mjs', join(tree(files), 'main.mjs'));
    expect(identity('./lib/a.mjs', join(tree({ ...files, ...change }), 'main.mjs'))).not.toBe(before);
  });

  it('does not change with the text of a package, nor with line ends', () => {
    const before = identity('./lib/a.mjs', join(tree(files), 'main.mjs'));
    const change = { 'node_modules/pack/esm.mjs': 'changed', 'lib/b.mjs': files['lib/b.mjs'].replaceAll('\n', '\r\n') };
    expect(identity('./lib/a.mjs', join(tree({ ...files, ...change }), 'main.mjs'))).toBe(before);
  });

  it('sees a file that changes while the program runs', async () => {
    const place = tree(files);
    const before = identity('./lib/a.mjs', join(place, 'main.mjs'));
    writeFileSync(join(place, 'lib/b.mjs'), 'export const b = 22;');
    await new Promise((done) => setImmediate(() => setImmediate(done)));
    expect(identity('./lib/a.mjs', join(place, 'main.mjs'))).not.toBe(before);
  });

  it('is a name for packages and builtins', () => {
    const parent = join(tree(files), 'main.mjs');
    expect(identity('pack', parent)).toBe('package:pack@1.2.3');
    expect(identity('pack/sub/x', parent)).toBe('package:pack@1.2.3/sub/x');
    expect(identity('fs', parent)).toBe('node:fs');
    expect(identity('node:fs/promises', parent)).toBe('node:fs/promises');
    expect(identity('nowhere', parent)).toBeUndefined();
    expect(resolve('./nowhere.mjs', parent)).toEqual({ kind: 'unknown', specifier: './nowhere.mjs' });
  });

  it('may import in circles', () => {
    const place = tree({ 'a.mjs': "import './b.mjs'", 'b.mjs': "import './a.mjs'" });
    expect(identity('./a.mjs', join(place, 'x.mjs'))).toMatch(/^file:[0-9a-f]{32}$/);
  });

  it('is known to lead back to the entry script', () => {
    const place = tree({ 'entry.mjs': '', 'a.mjs': "import './b.mjs'", 'b.mjs': "export * from './entry.mjs'", 'c.mjs': '' });
    addEntry(join(place, 'entry.mjs'));
    const reaches = (name: string) => reachesEntry(resolve(name, join(place, 'x.mjs')));
    expect([reaches('./a.mjs'), reaches('./entry.mjs'), reaches('./c.mjs'), reaches('node:fs')]).toEqual([true, true, false, false]);
  });

  it('imports in every way there is', () => {
    const text = `import a from './a.js'; import"./b.js"; export * from './c.js';\nimport {\n x\n} from\n'./d.js'; const e = require("./e.js"); await import('./f.js'); new URL('./g.js', import.meta.url); import type { H } from './h.js'`;
    expect(specifiersOf(text)).toEqual(['./a.js', './b.js', './c.js', './d.js', './e.js', './f.js', './g.js', './h.js']);
  });
});

describe('functions of a TypeScript program', () => {
  const source = join(root, 'test/fixtures/functions/identity/program.ts');
  const tokenizer = pathToFileURL(join(root, 'dist/graph/index.js')).href;
  const tokens = (...args: string[]): unknown => {
    const { stdout, stderr } = spawnSync(process.execPath, [...args, tokenizer], {
      cwd: root,
      encoding: 'utf8',
      timeout: 25_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    if (!stdout.startsWith('{')) throw new Error(stderr);
    return JSON.parse(stdout);
  };

  it('have the same tokens under tsx, after tsc and after swc', () => {
    const underTsx = tokens('--import', 'tsx', source);
    const place = tree({ 'package.json': '{"type":"module"}' });
    const { code } = transformSync(readFileSync(source, 'utf8'), {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
      configFile: false,
      swcrc: false,
    });
    writeFileSync(join(place, 'swc.js'), code);
    const flags = [
      '--ignoreConfig',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--skipLibCheck',
      '--rootDir',
      dirname(source),
      '--outDir',
      place,
    ];
    spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, source], { cwd: root, timeout: 25_000 });
    expect(tokens(join(place, 'program.js'))).toEqual(underTsx);
    expect(tokens(join(place, 'swc.js'))).toEqual(underTsx);
    expect(new Set(Object.values(underTsx as object)).size).toBe(9);
  });
});
