import { currentTask, lazy, value } from 'heddle';
import { fresh, gate, open, rejection, runCounter, sharedExecutor, until, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const add = (a: number, b: number) => a + b;

describe('submit', () => {
  it('gives a Future that is not done, then its result, and takes Futures for arguments', async () => {
    const x = executor().submit(increment, 10);
    expect(x.done()).toBe(false);
    expect(await x).toBe(11);
    expect(x.done()).toBe(true);
    const y = executor().submit(increment, 20);
    expect(await executor().submit(add, x, y)).toBe(32);
  });

  it('hands arrays on as arrays, with and without Futures in them', async () => {
    const isArray = (x: unknown[], rest: { z?: unknown[] } = {}) => Array.isArray(x) && Array.isArray(rest.z ?? []);
    expect(await executor().submit(isArray, [1, 2, 3])).toBe(true);
    expect(await executor().submit(isArray, [1, 2, 3], { z: [4, 5, 6] })).toBe(true);
    expect(await executor().submit(isArray, [executor().submit(increment, 1), executor().submit(increment, 2)])).toBe(true);
  });

  it('finds Futures in the fields of an object', async () => {
    const same = (x: { x: number; y: number }) => x;
    expect(await executor().submit(same, { x: executor().submit(increment, 0), y: 2 })).toEqual({ x: 1, y: 2 });
  });

  it('finds an array of Futures in a field', async () => {
    const total = ({ list }: { list: number[] }) => list.reduce((a, b) => a + b, 0);
    expect(await executor().submit(total, { list: executor().scatter([1, 2, 3]) })).toBe(6);
  });

  it('runs async functions and bound ones', async () => {
    const late = async (x: number) => x + 1;
    expect(await executor().submit(late, 10)).toBe(11);
    async function three(x: number, y: number) {
      return x + y + 1;
    }
    expect(await executor().submit(three.bind(null, 1), 10)).toBe(12);
  });

  it('runs functions without a name, one on the Future of the other', async () => {
    const x = executor().submit((n: number) => n + 1, 1);
    expect(await executor().submit((n: number) => n + 1, x)).toBe(3);
  });

  it('takes turns with scatter, gather and get on one executor', async () => {
    const x = executor().submit(increment, 1);
    const y = executor().submit(increment, 2);
    expect(await executor().submit(add, x, y)).toBe(5);
    const [a, b] = executor().scatter([1, 2, 3]) as [typeof x, typeof x, typeof x];
    expect(await executor().gather([a, b, x])).toEqual([1, 2, 2]);
    expect(await executor().get({ x: [increment, 1], y: [add, 'x', 10] }, 'y')).toBe(12);
  });

  it('refuses what is no function at the call', () => {
    const wrong = executor() as unknown as { submit(...args: unknown[]): unknown; map(...args: unknown[]): unknown };
    expect(() => wrong.submit(1, 2, 3)).toThrow(TypeError);
    expect(() => wrong.map([1, 2, 3])).toThrow(TypeError);
  });

  it('keeps the thread of a task that takes its time', async () => {
    const busy = (ms: number) => {
      const end = Date.now() + ms;
      while (Date.now() < end);
      return currentTask().attempt;
    };
    expect(await executor().submit(busy, 700)).toBe(1);
  });
});

describe('keys', () => {
  it('are one for one call, and their own for an impure one', async () => {
    const [a, b] = [executor().submit(increment, 1), executor().submit(increment, 1)];
    expect(a.key).toBe(b.key);
    expect(executor().submit(lazy(increment, { pure: false }), 1).key).not.toBe(a.key);
    expect(await a).toBe(await b);
  });

  it('are the name and 32 digits, or what was given', async () => {
    expect(executor().submit(increment, 5).key).toMatch(/^increment-[0-9a-f]{32}$/);
    const given = executor().submit(lazy(increment, { key: 'inc-123' }), 5);
    expect([given.key, await given]).toEqual(['inc-123', 6]);
    expect((await executor().whoHas([given])).get('inc-123')).toHaveLength(1);
  });

  it('may hold letters of any script', async () => {
    const key = 'inc-123\u03bc';
    const future = executor().submit(lazy(increment, { key }), 1);
    expect([await future, future.key]).toEqual([2, key]);
    expect((await executor().whoHas()).has(key)).toBe(true);
    expect(await executor().submit(increment, future)).toBe(3);
  });

  it('are text and nothing else', () => {
    const make = (key: unknown) => () => lazy(increment, { key: key as string })(1);
    expect(make(['x', 1])).toThrow(TypeError);
    expect(make(5)).toThrow(TypeError);
  });

  it('of what takes a Future are those of what takes the Value', async () => {
    const x = executor().submit(increment, 3);
    expect(executor().submit(increment, x).key).toBe(lazy(increment)(lazy(increment)(3)).key);
    expect(await executor().compute(value(4))).toBe(4);
  });

  it('tell one function from another by what it captures', async () => {
    const by = (n: number) => (x: number) => x * n;
    const [two, three] = [executor().submit(by(2), 10), executor().submit(by(3), 10)];
    expect(two.key).not.toBe(three.key);
    expect(await executor().gather([two, three])).toEqual([20, 30]);
  });
});

describe('running once', () => {
  it('holds for two submissions of one call, before, while and after it runs', async () => {
    const runs = runCounter();
    const closed = gate();
    const noted = async (path: string, shut: Int32Array) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      while (Atomics.load(shut, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      return 'done';
    };
    const once = lazy(noted, { key: `once-${fresh()}` });
    const first = executor().submit(once, runs.path, closed);
    const second = executor().submit(once, runs.path, closed);
    await until(() => runs.count() > 0, 'it runs');
    const third = executor().submit(once, runs.path, closed);
    open(closed);
    expect(await executor().gather([first, second, third])).toEqual(['done', 'done', 'done']);
    expect(runs.count()).toBe(1);
    runs.remove();
  });

  it('holds for a call that failed: its error is given again', async () => {
    const runs = runCounter();
    const breaks = async (path: string) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      throw new RangeError('broken');
    };
    const first = executor().submit(breaks, runs.path);
    expect((await rejection(first)).message).toBe('broken');
    const second = executor().submit(breaks, runs.path);
    expect((await rejection(second)).message).toBe('broken');
    expect(runs.count()).toBe(1);
    runs.remove();
  });

  it('holds no longer when the last Future was let go: it runs again', async () => {
    const runs = runCounter();
    const noted = async (path: string) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      return 101;
    };
    const first = executor().submit(noted, runs.path);
    expect(await first).toBe(101);
    const { key } = first;
    first.release();
    await untilForgotten(key);
    const again = executor().submit(noted, runs.path);
    expect([again.key, await again]).toEqual([key, 101]);
    expect(runs.count()).toBe(2);
    runs.remove();
  });

  it('a result made again after a release stays as long as it is held', async () => {
    const first = executor().submit(increment, 4711);
    await first;
    first.release();
    const again = executor().submit(increment, 4711);
    await again;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await executor().whoHas([again])).get(again.key)).toHaveLength(1);
  });

  it('leaves nothing of one executor to the next', async () => {
    const chance = lazy(() => Math.random(), { pure: true });
    const first = await withOwn({ workers: 1 }, async (own) => {
      expect(await own.submit(chance)).toBe(await own.submit(chance));
      return own.submit(chance);
    });
    expect(await first).toBe(await first);
    await withOwn({ workers: 1 }, async (own) => expect(await own.submit(chance)).not.toBe(await first));
  });
});

/** Waits until no worker holds the key any more. */
async function untilForgotten(key: string): Promise<void> {
  for (const end = Date.now() + 10_000; (await executor().whoHas()).has(key); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`${key} is still there`);
}
