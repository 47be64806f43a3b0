import { asCompleted, Executor, type Future, lazy, wait } from 'heddle';

/** What went wrong once under bad input, races and kills. */

const failureOf = async (work: Promise<unknown>): Promise<{ code?: string; message: string }> => {
  try {
    await work;
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error('it did not fail');
};
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('an executor with two workers', () => {
  let executor: Executor;
  beforeAll(() => {
    executor = new Executor({ workers: 2, cancelGrace: 50 });
  });
  afterAll(() => executor.close());

  const there = { workers: 'worker-0' };
  const here = { workers: 'worker-1' };

  it('never takes an input that a failed task left behind for that of another task', async () => {
    const make = lazy((n: number) => ({ n, text: 'long enough not to come along with the report of the task that made it' }), there);
    const boom = lazy((_: { n: number }): number => {
      throw new Error('boom');
    }, here);
    const read = lazy((made: { n: number }) => made.n, here);
    for (let n = 0; n < 5; n++) {
      const first = executor.submit(make, n);
      const failed = executor.submit(boom, first);
      expect((await failureOf(failed.result())).message).toBe('boom');
      first.release();
      failed.release();
      await sleep(5);
      const second = executor.submit(make, n + 100); // takes the place of `first` in the table
      expect(await executor.submit(read, second)).toBe(n + 100);
    }
  });

  it('tells whoever waits that the Future was released', async () => {
    const slow = (n: number): Promise<number> => new Promise((resolve) => setTimeout(resolve, 5_000, n));
    const looks: readonly ((future: Future<number>) => Promise<unknown>)[] = [
      (future) => future.result(),
      (future) => executor.gather([future]),
      (future) => wait([future]),
      (future) => future.exception(),
      (future) => asCompleted([future])[Symbol.asyncIterator]().next(),
    ];
    for (const [n, look] of looks.entries()) {
      const future = executor.submit(slow, n);
      const looked = look(future).catch((error: { code: string }) => error.code);
      future.release();
      await looked;
      expect(future.status).toBe('cancelled');
      expect((await failureOf(executor.gather([future]))).code).toBe('ERR_RELEASED');
    }
  });

  it('delivers a result that was asked for before the Future was released, and no other', async () => {
    const make = (n: number): { n: number } => ({ n });
    for (let n = 0; n < 5; n++) {
      const future = executor.submit(make, n);
      await future.exception();
      const asked = future.result();
      future.release();
      const other = executor.submit(make, n + 1_000); // would take its place at once
      expect([await asked, await other]).toEqual([{ n }, { n: n + 1_000 }]);
      expect((await failureOf(future.result())).code).toBe('ERR_RELEASED');
    }
  });

  it('runs a task again that was let go while it ran, and is wanted again', async () => {
    const attentive = async (n: number): Promise<number> => {
      const { currentTask } = await import('heddle');
      const { signal } = currentTask();
      return await new Promise((resolve, reject) => {
        setTimeout(resolve, 300, n);
        signal.addEventListener('abort', () => reject(new Error('it was told to stop')));
      });
    };
    const first = executor.submit(attentive, 1);
    const others = executor.submit((n: number) => new Promise((resolve) => setTimeout(resolve, 100, n)), 2);
    await others;
    first.release();
    expect(await executor.submit(attentive, 1)).toBe(1);
  });

  it('answers every next() of a stream of Futures, however many are asked for at once', async () => {
    async function* numbers(): AsyncGenerator<number> {
      for (let n = 0; n < 3; n++) {
        await sleep(2);
        yield n;
      }
    }
    const iterator = executor.map((n: number) => n * 2, numbers())[Symbol.asyncIterator]();
    const answers = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
    expect(answers.map(({ done }) => done)).toEqual([false, false, false, true, true]);
    expect(await executor.gather(answers.slice(0, 3).map(({ value }) => value))).toEqual([0, 2, 4]);
  });

  it('gives dependants that come late the original error of a task that nobody holds', async () => {
    const broken = lazy((): number => {
      throw new RangeError('the original');
    })();
    const plus = executor.compute(lazy((n: number) => +n)(broken));
    const minus = executor.compute(lazy((n: number) => -n)(broken));
    expect([(await plus.exception())?.message, (await minus.exception())?.message]).toEqual(['the original', 'the original']);
    expect((await failureOf(executor.submit((n: number) => n, plus).result())).message).toBe('the original');
  });

  it('refuses data that cannot travel as often as they are scattered', async () => {
    const data = [Object.assign(new Uint8Array(4), { more: 1 })];
    expect(() => executor.scatter(data)).toThrow(/data\.more/);
    expect(() => executor.scatter(data)).toThrow(/data\.more/);
  });

  it('waits on one signal many times without a warning', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', listen);
    const { signal } = new AbortController();
    const future = executor.submit((n: number) => new Promise<number>((resolve) => setTimeout(resolve, 50, n)), 7);
    expect(new Set(await Promise.all(Array.from({ length: 30 }, () => future.result({ signal }))))).toEqual(new Set([7]));
    await sleep(0);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});

it('cancels by restart also what was finished and not yet fetched', async () => {
  const executor = new Executor({ workers: 1 });
  const future = executor.submit((n: number) => ({ n }), 1);
  await future.exception();
  const asked = failureOf(future.result());
  await executor.restart();
  expect((await asked).code).toBe('ERR_CANCELLED');
  expect((await failureOf(future.result())).code).toBe('ERR_CANCELLED');
  expect(await executor.submit((n: number) => n, 2)).toBe(2);
  await executor.close();
});
