import { Executor, type ExecutorOptions, type LazyFunction, lazy } from 'heddle';

export { fresh, rejection, runCounter, until } from '../conformance/engine-tools.ts';

/** An executor for a whole file: two workers that differ by name and by host. */
export function sharedExecutor(): () => Executor {
  let executor: Executor;
  beforeAll(() => {
    executor = new Executor({
      workers: [
        { name: 'alice', host: 'north' },
        { name: 'bob', host: 'south' },
      ],
      cancelGrace: 50,
    });
  });
  afterAll(() => executor.close());
  return () => executor;
}

/** A call that gives `n` once a gate is open. A function makes it: what a file exports goes to workers by name, and they cannot import this one. */
export const waiting = (): LazyFunction<[shut: Int32Array, n: number], number> =>
  lazy(
    async (shut: Int32Array, n: number) => {
      while (Atomics.load(shut, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      return n;
    },
    { pure: false },
  );

export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

/** Runs `use` with an executor of its own, and closes it. */
export async function withOwn<T>(options: ExecutorOptions, use: (own: Executor) => Promise<T>): Promise<T> {
  const own = new Executor(options);
  try {
    return await use(own);
  } finally {
    await own.close();
  }
}

/** Shared memory that a task can wait on until the test opens it. */
export const gate = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(4));

/** Lets every task go that waits on this gate. */
export function open(closed: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(closed, 0, 1);
  Atomics.notify(closed, 0);
}

/** Ends a worker's thread in a way that it cannot see coming; what it held is lost. */
export async function lose(executor: Executor, worker: string): Promise<void> {
  const end = () => (process as unknown as { reallyExit(code: number): void }).reallyExit(1);
  await executor.run(end, { workers: worker }).catch(() => undefined);
}
