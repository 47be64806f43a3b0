import { inspect } from 'node:util';
import { currentTask, type Future, lazy, wait } from 'heddle';
import { fresh, gate, open, rejection, runCounter, sharedExecutor, until, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const waits = lazy(
  async (shut: Int32Array, n: number) => {
    while (Atomics.load(shut, 0) === 0) {
      if (currentTask().signal.aborted) throw new Error('stopped');
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return n;
  },
  { pure: false },
);

describe('cancel', () => {
  it('stops a running task and what depends on it', async () => {
    const closed = gate();
    const x = executor().submit(waits, closed, 1);
    const y = executor().submit(increment, x);
    await executor().cancel([x]);
    expect([x.status, y.status]).toEqual(['cancelled', 'cancelled']);
    expect(inspect(x)).toContain('status: cancelled');
    for (const future of [x, y]) expect((await rejection(future)).code).toBe('ERR_CANCELLED');
    expect([...(await executor().processing()).values()].flat()).not.toContain(x.key);
  });

  it('takes one Future, several, and a Future does it itself', async () => {
    const closed = gate();
    const [a, b, c, d] = [1, 2, 3, 4].map((n) => executor().submit(waits, closed, n)) as [
      Future<number>,
      Future<number>,
      Future<number>,
      Future<number>,
    ];
    await executor().cancel(a);
    await executor().cancel(new Set([b, c]));
    await d.cancel();
    expect([a, b, c, d].map(({ status }) => status)).toEqual(Array(4).fill('cancelled'));
  });

  it('of a link in the middle leaves what stands before it', async () => {
    const closed = gate();
    const x = executor().submit(waits, closed, 2);
    const y = executor().submit(increment, x);
    const z = executor().submit(increment, y);
    await executor().cancel([y]);
    open(closed);
    expect([y.status, z.status, await x]).toEqual(['cancelled', 'cancelled', 2]);
  });

  it('in the turn of the submission works as well', async () => {
    const f = executor().submit(increment, fresh() + 60_000);
    const f2 = executor().submit(increment, f);
    const cancelled = executor().cancel([f]);
    await cancelled;
    expect(f.status).toBe('cancelled');
    expect((await rejection(f2)).code).toBe('ERR_CANCELLED');
  });

  it('gives the reason to all who ask', async () => {
    const closed = gate();
    const x = executor().submit(waits, closed, 1);
    await executor().cancel([x], { reason: 'testreason' });
    expect((await rejection(x)).code).toBe('ERR_CANCELLED');
    expect((await rejection(x)).cause).toBe('testreason');
    expect((await rejection(executor().gather([x]))).cause).toBe('testreason');
    open(closed);
  });

  it('leaves what is done as it is', async () => {
    const x = executor().submit(increment, 8);
    await x;
    await executor().cancel(x);
    expect([x.status, await x, await executor().submit(increment, x)]).toEqual(['finished', 9, 10]);
  });

  it('of many tasks leaves none that runs', async () => {
    const closed = gate();
    const futures = Array.from({ length: 50 }, (_, i) => executor().submit(waits, closed, i));
    await executor().cancel(futures);
    expect(futures.every(({ status }) => status === 'cancelled')).toBe(true);
    for (const end = Date.now() + 5000; [...(await executor().processing()).values()].flat().length > 0 && Date.now() < end; )
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect([...(await executor().processing()).values()].flat()).toEqual([]);
    expect(await executor().submit(increment, 1)).toBe(2);
  });

  it('does not touch the same call in another executor', async () => {
    await withOwn({ workers: 1 }, async (other) => {
      const slow = (n: number) => new Promise<number>((resolve) => setTimeout(resolve, 60, n + 1));
      const [x, y] = [executor().submit(slow, 1), other.submit(slow, 1)];
      expect(x.key).toBe(y.key);
      await executor().cancel([x]);
      expect([x.status, await y]).toEqual(['cancelled', 2]);
      expect((await rejection(x)).code).toBe('ERR_CANCELLED');
    });
  });

  it('lets the same call begin anew', async () => {
    const runs = runCounter();
    const closed = gate();
    const begun = lazy(
      async (path: string, shut: Int32Array) => {
        (await import('node:fs')).appendFileSync(path, 'ran\n');
        while (Atomics.load(shut, 0) === 0 && !currentTask().signal.aborted) await new Promise((resolve) => setTimeout(resolve, 2));
        return 'done';
      },
      { key: `anew-${fresh()}` },
    );
    const first = executor().submit(begun, runs.path, closed);
    await until(() => runs.count() === 1, 'it runs');
    await first.cancel();
    const second = executor().submit(begun, runs.path, closed);
    await until(() => runs.count() === 2, 'it runs again');
    open(closed);
    expect([second.key, await second, first.status]).toEqual([first.key, 'done', 'cancelled']);
    runs.remove();
  });

  it('ends a task that never looks at its signal, and no result of its worker is lost', async () => {
    await withOwn({ workers: 1, cancelGrace: 20 }, async (own) => {
      const kept = own.submit((n: number) => ({ n }), 5);
      await kept.exception();
      const endless = own.submit(
        lazy(
          () => {
            for (;;);
          },
          { pure: false },
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      await own.cancel(endless as Future<never>);
      expect(endless.status).toBe('cancelled');
      expect(await kept).toEqual({ n: 5 });
      expect(await own.submit(increment, 1)).toBe(2);
    });
  });

  it('is what tasks see that wait for a cancelled one when they are in a list', async () => {
    const closed = gate();
    const futures = [1, 2, 3].map((n) => executor().submit(waits, closed, n));
    const sum = executor().submit((list: number[]) => list.reduce((a, b) => a + b, 0), futures);
    await futures[1]!.cancel();
    expect((await rejection(sum)).code).toBe('ERR_CANCELLED');
    open(closed);
    expect((await wait(futures)).done).toEqual(futures);
    expect(await executor().gather(futures, { errors: 'skip' })).toEqual([1, 3]);
  });

  it('of a Future ends what is given it afterwards, and the same call asked for anew runs', async () => {
    const counter = runCounter();
    const count = lazy(
      (path: string, n: number) => {
        process.getBuiltinModule('node:fs').appendFileSync(path, '.');
        return n;
      },
      { pure: true },
    );
    const n = fresh();
    const shut = gate();
    const x = executor().submit(waits, shut, n);
    await executor().cancel([x], { reason: 'because' });
    const calls = [
      executor().submit(increment, x),
      executor().submit((list: number[]) => list.length, [1, x]),
      executor().compute(count(counter.path, lazy(increment)(x))),
      ...executor().map(increment, [x]),
    ];
    for (const call of calls) {
      expect(await rejection(call)).toBe(await rejection(x));
      expect(call.status).toBe('cancelled');
    }
    const graph = executor().get({ x: [increment, x], y: [increment, 2] }, ['x', 'y']);
    expect((await rejection(executor().gather(graph))).code).toBe('ERR_CANCELLED');
    expect(counter.count()).toBe(0);
    open(shut);
    expect(await executor().submit(increment, executor().submit(waits, shut, n))).toBe(n + 1);
    counter.remove();
  });

  it('of a Future leaves the Value that it came from as it is', async () => {
    const shut = gate();
    const value = waits(shut, fresh());
    const x = executor().compute(value);
    await x.cancel();
    open(shut);
    expect(await executor().compute(lazy(increment)(value))).toBeGreaterThan(0);
  });

  it('and letting go make a given key free for another call, though the first still runs', async () => {
    const key = `mine-${fresh()}`;
    const forever = lazy(
      async () => new Promise<never>((_, reject) => currentTask().signal.addEventListener('abort', () => setTimeout(reject, 50))),
      {
        key,
      },
    );
    const first = executor().submit(forever);
    while (![...(await executor().processing()).values()].flat().includes(key)) await new Promise(setImmediate);
    first.release();
    expect(
      await executor().submit(
        lazy((x: number) => x, { key }),
        7,
      ),
    ).toBe(7);
  });
});
