import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { inspect } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { brandSymbol } from '../../../graph/index.ts';
import { decode } from '../../../runtime/worker/decode.ts';
import { type Encoded, encode } from '../../../runtime/worker/encode.ts';
import { refuseHandles } from '../../../runtime/worker/refuse.ts';

/** What arrives in another thread. A structured clone in jest gives things of the outer realm, so their class is asked for by name. */
function travel<T>(value: T): T {
  const { rich, value: sent, transfer } = encode(value, 'result');
  return decode({ rich, value: structuredClone(sent, { transfer: [...transfer] }) }) as T;
}
const classOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1);
const bytesOf = (view: ArrayBufferView): number[] => [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)];

function refusal(value: unknown): Error & { code: string } {
  try {
    encode(value, 'result');
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('it was not refused');
}

describe('what a result keeps on its way out of a worker', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 1.5],
    ['minus zero', -0],
    ['NaN', Number.NaN],
    ['a bigint', 2n ** 70n],
    ['text with lone surrogates', 'a\ud800b\udc00'],
    ['a plain object', { a: 1, b: { c: [undefined, null, -0] } }],
    ['keys called __proto__ and constructor', JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}')],
  ])('%s goes as it is', (_, value) => {
    expect(encode(value, 'result')).toMatchObject({ rich: false, transfer: [] });
    expect(travel(value)).toEqual(value);
    if (typeof value === 'number') expect(Object.is(travel(value), value)).toBe(true);
  });

  it('keeps holes, the length and extra properties of arrays, in plain and in rich results', () => {
    const sparse = Object.assign([1, 2, 3], { note: { deep: true } });
    delete sparse[1];
    sparse.length = 6;
    for (const got of [travel(sparse), travel({ sparse, bare: Object.create(null) }).sparse]) {
      expect(got.length).toBe(6);
      expect(1 in got).toBe(false);
      expect(Object.keys(got)).toEqual(['0', '2', 'note']);
      expect(got.note).toEqual({ deep: true });
    }
  });

  it('keeps a sparse array of four thousand million elements without walking it', () => {
    const vast: unknown[] = [];
    vast[4_000_000_000] = Object.create(null);
    const got = travel(vast);
    expect(got.length).toBe(4_000_000_001);
    expect(Object.keys(got)).toEqual(['4000000000']);
  });

  it('keeps what is beside the elements of a long array', () => {
    const long = Object.assign(
      Array.from({ length: 5000 }, (_, i) => i),
      { unit: Object.create(null) },
    );
    const got = travel(long);
    expect(got.length).toBe(5000);
    expect(Object.getPrototypeOf(got.unit)).toBe(null);
  });

  it('keeps the match of a regular expression, with its groups that have no prototype', () => {
    const match = /(?<year>\d+)-(\d+)/.exec('on 2015-07')!;
    const got = travel(match);
    expect([...got]).toEqual(['2015-07', '2015', '07']);
    expect([got.index, got.input]).toEqual([3, 'on 2015-07']);
    expect(Object.getPrototypeOf(got.groups)).toBe(null);
    expect(got.groups!.year).toBe('2015');
  });

  it('keeps dates, maps, sets and boxed primitives', () => {
    const value = {
      date: new Date(5),
      never: new Date(Number.NaN),
      map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1])]]),
      boxed: [Object(1), Object('two'), Object(true), Object(3n)],
    };
    const got = travel(value);
    expect(got.date.getTime()).toBe(5);
    expect(got.never.getTime()).toBeNaN();
    expect(classOf(got.map)).toBe('Map');
    expect([...got.map.entries()].map(([key, item]) => [key, [...(item as Set<number>)]])).toEqual([[{ a: 1 }, [1]]]);
    expect(got.boxed.map((box: object) => [typeof box, classOf(box), box.valueOf()])).toEqual([
      ['object', 'Number', 1],
      ['object', 'String', 'two'],
      ['object', 'Boolean', true],
      ['object', 'BigInt', 3n],
    ]);
  });

  it('keeps a regular expression with the place it has come to', () => {
    const pattern = /a+/giu;
    pattern.lastIndex = 7;
    const got = travel({ pattern }).pattern;
    expect([got.source, got.flags, got.lastIndex]).toEqual(['a+', 'giu', 7]);
  });

  it('keeps URLs as URLs', () => {
    const got = travel([new URL('https://user:pw@example.org:8080/a%20b?c=1#d')]);
    expect(got[0]).toBeInstanceOf(URL);
    expect(got[0]!.href).toBe('https://user:pw@example.org:8080/a%20b?c=1#d');
    expect(got[0]!.searchParams.get('c')).toBe('1');
  });

  it('keeps the missing prototype of an object', () => {
    const bare = Object.assign(Object.create(null), { a: { b: Object.create(null) } });
    expect(Object.getPrototypeOf(travel(bare))).toBe(null);
    expect(Object.getPrototypeOf(travel(bare).a.b)).toBe(null);
  });

  it('keeps how far things are frozen', () => {
    const value = { frozen: Object.freeze({ a: [1] }), sealed: Object.seal({ b: 1 }), closed: Object.preventExtensions([1]), open: {} };
    const got = travel(value);
    expect(Object.isFrozen(got.frozen)).toBe(true);
    expect(Object.isFrozen(got.frozen.a)).toBe(false);
    expect([Object.isSealed(got.sealed), Object.isFrozen(got.sealed)]).toEqual([true, false]);
    expect([Object.isExtensible(got.closed), Object.isSealed(got.closed)]).toEqual([false, false]);
    expect(Object.isExtensible(got.open)).toBe(true);
  });

  it('keeps shared references and cycles', () => {
    const shared = { n: 1 };
    const cycle: Record<string, unknown> = { a: shared, b: shared, url: new URL('x:y') };
    cycle.self = cycle;
    cycle.map = new Map([[cycle, cycle]]);
    cycle.set = new Set([cycle.map]);
    for (const one of [cycle, { ...cycle, url: 0, self: 0 } as typeof cycle]) {
      const got = travel(one);
      expect(got.a).toBe(got.b);
      expect((got.set as Set<unknown>).has(got.map)).toBe(true);
    }
    const got = travel(cycle);
    expect(got.self).toBe(got);
    expect((got.map as Map<unknown, unknown>).get(got)).toBe(got);
  });

  it('carries a list nested 100,000 deep', () => {
    let list: unknown[] = ['end'];
    for (let i = 0; i < 100_000; i++) list = [list];
    let got: unknown = travel(list);
    let depth = 0;
    while (Array.isArray(got) && Array.isArray(got[0])) {
      got = got[0];
      depth++;
    }
    expect(depth).toBe(100_000);
    expect(got).toEqual(['end']);
  });

  it('carries 100,000 nodes that hang on each other, though an array lists them all', () => {
    const nodes: { next?: unknown }[] = Array.from({ length: 100_000 }, () => ({}));
    for (let i = 0; i + 1 < nodes.length; i++) nodes[i]!.next = nodes[i + 1];
    const got = travel(nodes);
    expect(got.length).toBe(100_000);
    expect(got[0]!.next).toBe(got[1]);
  });

  it('takes things of another realm for what they are', () => {
    const there = runInContext(
      '({ map: new Map([[1, { a: [1] }]]), error: new TypeError("far"), plain: { x: 1 }, date: new Date(3), bytes: new Uint8Array([1, 2]) })',
      createContext({}),
    );
    const got = travel(there);
    expect([...got.map]).toEqual([[1, { a: [1] }]]);
    expect(got.error).toBeInstanceOf(TypeError);
    expect(got.error.message).toBe('far');
    expect(got.date.getTime()).toBe(3);
    expect(bytesOf(got.bytes)).toEqual([1, 2]);
  });
});

describe('errors in a result', () => {
  it('keeps class, name, message, stack, cause and own fields', () => {
    class HttpError extends TypeError {
      readonly status: number;
      constructor(message: string, status: number, options?: ErrorOptions) {
        super(message, options);
        this.status = status;
      }
    }
    const cause = new RangeError('inner');
    const error = new HttpError('outer', 404, { cause });
    const { reason: got } = travel({ status: 'rejected', reason: error });
    expect(got).toBeInstanceOf(TypeError);
    expect(got.constructor.name).toBe('HttpError');
    expect([got.name, got.message, got.status, got.stack]).toEqual([error.name, 'outer', 404, error.stack]);
    expect(got.cause).toBeInstanceOf(RangeError);
    expect(Object.keys(got)).toEqual(['status']);
    expect(Object.getOwnPropertyDescriptor(got, 'message')!.enumerable).toBe(false);
  });

  it('keeps a name given by the prototype, and one given by hand', () => {
    class Named extends Error {}
    Object.defineProperty(Named.prototype, 'name', { value: 'ByPrototype' });
    const byHand = Object.assign(new Error('x'), { name: 'ByHand' });
    const got = travel([new Named('y'), byHand]);
    expect(got.map(String)).toEqual(['ByPrototype: y', 'ByHand: x']);
  });

  it('keeps the errors of an AggregateError, and errors that are their own cause', () => {
    const many = new AggregateError([new SyntaxError('a'), 'text'], 'both');
    many.cause = many;
    const got = travel(many);
    expect(got).toBeInstanceOf(AggregateError);
    expect(got.errors[0]).toBeInstanceOf(SyntaxError);
    expect(got.errors[1]).toBe('text');
    expect(got.cause).toBe(got);
  });

  it("keeps a DOMException's name, message and class", () => {
    const got = travel([new DOMException('stopped', 'AbortError')]);
    expect(got[0]).toBeInstanceOf(DOMException);
    expect([got[0]!.name, got[0]!.message, got[0]!.code]).toEqual(['AbortError', 'stopped', 20]);
  });

  it("carries Node's own errors, which have hidden marks", () => {
    let caught: unknown;
    try {
      Buffer.alloc(-1);
    } catch (error) {
      caught = error;
    }
    expect(travel({ caught }).caught).toMatchObject({ code: 'ERR_OUT_OF_RANGE', name: 'RangeError' });
  });
});

describe('bytes', () => {
  const sentBytes = ({ value, transfer }: Encoded): number => {
    const before = transfer.reduce((sum, buffer) => sum + buffer.byteLength, 0);
    if (before > 0) return before;
    const view = value as ArrayBufferView;
    return ArrayBuffer.isView(view) ? view.buffer.byteLength : -1;
  };

  it('keeps the kind of every view', () => {
    const views = [
      new Uint8Array([1]),
      new Int16Array([-2]),
      new Float64Array([1.5]),
      new BigInt64Array([3n]),
      new Uint8ClampedArray([255]),
      new DataView(new ArrayBuffer(3)),
    ];
    expect(travel(views).map((view) => [classOf(view), bytesOf(view)])).toEqual(views.map((view) => [classOf(view), bytesOf(view)]));
  });

  it('keeps a Buffer as a Buffer, and leaves the pool it lies in', () => {
    const small = Buffer.from('pooled');
    expect(small.buffer.byteLength).toBeGreaterThan(100);
    const encoded = encode(small, 'result');
    expect(encoded.rich).toBe(true);
    const got = travel({ small, again: small, url: new URL('x:') });
    expect(Buffer.isBuffer(got.small)).toBe(true);
    expect(got.small.toString()).toBe('pooled');
    expect(got.small.buffer.byteLength).toBeLessThan(16);
    expect(got.again).toBe(got.small);
  });

  it('leaves behind what a small view does not show', () => {
    const large = new Uint8Array(1 << 20).fill(7);
    const part = large.subarray(1000, 1100);
    expect(sentBytes(encode(part, 'result'))).toBeLessThan(200);
    expect(bytesOf(travel(part))).toEqual(bytesOf(part));
    const nested = travel({ parts: [large.subarray(0, 10), large.subarray(5, 20), large.subarray(900_001, 900_010)] });
    expect(nested.parts.map((one) => one.length)).toEqual([10, 15, 9]);
    expect(nested.parts[0]!.buffer).toBe(nested.parts[1]!.buffer);
    expect(nested.parts[0]!.buffer.byteLength).toBeLessThan(100);
    nested.parts[0]![9] = 1;
    expect(nested.parts[1]![4]).toBe(1);
  });

  it('keeps wide views aligned when it packs them', () => {
    const floats = new Float64Array(10_000).map((_, i) => i);
    const got = travel({ a: floats.subarray(3, 5), b: floats.subarray(9_000, 9_002), c: new Uint8Array(floats.buffer, 101, 3) });
    expect([[...got.a], [...got.b]]).toEqual([
      [3, 4],
      [9000, 9001],
    ]);
    expect(bytesOf(got.c)).toEqual(bytesOf(new Uint8Array(floats.buffer, 101, 3)));
  });

  it('moves a copy of long bytes, and keeps its own', () => {
    const own = new Uint8Array(100_000).fill(3);
    for (const value of [own, own.buffer, { own }, [Buffer.from(own.buffer)]]) {
      const encoded = encode(value, 'result');
      expect(encoded.transfer.map((buffer) => buffer.byteLength)).toEqual([100_000]);
      structuredClone(encoded.value, { transfer: [...encoded.transfer] });
      expect(own.length).toBe(100_000);
    }
    expect(travel(own.subarray(10, 90_010)).length).toBe(90_000);
    expect(bytesOf(travel(own.subarray(0, 90_000)).subarray(0, 3))).toEqual([3, 3, 3]);
  });

  it('keeps a buffer and the views on it together', () => {
    const buffer = new ArrayBuffer(70_000);
    const got = travel({ buffer, head: new Uint8Array(buffer, 0, 4), tail: new DataView(buffer, 69_990) });
    expect(got.head.buffer).toBe(got.buffer);
    expect(got.tail.buffer).toBe(got.buffer);
    expect(got.tail.byteOffset).toBe(69_990);
  });

  it('shares shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(100_000));
    for (const value of [shared, { shared, url: new URL('x:') }]) {
      const { transfer } = encode(value, 'result');
      expect(transfer).toEqual([]);
    }
    const got = travel({ shared, buffer: Buffer.from(shared.buffer, 8, 4), url: new URL('x:') });
    shared[8] = 42;
    expect(got.shared[8]).toBe(42);
    expect(Buffer.isBuffer(got.buffer)).toBe(true);
    expect(got.buffer[0]).toBe(42);
  });

  it('refuses bytes that were moved elsewhere, and properties put on bytes', () => {
    const gone = new Uint8Array(8);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    expect(refusal({ gone }).message).toMatch(/^result\.gone is a Uint8Array whose bytes were moved elsewhere/);
    expect(refusal([gone.buffer]).message).toMatch(/^result\[0\] is an ArrayBuffer whose bytes/);
    for (const length of [3, 20_000])
      expect(refusal(Object.assign(new Uint8Array(length), { source: 'x' })).message).toMatch(/^result\.source is a property put on bytes/);
  });
});

describe('what cannot leave a worker', () => {
  class Point {
    x = 1;
  }
  class Secret {
    #key = 1;
    read(): number {
      return this.#key;
    }
  }
  class Table extends Map {}
  function* numbers(): Generator<number> {
    yield 1;
  }
  const accessor = Object.defineProperty({}, 'late', { get: () => 1, enumerable: true });

  it.each<[string, unknown, RegExp]>([
    [
      'a class instance',
      { a: [new Point()] },
      /^result\.a\[0\] is an instance of the class Point, which cannot leave its worker whole; return plain data, or use it inside the task$/,
    ],
    ['an instance with private fields', new Secret(), /^result is an instance of the class Secret/],
    ['a subclass of Map', [new Table()], /^result\[0\] is an instance of Table, a subclass of Map.*return new Map\(it\)/],
    ['a subclass of Set', new (class Tags extends Set {})(), /subclass of Set/],
    ['a subclass of Array', new (class Row extends Array {})(), /subclass of Array/],
    ['a subclass of Uint8Array', new (class Block extends Uint8Array {})(3), /Block/],
    ['a function', { 'on end': () => 1 }, /^result\["on end"\] is the function on end/],
    ['a class', { Point }, /^result\.Point is the function Point/],
    ['a symbol', { a: Symbol('s') }, /^result\.a is the symbol Symbol\(s\)/],
    ['a symbol as a whole', Symbol('s'), /^result is the symbol/],
    ['a symbol in a Set', new Set([Symbol('s')]), /^an item of result is the symbol/],
    ['a symbol as a key', { a: { [Symbol('k')]: 1 } }, /^result\.a\[Symbol\(k\)\] is a property under a symbol/],
    ['a getter', { deep: accessor }, /^result\.deep\.late is a getter or setter/],
    ['a hidden property', Object.defineProperty({}, 'hidden', { value: 1 }), /^result\.hidden is a hidden property/],
    ['a Proxy', { a: new Proxy({}, {}) }, /^result\.a is a Proxy/],
    ['a generator', { a: numbers() }, /^result\.a is a generator.*\[\.\.\.it\]/],
    ['an iterator', { a: new Map().entries() }, /^result\.a is an iterator \(Map Iterator\)/],
    ['an array iterator', [[].values()], /^result\[0\] is an iterator/],
    ['a stream', { body: { stream: new ReadableStream() } }, /^result\.body\.stream is a stream \(ReadableStream\).*return its bytes/],
    ['a WeakMap', new WeakMap(), /is a WeakMap/],
    ['a WeakRef', [new WeakRef({})], /is a WeakRef/],
    ['a Promise in data', { soon: Promise.resolve(1) }, /^result\.soon is a Promise.*await it/],
    ['an AbortSignal', { signal: new AbortController().signal }, /^result\.signal is an AbortSignal/],
    ['headers', new Headers(), /is a Headers.*Object\.fromEntries/],
    ['a form', new FormData(), /is a FormData/],
    ['a formatter', new Intl.NumberFormat(), /NumberFormat/],
    ['a property put on a Date', Object.assign(new Date(), { zone: 'UTC' }), /^result\.zone is a property put on a Date/],
    ['a property put on a Map', new Map([['m', Object.assign(new Map(), { x: 1 })]]), /^result\.get\("m"\)\.x is a property put on a Map/],
    ['an object that inherits', Object.create({ inherited: 1 }), /an object with a prototype of its own/],
    ['a function in a Map', new Map([['f', { g: () => 1 }]]), /^result\.get\("f"\)\.g is the function g/],
    ['a function as a key', new Map([[() => 1, 1]]), /^a key of result is the function/],
    ['a function on an error', Object.assign(new Error('x'), { retry: () => 1 }), /^result\.retry is the function/],
    [
      'arguments',
      (function (..._: unknown[]) {
        // biome-ignore lint/complexity/noArguments: it is what is tested
        return arguments;
      })(1),
      /^result is a function's `arguments`/,
    ],
  ])('refuses %s with its path and a cure', (_, value, message) => {
    const error = refusal(value);
    expect(error.code).toBe('ERR_UNSENDABLE');
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/; /);
  });

  it('refuses a stream and a file of Node', async () => {
    const stream = createReadStream(new URL(import.meta.url));
    stream.on('error', () => {});
    const file = await open(new URL(import.meta.url));
    try {
      expect(refusal([stream]).message).toMatch(/^result\[0\] is a stream \(ReadStream\)/);
      expect(refusal({ file }).message).toMatch(/^result\.file is an open file \(FileHandle\)/);
    } finally {
      stream.destroy();
      await file.close();
    }
  });

  it('runs no getter and no trap while it looks', () => {
    const ran: string[] = [];
    const trap = new Proxy(
      {},
      {
        get: (_, name) => ran.push(String(name)),
        ownKeys: () => [String(ran.push('ownKeys'))],
        getPrototypeOf: () => ({ at: ran.push('prototype') }),
      },
    );
    const getter = Object.defineProperty({}, 'late', { get: () => ran.push('late'), enumerable: true });
    refusal([getter]);
    expect(ran).toEqual([]);
    refusal([trap]);
    expect(ran.filter((name) => !name.includes('heddle'))).toEqual([]);
  });

  it('names currentTask().compute for a Value inside a result', () => {
    class Value {
      readonly key = 'x';
    }
    Object.defineProperty(Value.prototype, brandSymbol, { value: 'Value' });
    const error = refusal({ parts: [new Value()] });
    expect(error.code).toBe('ERR_NESTED_VALUE');
    expect(error.message).toMatch(/^result\.parts\[0\] is a Value.*currentTask\(\)\.compute/);
  });

  it('shortens the path to something very deep', () => {
    let list: unknown[] = [() => 1];
    for (let i = 0; i < 10_000; i++) list = [list];
    expect(refusal(list).message.length).toBeLessThan(1000);
  });
});

describe('refuseHandles', () => {
  const said = (value: unknown): string => {
    try {
      refuseHandles(value, 'result');
      return 'taken';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('refuses a stream, iterator or handle as the whole result or one level inside', () => {
    expect(said(new ReadableStream())).toMatch(/^result is a stream/);
    expect(said({ body: new ReadableStream() })).toMatch(/^result\.body is a stream/);
    expect(said([1, [].values()])).toMatch(/^result\[1\] is an iterator/);
    expect(said(new Map([['k', new Set([1]).values()]]))).toMatch(/^result\.get\("k"\) is an iterator/);
    expect(said(new Set([new ReadableStream()]))).toMatch(/^an item of result is a stream/);
    expect(said(setTimeout(() => {}, 0))).toMatch(/^result is a handle \(Timeout\)/);
    expect(
      said({
        next: () => ({ done: true }),
        [Symbol.iterator]() {
          return this;
        },
      }),
    ).toMatch(/^result is an iterator/);
  });

  it('takes what may live on in its worker', () => {
    class Model {
      weights = new Float32Array(3);
      predict(): number {
        return 1;
      }
    }
    for (const value of [
      1,
      null,
      undefined,
      () => 1,
      new Model(),
      { model: new Model(), f: () => 1 },
      [Promise.resolve(1)],
      new Proxy({}, {}),
      new Map([[1, new Model()]]),
    ])
      expect(said(value)).toBe('taken');
  });
});

describe('any data', () => {
  const leaf = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withSparseArray: true,
      withBoxedValues: true,
    }),
    fc.webUrl().map((url) => new URL(url)),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  // toEqual takes holes and undefined fields for the same; inspect does not
  const shown = (value: unknown): string =>
    inspect(value, { depth: Infinity, maxArrayLength: null, maxStringLength: null, showHidden: false });
  it('arrives as it was', () => {
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 5 }), (value) => {
        expect(travel(value)).toEqual(value);
        expect(shown(travel(value))).toBe(shown(value));
        expect(shown(travel({ value, bare: Object.create(null) }).value)).toBe(shown(value));
      }),
      { numRuns: 300 },
    );
  });
});
