import { AsyncLocalStorage } from 'node:async_hooks';

/** What a running task may know of itself. */
export interface RunningTask {
  /** The scheduler's number for it. */
  readonly row: number;
  /** The executor it runs on, where that lives in this thread. */
  readonly executor: unknown;
  /** Keys of the fused tasks; `member` says which one runs. */
  readonly keys: string | readonly string[];
  readonly worker: string;
  readonly attempt: number;
  member: number;
  controller: AbortController | undefined;
}

interface Shared {
  readonly runningTask: AsyncLocalStorage<RunningTask>;
  readonly workerContext: {
    isWorker: boolean;
    /** Whether its memory can be shared with the caller's: not that of a process. */
    sharesMemory: boolean;
    sharedMemory: boolean;
    parent: unknown;
  };
}

/** One for all copies of heddle in a thread: on a cluster the worker has one, and a module that a task imports may bring another. */
const shared = ((globalThis as { [place: symbol]: Shared | undefined })[Symbol.for('heddle.worker.1')] ??= {
  runningTask: new AsyncLocalStorage(),
  workerContext: { isWorker: false, sharesMemory: true, sharedMemory: false, parent: undefined },
});

/** Follows a task through its awaits and timers. */
export const { runningTask }: Shared = shared;

/** Settings of this worker that code of the upper floor asks for. */
export const { workerContext }: Shared = shared;

/** The key of the task that runs. */
export function runningKey(task: RunningTask): string {
  return typeof task.keys === 'string' ? task.keys : (task.keys[task.member] ?? task.keys.at(-1)!);
}

const ownBuffers = new WeakSet<SharedArrayBuffer>();

/** Shared memory that heddle took for bytes: nobody speaks to others through it, so a copy of it is as good. */
export function ownShared(buffer: SharedArrayBuffer): SharedArrayBuffer {
  ownBuffers.add(buffer);
  return buffer;
}

/** Whether shared memory is heddle's own. */
export function isOwnShared(buffer: SharedArrayBuffer): boolean {
  return ownBuffers.has(buffer);
}
