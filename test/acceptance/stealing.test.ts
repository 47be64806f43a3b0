import { currentTask, Executor, lazy } from 'heddle';
import { defaultPasses } from 'heddle/graph';
import { fresh } from '../conformance/engine-tools.ts';

/** Runs for so many milliseconds, and lets nobody else have its thread. Gives its start and end, and who ran it. */
const spin = lazy(function spin(ms: number, _: number) {
  const began = performance.timeOrigin + performance.now();
  while (performance.timeOrigin + performance.now() - began < ms) {}
  const { worker, attempt } = currentTask();
  return { worker, attempt, began, ended: performance.timeOrigin + performance.now() };
});

describe('work stealing', () => {
  it('takes what stands behind a long task to a worker that has nothing to do, though the thread reads no messages', async () => {
    await using executor = new Executor({ workers: 2 });
    const some = (count: number, ms: (i: number) => number) =>
      Array.from({ length: count }, (_, i) => executor.submit(spin, ms(i), fresh()));
    await executor.gather(some(200, () => 0)); // they are known to be short
    const futures = some(400, (i) => (i === 100 ? 1_500 : 0));
    const runs = await executor.gather(futures);
    // None of those that were sent along with the long one waited for its end.
    expect(runs.filter(({ began }) => began > runs[100]!.ended)).toEqual([]);
    const stories = await Promise.all(futures.map((future) => executor.story(future)));
    const stolen = stories.map((story) => story.some(({ why }) => why.startsWith('its worker had not begun it')));
    expect(stolen).toContain(true);
    expect(runs.filter((run, i) => stolen[i] && run.worker === runs[100]!.worker)).toEqual([]);
    expect(runs.filter((run) => run.attempt !== 1)).toEqual([]);
  });

  it('keeps both workers busy to the end', async () => {
    await using executor = new Executor({ workers: 2 });
    const runs = await executor.gather(Array.from({ length: 24 }, () => executor.submit(spin, 10, fresh())));
    const workers = new Set(runs.map(({ worker }) => worker));
    expect(workers.size).toBe(2);
  });

  it('runs each task once', async () => {
    await using executor = new Executor({ workers: 2 });
    const counts = new Int32Array(new SharedArrayBuffer(4 * 600));
    const count = lazy(function count(i: number, to: Int32Array, ms: number) {
      Atomics.add(to, i, 1);
      const end = performance.now() + ms;
      while (performance.now() < end) {}
    });
    const shared = executor.scatter({ to: counts }, { broadcast: true }).to;
    await executor.gather(Array.from({ length: 100 }, (_, i) => executor.submit(count, i, shared as never, 0)));
    await executor.gather(
      Array.from({ length: 500 }, (_, i) => executor.submit(count, 100 + i, shared as never, i % 90 === 3 ? 40 : 0.05)),
    );
    expect(new Set(counts)).toEqual(new Set([1]));
  });
});

describe('root tasks', () => {
  it('are held back: a few blocks a worker are in memory at a time', async () => {
    const unfused = defaultPasses.filter(({ name }) => name !== 'fuse');
    await using executor = new Executor({ workers: 2, passes: unfused });
    const read = lazy(function read(i: number) {
      return new Uint8Array(200_000).fill(i % 7);
    });
    const parse = lazy(function parse(bytes: Uint8Array) {
      return bytes.length;
    });
    const sum = lazy(function sum(...parts: number[]) {
      return parts.reduce((a, b) => a + b, 0);
    });
    let held = 0;
    let most = 0;
    executor.on('task', ({ key, from, to }) => {
      if (!key.startsWith('read')) return;
      if (to === 'memory') held++;
      if (from === 'memory') held--;
      most = Math.max(most, held);
    });
    const parsed = Array.from({ length: 2_000 }, (_, i) => parse(read(i)));
    const sums = Array.from({ length: 125 }, (_, i) => sum(...parsed.slice(16 * i, 16 * i + 16)));
    expect(await executor.compute(sum(...sums))).toBe(2_000 * 200_000);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(20);
  });
});

describe('a task that is ready beside an idle worker', () => {
  it('is warned of, with its key and why it waits', async () => {
    await using executor = new Executor({ workers: 2, stalledAfter: 300 });
    const warnings: { readonly code: string; readonly message: string }[] = [];
    const warned = new Promise<void>((resolve) => {
      executor.on('warning', (warning) => {
        warnings.push(warning);
        resolve();
      });
    });
    const here = { workers: 'worker-1' };
    const busy = executor.submit(
      lazy(function busy() {
        for (;;) {}
      }, here),
    );
    const ready = executor.submit(
      lazy(function ready() {
        return 1;
      }, here),
    );
    await warned;
    expect(warnings[0]).toMatchObject({ code: 'HEDDLE_STALLED', message: expect.stringContaining(`task ${ready.key} has been ready for`) });
    expect(warnings[0]!.message).toContain(
      'while worker-0 has nothing to do, it may not run there (workers "worker-1"; it waits for worker-1)',
    );
    await executor.cancel(busy, { force: true });
    expect(await ready).toBe(1);
  });
});
