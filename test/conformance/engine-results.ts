/** What results are on every engine: the same for all, whether a thread lies between or not. */
import { inspect } from 'node:util';
import { lazy } from 'heddle';
import { type Case, fresh, type OpenExecutor, rejection, withExecutor } from './engine-tools.ts';

/** A value in words: holes, prototypes, order and extra properties included. */
const shown = (value: unknown): string => inspect(value, { depth: Infinity, maxArrayLength: null, maxStringLength: null });

/** Made in a worker, and here: the two must be alike. */
const kept: readonly (readonly [name: string, make: () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['minus zero', () => -0],
  ['NaN', () => Number.NaN],
  ['a bigint', () => 2n ** 70n],
  ['text with a lone surrogate', () => 'a\ud800b'],
  [
    'holes in an array',
    () => {
      const list = [1, 2, 3];
      delete list[1];
      return list;
    },
  ],
  ['extra properties of an array', () => Object.assign([1], { unit: 'm' })],
  ['a match with groups', () => /(?<year>\d+)/.exec('in 2015')],
  ['a Date', () => [new Date(5), new Date(Number.NaN)]],
  ['a RegExp with its place', () => Object.assign(/a+/g, { lastIndex: 3 })],
  ['a Map and a Set', () => new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'x'])]])],
  ['typed arrays', () => [new Uint8Array([1, 2]), new Float64Array([1.5]), new BigInt64Array([3n]), new DataView(new ArrayBuffer(2))]],
  ['an ArrayBuffer', () => new Uint8Array([9, 8]).buffer],
  ['a Buffer', () => ({ body: Buffer.from('hello') })],
  ['a URL', () => [new URL('https://example.org/a?b=c')]],
  ['an object without prototype', () => Object.assign(Object.create(null), { a: Object.create(null) })],
  ['boxed primitives', () => [Object(1), Object('s'), Object(true)]],
  ['keys that are names of Object', () => JSON.parse('{"__proto__":{"x":1},"constructor":2,"hasOwnProperty":3}')],
  ['a frozen object', () => Object.freeze({ a: Object.freeze([1]) })],
  [
    'shared parts and a cycle',
    () => {
      const part: Record<string, unknown> = { n: 1 };
      part.whole = [part, part];
      return part.whole;
    },
  ],
];

/** Made in a worker, which it cannot leave. */
const refused: readonly (readonly [name: string, make: () => unknown, message: RegExp])[] = [
  [
    'a class instance',
    () => {
      class Point {
        x = 1;
      }
      return { at: [new Point()] };
    },
    /result\.at\[0\] is an instance of the class Point/,
  ],
  [
    'an instance with private fields',
    () => {
      class Secret {
        #key = 1;
        get key(): number {
          return this.#key;
        }
      }
      return new Secret();
    },
    /class Secret/,
  ],
  [
    'a subclass of Map',
    () => {
      class Table extends Map {}
      return [new Table()];
    },
    /result\[0\] is an instance of Table, a subclass of Map/,
  ],
  ['a function', () => ({ run: () => 1 }), /result\.run is the function run/],
  ['a symbol', () => ({ kind: Symbol('s') }), /result\.kind is the symbol/],
  ['a symbol key', () => ({ [Symbol('s')]: 1 }), /under a symbol/],
  [
    'a getter',
    () => ({
      get late() {
        return 1;
      },
    }),
    /result\.late is a getter/,
  ],
  ['a Proxy', () => ({ a: new Proxy({}, {}) }), /result\.a is a Proxy/],
  ['a WeakMap', () => [new WeakMap()], /result\[0\] is a WeakMap/],
  ['a Promise in data', () => ({ soon: Promise.resolve(1) }), /result\.soon is a Promise.*await/],
  ['an AbortSignal', () => [AbortSignal.abort()], /an AbortSignal/],
  ['headers', () => [new Headers()], /a Headers/],
];

/** Made in a worker, and of no use to anybody after the task: refused at once. */
const handles: readonly (readonly [name: string, make: () => unknown, message: RegExp])[] = [
  ['an iterator', () => [1, 2].values(), /result is an iterator/],
  [
    'a generator',
    () => ({
      rows: (function* () {
        yield 1;
      })(),
    }),
    /result\.rows is a generator/,
  ],
  ['a web stream', () => ({ body: new ReadableStream() }), /result\.body is a stream/],
  [
    'a stream of Node',
    async () => {
      const { Readable } = await import('node:stream');
      return Readable.from(['x']);
    },
    /result is a stream \(Readable\)/,
  ],
];

export function testEngineResults(name: string, open: OpenExecutor, test: Case): void {
  describe(`${name}: results`, () => {
    withExecutor(open, (executor) => {
      for (const [what, make] of kept) {
        test(`keeps ${what}`, async () => {
          const got = await executor().submit(make);
          expect(shown(got)).toBe(shown(make()));
          const frozen = (value: unknown): boolean => Object.isFrozen(value);
          expect(frozen(got)).toBe(frozen(make()));
          expect(Object.is(got, -0)).toBe(Object.is(make(), -0));
        });
      }
      for (const [what, make, message] of refused) {
        test(`refuses ${what} when it would leave its worker`, async () => {
          const error = await rejection(executor().submit(make));
          expect(error.code).toBe('ERR_UNSENDABLE');
          expect(error.message).toMatch(message);
          expect(error.message).toMatch(/; /);
        });
      }
      for (const [what, make, message] of handles) {
        test(`refuses ${what} at once`, async () => {
          const used = lazy((handle: unknown) => typeof handle)(lazy(make, { name: `handle${fresh()}` })());
          for (const promise of [executor().submit(make), executor().compute(used)]) {
            const error = await rejection(promise);
            expect(error.code).toBe('ERR_UNSENDABLE');
            expect(error.message).toMatch(message);
          }
        });
      }

      test('passes a class instance from task to task in a fused chain', async () => {
        class Counter {
          #count = 0;
          add(n: number): this {
            this.#count += n;
            return this;
          }
          get total(): number {
            return this.#count;
          }
        }
        const made = lazy((n: number) => new Counter().add(n))(40);
        const total = lazy((counter: Counter) => counter.add(2).total)(made);
        expect(await executor().compute(total)).toBe(42);
      });

      test('keeps an Error in a result, with its fields and cause', async () => {
        const got = await executor().submit(() => {
          class QuotaError extends RangeError {
            used = 11;
          }
          return { status: 'rejected', reason: new QuotaError('too much', { cause: new TypeError('inner') }) };
        });
        expect(got.reason).toBeInstanceOf(RangeError);
        expect([got.reason.message, got.reason.used, got.reason.constructor.name]).toEqual(['too much', 11, 'QuotaError']);
        expect(got.reason.cause).toBeInstanceOf(TypeError);
      });

      test('carries a list nested 100,000 deep', async () => {
        let got: unknown = await executor().submit(() => {
          let list: unknown[] = [];
          for (let i = 0; i < 100_000; i++) list = [list];
          return list;
        });
        let depth = 0;
        for (; Array.isArray(got) && got.length > 0; got = got[0]) depth++;
        expect(depth).toBe(100_000);
      });

      test('takes arguments nested 50,000 deep', async () => {
        let chain: unknown[] = [];
        for (let i = 0; i < 50_000; i++) chain = [chain];
        const depth = (list: unknown[]): number => {
          let levels = 0;
          for (let next: unknown = list[0]; next !== undefined; next = (next as unknown[])[0]) levels++;
          return levels;
        };
        expect(await executor().submit(depth, chain)).toBe(50_000);
        expect(await executor().submit(lazy(depth, { pure: false }), chain)).toBe(50_000);
        expect(await executor().submit(lazy(depth, { traverse: false, name: 'whole' }), chain)).toBe(50_000);
      });
      test('gives bytes, and keeps its own for the tasks that come after', async () => {
        const bytes = executor().submit((n: number) => new Uint8Array(n).fill(7), 1_000_000);
        const got = await bytes;
        expect([got.length, got[0], got[999_999]]).toEqual([1_000_000, 7, 7]);
        expect(await executor().submit((all: Uint8Array) => all.reduce((a, b) => a + b, 0), bytes)).toBe(7_000_000);
        const part = await executor().submit(() => new Uint8Array(1 << 20).fill(1).subarray(10, 20));
        expect([part.length, part.buffer.byteLength < 1000]).toEqual([10, true]);
      });

      test('moves results between workers', async () => {
        const parts = executor().map((i: number) => ({ i, bytes: Buffer.alloc(100_000, i), when: new Date(i) }), [1, 2, 3, 4, 5, 6, 7, 8]);
        const total = executor().submit(
          (all: { i: number; bytes: Buffer; when: Date }[]) =>
            all.map(
              ({ i, bytes, when }) => Buffer.isBuffer(bytes) && bytes.length === 100_000 && bytes[99_999] === i && when.getTime() === i,
            ),
          parts,
        );
        expect(await total).toEqual(Array.from({ length: 8 }, () => true));
      });
    });
  });
}
