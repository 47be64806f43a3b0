import { type Future, lazy } from 'heddle';
import { fresh, gate, lose, open, rejection, runCounter, sharedExecutor, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const divide = (a: number, b: number) => {
  if (b === 0) throw new RangeError('division by zero');
  return a / b;
};

describe('gather', () => {
  it('gives one result, and containers of them as they are', async () => {
    const x = executor().submit(increment, 10);
    const y = executor().submit(increment, x);
    expect(await executor().gather(x)).toBe(11);
    expect(await executor().gather([x])).toEqual([11]);
    expect(await executor().gather({ x, y: [y] })).toEqual({ x: 11, y: [12] });
  });

  it('rejects with an error, and skips it when told to', async () => {
    const [good, bad] = [executor().submit(divide, 2, 1), executor().submit(divide, 1, 0)];
    expect((await rejection(executor().gather([good, bad]))).message).toBe('division by zero');
    expect(await executor().gather([good, bad], { errors: 'skip' })).toEqual([2]);
    expect(await executor().gather({ good, bad }, { errors: 'skip' })).toEqual({ good: 2 });
  });

  it('skips an error that comes before a slow result, and warns of nothing', async () => {
    const warnings: unknown[] = [];
    const listen = (warning: unknown) => void warnings.push(warning);
    process.on('warning', listen);
    const late = (x: number) => new Promise<number>((resolve) => setTimeout(resolve, 100, x + 1));
    const bad = executor().submit(lazy(divide, { priority: 10, pure: false }), 1, 0);
    expect(await executor().gather([bad, executor().submit(late, 1)], { errors: 'skip' })).toEqual([2]);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('rejects with the error of the task that failed, not with another', async () => {
    const f = executor().submit(() => {
      throw new TypeError('f');
    });
    const g = executor().submit(() => {
      throw new SyntaxError('g');
    });
    expect((await rejection(executor().gather(f))).name).toBe('TypeError');
    expect((await rejection(executor().gather(g))).name).toBe('SyntaxError');
  });

  it('of hundreds of results gives them in order', async () => {
    const items = Array.from({ length: 300 }, (_, i) => i);
    expect(await executor().gather(executor().map((x: number) => ({ x }), items))).toEqual(items.map((x) => ({ x })));
  });

  it('gives the results of several executors', async () => {
    await withOwn({ workers: 1 }, async (other) => {
      const [x, y] = [executor().submit(increment, 10), other.submit(increment, 5)];
      expect(await executor().gather([x, y])).toEqual([11, 6]);
      expect(await other.gather([x, y])).toEqual([11, 6]);
    });
  });

  it('computes a Future of another executor as the call it stands for', async () => {
    await withOwn({ workers: [{ name: 'carol' }] }, async (other) => {
      const x = executor().submit(increment, 1000 + fresh());
      const y = other.submit(increment, x);
      expect(await y).toBe((await x) + 1);
      expect((await other.whoHas([y])).get(y.key)).toEqual(['carol']);
    });
  });
});

describe('gather after a worker was lost', () => {
  const workers = [{ name: 'ann' }, { name: 'ben' }];
  const on = (name: string) => ({ workers: name });
  const big = (x: number) => ({ x, filler: new Array(1000).fill(x) });

  it('runs again what was lost, and nothing else', async () => {
    const runs = runCounter();
    await withOwn({ workers }, async (own) => {
      const noted = async (path: string, x: number) => {
        (await import('node:fs')).appendFileSync(path, `${x}\n`);
        return { x, filler: new Array(1000).fill(x) };
      };
      const there = own.map(lazy(noted, on('ann')), [runs.path, runs.path, runs.path], [0, 1, 2]);
      const here = own.submit(lazy(noted, on('ben')), runs.path, 3);
      await Promise.all([...there, here].map((future) => future.exception()));
      expect(runs.count()).toBe(4);
      await lose(own, 'ann');
      expect((await own.gather([...there, here])).map(({ x }) => x)).toEqual([0, 1, 2, 3]);
      expect(runs.lines().sort()).toEqual(['0', '0', '1', '1', '2', '2', '3']);
    });
    runs.remove();
  });

  it('runs a chain again of which no link is left, as far down as it must', async () => {
    await withOwn({ workers }, async (own) => {
      const step = lazy((before: { x: number }) => ({ x: before.x + 1, filler: new Array(1000).fill(0) }), on('ann'));
      const w = own.submit(lazy(big, on('ann')), 1);
      const x = own.submit(step, w);
      const y = own.submit(step, x);
      const z = own.submit(step, y);
      expect(await z.exception()).toBeNull();
      x.release();
      w.release();
      await lose(own, 'ann');
      expect((await own.gather([z]))[0]!.x).toBe(4);
    });
  });

  it('uses a result again in a new task though it has gone with its worker', async () => {
    await withOwn({ workers }, async (own) => {
      const x = own.submit(lazy(big, on('ann')), 1);
      const y = own.submit(
        lazy((a: { x: number }) => ({ x: a.x + 1, filler: new Array(1000).fill(0) }), on('ann')),
        x,
      );
      const z = own.submit(
        lazy((a: { x: number }) => ({ x: a.x + 1, filler: new Array(1000).fill(0) }), on('ben')),
        y,
      );
      await z.exception();
      await lose(own, 'ann');
      expect(await own.submit((a: { x: number }, b: { x: number }) => a.x + b.x, y, z)).toBe(5);
    });
  });

  it('says of scattered data that they are lost, and of what is made of them', async () => {
    await withOwn({ workers }, async (own) => {
      const [x] = own.scatter([{ a: 1 }], { workers: 'ann' }) as Future<{ a: number }>[];
      const y = own.submit(lazy(increment, on('ben')), 1);
      expect(await y).toBe(2);
      await lose(own, 'ann');
      expect((await rejection(own.gather([x, y]))).code).toBe('ERR_LOST');
      expect(x!.status).toBe('lost');
      const z = own.submit((one: { a: number }) => one.a, x!);
      expect((await rejection(z)).code).toBe('ERR_LOST');
    });
  });

  it('keeps scattered data that another worker has as well', async () => {
    await withOwn({ workers }, async (own) => {
      const x = own.scatter({ a: new Array(1000).fill(7) }, { broadcast: true }).a;
      while ((await own.whoHas([x])).get(x.key)?.length !== 2) await new Promise((resolve) => setTimeout(resolve, 5));
      await lose(own, 'ann');
      expect((await x)[0]).toBe(7);
      expect(x.status).toBe('finished');
    });
  });

  it('keeps what was made of scattered data that are lost', async () => {
    await withOwn({ workers }, async (own) => {
      const x = own.scatter({ a: 1 }, { workers: 'ann' }).a;
      const xx = own.submit(lazy(increment, on('ann')), x);
      const y = own.submit(lazy(increment, on('ben')), 1);
      const z = own.submit(
        lazy((a: number, b: number) => ({ sum: a + b, filler: new Array(500).fill(0) }), on('ben')),
        xx,
        y,
      );
      await z.exception();
      await lose(own, 'ann');
      expect((await z).sum).toBe(4);
      expect(await own.submit((one: { sum: number }) => one.sum * 2, z)).toBe(8);
    });
  });

  it('tells the tasks that wait for scattered data that they are lost', async () => {
    await withOwn({ workers, cancelGrace: 20 }, async (own) => {
      const closed = gate();
      const hold = async (shut: Int32Array) => {
        while (Atomics.load(shut, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        return 1;
      };
      const x = own.scatter({ a: { n: 1 } }, { workers: 'ann' }).a;
      const held = own.submit(lazy(hold, { ...on('ben'), pure: false }), closed);
      const y = own.submit((one: { n: number }, two: number) => one.n + two, x, held);
      const z = own.submit(increment, y);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await lose(own, 'ann');
      open(closed);
      expect((await rejection(y)).code).toBe('ERR_LOST');
      expect((await rejection(z)).code).toBe('ERR_LOST');
      expect(await held).toBe(1);
    });
  });
});
