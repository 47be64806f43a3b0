import { currentTask, lazy } from 'heddle';
import { fresh, rejection, sharedExecutor } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const double = (x: number) => 2 * x;
const add = (a: number, b: number) => a + b;
const total = (list: number[]) => list.reduce((a, b) => a + b, 0);

describe('map', () => {
  it('gives Futures with keys of their own, and goes over Futures as over data', async () => {
    const first = executor().map(increment, [0, 1, 2, 3, 4]);
    expect(new Set(first.map(({ key }) => key)).size).toBe(5);
    expect(await first[0]!).toBe(1);
    const second = executor().map(increment, first);
    expect(await second[1]!).toBe(3);
    expect(await executor().submit(total, second)).toBe(20);
    expect(await executor().map(add, first, second)[1]!).toBe(5);
  });

  it('goes over several iterables side by side, and ends with the shortest', async () => {
    expect(await executor().gather(executor().map(add, [0, 1, 2], [0, 1, 2, 3]))).toEqual([0, 2, 4]);
    expect(executor().map(add, [1, 2], [1, 2, 3])).toHaveLength(2);
  });

  it('of nothing is nothing', async () => {
    expect(await executor().gather(executor().map(lazy(increment, { pure: false }), []))).toEqual([]);
  });

  it('ends with the shortest also when another never ends', async () => {
    function* tens() {
      for (;;) yield 10;
    }
    expect(await executor().gather(executor().map(add, [1, 2], tens()))).toEqual([11, 12]);
  });

  it('takes a constant that is captured, also a parameter with a default', async () => {
    const plus = (x: number, y = 10) => x + y;
    expect(await executor().gather(executor().map((x: number) => plus(x, 5), [0, 1, 2]))).toEqual([5, 6, 7]);
    const futures = executor().map(increment, [0, 1, 2]);
    expect(await executor().gather(executor().map((x: number) => plus(x, 20), futures))).toEqual([21, 22, 23]);
  });

  it('takes one Future for every item, as an iterable of it', async () => {
    const y = executor().submit(increment, 19);
    const items = [0, 1, 2];
    expect(
      await executor().gather(
        executor().map(
          add,
          items,
          items.map(() => y),
        ),
      ),
    ).toEqual([20, 21, 22]);
    const three = executor().scatter([1, 2, 3]);
    const plusAll = (x: number, list: number[]) => x + list.reduce((a, b) => a + b, 0);
    expect(
      await executor().gather(
        executor().map(
          plusAll,
          items,
          items.map(() => three),
        ),
      ),
    ).toEqual([6, 7, 8]);
  });

  it('takes items that are arrays, of data and of Futures', async () => {
    const isArray = (x: unknown[], y: unknown[] = []) => Array.isArray(x) && Array.isArray(y);
    expect(await executor().gather(executor().map(isArray, [[1, 2, 3], [4]]))).toEqual([true, true]);
    expect(await executor().gather(executor().map(isArray, [[1, 2, 3], [4]], [[], []]))).toEqual([true, true]);
    const [ten, twenty] = [executor().submit(() => 10), executor().submit(() => 20)];
    expect(await executor().map(total, [[ten, twenty]])[0]!).toBe(30);
  });

  it('takes the name it is given for all keys', () => {
    const named = lazy(increment, { name: 'INC' });
    const futures = executor().map(named, [0, 1, 2, 3]);
    expect(futures.every(({ key }) => key.startsWith('INC-'))).toBe(true);
    expect(new Set(futures.map(({ key }) => key)).size).toBe(4);
    expect(executor().map(named, [5, 6, 7, 8])[0]!.key).not.toBe(futures[0]!.key);
  });

  it('does not give one key to several items', async () => {
    const future = lazy(increment, { key: `one-${fresh()}` });
    expect(() => executor().map(future, [1, 2])).toThrow(expect.objectContaining({ code: 'ERR_KEY_CONFLICT' }));
  });

  it('gives the same keys for the same items, and others when it is impure', () => {
    const keys = (futures: readonly { key: string }[]) => futures.map(({ key }) => key);
    expect(keys(executor().map(increment, [0, 1, 2]))).toEqual(keys(executor().map(increment, [0, 1, 2])));
    expect(new Set(keys(executor().map(increment, [1, 1, 1, 1]))).size).toBe(1);
    expect(new Set(keys(executor().map(lazy(increment, { pure: false }), [1, 1, 1, 1]))).size).toBe(4);
  });

  it('retries each item by itself', async () => {
    const outcomes: (string | number)[][] = [
      ['one', 2, 3],
      [4, 5, 6],
      ['seven', 'eight', 9],
    ];
    const next = (row: (string | number)[]) => {
      const now = row[currentTask().attempt - 1]!;
      if (typeof now === 'string') throw new RangeError(now);
      return now;
    };
    const tried = (retries: number) => executor().map(lazy(next, { retries, pure: false }), outcomes);
    expect(await executor().gather(tried(2))).toEqual([2, 4, 9]);
    const [x, y, z] = tried(1);
    expect([await x!, await y!, (await rejection(z!)).message]).toEqual([2, 4, 'eight']);
    const [u, v, w] = tried(0);
    expect([(await rejection(u!)).message, await v!, (await rejection(w!)).message]).toEqual(['one', 4, 'seven']);
  });

  it('makes one plan of thousands of items, and gives them in order', async () => {
    const items = Array.from({ length: 5000 }, (_, i) => i);
    const sums = await executor().gather(executor().map(add, items, items));
    expect(sums).toEqual(items.map(double));
  });

  it('restores a function with what it captures once a worker', async () => {
    const table = { hits: 0, filler: Array.from({ length: 50_000 }, (_, i) => i / 7) };
    const touch = (_: number) => {
      table.hits++;
      return { worker: currentTask().worker, hits: table.hits, filler: table.filler.length };
    };
    const seen = await executor().gather(
      executor().map(
        touch,
        Array.from({ length: 60 }, (_, i) => i),
      ),
    );
    expect(seen.every(({ filler }) => filler === 50_000)).toBe(true);
    for (const name of new Set(seen.map(({ worker }) => worker))) {
      const hits = seen.filter(({ worker }) => worker === name).map((one) => one.hits);
      expect([...hits].sort((a, b) => a - b)).toEqual(hits.map((_, i) => i + 1));
    }
    expect(table.hits).toBe(0);
  });
});

describe('map over a stream', () => {
  async function* counted<T>(items: readonly T[]) {
    for (const item of items) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield item;
    }
  }

  it('gives a stream of Futures in order, which another map can go over', async () => {
    const results: number[] = [];
    for await (const future of executor().map(double, executor().map(add, counted([1, 2, 3]), counted([10, 20, 30]))))
      results.push(await future.result());
    expect(results).toEqual([22, 44, 66]);
  });

  it('ends with the shorter stream, and with an iterable beside it', async () => {
    const keys: string[] = [];
    for await (const future of executor().map(add, counted([1, 2, 3, 4]), [5, 6])) keys.push(future.key);
    expect(keys).toHaveLength(2);
  });

  it('begins before the input has ended', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* twoParts() {
      yield 1;
      await held;
      yield 2;
    }
    const results: number[] = [];
    for await (const future of executor().map(increment, twoParts())) {
      results.push(await future.result());
      release();
    }
    expect(results).toEqual([2, 3]);
  });

  it('takes pairs of an iterator that is no array', async () => {
    const futures = executor().map((pair: [number, string]) => pair.join(), ['a', 'b'].entries());
    expect(await executor().gather(futures)).toEqual(['0,a', '1,b']);
  });
});
