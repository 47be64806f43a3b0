import { currentTask, type ExecutorEvents, type Future, lazy, wait } from 'heddle';
import { fresh, gate, lose, open, pause, rejection, sharedExecutor, until, waiting, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const double = (x: number) => 2 * x;
const waits = waiting();

describe('workers()', () => {
  it('tells of each: name, host, status, resources', async () => {
    const workers = await executor().workers();
    expect(workers.map(({ name }) => name)).toEqual(['alice', 'bob']);
    expect(workers.map(({ host }) => host)).toEqual(['north', 'south']);
    await executor().run(() => 1);
    expect((await executor().workers()).map(({ status }) => status)).toEqual(['running', 'running']);
    expect(workers[0]!.resources).toEqual({});
  });

  it('of an executor with many gives all of them', async () => {
    await withOwn({ workers: 7 }, async (own) => {
      expect(new Set((await own.workers()).map(({ name }) => name)).size).toBe(7);
    });
  });
});

describe('whoHas, hasWhat and nbytes', () => {
  it('tell of all results, of some, and of one', async () => {
    await withOwn({ workers: [{ name: 'a' }, { name: 'b' }] }, async (own) => {
      const futures = own.map(increment, [1, 2, 3]) as [Future<number>, Future<number>, Future<number>];
      await wait(futures);
      const [x, y, z] = futures;
      const all = await own.whoHas();
      expect(new Set(all.keys())).toEqual(new Set([x.key, y.key, z.key]));
      expect([...all.values()].every((names) => names.length > 0 && names.every((name) => ['a', 'b'].includes(name)))).toBe(true);
      expect([...(await own.whoHas([x, y])).keys()]).toEqual([x.key, y.key]);
      expect([...(await own.whoHas([x.key])).keys()]).toEqual([x.key]);
      const held = await own.hasWhat();
      expect([...held.keys()]).toEqual(['a', 'b']);
      expect([...held.values()].flat().sort()).toEqual([...all.keys()].sort());
      expect([...(await own.hasWhat(['a'])).keys()]).toEqual(['a']);
    });
  });

  it('tell the size of each result, of scattered data too', async () => {
    await withOwn({ workers: 1 }, async (own) => {
      const [x] = own.scatter([new Uint8Array(100_000)]) as [Future<Uint8Array>];
      const y = own.submit((bytes: Uint8Array) => new Uint8Array(bytes.length * 2), x);
      await wait([y]);
      const sizes = await own.nbytes();
      expect([...sizes.keys()].sort()).toEqual([x.key, y.key].sort());
      expect(sizes.get(y.key)! / sizes.get(x.key)!).toBeCloseTo(2, 1);
      expect([...(await own.nbytes([x])).keys()]).toEqual([x.key]);
    });
  });

  it('forget what a lost worker held, but for what can be made again while it is held', async () => {
    await withOwn({ workers: [{ name: 'u' }, { name: 'v' }, { name: 'w' }] }, async (own) => {
      const x = own.submit(waits.with({ workers: 'u' }), openGate(), 1);
      const y = own.scatter([{ n: 3 }], { workers: 'v' })[0]!;
      await wait([x, y] as Future<unknown>[]);
      expect(Object.fromEntries(await own.hasWhat())).toEqual({ u: [x.key], v: [y.key], w: [] });
      await lose(own, 'v');
      expect((await own.whoHas([y])).get(y.key)).toEqual([]);
      expect((await own.whoHas([x])).get(x.key)).toEqual(['u']);
    });
  });
});

describe('processing', () => {
  it('tells what each worker is at', async () => {
    const closed = gate();
    expect([...(await executor().processing()).values()].flat()).toEqual([]);
    const futures = Array.from({ length: 4 }, (_, i) => executor().submit(waits.with({ workers: 'alice' }), closed, i));
    await until(() => true, 'they are sent');
    for (const end = Date.now() + 5000; Date.now() < end && (await executor().processing()).get('alice')?.length === 0; ) await pause(5);
    expect((await executor().processing()).get('alice')?.length).toBeGreaterThan(0);
    expect((await executor().processing()).get('bob')).toEqual([]);
    expect([...(await executor().processing(['alice'])).keys()]).toEqual(['alice']);
    open(closed);
    await wait(futures);
    expect([...(await executor().processing()).values()].flat()).toEqual([]);
  });
});

describe('events', () => {
  it('of a task go from nothing to memory, and on to nothing', async () => {
    const states: string[] = [];
    const future = executor().submit(increment, fresh() + 80_000);
    const end = executor().on('task', ({ key, from, to }) => void (key === future.key && states.push(`${from} ${to}`)));
    await future;
    future.release();
    await until(() => states.at(-1)?.endsWith('forgotten') === true, 'it is forgotten');
    end();
    expect(states.some((state) => state.endsWith(' processing'))).toBe(true);
    expect(states).toContain('processing memory');
    for (let i = 1; i < states.length; i++) expect(states[i]!.split(' ')[0]).toBe(states[i - 1]!.split(' ')[1]);
  });

  it('are none for a call that is made a second time', async () => {
    const first = executor().submit(increment, fresh() + 81_000);
    await first;
    const seen: string[] = [];
    const end = executor().on('task', ({ key }) => void seen.push(key));
    const n = (await first) - 1;
    const second = executor().submit(increment, n);
    expect(await second).toBe(n + 1);
    const broken = () =>
      executor().submit(
        lazy((_: number): number => {
          throw new Error('each time');
        }),
        n,
      );
    expect((await rejection(broken())).message).toBe('each time');
    const before = seen.length;
    expect((await rejection(broken())).message).toBe('each time');
    end();
    expect(seen).not.toContain(first.key);
    expect(seen.length).toBe(before);
  });

  it('tell of a worker that goes and of the one that comes', async () => {
    await withOwn({ workers: [{ name: 'a' }, { name: 'b' }] }, async (own) => {
      await own.run(() => 1);
      const changes: string[] = [];
      own.on('worker', ({ worker, change }) => void changes.push(`${worker} ${change}`));
      await lose(own, 'a');
      await until(() => changes.includes('a joined'), 'the new one is there');
      expect(changes).toEqual(['a left', 'a joined']);
    });
  });

  it('of the console tell which task wrote what', async () => {
    const seen: ExecutorEvents['console'][] = [];
    const end = executor().on('console', (event) => void seen.push(event));
    const speaks = executor().submit(() => {
      console.log('Hello!', 123);
      console.error('meow', { a: 1 }, Symbol('s'));
    });
    await speaks;
    await until(() => seen.length === 2, 'both lines are told of');
    end();
    expect(seen.every(({ key }) => key === speaks.key)).toBe(true);
    expect(seen.map(({ text }) => text.trimEnd())).toEqual(['Hello! 123', 'meow { a: 1 } Symbol(s)']);
  });
});

describe('run', () => {
  it('calls a function once on each worker, or on those that are named', async () => {
    expect(Object.fromEntries(await executor().run(() => 2))).toEqual({ alice: 2, bob: 2 });
    expect(Object.fromEntries(await executor().run(() => 2, { workers: ['alice'] }))).toEqual({ alice: 2 });
    expect(Object.fromEntries(await executor().run(() => 2, { workers: [] }))).toEqual({});
  });

  it('gives data of any kind', async () => {
    const data = () => [{}, new Set([1]), [], 1, 'hello', new Uint8Array([1, 0, 0]), null, undefined] as const;
    expect((await executor().run(data)).get('bob')).toEqual(data());
  });

  it('waits for async functions, and rejects with what they throw', async () => {
    const late = () => new Promise<number>((resolve) => setTimeout(resolve, 10, 3));
    expect(Object.fromEntries(await executor().run(late))).toEqual({ alice: 3, bob: 3 });
    class MyError extends Error {}
    const breaks = () => {
      throw new MyError('informative message');
    };
    expect((await rejection(executor().run(breaks))).message).toBe('informative message');
    expect((await rejection(executor().run(breaks, { workers: 'alice' }))).message).toBe('informative message');
    expect(Object.fromEntries(await executor().run(late, { workers: 'bob' }))).toEqual({ bob: 3 });
  });

  it('sees what an earlier call left on the worker', async () => {
    await executor().run(() => {
      (globalThis as { foo?: string }).foo = 'bar';
    });
    expect([...(await executor().run(() => (globalThis as { foo?: string }).foo)).values()]).toEqual(['bar', 'bar']);
  });

  it('ends its waiting at a timeout', async () => {
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 200));
    expect((await rejection(executor().run(slow, { timeout: 10 }))).code).toBe('ERR_TIMEOUT');
  });
});

describe('tasks that submit tasks', () => {
  const nested = lazy(async (x: number): Promise<number> => (await currentTask().submit(increment, x)) * 10, { pure: false });

  it('find their executor in the task', async () => {
    expect(await executor().gather(executor().map(nested, [0, 1, 2, 3, 4]))).toEqual([10, 20, 30, 40, 50]);
  });

  it('run on one worker without a deadlock, however deep', async () => {
    await withOwn({ workers: 1 }, async (own) => {
      expect(await own.submit(nested, 1)).toBe(20);
      const fibonacci = lazy(async function fib(n: number): Promise<number> {
        if (n < 2) return n;
        const { compute } = currentTask();
        const [a, b] = await Promise.all([compute(fibonacci(n - 1)), compute(fibonacci(n - 2))]);
        return a + b;
      });
      expect(await own.submit(fibonacci, 8)).toBe(21);
    });
  });

  it('have their children run on other workers too', async () => {
    const spreads = lazy(
      async (base: number) => {
        const child = (_: number) => {
          const end = Date.now() + 8;
          while (Date.now() < end);
          return currentTask().worker;
        };
        const { submit } = currentTask();
        return await Promise.all(Array.from({ length: 10 }, (_, i) => Promise.resolve(submit(child, base + i))));
      },
      { workers: 'alice', pure: false },
    );
    const ran = (await executor().gather([executor().submit(spreads, fresh() * 100), executor().submit(spreads, fresh() * 100)])).flat();
    expect(ran).toHaveLength(20);
    expect(new Set(ran)).toEqual(new Set(['alice', 'bob']));
  });

  it('grow a tree of tasks that nobody knew before', async () => {
    const grow = lazy(
      async (x: number): Promise<number> => {
        if (x > 4) return 4;
        const { submit } = currentTask();
        const parts = await Promise.all([1, 2].map((i) => Promise.resolve(submit(grow, x + i))));
        return parts.reduce((a, b) => a + b, 0);
      },
      { pure: false },
    );
    expect(await executor().submit(grow, 0)).toBe(52);
  });

  it('may wait as long as they like: they take no place meanwhile', async () => {
    await withOwn({ workers: 1 }, async (own) => {
      const closed = gate();
      const parent = own.submit(
        lazy(
          async (shut: Int32Array) =>
            (await currentTask().submit(async (inner: Int32Array) => {
              while (Atomics.load(inner, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
              return 'child';
            }, shut)) as string,
          { pure: false },
        ),
        closed,
      );
      await pause(20);
      expect(await own.submit(double, 21)).toBe(42);
      open(closed);
      expect(await parent).toBe('child');
    });
  });

  it('fail with the error of a child that they do not catch', async () => {
    const parent = lazy(
      async () => {
        await currentTask().submit((): never => {
          throw new RangeError('in the child');
        });
      },
      { pure: false },
    );
    expect((await rejection(executor().submit(parent))).message).toBe('in the child');
  });

  it('may open an executor of their own, which is not that of the task', async () => {
    const opens = lazy(
      async () => {
        const heddle = await import('heddle');
        const inner = new heddle.Executor({ workers: [{ name: 'inner' }] });
        try {
          const inside = await inner.submit(() => 1);
          const outside = await heddle.currentTask().submit(() => 2);
          return [inside, outside, (await inner.workers()).length];
        } finally {
          await inner.close();
        }
      },
      { pure: false },
    );
    expect(await executor().submit(opens)).toEqual([1, 2, 1]);
  });
});

describe('currentTask', () => {
  it('knows key, worker and attempt; outside a task there is none', async () => {
    const future = executor().submit(
      lazy(
        () => {
          const { key, worker, attempt } = currentTask();
          return { key, worker, attempt };
        },
        { workers: 'bob', pure: false },
      ),
    );
    expect(await future).toEqual({ key: future.key, worker: 'bob', attempt: 1 });
    expect(() => currentTask()).toThrow(expect.objectContaining({ code: 'ERR_NO_TASK' }));
  });
});

/** A gate that stands open from the start. */
function openGate(): Int32Array<SharedArrayBuffer> {
  const made = gate();
  open(made);
  return made;
}
