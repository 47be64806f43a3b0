import { HeddleError } from '../graph/index.ts';
import { resolveExecutor } from './defaults.ts';
import type { Executor } from './executor.ts';
import { runningKey, runningTask } from './worker/context.ts';

/** What a running task may know and do. */
export interface TaskContext {
  readonly key: string;
  /** The name of its worker. */
  readonly worker: string;
  /** 1 the first time. */
  readonly attempt: number;
  /** Fires when the task is cancelled. */
  readonly signal: AbortSignal;
  /** As `executor.submit`, on the executor that this task runs on. A task that awaits what it submitted gives its place to others. */
  readonly submit: Executor['submit'];
  /** As `executor.compute`, likewise. */
  readonly compute: Executor['compute'];
}

/** The task that is running here. Throws ERR_NO_TASK outside one. */
export function currentTask(): TaskContext {
  const task = runningTask.getStore();
  if (task === undefined)
    throw new HeddleError('ERR_NO_TASK', 'currentTask() was called outside a task; call it in the function that a worker runs');
  task.controller ??= new AbortController();
  const submit = (...args: Parameters<Executor['submit']>): unknown => resolveExecutor().submit(...args);
  const compute = (values: never): unknown => resolveExecutor().compute(values);
  return {
    key: runningKey(task),
    worker: task.worker,
    attempt: task.attempt,
    signal: task.controller.signal,
    submit: submit as Executor['submit'],
    compute: compute as Executor['compute'],
  };
}
