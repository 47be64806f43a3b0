// Sections 3 and 6 of the contract: what comes back from a worker is what the task returned, or an error.
import { inspect, types } from 'node:util';
import { Executor, lazy } from 'heddle';
import { failure } from '../fixtures/acceptance/helpers.ts';

let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

/** The text by which two results are compared, whichever realm they come from. */
const shown = (data: unknown): string =>
  inspect(data, { depth: 20, maxArrayLength: 1_000, maxStringLength: 10_000, showHidden: false, sorted: false });

describe('a result that comes back whole', () => {
  const cases: [string, () => unknown][] = [
    ['undefined', () => undefined],
    ['null', () => null],
    ['booleans', () => [true, false]],
    ['-0, NaN and the infinities', () => [-0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324]],
    ['bigint', () => [2n ** 100n, -1n]],
    ['text with lone surrogates and NUL', () => ['\ud83d', '\udc00\u0000', '\u{1F600}', '']],
    // biome-ignore lint/suspicious/noSparseArray: holes are what is tested
    ['an array with holes', () => [1, , 3]],
    ['an array with more properties', () => Object.assign([1, 2], { more: 'yes' })],
    ['undefined in objects and arrays', () => ({ a: undefined, b: [undefined] })],
    ['objects with odd keys', () => ({ '': 1, 'a b': 2, constructor: 3, 7: 4 })],
    ['a date, also an invalid one', () => [new Date(86_400_123), new Date(Number.NaN)]],
    ['regular expressions', () => [/a+b/giu, /\//]],
    [
      'Maps and Sets, nested',
      () =>
        new Map<unknown, unknown>([
          [{ a: 1 }, new Set([new Map([[1, [2]]])])],
          [Number.NaN, 'nan'],
        ]),
    ],
    ['boxed values', () => [Object(1), Object('a'), Object(false), Object(1n)]],
    ['errors as data', () => [new TypeError('kept'), { inner: new Error('also') }]],
    ['a URL', () => new URL('https://user@host:81/a%20b?c=d#e')],
    [
      'shared references',
      () => {
        const shared = { n: 1 };
        return [shared, shared];
      },
    ],
    [
      'cycles',
      () => {
        const ring: Record<string, unknown> = { name: 'ring' };
        ring.self = [ring];
        return ring;
      },
    ],
  ];

  it.each(cases)('%s', async (name, make) => {
    const local = make();
    const remote = await executor.submit(make);
    if (name === 'errors as data') {
      const [first, second] = remote as [Error, { inner: Error }];
      expect([first.name, first.message, second.inner.name, second.inner.message]).toEqual(['TypeError', 'kept', 'Error', 'also']);
      return;
    }
    expect(shown(remote)).toBe(shown(local));
  });

  it('keeps identity inside a result', async () => {
    const [a, b] = (await executor.submit(() => {
      const shared = { n: 1 };
      return [shared, shared];
    })) as [unknown, unknown];
    expect(a).toBe(b);
  });

  it('each typed array, with its type', async () => {
    const make = () => [
      new Int8Array([-1, 1]),
      new Uint8Array([255]),
      new Uint8ClampedArray([7]),
      new Int16Array([-300]),
      new Uint16Array([65_535]),
      new Int32Array([-70_000]),
      new Uint32Array([4_000_000_000]),
      new Float32Array([1.5]),
      new Float64Array([Math.PI, -0]),
      new BigInt64Array([-5n]),
      new BigUint64Array([2n ** 63n]),
      new DataView(new Uint8Array([1, 2, 3]).buffer, 1),
      new Uint8Array([1, 2]).buffer,
    ];
    expect(shown(await executor.submit(make))).toBe(shown(make()));
  });

  it('a Buffer as a Buffer, with its own bytes only', async () => {
    const result = await executor.submit(() => Buffer.from('short text'));
    expect(Buffer.isBuffer(result)).toBe(true);
    expect(result.toString()).toBe('short text');
    expect(result.buffer.byteLength).toBeLessThanOrEqual(64);
  });

  it('a small view of a large buffer without the rest of it', async () => {
    const view = await executor.submit(() => new Uint8Array(16_000_000).fill(9).subarray(5, 15));
    expect([...view]).toEqual(Array(10).fill(9));
    expect(view.buffer.byteLength).toBeLessThan(100_000);
  });

  it('a large array of bytes', async () => {
    const bytes = await executor.submit(() => new Uint8Array(20_000_000).map((_, i) => i & 255));
    expect(bytes).toHaveLength(20_000_000);
    expect([bytes[0], bytes[257], bytes[19_999_999]]).toEqual([0, 1, 19_999_999 & 255]);
    expect(types.isArrayBuffer(bytes.buffer)).toBe(true);
  });

  it('deeply nested data', async () => {
    const make = () => {
      let list: unknown = 'end';
      for (let i = 0; i < 20_000; i++) list = [list];
      return list;
    };
    let at: unknown;
    let depth = 0;
    try {
      at = await executor.submit(make);
    } catch (error) {
      // what cannot be sent is refused in so many words, never lost
      expect((error as { code?: string }).code).toBe('ERR_UNSENDABLE');
      return;
    }
    while (Array.isArray(at)) {
      at = at[0];
      depth++;
    }
    expect([depth, at]).toEqual([20_000, 'end']);
  });
});

describe('results between tasks', () => {
  it('move from worker to worker', async () => {
    const own = new Executor({ workers: [{ name: 'left' }, { name: 'right' }] });
    try {
      const make = lazy((n: number) => ({ bytes: new Uint8Array(n).fill(3), map: new Map([['n', n]]), text: Buffer.from('buffer') }), {
        workers: 'left',
      });
      const use = lazy(
        (made: { bytes: Uint8Array; map: Map<string, number>; text: Buffer }) => [
          made.bytes.length,
          made.bytes[9],
          made.map.get('n'),
          Buffer.isBuffer(made.text),
          made.text.toString(),
        ],
        {
          workers: 'right',
        },
      );
      expect(await own.compute(use(make(1_000_000)))).toEqual([1_000_000, 3, 1_000_000, true, 'buffer']);
    } finally {
      await own.close();
    }
  });

  it('that cannot be sent to the worker that needs them are an ERR_UNSENDABLE', async () => {
    const own = new Executor({ workers: [{ name: 'left' }, { name: 'right' }] });
    try {
      const make = lazy((n: number) => ({ fn: () => n }), { workers: 'left' });
      const use = lazy((made: { fn: () => number }) => made.fn(), { workers: 'right' });
      expect((await failure(async () => await own.compute(use(make(1))))).code).toBe('ERR_UNSENDABLE');
      const here = lazy((made: { fn: () => number }) => made.fn(), { workers: 'left', name: 'here' });
      expect(await own.compute(here(make(2)))).toBe(2);
    } finally {
      await own.close();
    }
  });

  it('that cannot be sent can still be given to tasks beside them', async () => {
    const own = new Executor({ workers: 1 });
    try {
      const compiled = own.submit(() => ({ test: (text: string) => /a/.test(text) }));
      expect(await own.submit((matcher: { test(text: string): boolean }) => matcher.test('cat'), compiled)).toBe(true);
      expect((await failure(async () => await compiled)).code).toBe('ERR_UNSENDABLE');
    } finally {
      await own.close();
    }
  });

  it('are refused at once when they are streams', async () => {
    const { Readable } = await import('node:stream');
    const error = await failure(async () => await executor.submit(() => ({ body: Readable.from(['a']) as unknown })));
    expect(error.code).toBe('ERR_UNSENDABLE');
    expect(error.message).toContain('body');
    expect(error.message).toMatch(/Readable/);
  });
});
