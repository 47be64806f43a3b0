import { HeddleError } from '../graph/index.ts';
import type { Executor } from './executor.ts';
import { runningTask, workerContext } from './worker/context.ts';

/** Open executors, the newest last. */
const open: Executor[] = [];
let make: () => Executor = () => {
  throw new Error('no way to make an executor is known');
};

/** How a default executor is made when there is none. */
export function makeDefaultsWith(maker: () => Executor): void {
  make = maker;
}

export function noteOpened(executor: Executor): void {
  open.push(executor);
}

export function noteClosed(executor: Executor): void {
  const at = open.indexOf(executor);
  if (at >= 0) open.splice(at, 1);
}

/** The executor given, or the newest open one, or a new one. */
export function resolveExecutor(executor?: Executor | undefined): Executor {
  if (executor !== undefined) return executor;
  refuseInWorker();
  return open.at(-1) ?? make();
}

/** In a worker nothing begins by itself: an import there must not start the user's program again. */
export function refuseInWorker(): void {
  if (!workerContext.isWorker) return;
  if (runningTask.getStore() === undefined)
    throw new HeddleError(
      'ERR_COMPUTE_ON_IMPORT',
      'a module that a worker imports computes while it is being imported; guard it with `if (isMainThread)` of node:worker_threads, or move what tasks need into a module of its own',
    );
  throw new HeddleError(
    'ERR_UNSUPPORTED',
    'tasks that submit tasks are not built yet; return the data and submit the next task from the caller',
  );
}
