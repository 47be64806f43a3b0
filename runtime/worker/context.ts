import { AsyncLocalStorage } from 'node:async_hooks';
import { HeddleError } from '../../graph/index.ts';

/** What a running task may know of itself. */
export interface RunningTask {
  /** Keys of the fused tasks; `member` says which one runs. */
  readonly keys: string | readonly string[];
  readonly worker: string;
  readonly attempt: number;
  member: number;
  controller: AbortController | undefined;
}

/** Follows a task through its awaits and timers. */
export const runningTask: AsyncLocalStorage<RunningTask> = new AsyncLocalStorage();

/** Settings of this worker that code of the upper floor asks for. */
export const workerContext: { isWorker: boolean; sharedMemory: boolean } = { isWorker: false, sharedMemory: false };

/** The key of the task that runs. */
export function runningKey(task: RunningTask): string {
  return typeof task.keys === 'string' ? task.keys : (task.keys[task.member] ?? task.keys.at(-1)!);
}

/** What a running task may know and do. */
export interface TaskContext {
  readonly key: string;
  /** The name of its worker. */
  readonly worker: string;
  /** 1 the first time. */
  readonly attempt: number;
  /** Fires when the task is cancelled. */
  readonly signal: AbortSignal;
  /** Not there yet: throws `ERR_UNSUPPORTED`. */
  readonly submit: (...args: readonly unknown[]) => never;
  /** Not there yet: throws `ERR_UNSUPPORTED`. */
  readonly compute: (...args: readonly unknown[]) => never;
}

/** The task that is running here. Throws ERR_NO_TASK outside one. */
export function currentTask(): TaskContext {
  const task = runningTask.getStore();
  if (task === undefined)
    throw new HeddleError('ERR_NO_TASK', 'currentTask() was called outside a task; call it in the function that a worker runs');
  task.controller ??= new AbortController();
  return {
    key: runningKey(task),
    worker: task.worker,
    attempt: task.attempt,
    signal: task.controller.signal,
    submit: refuse,
    compute: refuse,
  };
}

function refuse(): never {
  throw new HeddleError(
    'ERR_UNSUPPORTED',
    'tasks that submit tasks are not built yet; return the data and submit the next task from the caller',
  );
}

/** A fresh buffer of its own for bytes that a task gives: shared memory when the executor was asked for it. The bytes are not cleared. */
export function allocateBytes(size: number): Uint8Array {
  if (workerContext.sharedMemory) return new Uint8Array(new SharedArrayBuffer(size));
  const buffer = Buffer.allocUnsafeSlow(size); // never pooled: the bytes own their buffer
  return new Uint8Array(buffer.buffer, 0, size);
}
