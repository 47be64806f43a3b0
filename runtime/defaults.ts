import { HeddleError } from '../graph/index.ts';
import type { Executor } from './executor.ts';
import { runningTask, workerContext } from './worker/context.ts';

/** Open executors, the newest last. */
const open: Executor[] = [];
/** In a worker: the executor of the tasks that run there. */
let nested: Executor | undefined;
let make: (parent: unknown) => Executor = () => {
  throw new Error('no way to make an executor is known');
};

/** How an executor is made when there is none; with a `parent`, it hands everything on to that engine. */
export function makeDefaultsWith(maker: (parent: unknown) => Executor): void {
  make = maker;
}

export function noteOpened(executor: Executor): void {
  open.push(executor);
}

export function noteClosed(executor: Executor): void {
  const at = open.indexOf(executor);
  if (at >= 0) open.splice(at, 1);
}

/** The executor given; inside a task that task's own; else the newest open one, or a new one. */
export function resolveExecutor(executor?: Executor | undefined): Executor {
  if (executor !== undefined) return executor;
  const task = runningTask.getStore();
  if (task?.executor !== undefined) return task.executor as Executor;
  if (!workerContext.isWorker) return open.at(-1) ?? make(undefined);
  refuseOnImport();
  nested ??= make(workerContext.parent);
  return nested;
}

/** In a worker nothing begins by itself: an import there must not start the user's program again. Throws ERR_COMPUTE_ON_IMPORT. */
export function refuseOnImport(): void {
  if (workerContext.isWorker && runningTask.getStore() === undefined)
    throw new HeddleError(
      'ERR_COMPUTE_ON_IMPORT',
      'a module that a worker imports computes while it is being imported; guard it with `if (isMainThread)` of node:worker_threads, or move what tasks need into a module of its own',
    );
}
