// "Every waiting call takes { timeout, signal }; a timeout ends the waiting (ERR_TIMEOUT), not the work."
import { Writable } from 'node:stream';
import { asCompleted, Executor, type Future, lazy, progress, wait } from 'heddle';
import { failure } from '../fixtures/acceptance/helpers.ts';

interface Limits {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}
const nowhere = new Writable({ write: (_, __, done) => done() });
const slow = lazy((n: number) => new Promise<number>((resolve) => setTimeout(resolve, 400, n)), { pure: true, name: 'slow' });
const calls: readonly (readonly [name: string, call: (executor: Executor, future: Future<number>, limits: Limits) => Promise<unknown>])[] =
  [
    ['future.result', (_, future, limits) => future.result(limits)],
    ['future.exception', (_, future, limits) => future.exception(limits)],
    ['future.cancel', (_, future, limits) => future.cancel(limits)],
    ['executor.cancel', (executor, future, limits) => executor.cancel([future], limits)],
    ['executor.gather', (executor, future, limits) => executor.gather([future], limits)],
    ['executor.run', (executor, _, limits) => executor.run(() => new Promise((resolve) => setTimeout(resolve, 400)), limits)],
    ['executor.drain', (executor, _, limits) => executor.drain(limits)],
    ['executor.close, with drain', (executor, _, limits) => executor.close({ drain: true, ...limits })],
    ['wait', (_, future, limits) => wait([future], limits)],
    ['asCompleted', (_, future, limits) => asCompleted([future], limits)[Symbol.asyncIterator]().next()],
    ['asCompleted().batches()', (_, future, limits) => asCompleted([future], limits).batches()[Symbol.asyncIterator]().next()],
    ['asCompleted().results()', (_, future, limits) => asCompleted([future], limits).results()[Symbol.asyncIterator]().next()],
    ['progress', (_, future, limits) => progress([future], { stream: nowhere, ...limits })],
  ];

describe.each(calls)('%s', (name, call) => {
  const executor = new Executor({ workers: 1 });
  afterAll(() => executor.close());
  const begin = async (n: number): Promise<readonly [Future<number>]> => {
    const future = executor.compute(slow(n));
    while ((await executor.processing()).get('worker-0')!.includes(future.key) === false)
      await new Promise((resolve) => setTimeout(resolve, 2));
    return [future];
  };

  it('ends its waiting after a timeout, or with the reason of a signal, and the work goes on', async () => {
    const [future] = await begin(1);
    expect((await failure(() => call(executor, future, { timeout: 5 }))).code).toBe('ERR_TIMEOUT');
    const reason = new Error('enough');
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 5);
    const [other] = name.includes('cancel') ? await begin(2) : [future];
    expect(await failure(() => call(executor, other, { signal: controller.signal }))).toBe(reason);
    expect(await failure(() => call(executor, other, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    if (!name.includes('cancel')) expect(await future).toBe(1);
  });
});

it('restart and close heed a signal, and go on', async () => {
  const executor = new Executor({ workers: 1 });
  const reason = new Error('enough');
  const signal = AbortSignal.abort(reason);
  expect(await failure(() => executor.restart({ signal }))).toBe(reason);
  expect(await executor.submit(() => 5)).toBe(5);
  expect(await failure(() => executor.close({ signal }))).toBe(reason);
  expect((await failure(() => executor.submit(() => 6))).code).toBe('ERR_EXECUTOR_CLOSED');
  await executor.close();
});

it('what one executor cancels, another goes on with', async () => {
  const [one, two] = [new Executor({ workers: 1 }), new Executor({ workers: 1 })];
  try {
    const [cancelled, kept] = [one.compute(slow(7)), two.compute(slow(7))];
    expect(cancelled.key).toBe(kept.key);
    await cancelled.cancel({ force: true });
    expect((await failure(() => cancelled.result())).code).toBe('ERR_CANCELLED');
    expect(await kept).toBe(7);
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
});
