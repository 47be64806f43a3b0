// Section 3 of the contract: Futures, asCompleted, wait and progress.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { inspect } from 'node:util';
import { asCompleted, Executor, type Future, type FutureHandle, lazy, progress, wait } from 'heddle';
import { failure, fixture, lines, report, temporaryFolder } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

const increment = (x: number) => x + 1;
const countLines = (path: string) => readFileSync(path, 'utf8').split('\n').length - 1;
const sleep = async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};
const fail = (text: string): number => {
  throw new RangeError(text);
};
/** Never ends by itself. */
const never = async (_: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  return 0;
};

describe('a Future', () => {
  it('goes from pending to finished', async () => {
    const future = executor.submit(increment, 1);
    expect([future.status, future.done()]).toEqual(['pending', false]);
    expect(inspect(future)).toBe(`<Future: status: pending, key: ${future.key}>`);
    expect(await future).toBe(2);
    expect([future.status, future.done()]).toEqual(['finished', true]);
    expect(inspect(future)).toBe(`<Future: status: finished, key: ${future.key}>`);
    expect(inspect([future], { breakLength: Number.POSITIVE_INFINITY })).toBe(`[ <Future: status: finished, key: ${future.key}> ]`);
  });

  it('goes from pending to error', async () => {
    const future = executor.submit(fail, 'goes wrong');
    expect((await failure(() => future.result())).message).toBe('goes wrong');
    expect([future.status, future.done()]).toEqual(['error', true]);
    expect(inspect(future)).toBe(`<Future: status: error, key: ${future.key}>`);
  });

  it('goes from pending to cancelled by its own cancel', async () => {
    const future = executor.submit(never, 1);
    await future.cancel({ reason: 'enough' });
    expect([future.status, future.done()]).toEqual(['cancelled', true]);
    expect(inspect(future)).toBe(`<Future: status: cancelled, key: ${future.key}>`);
    const error = await failure(() => future.result());
    expect([error.code, error.cause]).toEqual(['ERR_CANCELLED', 'enough']);
  });

  it('can be awaited, given to Promise.all, and returned from an async function', async () => {
    const start = async () => executor.submit(increment, 4);
    expect(await start()).toBe(5);
    expect(await Promise.all([executor.submit(increment, 1), executor.submit(increment, 2)])).toEqual([2, 3]);
    expect(await executor.submit(increment, 6).then((result) => result * 10)).toBe(70);
    expect(await executor.submit(fail, 'then').then(undefined, (error: Error) => error.message)).toBe('then');
  });

  it('tells its exception: an Error, or null', async () => {
    expect(await executor.submit(increment, 1).exception()).toBeNull();
    const error = await executor.submit(fail, 'told').exception();
    expect([error?.name, error?.message]).toEqual(['RangeError', 'told']);
  });

  it('gives the same object each time it is asked', async () => {
    const future = executor.submit(() => ({ list: [1] }));
    const first = await future;
    expect(await future).toBe(first);
    expect(await future.result()).toBe(first);
    expect((await executor.gather([future]))[0]).toBe(first);
    const bad = executor.submit(fail, 'the same');
    const error = await bad.exception();
    expect(await failure(() => bad.result())).toBe(error);
  });

  it('stops waiting at a timeout with ERR_TIMEOUT, and the work goes on', async () => {
    const slow = executor.submit(sleep, 300);
    const error = await failure(() => slow.result({ timeout: '20 ms' }));
    expect([error.name, error.code]).toEqual(['TimeoutError', 'ERR_TIMEOUT']);
    expect((await failure(() => slow.exception({ timeout: 10 }))).code).toBe('ERR_TIMEOUT');
    expect(await slow.result({ timeout: '20 s' })).toBe(300);
  });

  it('stops waiting with the reason of the signal, and the work goes on', async () => {
    const slow = executor.submit(sleep, 250);
    const reason = new Error('no longer');
    expect(await failure(() => slow.result({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    const waiting = failure(() => slow.result({ signal: controller.signal }));
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    expect(await slow).toBe(250);
  });

  it('calls back once, in a later turn, with itself', async () => {
    const future = executor.submit(increment, 21);
    const seen: string[] = [];
    let given: FutureHandle<number> | undefined;
    await new Promise<void>((resolve) => {
      future.addDoneCallback((done) => {
        given = done;
        seen.push(done.status);
        resolve();
      });
    });
    expect(given?.key).toBe(future.key);
    expect(seen).toEqual(['finished']);
    let late = false;
    future.addDoneCallback(() => {
      late = true;
    });
    expect(late).toBe(false);
    await sleep(20);
    expect(late).toBe(true);
    expect(seen).toEqual(['finished']);
  });

  it('calls back for failures and cancels, and not after the callback was taken back', async () => {
    const bad = executor.submit(fail, 'called back');
    const status = await new Promise((resolve) => bad.addDoneCallback((future) => resolve(future.status)));
    expect(status).toBe('error');
    const future = executor.submit(sleep, 31);
    let called = 0;
    const back = future.addDoneCallback(() => called++);
    future.addDoneCallback(() => (called += 100));
    back();
    await future;
    await sleep(20);
    expect(called).toBe(100);
  });

  it('gives up its hold with release: ERR_RELEASED', async () => {
    const future = executor.submit(increment, 51);
    const other = executor.submit(increment, 51);
    future.release();
    expect((await failure(() => future.result())).code).toBe('ERR_RELEASED');
    expect(await other).toBe(52);
    future.release();
  });

  it('is forgotten when the last hold is gone', async () => {
    const future = executor.submit(() => new Uint8Array(1_000));
    await future.result();
    expect((await executor.whoHas()).has(future.key)).toBe(true);
    future.release();
    for (let i = 0; i < 100 && (await executor.whoHas()).has(future.key); i++) await sleep(10);
    expect((await executor.whoHas()).has(future.key)).toBe(false);
  });

  it('runs again with retry after an error', async () => {
    const log = join(folder, 'retry');
    const second = (at: string) => {
      appendFileSync(at, 'ran\n');
      // the log is the state that changes between the two runs
      if (countLines(at) < 2) throw new Error('the first run');
      return 'the second run';
    };
    const future = executor.submit(lazy(second, { pure: false }), log);
    expect((await failure(() => future.result())).message).toBe('the first run');
    await future.retry();
    expect(await future.result()).toBe('the second run');
    expect(lines(log)).toHaveLength(2);
  });
});

describe('asCompleted', () => {
  it('yields Futures in the order in which they are done', async () => {
    const slow = executor.submit(sleep, 200);
    const fast = executor.submit(sleep, 1);
    const seen: FutureHandle<number>[] = [];
    for await (const future of asCompleted([slow, fast])) {
      expect(future.done()).toBe(true);
      seen.push(future);
    }
    expect(seen.map((future) => future.key)).toEqual([fast.key, slow.key]);
  });

  it('yields the Futures, not their results', async () => {
    const futures = executor.map(increment, [1, 2, 3]);
    for await (const future of asCompleted(futures)) {
      expect(inspect(future)).toBe(`<Future: status: finished, key: ${future.key}>`);
      expect(typeof (await future.result())).toBe('number');
    }
  });

  it('yields failed and cancelled ones too, and one as often as it was added', async () => {
    const good = executor.submit(increment, 1);
    const bad = executor.submit(fail, 'yielded');
    const cancelled = executor.submit(never, 2);
    await cancelled.cancel();
    const statuses: string[] = [];
    for await (const future of asCompleted([good, bad, good, cancelled])) statuses.push(future.status);
    expect(statuses.sort()).toEqual(['cancelled', 'error', 'finished', 'finished']);
  });

  it('takes more while it goes', async () => {
    const queue = asCompleted([executor.submit(increment, 0)]);
    expect(queue.size).toBe(1);
    const results: number[] = [];
    for await (const future of queue) {
      const result = await future.result();
      results.push(result);
      if (result < 5) queue.add(executor.submit(increment, result));
    }
    expect(results).toEqual([1, 2, 3, 4, 5]);
    expect(queue.size).toBe(0);
  });

  it('ends at once without Futures', async () => {
    for await (const _ of asCompleted([])) throw new Error('there was none');
  });

  it('gives all that are done in batches', async () => {
    const futures = executor.map(increment, [1, 2, 3, 4]);
    await wait(futures);
    const batches: string[][] = [];
    for await (const batch of asCompleted(futures).batches()) batches.push(batch.map((future) => future.key));
    expect(batches.flat().sort()).toEqual(futures.map((future) => future.key).sort());
    expect(batches).toHaveLength(1);
  });

  it('gives results, and throws the first error', async () => {
    const results: number[] = [];
    for await (const result of asCompleted(executor.map(increment, [1, 2, 3])).results()) results.push(result);
    expect(results.sort()).toEqual([2, 3, 4]);
    const error = await failure(async () => {
      for await (const _ of asCompleted([executor.submit(fail, 'thrown by results')]).results());
    });
    expect(error.message).toBe('thrown by results');
  });

  it('stops waiting at a timeout and at a signal', async () => {
    const endless = executor.submit(never, 3);
    const take = async (options: Parameters<typeof asCompleted>[1]) => {
      for await (const _ of asCompleted([endless], options));
    };
    expect((await failure(() => take({ timeout: 20 }))).code).toBe('ERR_TIMEOUT');
    const reason = new Error('stopped');
    expect(await failure(() => take({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    await endless.cancel();
  });
});

describe('wait', () => {
  it('waits for all, failed ones too, in the order given', async () => {
    const futures = [executor.submit(sleep, 40), executor.submit(fail, 'waited for'), executor.submit(increment, 1)];
    const { done, notDone } = await wait(futures);
    expect(done.map((future) => future.key)).toEqual(futures.map((future) => future.key));
    expect(done.map((future) => future.status)).toEqual(['finished', 'error', 'finished']);
    expect(notDone).toEqual([]);
  });

  it('returns with the first', async () => {
    const endless = executor.submit(never, 4);
    const quick = executor.submit(increment, 3);
    const { done, notDone } = await wait([endless, quick], { returnWhen: 'first' });
    expect(done).toHaveLength(1);
    expect(done[0]).toBe(quick);
    expect(notDone).toHaveLength(1);
    expect(notDone[0]).toBe(endless);
    await endless.cancel();
  });

  it('returns with the first error, or when all are done', async () => {
    const endless = executor.submit(never, 5);
    const bad = executor.submit(fail, 'first error');
    const { done, notDone } = await wait([endless, bad], { returnWhen: 'first-error' });
    expect(done.map((future) => future.key)).toEqual([bad.key]);
    expect(notDone.map((future) => future.key)).toEqual([endless.key]);
    await endless.cancel();
    const good = executor.map(increment, [1, 2]);
    expect((await wait(good, { returnWhen: 'first-error' })).notDone).toEqual([]);
  });

  it('returns at once without Futures', async () => {
    expect(await wait([])).toEqual({ done: [], notDone: [] });
    expect(await wait([], { returnWhen: 'first' })).toEqual({ done: [], notDone: [] });
  });

  it('stops waiting at a timeout and at a signal, and the work goes on', async () => {
    const slow = executor.submit(sleep, 220);
    expect((await failure(() => wait([slow], { timeout: 10 }))).code).toBe('ERR_TIMEOUT');
    const reason = new Error('stopped');
    expect(await failure(() => wait([slow], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await slow).toBe(220);
  });
});

describe('progress', () => {
  /** What progress writes to a stream that is no terminal. */
  const written = async (futures: Parameters<typeof progress>[0]) => {
    const stream = new PassThrough();
    let text = '';
    stream.on('data', (chunk) => {
      text += chunk;
    });
    await progress(futures, { stream });
    await new Promise((resolve) => setImmediate(resolve));
    return text;
  };

  it('writes plain lines where it is no terminal, and ends when all are done', async () => {
    const futures = executor.map(sleep, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    const text = await written(futures);
    expect(futures.every((future) => future.status === 'finished')).toBe(true);
    expect(text).toContain('100');
    expect(text.endsWith('\n')).toBe(true);
    expect(text).not.toContain('\r');
    expect(text).not.toContain('\u001b');
    expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(12);
  });

  it('resolves when some failed, and takes one Future', async () => {
    expect(await written(executor.submit(increment, 1))).toContain('100');
    const bad = executor.submit(fail, 'under a bar');
    await written([bad]);
    expect(bad.status).toBe('error');
    expect((await bad.exception())?.message).toBe('under a bar');
  });
});

describe('Futures that nobody looks at', () => {
  interface Seen {
    readonly rejections: number;
    readonly warnings: readonly { readonly code?: string; readonly message: string }[];
  }

  it('raise no unhandled rejection when they fail, but one warning with the number and the first keys', async () => {
    const seen = await report<Seen>([fixture('unseen.mjs'), 'failed']);
    expect(seen.rejections).toBe(0);
    const unseen = seen.warnings.filter((warning) => warning.code === 'HEDDLE_UNSEEN');
    expect(unseen).toHaveLength(1);
    expect(unseen[0]!.message).toMatch(/\b3\b/);
    expect(unseen[0]!.message).toMatch(/forgotten-[0-9a-f]{32}/);
  });

  it('raise one warning when close drops them', async () => {
    const seen = await report<Seen>([fixture('unseen.mjs'), 'dropped']);
    expect(seen.rejections).toBe(0);
    const unseen = seen.warnings.filter((warning) => warning.code === 'HEDDLE_UNSEEN');
    expect(unseen).toHaveLength(1);
    expect(unseen[0]!.message).toMatch(/\b2\b/);
    expect(unseen[0]!.message).toMatch(/endless-[0-9a-f]{32}/);
  });

  it.each(['result', 'exception', 'await', 'gather', 'wait', 'asCompleted', 'addDoneCallback'])(
    'raise none when %s has looked at them',
    async (how) => {
      expect(await report<Seen>([fixture('unseen.mjs'), how])).toEqual({ rejections: 0, warnings: [] });
    },
  );

  it('raise none when they succeed', async () => {
    expect(await report<Seen>([fixture('unseen.mjs'), 'good'])).toEqual({ rejections: 0, warnings: [] });
  });
});

describe('disposal', () => {
  it('closes an executor and releases a Future by the symbols of the language', async () => {
    expect(await report<unknown>([fixture('dispose.mjs')])).toEqual({
      released: 'ERR_RELEASED',
      unfinished: 'ERR_EXECUTOR_CLOSED',
      later: 'ERR_EXECUTOR_CLOSED',
    });
  });
});

describe('a result a Future gives', () => {
  it('is the value, also when that is a Future-like object with no then', async () => {
    const future: Future<{ status: string }> = executor.submit(() => ({ status: 'mine' }));
    expect(await future).toEqual({ status: 'mine' });
  });
});
