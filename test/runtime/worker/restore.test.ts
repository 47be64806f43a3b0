import * as nodePath from 'node:path';
import { join } from 'node:path';
import util from 'node:util';
import { threadId } from 'node:worker_threads';
import fc from 'fast-check';
import { capture } from '../../../graph/function/capture.ts';
import { mapStack } from '../../../runtime/stack.ts';
import { originOf, restore } from '../../../runtime/worker/restore.ts';
import * as helpers from '../../fixtures/functions/helper.mjs';
import plus100, { adder, double, fails, Point, triple } from '../../fixtures/functions/helper.mjs';
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

describe('functions in a worker', () => {
  it('run there', async () => {
    expect(await run(() => threadId)).not.toBe(threadId);
  });

  it('take constants, helpers and helpers of helpers along', async () => {
    const factor = 3;
    const scale = (x: number) => x * factor;
    const twice = (x: number) => scale(scale(x));
    expect(await run((x: number) => twice(x) + factor, 2)).toBe(21);
  });

  it('call each other in a circle', async () => {
    const isEven = (n: number): boolean => n === 0 || isOdd(n - 1);
    const isOdd = (n: number): boolean => n !== 0 && isEven(n - 1);
    expect(await run(isEven, 10)).toBe(true);
  });

  it('share a variable that one of them assigns', async () => {
    let count = 0;
    const up = () => ++count;
    const read = () => ({ count });
    const set = (to: number) => {
      [count] = [to];
    };
    expect(await run(() => [up(), up(), read(), set(9), read(), count])).toEqual([1, 2, { count: 2 }, undefined, { count: 9 }, 9]);
    expect(count).toBe(0);
  });

  it('keep the variables of two closures apart', async () => {
    const counter = (start: number) => {
      let n = start;
      return { up: () => ++n, read: () => n };
    };
    const a = counter(0);
    const b = counter(10);
    expect(await run(() => [a.up(), a.up(), b.up(), a.read(), b.read()])).toEqual([1, 2, 11, 2, 11]);
  });

  it('keep their name, length, kind and strictness', async () => {
    const lone = {
      method(a: number, b: number) {
        return a + b;
      },
    }.method;
    function* pair() {
      yield 1;
      yield 2;
    }
    async function later() {
      return 1;
    }
    expect(await run(() => [lone.name, lone.length, lone(1, 2), [...pair()], later.constructor.name, 'prototype' in lone])).toEqual([
      'method',
      2,
      3,
      [1, 2],
      'AsyncFunction',
      false,
    ]);
    expect(
      await run(function (this: unknown) {
        return this === undefined;
      }),
    ).toBe(true);
  });

  it('may be methods with computed keys, getters and setters', async () => {
    const key = 'computed';
    const object = {
      [key]: (x: number) => x + 1,
      get size() {
        return 4;
      },
      set size(to: number) {
        (this as unknown as { set: number }).set = to;
      },
    };
    const { get } = Object.getOwnPropertyDescriptor(object, 'size')!;
    expect(
      await run(() => {
        object.size = 7;
        return [object.computed(1), object.size, (object as unknown as { set: number }).set, get!.call({})];
      }),
    ).toEqual([2, 4, 7, 4]);
  });

  it('may be bound', async () => {
    const bound = function (this: { k: number }, a: number, b: number) {
      return [this.k, a, b];
    }.bind({ k: 7 }, 1);
    expect(await run(bound as never, 2)).toEqual([7, 1, 2]);
  });

  it('have own properties, and may refer to themselves', async () => {
    const fn: { (x: number): number; k: number } = Object.assign((x: number) => x + fn.k, { k: 5 });
    expect(await run(fn, 1)).toBe(6);
  });

  it('import: names, namespaces, defaults, builtins, dynamically', async () => {
    expect(
      await run((x: number) => [double(x), plus100(x), helpers.triple(x), join('a', 'b'), nodePath.join('c'), util.inspect([1])], 1),
    ).toEqual([2, 101, 3, 'a/b', 'c', '[ 1 ]']);
    expect(await run(async () => (await import('../../fixtures/functions/helper.mjs')).double(4))).toBe(8);
  });

  it('know import.meta', async () => {
    const found = (await run(() => [import.meta.url, import.meta.dirname, import.meta.filename])) as string[];
    expect(found[0]).toMatch(/^file:.*restore\.test\.ts$/);
    expect(found[1]).toBe(nodePath.dirname(found[2]!));
  });

  it('go by reference when a module exports them, and share its state', async () => {
    const table = capture([double, triple, plus100], { label: 'x' });
    expect(Buffer.from(table.payload).toString('latin1')).not.toContain('inner(x)');
    expect(await run(adder(5), 1)).toBe(16);
    expect(await run(() => [new Point(-3).norm(), double === helpers.double])).toEqual([3, true]);
  });

  it('use builtins by name', async () => {
    const { max } = Math;
    const { map } = Array.prototype;
    const own = process;
    expect(await run(() => [max(1, 3), map === Array.prototype.map, own === process])).toEqual([3, true, true]);
    expect(await run(Math.max as never, 1, 5)).toBe(5);
  });

  it('throw with the line of their own file', async () => {
    const boom = () => {
      throw new Error('boom');
    };
    const line = Number(/:(\d+):\d+\)?$/.exec(new Error().stack!.split('\n')[1]!)![1]) - 2;
    const error = (await run(boom).catch((caught: unknown) => caught)) as { remoteStack: string };
    expect(mapStack(error.remoteStack)).toContain(`at boom (${import.meta.filename}:${line}:`);
    const other = (await run(() => fails()).catch((caught: unknown) => caught)) as { name: string; remoteStack: string };
    expect(other.name).toBe('RangeError');
    expect(other.remoteStack).toMatch(/at fails \(file:.*helper\.mjs:\d+:\d+\)/);
  });
});

describe('classes in a worker', () => {
  it('inherit, and a base may name its subclass', async () => {
    class Base {
      static make(): Base {
        return new Derived();
      }
      value(): number {
        return 1;
      }
    }
    class Derived extends Base {
      override value(): number {
        return super.value() + 1;
      }
    }
    expect(await run(() => [Base.make().value(), Base.make() instanceof Derived, new Derived() instanceof Base])).toEqual([2, true, true]);
  });

  it('keep their statics as they are, and run no static code again', async () => {
    let runs = 0;
    const count = () => ++runs;
    class Counted {
      static first = count();
      static hits = 0;
      static #secret = 1;
      static {
        Counted.hits = 10;
      }
      static hit(): number {
        Counted.#secret += 1;
        return ++Counted.hits;
      }
      static get secret(): number {
        return Counted.#secret;
      }
    }
    Counted.hit();
    expect(await run(() => [Counted.first, Counted.hits, Counted.secret, Counted.hit(), Counted.secret])).toEqual([1, 11, 2, 12, 3]);
    expect(runs).toBe(1);
  });

  it('may have #private members, and hold an instance of themselves in one', async () => {
    class Hidden {
      #value = 4;
      value(): number {
        return this.#value;
      }
    }
    expect(await run(() => new Hidden().value())).toBe(4);
    class Plain {
      static readonly #instance = new Plain();
      static get instance(): Plain {
        return Plain.#instance;
      }
      label = 'one';
    }
    expect(await run(() => [Plain.instance.label, Plain.instance instanceof Plain])).toEqual(['one', true]);
  });

  it('may extend an expression, which is not evaluated again', async () => {
    let made = 0;
    const mixin = (base: new () => object) => {
      made++;
      return class extends base {
        mixed = true;
      };
    };
    class Root {}
    class Mixed extends mixin(Root) {
      has = 1;
    }
    expect(await run(() => [new Mixed().mixed, new Mixed() instanceof Root, made])).toEqual([true, true, 1]);
  });

  it('have computed keys', async () => {
    const name = 'foo';
    class Computed {
      [name](): number {
        return 5;
      }
      static [`${name}2`](): number {
        return 6;
      }
      *[Symbol.iterator]() {
        yield 7;
      }
    }
    expect(
      await run(() => [new Computed()[name](), (Computed as unknown as Record<string, () => number>).foo2!(), [...new Computed()]]),
    ).toEqual([5, 6, [7]]);
  });

  it('extend builtins, instances included', async () => {
    class Failure extends Error {
      readonly code = 'E_FAILURE';
    }
    class Bag extends Map<string, number> {
      total(): number {
        return [...this.values()].reduce((a, b) => a + b, 0);
      }
    }
    class List extends Array<number> {
      last(): number {
        return this[this.length - 1]!;
      }
    }
    const failure = new Failure('no', { cause: { why: 1 } });
    const bag = new Bag([
      ['a', 1],
      ['b', 2],
    ]);
    const list = List.from([1, 2, 3]) as List;
    expect(
      await run(() => [
        failure instanceof Failure,
        failure instanceof Error,
        failure.code,
        failure.message,
        (failure.cause as { why: number }).why,
        typeof failure.stack,
        new Failure('x').code,
        bag.total(),
        bag instanceof Map,
        list.last(),
        list.length,
      ]),
    ).toEqual([true, true, 'E_FAILURE', 'no', 1, 'string', 'E_FAILURE', 3, true, 3, 3]);
  });

  it('may be old-style constructors with prototypes and inheritance', async () => {
    type Old = { new (x: number): { x: number; get(): number; twice(): number }; prototype: Record<string, unknown> };
    const Base = function (this: { x: number }, x: number) {
      this.x = x;
    } as unknown as Old;
    Base.prototype.get = function (this: { x: number }) {
      return this.x;
    };
    const Sub = function (this: object, x: number) {
      Reflect.apply(Base, this, [x]);
    } as unknown as Old;
    Sub.prototype = Object.create(Base.prototype) as Record<string, unknown>;
    Sub.prototype.constructor = Sub;
    Sub.prototype.twice = function (this: { get(): number }) {
      return this.get() * 2;
    };
    const made = new Sub(3);
    expect(await run(() => [made.twice(), new Sub(4).twice(), made instanceof Base, made.constructor === Sub, new Base(1).get()])).toEqual([
      6,
      8,
      true,
      true,
      1,
    ]);
  });

  it('keep methods that were put on them later', async () => {
    class Patched {
      one(): number {
        return 1;
      }
      two(): number {
        return 2;
      }
    }
    Patched.prototype.two = () => 22;
    (Patched.prototype as unknown as Record<string, unknown>).three = () => 3;
    expect(
      await run(() => {
        const it = new Patched() as unknown as Record<string, () => number>;
        return [it.one!(), it.two!(), it.three!()];
      }),
    ).toEqual([1, 22, 3]);
  });
});

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

describe('where things come from', () => {
  it('is known in the worker and on the host', async () => {
    class Failure extends Error {}
    const task = () => Failure;
    const taken = capture(task, { label: 'task' });
    const origin = (await worker.call(taken.payload, [], 'origin')) as { payloadId: string; node: number };
    expect(origin.payloadId).toBe(taken.id);
    expect(taken.objectAt(origin.node)).toBe(Failure);
    const restored = (await restore(taken.payload)) as () => object;
    expect(originOf(restored())?.node).toBe(origin.node);
  });
});
