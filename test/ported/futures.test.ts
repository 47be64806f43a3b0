import { inspect } from 'node:util';
import { asCompleted, type Executor, type Future, type FutureHandle, lazy, tokenize, wait } from 'heddle';
import { fresh, gate, open, pause, rejection, sharedExecutor, until, waiting } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const divide = (a: number, b: number) => {
  if (b === 0) throw new RangeError('division by zero');
  return a / b;
};
const waits = waiting();

describe('a Future', () => {
  it('shows its key and its status', async () => {
    const x = executor().submit(increment, 10);
    expect(inspect(x)).toBe(`<Future: status: pending, key: ${x.key}>`);
    await x;
    expect(inspect(x)).toBe(`<Future: status: finished, key: ${x.key}>`);
    const bad = executor().submit(divide, 1, 0);
    await bad.exception();
    expect(inspect(bad)).toContain('status: error');
  });

  it('can be awaited from an async function, with a result and with an error', async () => {
    const good = executor().submit(increment, 1);
    const f = async () => (await good) + 1;
    expect(await f()).toBe(3);
    const bad = executor().submit(divide, 1, 0);
    const g = async () => await bad;
    expect((await rejection(g())).message).toBe('division by zero');
  });

  it('waits no longer than it is told, and has its result all the same', async () => {
    const closed = gate();
    const x = executor().submit(waits, closed, 2);
    expect((await rejection(x.result({ timeout: '10 ms' }))).code).toBe('ERR_TIMEOUT');
    open(closed);
    expect(await x.result({ timeout: '10 s' })).toBe(2);
  });

  it('counts in a key by the key of its task', () => {
    const [x, y] = [executor().submit(increment, 1), executor().submit(increment, 1)];
    expect(tokenize(x)).toBe(tokenize(x));
    expect(tokenize(x)).toBe(tokenize(y));
    expect(tokenize(x)).toBe(tokenize(lazy(increment)(1)));
    expect(tokenize(executor().submit(increment, 2))).not.toBe(tokenize(x));
  });

  it('once released is forgotten: while it waits, when it is done, and when it failed', async () => {
    const finished = executor().submit(increment, fresh() + 20_000);
    await finished;
    const closed = gate();
    const running = executor().submit(waits, closed, 1);
    const failed = executor().submit(lazy(divide, { pure: false }), 1, 0);
    await failed.exception();
    for (const future of [finished, running, failed]) {
      future.release();
      expect((await rejection(future)).code).toBe('ERR_RELEASED');
    }
    open(closed);
    await untilGone(executor(), [finished.key, running.key, failed.key]);
  });

  it('is one hold of several: the others keep the result', async () => {
    const n = fresh() + 30_000;
    const [x, y] = [executor().submit(increment, n), executor().submit(increment, n)];
    await x;
    x.release();
    expect(await y).toBe(n + 1);
    const z = executor().submit(increment, y);
    y.release();
    expect(await z).toBe(n + 2);
    await untilGone(executor(), [y.key]);
  });

  it('keeps nothing that another still needs: results go as the last that needs them goes', async () => {
    const base = fresh() + 40_000;
    const add = (p: number, q: number) => p + q;
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => executor().submit((n: number) => n, base + i * 1000)) as Future<number>[];
    const ab = executor().submit(add, a!, b!);
    const cd = executor().submit(add, c!, d!);
    const ac = executor().submit(add, a!, c!);
    const acab = executor().submit(add, ac, ab);
    await wait([ab, cd, ac, acab]);
    ab.release();
    b!.release();
    await untilGone(executor(), [ab.key, b!.key]);
    expect(await executor().gather([a, c, d, cd, ac, acab])).toHaveLength(6);
    acab.release();
    await untilGone(executor(), [acab.key]);
    expect([...(await executor().whoHas([a!, c!, d!, cd, ac])).values()].every((names) => names.length > 0)).toBe(true);
  });

  it('let go in mid-flight takes along what only it needed', async () => {
    const closed = gate();
    const [a, b] = [waits(closed, 1), waits(closed, 2)];
    const sum = lazy((p: number, q: number) => p + q);
    const [ab, aa] = [sum(a, b), sum(a, a)];
    const top = executor().compute(lazy((p: number, q: number) => p * q)(ab, aa));
    const kept = executor().compute(aa);
    await pause(10);
    top.release();
    open(closed);
    expect(await kept).toBe(2);
    await untilGone(executor(), [top.key, ab.key, b.key]);
  });

  it('calls back with itself: when done, when it failed, and at once when it already was', async () => {
    const seen = new Set<string>();
    const note = (future: FutureHandle<unknown>) => void seen.add(`${future.key} ${future.status}`);
    const closed = gate();
    const u = executor().submit(increment, 70);
    const v = executor().submit(lazy(divide, { pure: false }), 1, 0);
    const w = executor().submit(waits, closed, 2);
    const x = executor().submit(increment, 71);
    for (const future of [u, v, w] as Future<number>[]) future.addDoneCallback((done) => void done.addDoneCallback(note));
    open(closed);
    await wait([u, v, w, x] as Future<number>[]);
    x.addDoneCallback(note);
    await until(() => seen.size === 4, 'all four called back');
    expect(seen).toEqual(new Set([`${u.key} finished`, `${v.key} error`, `${w.key} finished`, `${x.key} finished`]));
  });

  it('gives null and undefined for results as what they are', async () => {
    const nothing = executor().submit(() => undefined);
    expect([await nothing, nothing.status, await nothing.exception()]).toEqual([undefined, 'finished', null]);
  });
});

describe('wait', () => {
  it('gives all as done, two of one key among them', async () => {
    const [x, y, z] = [executor().submit(increment, 1), executor().submit(increment, 1), executor().submit(increment, 2)];
    const { done, notDone } = await wait([x, y, z]);
    expect([done, notDone]).toEqual([[x, y, z], []]);
    expect([x.status, y.status]).toEqual(['finished', 'finished']);
  });

  it('returns with the first, and says which are not done', async () => {
    const closed = gate();
    const [x, y] = [executor().submit(waits, closed, 1), executor().submit(waits, closed, 2)];
    const z = executor().submit(lazy(increment, { priority: 1 }), 2000 + fresh());
    const { done, notDone } = await wait([x, y, z], { returnWhen: 'first' });
    expect([done, notDone]).toEqual([[z], [x, y]]);
    expect([x.status, y.status, z.status]).toEqual(['pending', 'pending', 'finished']);
    open(closed);
    await wait([x, y]);
  });

  it('ends at its timeout, in milliseconds and in text', async () => {
    const closed = gate();
    const x = executor().submit(waits, closed, 1);
    expect((await rejection(wait([x], { timeout: 10 }))).code).toBe('ERR_TIMEOUT');
    expect((await rejection(wait([x], { timeout: '10 ms' }))).code).toBe('ERR_TIMEOUT');
    expect(x.status).toBe('pending');
    open(closed);
    expect(await x).toBe(1);
  });

  it('says what it takes when it is called with two Futures instead of a list', async () => {
    const [x, y] = [executor().submit(increment, 1), executor().submit(increment, 2)];
    const error = await rejection(Promise.resolve().then(() => (wait as unknown as (...args: unknown[]) => Promise<unknown>)(x, y)));
    expect(error.name).toBe('TypeError');
    expect(error.message).toMatch(/array|iterable|list/i);
    await wait([x, y]);
  });

  it('counts cancelled ones as done', async () => {
    const closed = gate();
    const [x, y] = [executor().submit(waits, closed, 1), executor().submit(increment, 3)];
    const all = wait([x, y]);
    await x.cancel();
    expect((await all).done).toEqual([x, y]);
    open(closed);
  });
});

describe('asCompleted', () => {
  const collect = async <T>(stream: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const one of stream) all.push(one);
    return all;
  };

  it('gives each Future once it is done, with its result at hand', async () => {
    const futures = executor().map(increment, [0, 1, 2, 3, 4]);
    const seen = await collect(asCompleted(futures));
    expect(seen).toHaveLength(5);
    expect(new Set(await executor().gather(seen))).toEqual(new Set([1, 2, 3, 4, 5]));
    expect(new Set(seen)).toEqual(new Set(futures));
  });

  it('gives results', async () => {
    const results = await collect(asCompleted(executor().map(increment, [0, 1, 2, 3, 4])).results());
    expect(results.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  it('gives two of one key both', async () => {
    const futures = [executor().submit(increment, 1), executor().submit(increment, 2), executor().submit(increment, 1)];
    expect(new Set(await collect(asCompleted(futures)))).toEqual(new Set(futures));
  });

  it('gives batches that together are all', async () => {
    const futures = executor().map((x: number) => new Promise<number>((resolve) => setTimeout(resolve, x % 7, x)), [...Array(50).keys()]);
    const batches = await collect(asCompleted(futures).batches());
    expect(batches.every((batch) => batch.length > 0)).toBe(true);
    expect(new Set(batches.flat())).toEqual(new Set(futures));
    expect(batches.flat()).toHaveLength(50);
  });

  it('knows how many are still to come', async () => {
    const queue = asCompleted(executor().map(increment, [100, 101]));
    expect(queue.size).toBe(2);
    const iterator = queue[Symbol.asyncIterator]();
    await iterator.next();
    expect(queue.size).toBe(1);
    await iterator.next();
    expect([queue.size, (await iterator.next()).done]).toEqual([0, true]);
  });

  it('takes more, also when it had run out of what it had', async () => {
    const queue = asCompleted([executor().submit(increment, 1)]);
    const seen: number[] = [];
    for await (const future of queue) {
      seen.push(await future.result());
      if (seen.length < 3) queue.add(executor().submit(increment, seen.length + 10));
    }
    expect(seen).toEqual([2, 12, 13]);
  });

  it('gives failed and cancelled ones too', async () => {
    const closed = gate();
    const [x, y] = [executor().submit(increment, 1), executor().submit(waits, closed, 1)];
    const queue = asCompleted([x, y]);
    await x;
    await y.cancel();
    expect(await collect(queue)).toEqual([x, y]);
    expect(y.status).toBe('cancelled');
    open(closed);
  });

  it('gives them in the order in which they are done, not in that of the list', async () => {
    const [first, second] = [gate(), gate()];
    const [x, y] = [executor().submit(waits, first, 1), executor().submit(waits, second, 2)];
    const seen: Future<number>[] = [];
    const reading = (async () => {
      for await (const future of asCompleted([x, y])) seen.push(future as Future<number>);
    })();
    open(second);
    await y;
    open(first);
    await reading;
    expect(seen).toEqual([y, x]);
  });
});

async function untilGone(own: Executor, keys: readonly string[]): Promise<void> {
  for (const end = Date.now() + 10_000; ; await pause(5)) {
    const held = await own.whoHas();
    if (!keys.some((key) => held.has(key))) return;
    if (Date.now() > end) throw new Error(`still held: ${keys.filter((key) => held.has(key)).join(', ')}`);
  }
}
