import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { createContext, runInContext, runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { UntokenizableError } from '../../graph/errors.ts';
import { lazy, value } from '../../graph/lazy.ts';
import { tokenize, tokenizeSymbol } from '../../graph/token.ts';

const same = (a: unknown, b: unknown): void => expect(tokenize(a)).toBe(tokenize(b));
const different = (...all: readonly unknown[]): void => expect(new Set(all.map((one) => tokenize(one))).size).toBe(all.length);
const refusal = (make: () => unknown): UntokenizableError => {
  try {
    tokenize(make());
  } catch (error) {
    expect(error).toBeInstanceOf(UntokenizableError);
    return error as UntokenizableError;
  }
  throw new Error('nothing was refused');
};

const withHoles = (length: number, items: Record<number, unknown>): unknown[] => Object.assign(new Array<unknown>(length), items);

describe('tokenize', () => {
  it('gives 32 lower-case hex digits', () => {
    expect(tokenize()).toMatch(/^[0-9a-f]{32}$/);
    expect(tokenize(1, 'a', [null])).toMatch(/^[0-9a-f]{32}$/);
  });

  it('tells primitives apart by type and value', () => {
    different(
      0,
      -0,
      1,
      '1',
      1n,
      true,
      'true',
      false,
      null,
      undefined,
      'null',
      'undefined',
      '',
      Number.NaN,
      'NaN',
      Number.POSITIVE_INFINITY,
      [],
      {},
      [1],
      ['1'],
      [undefined],
      [null],
      1.5,
      '0',
      '-0',
    );
    same(Number.NaN, Number.NaN);
    same(0.1 + 0.2, 0.30000000000000004);
  });

  it('tells the number of arguments from the length of an array', () => {
    expect(new Set([tokenize(), tokenize([]), tokenize(1, 2), tokenize([1, 2]), tokenize([1], 2), tokenize(undefined)]).size).toBe(6);
  });

  it('cannot be misled by text that looks like structure', () => {
    different(['a', 'b'], ['a,"1:b'], ['a"', 'b'], 'a,b', ['a', 'b,'], { a: 'b' }, '{"1:a:"1:b)', ['"1:a'], [[], []], [[[]]], '[[),[))');
    const long = 'x'.repeat(200);
    different([long], [`${long}x`], [[long]], [tokenize(long)], [`#${tokenize(long)}`]);
  });

  it('keeps lone surrogates apart', () => {
    different('\ud800', '\ud801', '\udc00', '\ufffd', '\\ud800', '"\\ud800"', '\ud800a', 'a\ud800', '\ud83d\ude00');
    different({ '\ud800': 1 }, { '\ud801': 1 }, { '\ufffd': 1 });
  });

  it('takes plain objects and Sets without regard to order, arrays and Maps with it', () => {
    same({ a: 1, b: [2] }, { b: [2], a: 1 });
    same(new Set([1, 'x', [2]]), new Set([[2], 1, 'x']));
    same({ deep: { x: new Set(['a', 'b']), y: 1 } }, { deep: { y: 1, x: new Set(['b', 'a']) } });
    different([1, 2], [2, 1]);
    different(
      new Map([
        [1, 2],
        [3, 4],
      ]),
      new Map([
        [3, 4],
        [1, 2],
      ]),
    );
    different({ a: 1 }, new Map([['a', 1]]), [['a', 1]], new Set([['a', 1]]));
  });

  it('counts equal items of a Set', () => {
    different(new Set([[1], [1]]), new Set([[1]]), new Set([[1], [1], [1]]));
  });

  it('tells holes, undefined and further properties of arrays', () => {
    different(withHoles(3, { 0: 1, 2: 3 }), [1, undefined, 3], [1, 3], withHoles(4, { 0: 1, 3: 3 }), withHoles(4, { 0: 1, 2: 3 }));
    different([1], Object.assign([1], { extra: 1 }), Object.assign([1], { extra: 2 }), [1, { extra: 1 }]);
    const sparse: number[] = [];
    sparse[4_000_000_000] = 1;
    const other: number[] = [];
    other[4_000_000_000] = 2;
    different(sparse, other);
    same('a1b2'.match(/\d/), 'a1b2'.match(/\d/));
    different('a1b2'.match(/\d/), 'a1b3'.match(/\d/));
  });

  it('tells null prototypes, symbol keys, accessors and hidden properties', () => {
    const bare = Object.assign(Object.create(null), { a: 1 });
    const hidden = Object.defineProperty({}, 'a', { value: 1 });
    different(
      { a: 1 },
      bare,
      hidden,
      { [Symbol.for('a')]: 1 },
      {
        get a() {
          return 1;
        },
      },
    );
    same({ [Symbol.for('a')]: 1, b: 2 }, { b: 2, [Symbol.for('a')]: 1 });
    same(JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":1}'));
    different(JSON.parse('{"__proto__":{"a":1}}'), {}, JSON.parse('{"__proto__":{"a":2}}'));
  });

  it('hashes bytes by type and content', () => {
    const bytes = new Uint8Array([1, 2, 3, 4]);
    same(bytes, new Uint8Array([9, 1, 2, 3, 4]).subarray(1));
    same(
      bytes,
      new Uint8Array(new SharedArrayBuffer(4)).map((_, i) => i + 1),
    );
    different(
      bytes,
      new Int8Array([1, 2, 3, 4]),
      new Uint8ClampedArray([1, 2, 3, 4]),
      new Uint8Array([1, 2, 3, 5]),
      Buffer.from(bytes),
      bytes.buffer,
      new DataView(bytes.buffer),
      new Uint16Array([1, 2, 3, 4]),
      [1, 2, 3, 4],
    );
    different(new ArrayBuffer(4), new SharedArrayBuffer(4), new ArrayBuffer(5));
    different(new Float64Array([0]), new Float64Array([-0]));
    different(new BigInt64Array([1n]), new BigUint64Array([1n]));
  });

  it('hashes dates, regexes, URLs, symbols and boxed primitives', () => {
    same(new Date(5), new Date(5));
    different(new Date(5), new Date(6), 5, new Date(Number.NaN));
    different(/a/g, /a/i, /b/g, 'a', /a/);
    const used = /a/g;
    used.test('aa');
    same(used, /a/g);
    same(new URL('http://x/y'), new URL('http://x/y'));
    different(new URL('http://x/y'), new URL('http://x/z'), 'http://x/y');
    different(new URLSearchParams('a=1&b=2'), new URLSearchParams('b=2&a=1'), new URLSearchParams('a=1'), new URLSearchParams(''));
    different(Symbol.for('a'), Symbol.for('b'), Symbol.iterator, Symbol('a'), 'a');
    different(
      Object(1),
      Object(2),
      1,
      Object('1'),
      Object(1n),
      Object(-0),
      Object(0),
      Object(true),
      Object(Symbol.for('1')),
      Object('\ud800'),
      Object('\udbff'),
    );
  });

  it('hashes errors by class, message, cause and fields, never by stack', () => {
    const make = (): Error => Object.assign(new TypeError('no', { cause: new Error('why') }), { code: 'E' });
    const elsewhere = (): Error => make();
    same(make(), elsewhere());
    different(
      make(),
      new TypeError('no'),
      new Error('no'),
      new TypeError('no', { cause: new Error('else') }),
      Object.assign(new TypeError('no'), { code: 'E' }),
      new AggregateError([1], 'no'),
      new AggregateError([2], 'no'),
    );
    different(new DOMException('a', 'AbortError'), new DOMException('b', 'AbortError'), new DOMException('a', 'TimeoutError'));
  });

  it('hashes cyclic data, whatever the way in', () => {
    const ring = (...labels: readonly unknown[]): { label: unknown; next?: unknown } => {
      const nodes = labels.map((label): { label: unknown; next?: unknown } => ({ label }));
      for (const [i, node] of nodes.entries()) node.next = nodes[(i + 1) % nodes.length];
      return nodes[0]!;
    };
    same(ring(1, 2, 3), ring(1, 2, 3));
    different(ring(1, 2, 3), ring(2, 3, 1), ring(1, 3, 2), ring(1, 2), ring(1, 2, 3, 4), ring(1, 2, 3, 1));
    const self: unknown[] = [];
    self.push(self);
    const other: unknown[] = [];
    other.push(other);
    same(self, other);
    different(self, [], [[]], [self, 1]);
    const map = new Map<string, unknown>();
    map.set('me', map);
    const map2 = new Map<string, unknown>();
    map2.set('me', map2);
    same(map, map2);
  });

  it('hashes cycles through Sets without regard to the order of the walk', () => {
    const make = (order: readonly number[]): Set<unknown> => {
      const root = new Set<unknown>();
      const nodes = [0, 1, 2].map((n) => ({ n, root, friends: new Set<unknown>() }));
      for (const i of order) root.add(nodes[i]);
      for (const i of order) nodes[i]!.friends.add(nodes[(i + 1) % 3]).add(nodes[i]);
      return root;
    };
    same(make([0, 1, 2]), make([2, 0, 1]));
    same(make([0, 1, 2]), make([1, 2, 0]));
    const changed = make([0, 1, 2]);
    ([...changed][1] as { friends: Set<unknown> }).friends.delete([...changed][1]);
    different(make([0, 1, 2]), changed);
    const objects = (flip: boolean): object => {
      const a: Record<string, unknown> = { name: 'a' };
      const b: Record<string, unknown> = { name: 'b' };
      a.other = b;
      b.other = a;
      return flip ? { y: b, x: a } : { x: a, y: b };
    };
    same(objects(false), objects(true));
  });

  it('sees a change far inside a cycle', () => {
    const chain = (n: number, odd: number): object => {
      const nodes = Array.from({ length: n }, (_, i): Record<string, unknown> => ({ v: i === odd ? 'odd' : 'even' }));
      for (let i = 0; i < n; i++) Object.assign(nodes[i]!, { next: nodes[i + 1] ?? null, back: nodes[i - 1] ?? null });
      return nodes[0]!;
    };
    same(chain(50, 30), chain(50, 30));
    different(chain(50, 30), chain(50, 31), chain(50, -1), chain(51, 30), chain(49, 30));
  });

  it('takes what is shared as what is repeated, and is done with it at once', () => {
    const part = [1, { a: 2 }];
    same(
      [part, part],
      [
        [1, { a: 2 }],
        [1, { a: 2 }],
      ],
    );
    let deep: unknown = ['x'];
    for (let i = 0; i < 200; i++) deep = [deep, deep]; // 2^200 leaves if it were walked as a tree
    let again: unknown = ['x'];
    for (let i = 0; i < 200; i++) again = [again, again];
    same(deep, again);
    different(deep, [deep]);
  });

  it('does not recurse', () => {
    let deep: unknown = 0;
    for (let i = 0; i < 200_000; i++) deep = i % 2 === 0 ? [deep] : { deep };
    expect(tokenize(deep)).toMatch(/^[0-9a-f]{32}$/);
  });

  it('takes data of another realm as our own', () => {
    const data = '({ a: [1, new Map([[1, 2]]), new Set([1]), new Date(5), /x/g, new Uint8Array([1]), new Error("e"), Object(1)] })';
    const other: unknown = runInContext(data, createContext({}));
    same(other, runInThisContext(data));
  });

  it('hashes an instance by its class and own fields', () => {
    class Point {
      x: number;
      y: number;
      constructor(x: number, y: number) {
        this.x = x;
        this.y = y;
      }
    }
    class Dot {
      x: number;
      y: number;
      constructor(x: number, y: number) {
        this.x = x;
        this.y = y;
      }
    }
    class Point3 extends Point {}
    same(new Point(1, 2), new Point(1, 2));
    different(new Point(1, 2), new Point(1, 3), { x: 1, y: 2 }, new Dot(1, 2), new Point3(1, 2), Point);
    class Table extends Map<string, number> {
      unit = 'm';
    }
    const table = (unit: string, n: number): Table => Object.assign(new Table([['a', n]]), { unit });
    same(table('m', 1), table('m', 1));
    different(table('m', 1), table('k', 1), table('m', 2), new Map([['a', 1]]));
    class List extends Array<number> {}
    different(List.from([1, 2]), [1, 2], List.from([1]));
    class Late extends Date {}
    different(new Late(1), new Date(1), new Late(2));
    class Broken extends RangeError {}
    different(new Broken('a'), new RangeError('a'), new Broken('b'));
    class Bytes extends Uint8Array {}
    different(new Bytes([1]), new Uint8Array([1]), new Bytes([2]));
    class Source extends EventEmitter {
      id = 1;
    }
    expect(tokenize(new Source())).toMatch(/^[0-9a-f]{32}$/);
    same(Object.create({ greet: 1 }), Object.create({ greet: 1 }));
    different(Object.create({ greet: 1 }), Object.create({ greet: 2 }), {});
  });

  it('follows a change of the class or of its base', () => {
    const make = (unit: string): object => {
      class Base {
        unit(): string {
          return unit;
        }
      }
      class Sub extends Base {
        n = 1;
      }
      return new Sub();
    };
    same(make('m'), make('m'));
    different(make('m'), make('km'));
  });

  it('asks the method a class has for it', () => {
    class Db {
      readonly #secret: number;
      readonly url: string;
      constructor(url: string, secret: number) {
        this.url = url;
        this.#secret = secret;
      }
      [tokenizeSymbol](): unknown {
        return [this.url, this.#secret > 0];
      }
    }
    same(new Db('a', 1), new Db('a', 2));
    different(new Db('a', 1), new Db('b', 1), ['a', true]);
    same({ [tokenizeSymbol]: () => 1, x: 1 }, { [tokenizeSymbol]: () => 1, x: 2 });
  });

  it('hashes functions by what they are and capture', () => {
    const adder =
      (n: number) =>
      (x: number): number =>
        x + n;
    same(adder(1), adder(1));
    different(adder(1), adder(2), (x: number) => x, Math.max, Math.min, parseInt, 'Math.max');
    const even = (n: number): boolean => n === 0 || odd(n - 1);
    const odd = (n: number): boolean => n !== 0 && even(n - 1);
    different(even, odd);
    different(lazy(adder(1)), adder(1), lazy(adder(1), { pure: false }), lazy(adder(2)));
  });

  it('counts a Value by its key', () => {
    const a = value(1);
    same({ v: a }, { v: value(1) });
    different(
      { v: a },
      { v: value(2) },
      { v: 1 },
      { v: a.key },
      { v: value(1, { key: 'mine' }) },
      { v: value(1, { key: 'other' }) },
      { v: value(1, { name: 'one' }) },
    );
  });

  it('refuses what it cannot know, with the path to it', () => {
    const db = (conn: unknown): object => ({ db: { conn } });
    const socket = new Socket();
    expect(refusal(() => db(socket))).toMatchObject({ code: 'ERR_UNTOKENIZABLE', path: 'args[0].db.conn' });
    expect(refusal(() => db(socket)).message).toMatch(/args\[0\]\.db\.conn is an? .*Socket/);
    socket.destroy();
    class Secret {
      #key = 1;
      read(): number {
        return this.#key;
      }
    }
    expect(refusal(() => [0, new Secret()])).toMatchObject({ path: 'args[0][1]' });
    expect(refusal(() => [0, new Secret()]).message).toContain('#private');
    expect(refusal(() => new Map([['k', Promise.resolve(1)]]))).toMatchObject({ path: 'args[0].get("k")' });
    expect(refusal(() => new Set([new WeakMap()])).path).toBe('args[0].values[0]');
    expect(refusal(() => ({ 'a b': { c: new WeakSet() } })).path).toBe('args[0]["a b"].c');
    const odd: readonly (() => unknown)[] = [
      () => new WeakRef({}),
      () => new Proxy({}, {}),
      () => new Proxy(() => 1, {}),
      () => new PassThrough(),
      () => new AbortController(),
      () => new Map().entries(),
      () => [].values(),
      () => (function* () {})(),
      () => new TextDecoder(),
      () => new Blob([]),
      () => new EventEmitter(),
      () => setTimeout(() => 0, 0).unref(),
      () => new Intl.NumberFormat('en'),
      () =>
        Reflect.construct(Reflect.get(Reflect.get(globalThis, 'WebAssembly') as object, 'Memory') as new (options: object) => object, [
          { initial: 1 },
        ]),
      () =>
        (function () {
          // biome-ignore lint/complexity/noArguments: it is what is refused
          return arguments;
        })(),
      () => new ReadableStream(),
      () => globalThis.crypto.subtle,
    ];
    for (const make of odd) expect(refusal(() => ({ it: make() })).path).toBe('args[0].it');
  });

  it('takes a # in the text of a class for what it is', () => {
    class Colour {
      hex = '#fff';
      static #made = 0;
      #half(): number {
        return 1;
      }
      count(): number {
        return Colour.#made + this.#half();
      }
    }
    expect(tokenize(new Colour())).toMatch(/^[0-9a-f]{32}$/);
  });
});

// ---- properties

type Change = (data: unknown) => unknown;

const leaves = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string({ unit: 'binary' }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 8 }),
);
const data = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 4 }, leaves, tie('array'), tie('object'), tie('map'), tie('set')),
  array: fc.array(tie('any'), { maxLength: 4 }),
  object: fc.dictionary(fc.string(), tie('any'), { maxKeys: 4, noNullPrototype: true }),
  map: fc.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 }).map((entries) => new Map(entries)),
  set: fc.array(tie('any'), { maxLength: 3 }).map((items) => new Set(items)),
})).any;

/** The same structure of other objects, keys and Set items the other way round. */
const rebuild: Change = (it) => {
  if (it instanceof Date) return new Date(it.getTime());
  if (it instanceof Uint8Array) return it.slice();
  if (Array.isArray(it)) return it.map(rebuild);
  if (it instanceof Map) return new Map([...it].map(([k, v]) => [rebuild(k), rebuild(v)]));
  if (it instanceof Set) return new Set([...it].reverse().map(rebuild));
  if (typeof it === 'object' && it !== null) {
    const made = {};
    for (const [k, v] of Object.entries(it).reverse())
      Object.defineProperty(made, k, { value: rebuild(v), enumerable: true, writable: true, configurable: true });
    return made;
  }
  return it;
};

/** Every structure that differs from `it` in one place. */
function* changes(it: unknown): Generator<unknown> {
  yield [it];
  if (typeof it === 'number') yield Object.is(it, 0) ? -0 : it === 1 ? '1' : 1;
  if (typeof it === 'string') yield `${it}\u0000`;
  if (it instanceof Date) yield new Date((it.getTime() || 0) + 1);
  if (it instanceof Uint8Array) yield Uint8Array.of(...it, 0);
  if (Array.isArray(it)) {
    yield [...it, undefined];
    for (const [i, item] of it.entries()) for (const changed of changes(item)) yield it.with(i, changed);
  } else if (it instanceof Map) {
    yield new Map([...it, [Symbol.for('new'), 1]]);
    for (const [k, v] of it)
      for (const changed of changes(v)) yield new Map([...it].map(([key, old]) => [key, Object.is(key, k) ? changed : old]));
  } else if (it instanceof Set) yield new Set([...it, Symbol.for('new')]);
  else if (typeof it === 'object' && it !== null && !(it instanceof Date) && !(it instanceof Uint8Array)) {
    yield { ...it, '\u0001new': undefined };
    for (const [k, v] of Object.entries(it)) for (const changed of changes(v)) yield { ...it, [k]: changed };
  }
}

describe('tokens as properties', () => {
  it('are equal for equal structure', () => {
    fc.assert(
      fc.property(data, (it) => tokenize(it) === tokenize(rebuild(it))),
      { numRuns: 500 },
    );
  });

  it('differ after any one change', () => {
    fc.assert(
      fc.property(data, (it) => {
        const before = tokenize(it);
        let count = 0;
        for (const changed of changes(it)) {
          if (Object.is(changed, it)) continue;
          if (tokenize(changed) === before) return false;
          if (++count > 30) break;
        }
        return true;
      }),
      { numRuns: 300 },
    );
  });

  it('name a graph alike from every numbering of its nodes', () => {
    const graphs = fc
      .integer({ min: 1, max: 7 })
      .chain((n) =>
        fc.tuple(
          fc.array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { maxLength: 14 }),
          fc.array(fc.nat(1), { minLength: n, maxLength: n }),
          fc.shuffledSubarray([...Array(n).keys()], { minLength: n }),
        ),
      );
    const build = (edges: readonly (readonly [number, number])[], labels: readonly number[], order: readonly number[]): Set<unknown> => {
      const nodes = labels.map((label) => ({ label, to: new Set<unknown>() }));
      for (const from of order) for (const at of order) for (const [a, b] of edges) if (a === from && b === at) nodes[a]!.to.add(nodes[b]);
      return new Set(order.map((i) => nodes[i]));
    };
    fc.assert(
      fc.property(
        graphs,
        ([edges, labels, order]) => tokenize(build(edges, labels, [...order].sort())) === tokenize(build(edges, labels, order)),
      ),
      { numRuns: 500 },
    );
  });
});
