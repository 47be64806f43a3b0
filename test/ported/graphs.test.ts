import { inspect } from 'node:util';
import { annotate, compute, type Future, lazy, persist, type Value, value, wait } from 'heddle';
import { fresh, gate, open, rejection, runCounter, sharedExecutor, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const decrement = (x: number) => x - 1;
const add = (a: number, b: number) => a + b;
const total = (list: number[]) => list.reduce((a, b) => a + b, 0);
const divide = (a: number, b: number) => {
  if (b === 0) throw new RangeError('division by zero');
  return a / b;
};
const isFuture = (thing: unknown): boolean => inspect(thing).startsWith('<Future: ');
/** Keys of a graph that no other test uses. */
const named = (name: string) => `${name}-${fresh()}`;

describe('get', () => {
  it('gives a Future for a key, and as many for a list of them', async () => {
    const x = named('x');
    const one = executor().get({ [x]: [increment, 1] }, x);
    expect([isFuture(one), await one]).toEqual([true, 2]);
    const list = executor().get({ [x]: [increment, 1] }, [x]);
    expect([isFuture(list[0]), await executor().gather(list)]).toEqual([true, [2]]);
    expect(await executor().gather(executor().get({}, []))).toEqual([]);
  });

  it('takes keys that look like anything', async () => {
    const graph = new Map<string, unknown>([
      ['(x, 1)', [increment, 1]],
      ['5', [increment, '(x, 1)']],
    ]);
    expect(await executor().get(graph, '5')).toBe(3);
  });

  it('takes tasks, data and keys as values of keys', async () => {
    const [a, b, c, d] = [named('a'), named('b'), named('c'), named('d')];
    expect(await executor().gather(executor().get({ [a]: [increment, 1], [b]: a, [c]: a, [d]: [add, b, c] }, [b, d]))).toEqual([2, 4]);
    const [e, f] = [named('e'), named('f')];
    expect(await executor().gather(executor().get({ [e]: f, [f]: 1 }, [e]))).toEqual([1]);
    const [g, h, i, j] = [named('g'), named('h'), named('i'), named('j')];
    expect(await executor().gather(executor().get({ [g]: 1, [h]: g, [i]: h, [j]: [increment, i] }, [j]))).toEqual([2]);
  });

  it('takes Futures and Values in it, also as a whole key', async () => {
    const x = executor().submit(increment, 1);
    const [y, z] = [named('y'), named('z')];
    expect(await executor().get({ [y]: [increment, x] }, y)).toBe(3);
    expect(await executor().get({ [z]: x }, z)).toBe(2);
    const w = named('w');
    expect(await executor().get({ [w]: [increment, lazy(increment)(5)] }, w)).toBe(7);
  });

  it('rejects with the error of a task it needs', async () => {
    const [x, y] = [named('x'), named('y')];
    expect((await rejection(executor().get({ [x]: [divide, 1, 0], [y]: [increment, x] }, y))).message).toBe('division by zero');
  });

  it('lets its results go with its Futures', async () => {
    const x = named('x');
    const [future] = executor().get({ [x]: [increment, 1] }, [x]);
    expect(await future!).toBe(2);
    future!.release();
    for (const end = Date.now() + 5000; (await executor().whoHas()).has(x) && Date.now() < end; )
      await new Promise((r) => setTimeout(r, 5));
    expect((await executor().whoHas()).has(x)).toBe(false);
  });

  it('of one graph twice at once runs it once', async () => {
    const runs = runCounter();
    const noted = async (path: string) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      return 5;
    };
    const key = named('twice');
    const graph = { [key]: [noted, runs.path] };
    expect(await executor().gather([executor().get(graph, key), executor().get(graph, key)])).toEqual([5, 5]);
    expect(runs.count()).toBe(1);
    runs.remove();
  });

  it('refuses a graph in which a key is missing, as often as it is asked', async () => {
    const key = named('needs');
    for (let i = 0; i < 2; i++)
      expect((await rejection(Promise.resolve().then(() => executor().get({ [key]: [increment, 1] }, 'not-there')))).code).toBe(
        'ERR_UNKNOWN_KEY',
      );
    expect(await executor().get({ [key]: [increment, 1] }, key)).toBe(2);
  });
});

describe('compute', () => {
  it('gives Futures for Values and leaves the rest', async () => {
    const x = value(1);
    const [y, z, three] = executor().compute([lazy(increment)(x), lazy(decrement)(x), 3]);
    expect([isFuture(y), isFuture(z), three]).toEqual([true, true, 3]);
    expect(await executor().gather([y, z])).toEqual([2, 0]);
    expect(isFuture(executor().compute(lazy(increment)(x)))).toBe(true);
    expect(Array.isArray(executor().compute([lazy(increment)(x)]))).toBe(true);
  });

  it('takes Values in nested containers at the module level', async () => {
    const x = lazy(increment)(1);
    expect(await compute({ x: [x], y: 123 }, x, 7)).toEqual([{ x: [2], y: 123 }, 2, 7]);
  });

  it('gives the Future the key of the Value, and runs no task beside it', async () => {
    await withOwn({ workers: 1 }, async (own) => {
      const x = lazy(increment)(1);
      const future = own.compute(x);
      expect([future.key, await future]).toEqual([x.key, 2]);
      expect([...(await own.whoHas()).keys()]).toEqual([x.key]);
    });
  });

  it('of a Value on scattered data', async () => {
    const { x, y } = executor().scatter({ x: 1, y: 2 });
    expect(await executor().compute(lazy(add)(lazy(increment)(x), lazy(increment)(y)))).toBe(5);
  });

  it('runs a task that two Values share once, also when they are computed one after the other', async () => {
    const runs = runCounter();
    const base = lazy(async (path: string) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      return 10;
    })(runs.path);
    const held = executor().compute(base);
    expect(await executor().compute(lazy(increment)(base))).toBe(11);
    expect(await executor().compute(lazy(decrement)(base))).toBe(9);
    expect([await held, runs.count()]).toEqual([10, 1]);
    runs.remove();
  });

  it('interleaves: results are used up about as fast as they are made', async () => {
    await withOwn({ workers: 2 }, async (own) => {
      const slow = async (x: { n: number }) => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        return { n: x.n + 1, filler: new Array(200).fill(0) };
      };
      let [alive, most] = [0, 0];
      own.on('task', ({ from, to }) => {
        if (to === 'memory') alive++;
        if (from === 'memory') alive--;
        most = Math.max(most, alive);
      });
      const xs = Array.from({ length: 60 }, (_, n) => lazy(slow)({ n }));
      const ys = xs.map((x) => lazy(slow)(x));
      const zs = xs.map((x, i) => lazy((a: { n: number }, b: { n: number }) => a.n + b.n)(x, ys[i]!));
      expect(await own.compute(lazy(total)(zs))).toBe(Array.from({ length: 60 }, (_, n) => 2 * n + 3).reduce((a, b) => a + b, 0));
      expect(most).toBeGreaterThan(0);
      expect(most).toBeLessThan(60 + 45); // 60 sums stay for the total; of the 120 below them few are alive at a time
    });
  });
});

describe('optimising', () => {
  it('fuses away what nobody holds, and can be left out', async () => {
    const chain = (n: number) => {
      const links = [lazy(increment)(n)];
      for (let i = 0; i < 3; i++) links.push(lazy(increment)(links.at(-1)!));
      return links;
    };
    const seen = async (passes: object[] | undefined) =>
      withOwn({ workers: 1, ...(passes === undefined ? {} : { passes }) }, async (own) => {
        const states = new Map<string, Set<string>>();
        own.on('task', ({ key, to }) => void states.set(key, (states.get(key) ?? new Set()).add(to)));
        const links = chain(100);
        expect(await own.compute(links.at(-1)!)).toBe(104);
        return links.map(({ key }) => states.get(key)?.has('processing') === true);
      });
    expect(await seen([])).toEqual([true, true, true, true]);
    expect(await seen(undefined)).toEqual([false, false, false, true]);
  });

  it('keeps annotations apart from each other', async () => {
    const where = lazy(async (before: string[]) => [...before, (await import('heddle')).currentTask().worker]);
    const there = annotate({ workers: 'alice' }, () => where([]));
    const here = annotate({ workers: 'bob' }, () => where(there));
    expect(await executor().compute(where.with({ workers: 'alice' })(here))).toEqual(['alice', 'bob', 'alice']);
  });

  it('does not let an annotation from outside win over one of the Value itself', () => {
    const f = lazy(increment, { priority: 1 });
    expect(annotate({ priority: 2 }, () => f(1)).key).toBe(f(1).key);
  });
});

describe('persist', () => {
  it('gives Values of the same keys that hold their results', async () => {
    const x = value(fresh() + 1000);
    const [y, z] = [lazy(increment)(x), lazy(decrement)(x)];
    const w = lazy(add)(y, z);
    const [yy, ww] = executor().persist([y, w]);
    expect([yy!.key, ww!.key]).toEqual([y.key, w.key]);
    const results = await executor().gather(executor().compute([yy!, ww!]));
    const base = results[0]! - 1;
    expect(results).toEqual([base + 1, 2 * base]);
    expect([...(await executor().whoHas([y.key, w.key])).values()].every((names) => names.length > 0)).toBe(true);
    expect(Array.isArray(executor().persist([y]))).toBe(true);
    expect(executor().persist(y).key).toBe(y.key);
  });

  it('spares what stands below it the second time', async () => {
    const runs = runCounter();
    const base = lazy(async (path: string) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      return 3;
    })(runs.path);
    const kept = executor().persist(lazy(add)(base, base));
    const more = lazy(add)(kept, 10);
    for (let i = 0; i < 3; i++) expect(await executor().compute(more)).toBe(16);
    expect(await more.compute({ executor: executor() })).toBe(16);
    expect(runs.count()).toBe(1);
    runs.remove();
  });

  it('is used before it is done as well', async () => {
    const closed = gate();
    const waits = lazy(
      async (shut: Int32Array) => {
        while (Atomics.load(shut, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
        return 6;
      },
      { pure: false },
    );
    const kept = executor().persist(waits(closed));
    const future = executor().compute(lazy(increment)(kept));
    open(closed);
    expect(await future).toBe(7);
  });

  it('of a Value with the same key as a held one takes that result', async () => {
    const runs = runCounter();
    const noted = lazy(async (path: string, n: number) => {
      (await import('node:fs')).appendFileSync(path, `${n}\n`);
      return n;
    });
    const y = lazy(increment)(noted(runs.path, 1));
    const kept = executor().persist(y);
    expect(await executor().compute(kept)).toBe(2);
    // built anew from the same calls: the kept result is what it starts from
    expect(await executor().compute(lazy(increment)(lazy(increment)(noted(runs.path, 1))))).toBe(3);
    expect(runs.count()).toBe(1);
    runs.remove();
  });

  it('through the function of the module takes many', async () => {
    await withOwn({ workers: 1 }, async () => {
      const [a, b] = await persist(lazy(increment)(1), [lazy(increment)(2)]);
      expect(await compute(a, b)).toEqual([2, [3]]);
    });
  });
});

describe('the Futures of a container', () => {
  it('are waited for when they are taken out of it', async () => {
    const futures = executor().map(increment, [1, 2, 3]);
    const { done } = await wait(futures);
    expect(done).toEqual(futures);
    const [x, y, z] = futures as [Future<number>, Future<number>, Future<number>];
    expect(await executor().gather({ x, rest: [[y], [[z]]] })).toEqual({ x: 2, rest: [[3], [[4]]] });
  });

  it('a Value given to a task in a container is computed in it', async () => {
    const inner: Value<number>[] = [1, 2, 3].map((n) => lazy(increment)(n));
    expect(await executor().submit(total, inner)).toBe(9);
  });
});
