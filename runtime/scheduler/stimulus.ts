import type { Plan, Task, WorkerDescription } from '../../graph/index.ts';
import type { Limits, Source } from './state.ts';

/** Everything that can happen to the scheduler. Time, sizes and order of arrival enter only here, so a run can be replayed. */
export type Stimulus =
  /** A worker is ready for tasks. `description`: one that nobody expected; its number is the next. */
  | { readonly kind: 'worker-joined'; readonly worker: number; readonly description?: WorkerDescription }
  /** A worker is gone with all it held. `wanted`: heddle ended it, so what ran there is not to blame. */
  | { readonly kind: 'worker-left'; readonly worker: number; readonly wanted: boolean }
  /** A compiled plan; its outputs are held once more each. `source.rows` is filled in. `parent`: the running row that submitted it, or -1. */
  | {
      readonly kind: 'submitted';
      readonly plan: Plan;
      readonly source: Source;
      readonly limitsOf: (graphRow: number) => Limits;
      readonly parent: number;
    }
  /** A running task waits for tasks of its own, and gives its place to others. */
  | { readonly kind: 'seceded'; readonly worker: number; readonly row: number }
  /** Data that lies with workers already. */
  | {
      readonly kind: 'scattered';
      readonly task: Task;
      readonly workers: readonly number[];
      readonly nbytes: number;
      readonly limits: Limits;
    }
  /** Tasks are done: row, bytes of the result and microseconds, in turn. */
  | { readonly kind: 'finished'; readonly worker: number; readonly reports: ArrayLike<number> }
  /** A task's function threw. */
  | { readonly kind: 'failed'; readonly worker: number; readonly row: number }
  /** Tasks were given back unrun: they were stopped or asked back in time, or inputs were gone. */
  | { readonly kind: 'returned'; readonly worker: number; readonly rows: readonly number[] }
  /** Tasks that were asked back have begun, and stay. */
  | { readonly kind: 'kept'; readonly worker: number; readonly rows: readonly number[] }
  /** A worker has not got results that the table says it holds. `asked`: `steps` of the table when it was asked. */
  | { readonly kind: 'missing'; readonly worker: number; readonly rows: readonly number[]; readonly asked: number }
  /** Results that cannot leave the worker that made them: what needs them runs there. */
  | { readonly kind: 'immovable'; readonly rows: readonly number[] }
  /** A worker brought in results of others, in so many microseconds. */
  | { readonly kind: 'moved'; readonly rows: readonly number[]; readonly us: number }
  /** A result is asked for again that somebody holds already. */
  | { readonly kind: 'reused'; readonly row: number }
  /** Time has passed. */
  | { readonly kind: 'tick' }
  /** A Future let go of its row. */
  | { readonly kind: 'released'; readonly row: number }
  /** Somebody wants these stopped, dependants included. */
  | { readonly kind: 'cancelled'; readonly rows: readonly number[] }
  /** Failed rows are to be tried again, with their failed ancestors. */
  | { readonly kind: 'retried'; readonly rows: readonly number[] };

/** What the shell is to do. */
export type Command =
  /** Send rows to a worker, in this order. */
  | { readonly kind: 'run'; readonly worker: number; readonly rows: number[] }
  /** A worker may drop these results. */
  | { readonly kind: 'free'; readonly worker: number; readonly rows: number[] }
  /** A held row has its result. */
  | { readonly kind: 'done'; readonly row: number }
  /** A held row failed; `blame` is the row that threw, was cancelled, killed its worker or was lost. */
  | { readonly kind: 'erred'; readonly row: number; readonly blame: number }
  /** The row killed its worker once too often: `blame` in what follows. */
  | { readonly kind: 'killed'; readonly row: number; readonly worker: number; readonly deaths: number }
  /** Scattered data is gone with its worker. */
  | { readonly kind: 'lost'; readonly row: number }
  /** Nobody wants this running task any more. `force`: it was cancelled, so it must end. */
  | { readonly kind: 'stop'; readonly worker: number; readonly row: number; readonly force: boolean }
  /** Give back those of these rows that have not begun: another worker has nothing to do. */
  | { readonly kind: 'steal'; readonly worker: number; readonly rows: number[] }
  /** Rows have been ready for long while a worker had nothing to do: the first of them, and whether that worker could run it. */
  | {
      readonly kind: 'stalled';
      readonly row: number;
      readonly idle: number;
      readonly isAble: boolean;
      readonly ms: number;
      readonly count: number;
    }
  /** No worker may run this row. */
  | { readonly kind: 'no-worker'; readonly row: number }
  /** The row is free for another task. */
  | { readonly kind: 'forgotten'; readonly row: number };
