import { createHash, randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { Readable } from 'node:stream';
import { CaptureError } from '../../../graph/errors.ts';
import { capture, type Impurity } from '../../../graph/function/capture.ts';
import { brandSymbol } from '../../../graph/task.ts';
import { cpuCount, hiddenClock, pureNeighbour } from '../../fixtures/functions/reads.mjs';

type AnyFunction = (...args: never[]) => unknown;

/** The error of a capture. */
function refusal(root: unknown, label = 'task'): CaptureError {
  try {
    capture(root, { label });
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw error;
  }
  throw new Error('it was captured');
}

/** The line of the caller, moved. */
function lineHere(by = 0): number {
  return Number(/:(\d+):\d+\)?$/.exec(new Error().stack!.split('\n')[2]!)![1]) + by;
}

describe('what cannot travel', () => {
  const promise = Promise.resolve(1);
  const weak = new WeakMap();
  const proxy = new Proxy({}, {});
  const stream = Readable.from([]);
  const { signal } = new AbortController();
  const generator = (function* () {
    yield 1;
  })();
  const collator = new Intl.Collator();
  const { compare } = collator;
  const shared = new SharedArrayBuffer(8);
  class Secret {
    #a = 1;
    get a(): number {
      return this.#a;
    }
  }
  const secret = new Secret();
  const future = { [brandSymbol]: 'Future' };

  it.each<[string, AnyFunction, RegExp]>([
    ['promise', () => promise, /"promise" is a Promise; await it first, or pass a Value or Future to the task as an argument/],
    ['weak', () => weak, /"weak" is a WeakMap.*use a Map/],
    ['proxy', () => proxy, /"proxy" is a Proxy/],
    ['stream', () => stream, /"stream" is an instance of node:stream\.Readable.*make or open it inside the task/],
    ['signal', () => signal, /"signal" is an instance of AbortSignal.*currentTask\(\)\.signal/],
    ['generator', () => generator, /"generator" is a generator that has begun/],
    ['collator', () => collator, /"collator" is an instance of Intl\.Collator/],
    ['compare', () => compare, /"compare" is the native function/],
    ['shared', () => shared, /"shared" is a SharedArrayBuffer; pass it to the task as an argument/],
    ['secret', () => secret, /"secret" is an instance of class Secret, which has #private members/],
    ['future', () => future, /"future" is a Future of heddle; pass it to the task as an argument/],
  ])('is named: %s', (name, fn, message) => {
    const error = refusal(fn);
    expect(error.code).toBe('ERR_CAPTURE');
    expect(error.message).toMatch(message);
    expect(error.path).toBe(`task → ${name}`);
  });

  it('is named with the way to it and the line that names it', () => {
    const config = { db: { 'the connection': [0, promise] } };
    const helper = () => config;
    const line = lineHere();
    const error = refusal(() => helper(), 'load');
    expect(error.path).toBe('load → helper → config.db["the connection"][1]');
    expect(error.message).toContain(`capture.test.ts:${line - 1}:`);
  });

  it.each<[string, () => AnyFunction, RegExp]>([
    [
      'this',
      function (this: unknown) {
        return () => this;
      },
      /uses `this`/,
    ],
    [
      'super',
      () =>
        ({
          m() {
            return super.toString();
          },
        }).m,
      /uses `super`/,
    ],
    ['eval', () => new Function('return () => eval("1")')() as AnyFunction, /calls eval\(\)/],
    [
      'arguments',
      function () {
        // biome-ignore lint/complexity/noArguments: it is what is refused
        return () => arguments;
      },
      /uses `arguments`/,
    ],
    [
      'new.target',
      function () {
        return () => new.target;
      },
      /uses `new\.target`/,
    ],
    [
      '#private',
      () =>
        new (class {
          #a = 1;
          read() {
            return this.#a;
          }
        })().read,
      /uses a #private member/,
    ],
    ['with', () => new Function('o', 'with (o) { return () => a }')({ a: 1 }) as AnyFunction, /inside a `with` statement/],
  ])('is text that means something only where it stands: %s', (_name, make, message) => {
    expect(refusal(make()).message).toMatch(message);
  });

  it('is a variable that has no value yet', () => {
    expect(refusal(() => late).message).toMatch(/"late" has no value yet; make the task after the line that declares it/);
    expect(refusal(() => lateCall).message).toMatch(/"lateCall" has no value yet/);
    expect(refusal(() => new LateClass()).message).toMatch(/"LateClass" has no value yet/);
    const late = 1;
    const lateCall = String(1);
    class LateClass {}
    const nothing = [].find(Boolean);
    expect(() => capture(() => [late, lateCall, LateClass, nothing], { label: 'task' })).not.toThrow();
  });

  it('is a variable of which nobody can tell who shares it', () => {
    const state = () => {
      let value = 0;
      return [
        () => value,
        (to: number) => {
          value = to;
        },
      ] as const;
    };
    const [a, setA] = state();
    const [b, setB] = state();
    expect(refusal(() => [setA(1), setB(2), a(), b()]).message).toMatch(
      /"value" is assigned by functions of which heddle cannot tell who shares it/,
    );
  });
});

describe('a capture is fresh', () => {
  it('for ever over constants and functions', () => {
    const factor = 2;
    const helper = (x: number) => x * factor;
    class Thing {
      n = 1;
    }
    const taken = capture((x: number) => [helper(x), Thing, fs.constants, Math.max], { label: 'task' });
    expect(taken.isFresh()).toBe(true);
  });

  it('until a variable has another value', () => {
    let k = 2;
    const f = (x: number) => x * k;
    const taken = capture(() => f(1), { label: 'task' });
    expect(taken.isFresh()).toBe(true);
    k = 3;
    expect(taken.isFresh()).toBe(false);
    k = 2;
    expect(taken.isFresh()).toBe(true);
  });

  it.each<[string, () => { root: unknown; change: () => void }]>([
    [
      'a property',
      () => {
        const data = { deep: [{ a: 1 }] };
        return {
          root: () => data,
          change: () => {
            data.deep[0]!.a = 2;
          },
        };
      },
    ],
    [
      'an element',
      () => {
        const list: unknown[] = [1, [2]];
        return {
          root: () => list,
          change: () => {
            list[1] = [2];
          },
        };
      },
    ],
    [
      'an entry',
      () => {
        const map = new Map([[1, 1]]);
        return { root: () => map, change: () => void map.set(1, 2) };
      },
    ],
    [
      'an item',
      () => {
        const set = new Set([1]);
        return { root: () => set, change: () => void set.add(2) };
      },
    ],
    [
      'a byte',
      () => {
        const bytes = new Uint8Array(new ArrayBuffer(100), 10, 5);
        return {
          root: () => bytes,
          change: () => {
            bytes[4] = 1;
          },
        };
      },
    ],
    [
      'a date',
      () => {
        const date = new Date(0);
        return { root: () => date, change: () => void date.setTime(1) };
      },
    ],
    [
      'a static',
      () => {
        class Counted {
          static n = 0;
        }
        return { root: () => Counted, change: () => void Counted.n++ };
      },
    ],
    [
      'a property of a function',
      () => {
        const fn = Object.assign(() => 1, { calls: 0 });
        return { root: () => fn(), change: () => void fn.calls++ };
      },
    ],
    [
      'a prototype',
      () => {
        const Old = function (this: object) {
          void this;
        } as unknown as { prototype: Record<string, unknown> };
        Old.prototype.a = 1;
        return {
          root: () => Old,
          change: () => {
            Old.prototype.a = 2;
          },
        };
      },
    ],
    [
      'frozenness',
      () => {
        const object = { a: 1 };
        return { root: () => object, change: () => void Object.freeze(object) };
      },
    ],
  ])('until it changes: %s', (_name, make) => {
    const { root, change } = make();
    const taken = capture(root, { label: 'task' });
    expect(taken.isFresh()).toBe(true);
    change();
    expect(taken.isFresh()).toBe(false);
  });

  it('until something in much data changes, looked at once in a turn', async () => {
    const rows = Array.from({ length: 3_000 }, (_, i) => ({ i }));
    const taken = capture(() => rows, { label: 'task' });
    rows[2_999]!.i = -1;
    expect(taken.isFresh()).toBe(true); // this turn it has been looked at
    await null;
    expect(taken.isFresh()).toBe(false);
  });

  it('and its payload says what was seen, also when it is made later', () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const list = [{ a: 1 }];
    const early = capture(() => [bytes, list], { label: 'task' });
    const before = capture(() => [bytes, list], { label: 'task' }).payload.length;
    bytes[0] = 9;
    list.push({ a: 2 });
    expect(early.payload.length).toBe(before);
    expect(early.payload).toBe(early.payload);
  });
});

describe('code reads', () => {
  const impurities = (fn: AnyFunction): Impurity[] => [...capture(fn, { label: 'task' }).impurities].sort();
  const throughHelper = () => Date.now();
  const { readFileSync } = fs;
  const random = Math.random;

  it.each<[string, AnyFunction, Impurity[]]>([
    ['Date.now()', () => Date.now(), ['clock']],
    ['new Date()', () => new Date(), ['clock']],
    ['performance.now()', () => performance.now(), ['clock']],
    ['process.hrtime()', () => process.hrtime.bigint(), ['clock']],
    ['Math.random()', () => Math.random(), ['randomness']],
    ['an alias of it', () => random(), ['randomness']],
    ['crypto.randomUUID()', () => [randomUUID(), crypto.getRandomValues(new Uint8Array(1))], ['randomness']],
    ['process.env', () => process.env.HOME, ['environment']],
    ['a file', () => fs.readFileSync('x'), ['file']],
    ['a file, by a captured function', () => readFileSync('x'), ['file']],
    ['the network', () => fetch('http://x'), ['network']],
    ['through a helper', () => throughHelper(), ['clock']],
    ['through a local module', () => hiddenClock(), ['clock']],
    ['through a module of a module', () => cpuCount(), ['environment']],
    ['twice', () => [Date.now(), Math.random()], ['clock', 'randomness']],
  ])('visibly: %s', (_name, fn, found) => {
    expect(impurities(fn)).toEqual(found);
  });

  it.each<[string, AnyFunction]>([
    ['a date that is given', () => new Date(5)],
    ['arithmetic', () => Math.max(1, 2)],
    ['a hash', () => createHash('sha256')],
    ['a pure neighbour of impure functions', () => pureNeighbour(1)],
    ['a property of that name', (o: { fetch(): void; process: number }) => [o.fetch(), o.process]],
    ['a variable of that name', (fetch: () => void) => fetch()],
    ['output', () => console.log('x')],
  ])('nothing: %s', (_name, fn) => {
    expect(impurities(fn)).toEqual([]);
  });
});
