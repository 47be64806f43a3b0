import * as nodePath from 'node:path';
import { join } from 'node:path';
import util from 'node:util';
import { threadId } from 'node:worker_threads';
import { capture } from '../../../graph/function/capture.ts';
import { lazy } from '../../../graph/lazy.ts';
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

  it('may use LazyFunctions, which give the same keys there', async () => {
    const factor = 3;
    const scale = lazy((x: number) => x * factor, { name: 'scale' });
    const key = () => scale(2).key;
    expect(await run(key)).toBe(key());
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
