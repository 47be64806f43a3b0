// Section 2 of the contract, "Keys": what a key looks like, what it covers, and what it never covers.
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Executor, lazy, tokenize, tokenizeSymbol, value } from 'heddle';
import { failure, fixture, packageFolder, report, temporaryFolder, thrown } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
const hex = /^[0-9a-f]{32}$/;

/** The part of a key before the hash. */
const nameOf = (key: string): string => key.replace(/-[0-9a-f]{32}$/, '');

describe('the name in a key', () => {
  it("is the function's own name and 32 lower-case hex digits", () => {
    function countWords(text: string) {
      return text.length;
    }
    expect(lazy(countWords)('a').key).toMatch(/^countWords-[0-9a-f]{32}$/);
  });

  it('is lambda for a function without a name', () => {
    expect(
      nameOf(
        lazy(
          (
            () => (x: number) =>
              x
          )(),
        )(1).key,
      ),
    ).toBe('lambda');
  });

  it('drops bound, get, set and #', () => {
    function scale(this: void, x: number) {
      return x;
    }
    expect(nameOf(lazy(scale.bind(undefined))(1).key)).toBe('scale');
    const getter = Object.getOwnPropertyDescriptor(
      {
        get width() {
          return 1;
        },
      },
      'width',
    )?.get as () => number;
    expect(getter.name).toBe('get width');
    expect(nameOf(lazy(getter)().key)).toBe('width');
    const setter = Object.getOwnPropertyDescriptor(
      {
        set width(_: number) {
          // nothing to keep
        },
      },
      'width',
    )?.set as (x: number) => void;
    expect(nameOf(lazy(setter)(1).key)).toBe('width');
    const hidden = Object.defineProperty((x: number) => x, 'name', { value: '#secret' });
    expect(nameOf(lazy(hidden)(1).key)).toBe('secret');
  });

  it('has _ for what is no letter, digit, _ or point, and is cut at 100 characters', () => {
    expect(nameOf(lazy((x: number) => x, { name: 'a b-c/d.e_f$' })(1).key)).toBe('a_b_c_d.e_f_');
    expect(nameOf(lazy((x: number) => x, { name: 'n'.repeat(250) })(1).key)).toBe('n'.repeat(100));
    const odd = Object.defineProperty((x: number) => x, 'name', { value: '<script>' });
    expect(nameOf(lazy(odd)(1).key)).toBe('_script_');
  });

  it('is the type for value()', () => {
    class Point {
      x = 1;
    }
    expect(nameOf(value(1).key)).toBe('number');
    expect(nameOf(value([1]).key)).toBe('array');
    expect(nameOf(value(new Point()).key)).toBe('Point');
  });

  it('is the whole key, taken verbatim, when key is given', () => {
    expect(lazy((x: number) => x, { key: 'any text: <&> -1' })(1).key).toBe('any text: <&> -1');
  });
});

describe('what a key covers', () => {
  it('counts the arguments, and a Value by its key', () => {
    const same = lazy((x: number) => x);
    expect(same(1).key).toBe(same(1).key);
    expect(same(1).key).not.toBe(same(2).key);
    expect(same(value(1)).key).toBe(same(value(1)).key);
    expect(same(value(1, { key: 'k' })).key).toBe(same(value(2, { key: 'k' })).key);
    expect(same(same(1)).key).not.toBe(same(same(2)).key);
  });

  it('changes with the source of the function', () => {
    const key = (fn: (x: number) => number) => lazy(fn, { name: 'f' })(1).key;
    expect(key((x) => x + 1)).toBe(key((x) => x + 1));
    expect(key((x) => x + 1)).not.toBe(key((x) => x + 2));
  });

  it('changes with what the function captures, however deep', () => {
    const make = (captured: number) => {
      const inner = () => captured;
      const outer = () => inner();
      return lazy((x: number) => x + outer(), { name: 'f' });
    };
    expect(make(1)(1).key).toBe(make(1)(1).key);
    expect(make(1)(1).key).not.toBe(make(2)(1).key);
    const withMap = (entries: [string, number][]) => {
      const table = new Map(entries);
      return lazy((word: string) => table.get(word) ?? 0, { name: 'f' })('a').key;
    };
    expect(withMap([['a', 1]])).toBe(withMap([['a', 1]]));
    expect(withMap([['a', 1]])).not.toBe(withMap([['a', 2]]));
  });

  it('changes with a bound argument', () => {
    const base = (a: number, b: number) => a + b;
    expect(lazy(base.bind(undefined, 1))(1).key).not.toBe(lazy(base.bind(undefined, 2))(1).key);
  });

  it('refuses two different tasks under one key that the user gave', async () => {
    const executor = new Executor({ workers: 1 });
    const pinned = lazy((x: number) => x, { key: 'pinned' });
    try {
      const error = await failure(() => executor.gather(executor.compute([pinned(1), pinned(2)])));
      expect(error.code).toBe('ERR_KEY_CONFLICT');
      expect(error.message).toContain('pinned');
      const held = executor.compute(lazy((x: number) => x, { key: 'held' })(1));
      expect(await held).toBe(1);
      expect((await failure(async () => await executor.compute(lazy((x: number) => x, { key: 'held' })(2)))).code).toBe('ERR_KEY_CONFLICT');
      expect(await executor.compute(lazy((x: number) => x, { key: 'held' })(1))).toBe(1);
    } finally {
      await executor.close();
    }
  });
});

describe('tokenize', () => {
  it('gives 32 lower-case hex digits', () => {
    expect(tokenize()).toMatch(hex);
    expect(tokenize(1, 'a', { b: [2] })).toMatch(hex);
  });

  it('does not regard the insertion order of plain objects and Sets', () => {
    expect(tokenize({ a: 1, b: 2 })).toBe(tokenize({ b: 2, a: 1 }));
    expect(tokenize({ deep: { a: 1, b: [2] } })).toBe(tokenize({ deep: { b: [2], a: 1 } }));
    expect(tokenize(new Set([1, 'x', 2n]))).toBe(tokenize(new Set([2n, 1, 'x'])));
    expect(tokenize(new Set([{ a: 1 }, { b: 2 }]))).toBe(tokenize(new Set([{ b: 2 }, { a: 1 }])));
  });

  it('regards the insertion order of Maps and of arrays', () => {
    const ab: [string, number][] = [
      ['a', 1],
      ['b', 2],
    ];
    expect(tokenize(new Map(ab))).toBe(tokenize(new Map(ab)));
    expect(tokenize(new Map(ab))).not.toBe(tokenize(new Map([...ab].reverse())));
    expect(tokenize([1, 2])).not.toBe(tokenize([2, 1]));
  });

  it('holds NaN equal to itself and -0 different from 0', () => {
    expect(tokenize(Number.NaN)).toBe(tokenize(Number.NaN));
    expect(tokenize(-0)).not.toBe(tokenize(0));
  });

  it('tells apart what is different', () => {
    const date = new Date(0);
    const different: unknown[] = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      undefined,
      'null',
      'undefined',
      Number.NaN,
      'NaN',
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0,
      -0,
      '',
      [],
      {},
      new Map(),
      new Set(),
      [1],
      ['1'],
      [[1]],
      [1, undefined],
      [undefined, 1],
      { a: 1 },
      { a: undefined },
      { a: '1' },
      { 1: 'a' },
      new Map([['a', 1]]),
      new Map([[1, 'a']]),
      new Set([1]),
      new Set(['1']),
      date,
      0.5,
      new Date(1),
      date.toISOString(),
      /a/,
      /a/g,
      /b/,
      '/a/',
      new URL('http://host/a'),
      new URL('http://host/b'),
      'http://host/a',
      new Uint8Array([1, 2]),
      new Uint8Array([1, 3]),
      new Int8Array([1, 2]),
      new Uint8ClampedArray([1, 2]),
      new Uint16Array([513]),
      new Float32Array([1]),
      new Float64Array([1]),
      new BigInt64Array([1n]),
      new Uint8Array([1, 2]).buffer,
      'a,b',
      ['a', 'b'],
      ['a,b'],
      '\u{1F600}',
      '\ud83d',
      '\ude00',
    ];
    const seen = new Map<string, unknown>();
    for (const data of different) {
      const token = tokenize(data);
      expect(token).toMatch(hex);
      if (seen.has(token)) throw new Error(`two different things have one token: ${String(seen.get(token))} and ${String(data)}`);
      seen.set(token, data);
    }
    expect(seen.size).toBe(different.length);
  });

  it('tells apart how arguments are grouped', () => {
    const groups = [
      tokenize('ab'),
      tokenize('a', 'b'),
      tokenize(['a', 'b']),
      tokenize(['a'], 'b'),
      tokenize(['a'], ['b']),
      tokenize('ab', undefined),
    ];
    expect(new Set(groups).size).toBe(groups.length);
  });

  it('hashes what is equal equally', () => {
    const pairs: [unknown, unknown][] = [
      [new Date(5), new Date(5)],
      [/a/gi, /a/gi],
      [new URL('http://host/a?b#c'), new URL('http://host/a?b#c')],
      [12345678901234567890n, 12345678901234567890n],
      [new Uint8Array([1, 2, 3]), new Uint8Array([0, 1, 2, 3]).subarray(1)],
      [new Float64Array([Number.NaN, -0]), new Float64Array([Number.NaN, -0])],
      [{ a: { b: [undefined, null] } }, { a: { b: [undefined, null] } }],
    ];
    for (const [left, right] of pairs) expect(tokenize(left)).toBe(tokenize(right));
  });

  it('hashes cyclic data', () => {
    const ring = (size: number) => {
      const first: { n: number; next?: unknown } = { n: 0 };
      let last = first;
      for (let n = 1; n < size; n++) {
        const next = { n };
        last.next = next;
        last = next;
      }
      last.next = first;
      return first;
    };
    expect(tokenize(ring(3))).toBe(tokenize(ring(3)));
    expect(tokenize(ring(3))).not.toBe(tokenize(ring(4)));
    const self: Map<string, unknown> = new Map();
    self.set('self', self);
    expect(tokenize(self)).toMatch(hex);
  });

  it('hashes a list of 100,000 links', () => {
    const list = (last: string) => {
      let head: unknown = last;
      for (let i = 0; i < 100_000; i++) head = { next: head };
      return head;
    };
    expect(tokenize(list('a'))).toBe(tokenize(list('a')));
    expect(tokenize(list('a'))).not.toBe(tokenize(list('b')));
  });

  it('hashes keys called __proto__ and constructor as any other', () => {
    const parse = (text: string): unknown => JSON.parse(text);
    expect(tokenize(parse('{"__proto__": 1}'))).not.toBe(tokenize({}));
    expect(tokenize(parse('{"__proto__": 1}'))).not.toBe(tokenize(parse('{"__proto__": 2}')));
    expect(tokenize({ constructor: 1 })).not.toBe(tokenize({ constructor: 2 }));
  });

  it('hashes an instance by its class, base classes and own fields', () => {
    const make = (factor: number) => {
      class Base {
        x = 1;
        scaled() {
          return this.x * factor;
        }
      }
      class Point extends Base {
        y: number;
        constructor(y: number) {
          super();
          this.y = y;
        }
      }
      return { Point, Base };
    };
    const { Point, Base } = make(2);
    expect(tokenize(new Point(1))).toBe(tokenize(new Point(1)));
    expect(tokenize(new Point(1))).not.toBe(tokenize(new Point(2)));
    expect(tokenize(new Point(1))).not.toBe(tokenize({ x: 1, y: 1 }));
    expect(tokenize(new Base())).not.toBe(tokenize({ x: 1 }));
    expect(tokenize(new Point(1))).not.toBe(tokenize(new (make(3).Point)(1)));
  });

  it('hashes an instance by what its heddle.tokenize method returns', () => {
    expect(tokenizeSymbol).toBe(Symbol.for('heddle.tokenize'));
    class Connection {
      #open = Math.random();
      id: number;
      constructor(id: number) {
        this.id = id;
      }
      get open() {
        return this.#open > 0;
      }
      [tokenizeSymbol]() {
        return [this.id];
      }
    }
    expect(tokenize(new Connection(1))).toBe(tokenize(new Connection(1)));
    expect(tokenize(new Connection(1))).not.toBe(tokenize(new Connection(2)));
  });

  it('refuses what cannot be hashed for sure, with the path', () => {
    class Hidden {
      #secret = 1;
      get() {
        return this.#secret;
      }
    }
    for (const conn of [Promise.resolve(1), new WeakMap(), new WeakSet(), new Hidden()]) {
      const error = thrown(() => tokenize({ db: { conn } }));
      expect(error.name).toBe('UntokenizableError');
      expect(error.code).toBe('ERR_UNTOKENIZABLE');
      expect(error.path).toBe('args[0].db.conn');
      expect(error.message).toContain('args[0].db.conn');
    }
  });

  it('refuses an open socket', async () => {
    const { createServer } = await import('node:net');
    const server = createServer();
    try {
      expect(thrown(() => tokenize(1, [server])).path).toBe('args[1][0]');
    } finally {
      server.close();
    }
  });

  it('refuses an argument of a lazy call in the same words', () => {
    const use = lazy((x: { db: { conn: unknown } }) => x);
    const error = thrown(() => use({ db: { conn: new WeakMap() } }).key);
    expect(error.code).toBe('ERR_UNTOKENIZABLE');
    expect(error.path).toBe('args[0].db.conn');
  });

  it('is not asked for with pure: false', () => {
    const use = lazy((x: WeakMap<object, number>) => x instanceof WeakMap, { pure: false });
    expect(use(new WeakMap()).key).toMatch(hexKey);
  });
});

const hexKey = /^[A-Za-z0-9_.]+-[0-9a-f]{32}$/;

describe('keys of other processes', () => {
  type Keys = Readonly<Record<string, string>>;

  /** A folder in which a copy of the fixtures finds the package. */
  const elsewhere = (name: string): string => {
    const place = join(folder, name);
    mkdirSync(join(place, 'node_modules'), { recursive: true });
    symlinkSync(packageFolder, join(place, 'node_modules', 'heddle'), 'dir');
    for (const file of ['keys.mjs', 'keys-local.mjs']) cpSync(fixture(file), join(place, file));
    return place;
  };

  it('are equal in two processes', async () => {
    const [first, second] = await Promise.all([report<Keys>([fixture('keys.mjs')]), report<Keys>([fixture('keys.mjs')])]);
    expect(Object.keys(first).length).toBeGreaterThan(10);
    for (const key of Object.values(first)) expect(key).toMatch(/^([A-Za-z0-9_.]{1,100}-)?[0-9a-f]{32}$/);
    expect(new Set(Object.values(first)).size).toBe(Object.keys(first).length);
    expect(second).toEqual(first);
  });

  it('do not depend on the folder of the process, its environment or its time zone', async () => {
    const first = await report<Keys>([fixture('keys.mjs')]);
    expect(
      await report<Keys>([fixture('keys.mjs')], { cwd: folder, env: { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', ANYTHING: 'else' } }),
    ).toEqual(first);
  });

  it('do not depend on where the code lies', async () => {
    const first = await report<Keys>([fixture('keys.mjs')]);
    expect(await report<Keys>([join(elsewhere('copy'), 'keys.mjs')])).toEqual(first);
  });

  it('change when a local import changes', async () => {
    const place = elsewhere('changed');
    const before = await report<Keys>([join(place, 'keys.mjs')]);
    writeFileSync(join(place, 'keys-local.mjs'), 'export const factor = 11;\nexport function scale(x) {\n  return x * factor;\n}\n');
    const after = await report<Keys>([join(place, 'keys.mjs')]);
    expect(after.usesImport).not.toBe(before.usesImport);
    expect(after.imported).not.toBe(before.imported);
    expect(after.inline).toBe(before.inline);
  });

  it('are equal to those made here of the same data', async () => {
    const keys = await report<Keys>([fixture('keys.mjs')]);
    expect(keys.data).toBe(tokenize(1, 'two', { three: [3n, null, undefined] }, new Map([['four', new Set([4])]])));
    expect(keys.value).toBe(value([1, 2, 3]).key);
  });
});
