import util from 'node:util';
import fc from 'fast-check';
import { capture } from '../../../graph/function/capture.ts';
import { restore } from '../../../runtime/worker/restore.ts';
import { Point } from '../../fixtures/functions/helper.mjs';
import { OneWorker } from '../../fixtures/functions/pool.mjs';

let worker: OneWorker;
beforeAll(() => {
  worker = new OneWorker();
});
afterAll(() => worker.close());

/** What a function gives in a real thread. */
function run(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown> {
  return worker.call(capture(fn, { label: fn.name || 'lambda' }).payload, args);
}

describe('data in a worker', () => {
  it('keeps kinds, cycles and identity', async () => {
    const fresh = Symbol('fresh');
    const shared = { n: 1 };
    const data = {
      map: new Map<unknown, unknown>([['k', shared]]),
      set: new Set([1, shared]),
      date: new Date(5),
      regexp: /x+/giu,
      bytes: new Uint8Array([1, 2]),
      buffer: Buffer.from('hi'),
      view: new DataView(new ArrayBuffer(4), 1, 2),
      big: 5n,
      known: Symbol.iterator,
      registered: Symbol.for('heddle.test'),
      [fresh]: 1,
      url: new URL('http://a/b?c'),
      search: new URLSearchParams('a=1'),
      boxed: Object(3) as object,
      minusZero: -0,
      nothing: undefined,
      // biome-ignore lint/suspicious/noSparseArray: a hole must stay one
      holes: [1, , 3],
      bare: Object.assign(Object.create(null), { a: 1 }) as { a: number },
      error: new RangeError('far'),
      self: undefined as unknown,
    };
    data.self = data;
    expect(
      await run(() => [
        data.self === data,
        data.map.get('k') === shared,
        data.set.has(shared),
        data.date.getTime(),
        String(data.regexp),
        [...data.bytes],
        data.buffer.toString(),
        Buffer.isBuffer(data.buffer),
        data.view.byteLength,
        data.big,
        data.known === Symbol.iterator,
        data.registered === Symbol.for('heddle.test'),
        data[fresh],
        data.url.hostname,
        data.search.get('a'),
        typeof data.boxed,
        Object.is(data.minusZero, -0),
        'nothing' in data,
        1 in data.holes,
        data.holes.length,
        Object.getPrototypeOf(data.bare),
        data.error instanceof RangeError,
        data.error.message,
      ]),
    ).toEqual([
      true,
      true,
      true,
      5,
      '/x+/giu',
      [1, 2],
      'hi',
      true,
      2,
      5n,
      true,
      true,
      1,
      'a',
      '1',
      'object',
      true,
      true,
      false,
      3,
      null,
      true,
      'far',
    ]);
  });

  it('stays frozen, sealed, closed; keeps attributes', async () => {
    const frozen = Object.freeze({ a: 1 });
    const sealed = Object.seal({ a: 1 });
    const closed = Object.preventExtensions({ a: 1 });
    const list = Object.freeze([1, 2]);
    const odd = Object.defineProperty({}, 'hidden', { value: 1 }) as { hidden: number };
    expect(
      await run(() => [
        Object.isFrozen(frozen),
        Object.isFrozen(sealed),
        Object.isSealed(sealed),
        Object.isSealed(closed),
        Object.isExtensible(closed),
        Object.isFrozen(list),
        Object.keys(odd),
        odd.hidden,
      ]),
    ).toEqual([true, false, true, false, false, true, [], 1]);
  });

  it('shares a buffer that is shared, and sends no more of one than is seen', async () => {
    const buffer = new ArrayBuffer(1_000_000);
    const head = new Uint8Array(buffer, 0, 4);
    const whole = new Uint8Array(buffer);
    expect(
      await run(() => {
        head[0] = 9;
        return whole[0];
      }),
    ).toBe(9);
    const small = new Uint8Array(new ArrayBuffer(1_000_000), 10, 4);
    const { payload } = capture(() => small, { label: 'x' });
    expect(payload.length).toBeLessThan(10_000);
  });

  it('has instances of classes, and objects with prototypes', async () => {
    class Pair {
      readonly a: number;
      readonly b: number;
      constructor(a: number, b: number) {
        this.a = a;
        this.b = b;
      }
      sum(): number {
        return this.a + this.b;
      }
    }
    const pair = new Pair(1, 2);
    const parent = { hello: 'hi' };
    const child = Object.create(parent) as { hello: string };
    const point = new Point(-4);
    expect(
      await run(() => [
        pair.sum(),
        pair instanceof Pair,
        pair.constructor === Pair,
        child.hello,
        Object.getPrototypeOf(child) === parent,
        point.norm(),
        point instanceof Point,
      ]),
    ).toEqual([3, true, true, 'hi', true, 4, true]);
  });

  it('may be deep and wide without overflow', async () => {
    type Link = { next: Link | undefined };
    let chain: Link = { next: undefined };
    for (let i = 0; i < 20_000; i++) chain = { next: chain };
    const last = chain;
    expect(
      await run(() => {
        let length = 0;
        for (let at: Link | undefined = last; at !== undefined; at = at.next) length++;
        return length;
      }),
    ).toBe(20_001);
  });

  it('comes back as it was, whatever it is', async () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
    });
    await fc.assert(
      fc.asyncProperty(anything, async (data) => {
        const restored = await restore(capture({ data }, { label: 'data' }).payload);
        expect(
          util.isDeepStrictEqual((restored as { data: unknown }).data, data) ||
            util.inspect(restored, { depth: 20 }) === util.inspect({ data }, { depth: 20 }),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});
