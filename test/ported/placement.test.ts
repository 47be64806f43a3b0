import { annotate, currentTask, type Executor, type Future, lazy, wait } from 'heddle';
import { fresh, gate, lose, open, rejection, sharedExecutor, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const here = (_: unknown) => currentTask().worker;
/** What a task gives when it takes so much that it is not sent along with a report. */
const heavy = (x: number) => ({ x, filler: new Array(2000).fill(x) });
const workersOf = (own: Executor, futures: readonly Future<unknown>[]) =>
  Promise.all(futures.map(async ({ key }) => (await own.whoHas([key])).get(key) ?? []));

describe('workers', () => {
  it('by name, for a task and for what depends on it', async () => {
    const x = executor().submit(lazy(here, { workers: 'alice' }), fresh());
    const y = executor().submit(
      lazy((before: string) => [before, currentTask().worker], { workers: 'bob' }),
      x,
    );
    expect(await y).toEqual(['alice', 'bob']);
    expect(await workersOf(executor(), [x, y])).toEqual([expect.arrayContaining(['alice']), ['bob']]);
  });

  it('by host', async () => {
    expect(await executor().submit(lazy(here, { workers: 'north' }), fresh())).toBe('alice');
    expect(await executor().submit(lazy(here, { workers: ['south'] }), fresh())).toBe('bob');
  });

  it('of all tasks of a map', async () => {
    const base = fresh() * 100;
    const items = Array.from({ length: 20 }, (_, i) => base + i);
    expect(new Set(await executor().gather(executor().map(lazy(here, { workers: 'alice' }), items)))).toEqual(new Set(['alice']));
  });

  it('of a graph of annotated Values', async () => {
    const n = fresh();
    const x = annotate({ workers: 'alice' }, () => lazy(here)(n));
    const y = annotate({ workers: 'bob' }, () => lazy((a: string) => [a, currentTask().worker])(x));
    expect(await executor().compute(y)).toEqual(['alice', 'bob']);
    expect(await executor().gather(executor().compute([x, y]))).toEqual(['alice', ['alice', 'bob']]);
  });

  it('of persisted Values, each its own', async () => {
    const inc = lazy((x: number) => ({ x, filler: new Array(500).fill(0) }));
    const firsts = annotate({ workers: 'alice' }, () => [1, 2, 3, 4].map((i) => inc(i + fresh() * 10)));
    const sum = annotate({ workers: 'bob' }, () =>
      lazy((list: { x: number }[]) => ({ sum: list.map(({ x }) => x), filler: new Array(500).fill(0) }))(firsts),
    );
    const futures = executor().compute([...firsts, sum]) as Future<unknown>[];
    await wait(futures);
    const where = await workersOf(executor(), futures);
    expect(where.slice(0, 4).every((names) => names.includes('alice'))).toBe(true);
    expect(where[4]).toEqual(['bob']);
  });

  it('several that may', async () => {
    await withOwn({ workers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }, async (own) => {
      const ran = await own.gather(
        own.map(
          lazy(here, { workers: ['a', 'b'] }),
          Array.from({ length: 60 }, () => fresh()),
        ),
      );
      expect(new Set(ran).has('c')).toBe(false);
    });
  });

  it('as a wish: taken where they are there, and given up where they are not', async () => {
    expect(await executor().submit(lazy(here, { workers: 'alice', allowOtherWorkers: true }), fresh())).toBe('alice');
    const elsewhere = lazy(here, { workers: 'nobody', allowOtherWorkers: true });
    expect(await executor().submit(elsewhere, fresh())).toMatch(/alice|bob/);
    expect(
      await executor().gather(
        executor().map(
          elsewhere,
          [1, 2, 3].map(() => fresh()),
        ),
      ),
    ).toHaveLength(3);
  });

  it('allowOtherWorkers without workers, or of another type, is refused at once', () => {
    expect(() => lazy(increment, { allowOtherWorkers: true })(1)).toThrow(TypeError);
    expect(() => lazy(increment, { workers: 'alice', allowOtherWorkers: 'Hello!' as unknown as boolean })(1)).toThrow(TypeError);
  });

  it('that there are not let a task wait, and fail at the time that was set', async () => {
    await withOwn({ workers: 1, noWorkerTimeout: 30 }, async (own) => {
      const error = await rejection(own.submit(lazy(increment, { workers: 'bad-address' }), 2));
      expect(error.code).toBe('ERR_NO_WORKER');
      expect(error.message).toContain('bad-address');
    });
  });
});

describe('resources', () => {
  const workers = [{ name: 'plain' }, { name: 'strong', resources: { gpu: 1, memory: 4 } }];

  it('let a task run only where they are', async () => {
    await withOwn({ workers }, async (own) => {
      const f = annotate({ resources: { gpu: 1 } }, () => lazy(here)(0));
      const rest = own.map(lazy(here, { resources: { memory: 1 } }), [10, 11, 12]);
      expect([await own.compute(f), ...(await own.gather(rest))]).toEqual(Array(4).fill('strong'));
    });
  });

  it('are held while a task runs: no more at once than there are', async () => {
    await withOwn({ workers }, async (own) => {
      const counts = new Int32Array(new SharedArrayBuffer(8));
      const occupies = async (shared: Int32Array, i: number) => {
        const now = Atomics.add(shared, 0, 1) + 1;
        if (now > Atomics.load(shared, 1)) Atomics.store(shared, 1, now);
        await new Promise((resolve) => setTimeout(resolve, 3));
        Atomics.sub(shared, 0, 1);
        return i;
      };
      const items = Array.from({ length: 24 }, (_, i) => i);
      const two = lazy(occupies, { resources: { memory: 2 }, pure: false });
      await own.gather(
        own.map(
          two,
          items.map(() => counts),
          items,
        ),
      );
      expect(counts[1]).toBeLessThanOrEqual(2);
    });
  });

  it('that no worker has let a task fail after noWorkerTimeout', async () => {
    await withOwn({ workers, noWorkerTimeout: 30 }, async (own) => {
      expect((await rejection(own.submit(lazy(here, { resources: { fpga: 1 } }), 0))).code).toBe('ERR_NO_WORKER');
      expect((await rejection(own.submit(lazy(here, { resources: { gpu: 2 } }), 0))).code).toBe('ERR_NO_WORKER');
    });
  });

  it('of tasks that nobody needs are of no account', async () => {
    await withOwn({ workers: 1, noWorkerTimeout: 30 }, async (own) => {
      const [kept] = [lazy(increment)(1), lazy(increment, { resources: { gpu: 1 } })(2)];
      expect(await own.compute(kept!)).toBe(2);
    });
  });
});

describe('where a task goes', () => {
  it('is where the large input lies', async () => {
    const n = fresh();
    const small = executor().submit(
      lazy((x: number) => x, { workers: 'alice' }),
      n,
    );
    const large = executor().submit(
      lazy((x: number) => new Float64Array(500_000).fill(x), { workers: 'bob' }),
      n,
    );
    await wait([small, large] as Future<unknown>[]);
    expect(await executor().submit((_: number, __: Float64Array) => currentTask().worker, small, large)).toBe('bob');
  });

  it('is every worker when there are tasks enough', async () => {
    const slow = (_: number) => new Promise<string>((resolve) => setTimeout(resolve, 5, currentTask().worker));
    const each = await Promise.all(Array.from({ length: 20 }, () => executor().submit(slow, fresh())));
    expect(new Set(each)).toEqual(new Set(['alice', 'bob']));
  });

  it('is every worker also after the function had been fast', async () => {
    const x = executor().submit(lazy(heavy, { workers: 'alice' }), fresh());
    const y = executor().submit(lazy(heavy, { workers: 'bob' }), fresh());
    await wait([x, y]);
    const futures = executor().map(
      heavy,
      Array.from({ length: 400 }, () => fresh()),
    );
    await wait(futures);
    expect(new Set((await workersOf(executor(), futures)).flat())).toEqual(new Set(['alice', 'bob']));
  });

  it('is one for each of as many slow tasks as there are workers', async () => {
    await withOwn({ workers: 4 }, async (own) => {
      await own.run(() => 1);
      const slow = (_: number) => {
        const end = Date.now() + 60;
        while (Date.now() < end);
        return currentTask().worker;
      };
      const ran = await own.gather([1, 2, 3, 4].map((n) => own.submit(slow, n)));
      expect(new Set(ran).size).toBe(4);
    });
  });

  it('is one for each also when the data are everywhere', async () => {
    await withOwn({ workers: 4 }, async (own) => {
      const [x] = own.scatter([{ n: 10 }], { broadcast: true }) as [Future<{ n: number }>];
      await own.run(() => 1);
      const slow = (_: { n: number }, __: number) => {
        const end = Date.now() + 60;
        while (Date.now() < end);
        return currentTask().worker;
      };
      const ran = await own.gather([1, 2, 3, 4].map((n) => own.submit(slow, x, n)));
      expect(new Set(ran).size).toBe(4);
    });
  });

  it('weighs waiting against moving: both workers take some of what the data of one would draw', async () => {
    const [y] = executor().scatter([{ four: [1, 2, 3, 4, fresh()] }], { workers: 'alice' }) as [Future<{ four: number[] }>];
    const slow = (_: { four: number[] }, __: number) => {
      const end = Date.now() + 15;
      while (Date.now() < end);
      return currentTask().worker;
    };
    const ran = await executor().gather(Array.from({ length: 8 }, () => executor().submit(slow, y, fresh())));
    expect(new Set(ran)).toEqual(new Set(['alice', 'bob']));
  });

  it('leaves a replica where the data was used, and whoHas tells of it', async () => {
    const [x] = executor().scatter([{ deep: { n: fresh() } }], { workers: 'alice' }) as [Future<{ deep: { n: number } }>];
    const y = executor().submit(
      lazy((one: { deep: { n: number } }) => one.deep.n, { workers: 'bob' }),
      x,
    );
    await y;
    expect((await executor().whoHas([x])).get(x.key)?.sort()).toEqual(['alice', 'bob']);
    expect((await executor().hasWhat(['bob'])).get('bob')).toEqual(expect.arrayContaining([x.key, y.key]));
  });
});

describe('priorities', () => {
  it('higher ones go first, then what was submitted first', async () => {
    await withOwn({ workers: 1 }, async (own) => {
      const closed = gate();
      const blocks = (shut: Int32Array) => void Atomics.wait(shut, 0, 0, 10_000);
      const order = new Int32Array(new SharedArrayBuffer(4));
      const place = (count: Int32Array, _: string) => Atomics.add(count, 0, 1);
      const at = (priority: number) => lazy(place, { priority, pure: false });
      const first = own.submit(lazy(blocks, { pure: false }), closed);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const low = own.submit(at(-1), order, 'low');
      const none = own.submit(at(0), order, 'none');
      const later = own.submit(at(0), order, 'later');
      const high = own.submit(at(5), order, 'high');
      await new Promise((resolve) => setTimeout(resolve, 20));
      open(closed);
      await first;
      expect(await own.gather([high, none, later, low])).toEqual([0, 1, 2, 3]);
    });
  });
});

describe('concurrency', () => {
  it('of a function is kept over all workers', async () => {
    const counts = new Int32Array(new SharedArrayBuffer(8));
    const counted = lazy(
      async (shared: Int32Array, i: number) => {
        const now = Atomics.add(shared, 0, 1) + 1;
        if (now > Atomics.load(shared, 1)) Atomics.store(shared, 1, now);
        await new Promise((resolve) => setTimeout(resolve, 2));
        Atomics.sub(shared, 0, 1);
        return i;
      },
      { concurrency: 3, pure: false },
    );
    const items = Array.from({ length: 30 }, (_, i) => i);
    expect(
      await executor().gather(
        executor().map(
          counted,
          items.map(() => counts),
          items,
        ),
      ),
    ).toEqual(items);
    expect(counts[1]).toBeLessThanOrEqual(3);
  });
});

describe('a worker that is lost', () => {
  it('is replaced under its name, and what it held is made again', async () => {
    await withOwn({ workers: [{ name: 'ann' }, { name: 'ben' }] }, async (own) => {
      const items = Array.from({ length: 20 }, (_, i) => i);
      const futures = own.map((x: number) => ({ x, filler: new Array(300).fill(0) }), items);
      await wait(futures);
      await lose(own, 'ben');
      expect((await own.gather(futures)).map(({ x }) => x)).toEqual(items);
      expect(await own.submit(lazy(here, { workers: 'ben' }), 1)).toBe('ben');
    });
  });

  it('lets what only it may run wait until it is back', async () => {
    await withOwn({ workers: [{ name: 'ann' }, { name: 'ben' }] }, async (own) => {
      const x = own.submit(lazy(heavy, { workers: 'ann' }), 1);
      await x.exception();
      await lose(own, 'ann');
      expect((await x).x).toBe(1);
      expect(await own.submit(lazy(here, { workers: 'ann' }), 2)).toBe('ann');
    });
  });
});
