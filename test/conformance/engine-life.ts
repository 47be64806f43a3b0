/** What every engine does between the beginning and the end of work: waiting, tasks that know where they are, cancelling, closing. */
import { asCompleted, currentTask, isTaskFailure, lazy, wait } from 'heddle';
import { type Case, type EngineName, fresh, type OpenExecutor, rejection, runCounter, until, withExecutor } from './engine-tools.ts';

// not exported, so that they travel by their source
const add = (a: number, b: number): number => a + b;
const double = (n: number): number => n * 2;
const sleep = async (ms: number, result: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return result;
};
/** Takes a minute, or until its signal fires: on the inline engine a timer would outlive its test. */
async function minute(result: number): Promise<number> {
  const { signal } = currentTask();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 60_000);
    signal.addEventListener('abort', () => resolve(clearTimeout(timer)));
  });
  return result;
}
const fail = (message: string): never => {
  throw new RangeError(message);
};
/** Runs until its signal fires. */
async function untilStopped(path: string): Promise<string> {
  const { appendFile } = await import('node:fs/promises');
  const { signal } = currentTask();
  await appendFile(path, 'started\n');
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await appendFile(path, 'stopped\n');
  return 'stopped';
}

export function testEngineLife(name: EngineName, open: OpenExecutor, test: Case): void {
  describe(`${name}: waiting`, () => {
    withExecutor(open, (executor) => {
      test('yields Futures as they are done, failed ones too, as often as they were added', async () => {
        const slow = executor().submit(sleep, 80, fresh());
        const quick = executor().submit(add, fresh(), 0);
        const bad = executor().submit(fail, `as completed ${fresh()}`);
        const order: string[] = [];
        const queue = asCompleted([slow, quick, bad, quick]);
        for await (const future of queue)
          order.push(`${future.key === slow.key ? 'slow' : future.key === quick.key ? 'quick' : 'bad'} ${future.status}`);
        expect(order.sort()).toEqual(['bad error', 'quick finished', 'quick finished', 'slow finished']);
        expect(queue.size).toBe(0);
        const late: string[] = [];
        for await (const future of asCompleted([executor().submit(sleep, 80, fresh()), quick]))
          late.push(future.key === quick.key ? 'quick' : 'slow');
        expect(late).toEqual(['quick', 'slow']);
      });
      test('takes more Futures while it yields, gives batches and results', async () => {
        const queue = asCompleted(executor().map(double, [1, 2]));
        const seen: number[] = [];
        for await (const future of queue) {
          seen.push(await future.result());
          if (seen.length === 2) queue.add(executor().submit(double, 50));
        }
        expect(seen.sort((a, b) => a - b)).toEqual([2, 4, 100]);
        let count = 0;
        for await (const batch of asCompleted(executor().map(double, [5, 6, 7])).batches()) {
          expect(batch.length).toBeGreaterThan(0);
          count += batch.length;
        }
        expect(count).toBe(3);
        const results: number[] = [];
        for await (const result of asCompleted(executor().map(double, [5, 6, 7])).results()) results.push(result);
        expect(results.sort((a, b) => a - b)).toEqual([10, 12, 14]);
        const failing = async (): Promise<void> => {
          for await (const _ of asCompleted([executor().submit(fail, 'first error')]).results()) throw new Error('there is no result');
        };
        expect((await rejection(failing())).message).toBe('first error');
      });
      test('waits for all, for the first, or for the first error', async () => {
        const slow = executor().submit(sleep, 150, fresh());
        const quick = executor().submit(add, fresh(), 1);
        const first = await wait([slow, quick], { returnWhen: 'first' });
        expect([first.done, first.notDone]).toEqual([[quick], [slow]]);
        const bad = executor().submit(fail, `wait ${fresh()}`);
        const error = await wait([slow, bad], { returnWhen: 'first-error' });
        expect(error.done).toContain(bad);
        const all = await wait([slow, quick, bad]);
        expect([all.done, all.notDone]).toEqual([[slow, quick, bad], []]);
      });
      test('ends waiting after a timeout or a signal, and not the work', async () => {
        const result = fresh();
        const slow = executor().submit(sleep, 200, result);
        expect((await rejection(slow.result({ timeout: 10 }))).code).toBe('ERR_TIMEOUT');
        expect((await rejection(wait([slow], { timeout: '10 ms' }))).code).toBe('ERR_TIMEOUT');
        const reason = new Error('enough');
        expect(await rejection(slow.result({ signal: AbortSignal.abort(reason) }))).toBe(reason);
        expect(await slow.result({ timeout: '20 s' })).toBe(result);
      });
      test('waits until everything begun is done', async () => {
        const slow = executor().submit(sleep, 50, fresh());
        const bad = executor().submit(fail, `drain ${fresh()}`);
        await executor().drain();
        expect([slow.status, bad.status]).toEqual(['finished', 'error']);
        await bad.exception();
      });
    });
  });

  describe(`${name}: inside a task`, () => {
    withExecutor(
      () => open(name === 'inline' || name === 'dask' ? {} : { workers: 1 }),
      (executor) => {
        test('knows its key, worker and attempt', async () => {
          const future = executor().submit(() => {
            const { key, worker, attempt, signal } = currentTask();
            return { key, worker, attempt, aborted: signal.aborted };
          });
          const { worker, ...rest } = await future;
          expect((await executor().workers()).map(({ name }) => name)).toContain(worker);
          expect(rest).toEqual({ key: future.key, attempt: 1, aborted: false });
        });
        test('knows them after an await, beside others', async () => {
          const who = async (ms: number): Promise<string> => {
            await new Promise((resolve) => setTimeout(resolve, ms));
            return currentTask().key;
          };
          const futures = executor().map(who, [20, 5, 10]);
          expect(await Promise.all(futures)).toEqual(futures.map((future) => future.key));
        });
        test('knows the key of its own call in a fused chain', async () => {
          const first = lazy(function first(): string[] {
            return [currentTask().key];
          })();
          const second = lazy(function second(keys: string[]): string[] {
            return [...keys, currentTask().key];
          })(first);
          expect(await executor().compute(second)).toEqual([first.key, second.key]);
        });
        test('is no task outside of one', async () => {
          expect(() => currentTask()).toThrow(expect.objectContaining({ code: 'ERR_NO_TASK' }));
        });
        test('starts tasks and awaits them, on one worker, without a deadlock', async () => {
          const fibonacci = async (n: number): Promise<number> => {
            if (n < 2) return n;
            const step = async (m: number): Promise<number> => {
              if (m < 2) return m;
              const { submit } = currentTask();
              return (await submit(step, m - 1)) + (await submit(step, m - 2));
            };
            return await currentTask().submit(step, n);
          };
          expect(await executor().submit(fibonacci, 7)).toBe(13);
        });
        test('may wait for what stands behind it: a call that was queued before, by the caller or by another task', async () => {
          const n = fresh();
          const late = lazy((m: number) => m * 2, { pure: true, name: 'late', priority: -1 });
          const asks = lazy(async (m: number, _: number) => (await currentTask().submit(late, m)) + 1, { pure: true, name: 'asks' });
          // one at a time, so that what they wait for cannot have run before
          const one = executor().submit(asks.with({ priority: 1 }), n, 1);
          const two = executor().submit(asks, n, 2);
          const behind = executor().submit(late, n);
          expect(await executor().gather([one, two, behind], { timeout: '15 s' })).toEqual([2 * n + 1, 2 * n + 1, 2 * n]);
        });
        test('may return a Future, and gives its result', async () => {
          const outer = (n: number): unknown => currentTask().submit((m: number) => m + 1, n);
          expect(await executor().submit(outer, 1)).toBe(2);
        });
        test('may not return a Value, nor hold one in its result', async () => {
          const nested = (): unknown => lazy((n: number) => n)(1);
          const held = (): unknown => ({ parts: [lazy((n: number) => n)(1)] });
          for (const task of [nested, held]) {
            const error = await rejection(executor().submit(task));
            expect(error.code).toBe('ERR_NESTED_VALUE');
            expect(error.message).toContain('currentTask().compute');
          }
        });
      },
    );
  });

  describe(`${name}: cancel, close, restart`, () => {
    test('cancels a running task by its signal, and what depends on it', async () => {
      const executor = open();
      const runs = runCounter();
      try {
        const running = executor.submit(lazy(untilStopped, { pure: true }), runs.path);
        const after = executor.submit((text: string) => text.length, running);
        await until(() => runs.count() > 0, 'the task has started');
        const reason = new Error('not needed');
        await running.cancel({ reason });
        const error = await rejection(running);
        expect([error.code, error.cause]).toEqual(['ERR_CANCELLED', reason]);
        expect((await rejection(after)).code).toBe('ERR_CANCELLED');
        expect([running.status, after.status]).toEqual(['cancelled', 'cancelled']);
        await until(() => runs.lines().includes('stopped'), 'the task has heard of it');
        const n = fresh();
        expect(await executor.submit(add, 1, n)).toBe(1 + n);
      } finally {
        await executor.close();
        runs.remove();
      }
    });

    test('cancels a task that waits, and leaves others alone', async () => {
      const executor = open();
      try {
        const n = fresh();
        const slow = executor.submit(sleep, 100, n);
        const waiting = executor.submit(double, slow);
        const other = executor.submit(add, slow, 1);
        await executor.cancel([waiting]);
        expect((await rejection(waiting)).code).toBe('ERR_CANCELLED');
        expect(await other).toBe(n + 1);
      } finally {
        await executor.close();
      }
    });

    test('stops at once when closed, with work in flight', async () => {
      const executor = open();
      const done = executor.submit(add, 1, 2);
      expect(await done).toBe(3);
      const running = executor.submit(minute, fresh());
      const waiting = executor.submit(double, running);
      await executor.close();
      for (const future of [running, waiting]) {
        expect((await rejection(future)).code).toBe('ERR_EXECUTOR_CLOSED');
        expect(future.status).toBe('cancelled');
      }
      expect(await done).toBe(3);
      expect(() => executor.submit(add, 1, 2)).toThrow(expect.objectContaining({ code: 'ERR_EXECUTOR_CLOSED' }));
      await executor.close();
    });

    test('finishes what was begun when closed with drain', async () => {
      const executor = open();
      const slow = executor.submit(sleep, 50, 5);
      const after = executor.submit(double, slow);
      const results = Promise.all([slow, after]);
      await executor.close({ drain: true });
      expect(await results).toEqual([5, 10]);
    });

    test('forgets everything and goes on when restarted', async () => {
      const executor = open();
      try {
        const held = executor.submit(add, 2, 3);
        await held;
        const running = executor.submit(minute, fresh());
        const seen = rejection(running);
        await executor.restart();
        expect((await seen).code).toBe('ERR_CANCELLED');
        expect(await executor.submit(add, 20, 22)).toBe(42);
      } finally {
        await executor.close();
      }
    });

    test('stops an attempt that takes too long', async () => {
      const executor = open({ cancelGrace: 50 });
      try {
        const error = await rejection(executor.submit(lazy(minute, { timeout: 30 }), fresh()));
        expect(error.code).toBe('ERR_TIMEOUT');
        const n = fresh();
        expect(await executor.submit(add, 1, n)).toBe(1 + n);
      } finally {
        await executor.close();
      }
    });

    test('replaces a thread that does not heed its signal, and loses no other task', async () => {
      const executor = open({ workers: 2, cancelGrace: 50 });
      try {
        const spin = (): never => {
          for (;;);
        };
        const stuck = executor.submit(spin);
        const others = executor.map(
          sleep,
          Array.from({ length: 20 }, () => 5),
          Array.from({ length: 20 }, (_, i) => i),
        );
        await until(() => others.some((future) => future.done()), 'others run');
        await stuck.cancel();
        expect((await rejection(stuck)).code).toBe('ERR_CANCELLED');
        expect(await executor.gather(others)).toEqual(Array.from({ length: 20 }, (_, i) => i));
        expect(await executor.submit(add, 1, fresh())).toBeGreaterThan(1);
      } finally {
        await executor.close();
      }
    });

    test('turns process.exit in a task into an error of that task', async () => {
      const executor = open();
      try {
        const error = await rejection(executor.submit(() => process.exit(3)));
        expect(error.message).toMatch(/process\.exit/);
        expect(isTaskFailure(error)).toBe(true);
        expect(await executor.submit(add, 1, 2)).toBe(3);
      } finally {
        await executor.close();
      }
    });
  });
}
