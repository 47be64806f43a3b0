import { inspect } from 'node:util';
import { type Future, lazy } from 'heddle';
import { rejection, sharedExecutor, withOwn } from './tools.ts';

const executor = sharedExecutor();
const add = (a: number, b: number) => a + b;
const isFuture = (thing: unknown): boolean => inspect(thing).startsWith('<Future: ');
const holders = async (future: { readonly key: string }) => (await executor().whoHas([future.key])).get(future.key) ?? [];

describe('scatter', () => {
  it('gives Futures that a worker holds, that gather fetches, and that tasks take', async () => {
    const { y } = executor().scatter({ y: 20 });
    const [x] = executor().scatter([10]) as [Future<number>];
    expect([isFuture(y), isFuture(x)]).toEqual([true, true]);
    expect(await executor().gather([y, x])).toEqual([20, 10]);
    expect(await holders(y)).toHaveLength(1);
    const z = executor().submit(add, x, y);
    expect(await executor().gather([z, x])).toEqual([30, 10]);
  });

  it('gives an array, Map, Set or plain object for such a container', () => {
    expect(Object.keys(executor().scatter({ x: 1 }))).toEqual(['x']);
    expect(Array.isArray(executor().scatter([1]))).toBe(true);
    expect([
      ...executor()
        .scatter(new Map([['a', 1]]))
        .keys(),
    ]).toEqual(['a']);
    expect(isFuture([...executor().scatter(new Set([1]))][0])).toBe(true);
    expect(executor().scatter(Array.from({ length: 5 }, (_, i) => i))).toHaveLength(5);
  });

  it('gives one Future for anything else', async () => {
    const one = executor().scatter(1);
    expect([isFuture(one), await one]).toEqual([true, 1]);
    expect(await executor().scatter('text')).toBe('text');
    expect(await executor().scatter(new Float64Array([1, 2.5]))).toEqual(new Float64Array([1, 2.5]));
    expect(await executor().scatter(new Date(5))).toEqual(new Date(5));
  });

  it('names the keys after the type', () => {
    expect((executor().scatter(123) as Future<number>).key).toMatch(/^number-[0-9a-f]{32}$/);
    expect((executor().scatter('a') as Future<string>).key).toMatch(/^string-/);
  });

  it('gives equal data an equal key, in a container or by itself', () => {
    const [a] = executor().scatter([77]) as [Future<number>];
    const [b] = executor().scatter([77]) as [Future<number>];
    const c = executor().scatter(77) as Future<number>;
    expect([b.key, c.key]).toEqual([a.key, a.key]);
    expect((executor().scatter(78) as Future<number>).key).not.toBe(a.key);
  });

  it('hashes data where they are given, by their own method where they have one', () => {
    let asked = 0;
    class Named {
      [Symbol.for('heddle.tokenize')]() {
        asked++;
        return 'name';
      }
    }
    try {
      executor().scatter(new Named() as unknown as object);
    } catch {
      // a class that no worker can import does not travel; what it is hashed by was asked all the same
    }
    expect(asked).toBeGreaterThan(0);
  });

  it('goes to the workers that are named', async () => {
    const three = executor().scatter([{ n: 1 }, { n: 2 }, { n: 3 }], { workers: 'alice' });
    const two = executor().scatter([{ n: 4 }, { n: 5 }], { workers: ['bob'] });
    await executor().gather([three, two]);
    for (const future of three) expect(await holders(future)).toContain('alice');
    for (const future of two) expect(await holders(future)).toContain('bob');
    const either = executor().scatter({ n: 6 }, { workers: ['alice', 'bob'] }).n;
    await either;
    expect((await holders(either)).length).toBeGreaterThan(0);
  });

  it('goes to every worker with broadcast, or to every one that is named', async () => {
    const { x } = executor().scatter({ x: { everywhere: true } }, { broadcast: true });
    await x;
    expect((await holders(x)).sort()).toEqual(['alice', 'bob']);
    await withOwn({ workers: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }] }, async (own) => {
      const futures = own.scatter([{ n: 123 }, { n: 456 }], { broadcast: true, workers: ['a', 'b', 'c'] });
      await own.gather(futures);
      for (const { key } of futures) expect((await own.whoHas([key])).get(key)?.sort()).toEqual(['a', 'b', 'c']);
    });
  });

  it('spreads data evenly, given at once or one by one', async () => {
    await withOwn({ workers: 4 }, async (own) => {
      const one = own.scatter([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
      await own.gather(one);
      const counts = async () => [...(await own.hasWhat()).values()].map((keys) => keys.length);
      expect(await counts()).toEqual([1, 1, 1, 1]);
      const more = Array.from({ length: 12 }, (_, i) => own.scatter({ i: { i } }).i);
      await own.gather(more);
      expect(Math.min(...(await counts()))).toBeGreaterThanOrEqual(2);
    });
  });

  it('keeps the data once, however often they are scattered, and gives them each time', async () => {
    const futures = Array.from({ length: 5 }, () => executor().scatter({ once: 'same' }).once);
    expect(new Set(futures.map(({ key }) => key)).size).toBe(1);
    expect(await futures[0]!).toBe('same');
    expect(await futures[0]!).toBe('same');
    expect(await executor().gather(futures)).toEqual(Array(5).fill('same'));
  });

  it('lets the data go with the last Future', async () => {
    const { x } = executor().scatter({ x: { let: 'go' } });
    await x;
    expect(await holders(x)).toHaveLength(1);
    x.release();
    for (const end = Date.now() + 5000; (await holders(x)).length > 0 && Date.now() < end; ) await new Promise((r) => setTimeout(r, 5));
    expect(await holders(x)).toEqual([]);
  });

  it('keeps the data for a task that waits for them, when their Future was let go', async () => {
    const x = executor().scatter({ x: 41 }).x;
    const y = executor().submit((n: number) => n + 1, x);
    x.release();
    expect(await y).toBe(42);
  });

  it('does not turn the error of a task into something else when its data are let go', async () => {
    const x = executor().scatter({ x: 5.5 }).x;
    const y = executor().submit((_: number): number => {
      throw new Error('bad');
    }, x);
    x.release();
    expect((await rejection(y)).message).toBe('bad');
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(y.status).toBe('error');
  });

  it('takes lazy tasks on the data', async () => {
    const { a, b } = executor().scatter({ a: 1, b: 2 });
    const next = lazy((x: number) => x + 1);
    expect(await executor().compute(lazy(add)(next(a), next(b)))).toBe(5);
  });

  it('refuses workers that there are not', async () => {
    const nowhere = async () => await executor().gather(executor().scatter([{ lost: 1 }], { workers: 'nobody' }));
    expect((await rejection(nowhere())).code).toMatch(/^ERR_/);
  });
});
