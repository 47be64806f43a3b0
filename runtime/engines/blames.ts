import {
  CancelledError,
  type FailedTask,
  HeddleError,
  KilledWorkerError,
  keyOf,
  TimeoutError,
  type WorkerDescription,
} from '../../graph/index.ts';
import { packError, type ResolveClass, unpackError } from '../failure.ts';
import type { SchedulerState } from '../scheduler/state.ts';
import type { FromWorker } from '../worker/protocol.ts';
import { lostError } from './errors.ts';

/** What rows failed with, by the row to blame: one error object for it and all its dependants. */
export class Blames {
  readonly #state: () => SchedulerState;
  readonly #workers: readonly WorkerDescription[];
  readonly #errors = new Map<number, Error | Promise<Error>>();

  constructor(state: () => SchedulerState, workers: readonly WorkerDescription[]) {
    this.#state = state;
    this.#workers = workers;
  }

  /** What a row is to blame for. */
  of(blame: number): Error | Promise<Error> {
    return this.#errors.get(blame) ?? lostError(this.#state().key(blame));
  }

  /** What a failed row carries, of its own or of a row below it. */
  carriedBy(row: number): Error | Promise<Error> {
    return this.of(this.#state().blame[row]!);
  }

  set(row: number, error: Error): void {
    this.#errors.set(row, error);
  }

  forget(row: number): void {
    this.#errors.delete(row);
  }

  clear(): void {
    this.#errors.clear();
  }

  /** Which task it was, of those fused into a row; -1: the row's own. */
  taskOf(row: number, member = -1): FailedTask {
    const state = this.#state();
    const task = state.sources[row]?.graph.members[state.graphRow[row]!]?.[member] ?? state.tasks[row];
    const key = task === undefined ? '' : keyOf(task);
    return { key, name: task?.name ?? '', worker: this.#workers[state.worker[row]!]?.name ?? '', attempt: state.attempts[row]! };
  }

  /** The function of a row, or of one fused into it, threw. */
  thrown({ row, member, error }: Extract<FromWorker, { kind: 'failed' }>, resolveClass: ResolveClass): void {
    this.#errors.set(row, unpackError(error, this.taskOf(row, member), resolveClass));
  }

  /** A row could not be sent to a worker. */
  unsent(row: number, error: unknown): void {
    this.#errors.set(row, unpackError(packError(error), this.taskOf(row)));
  }

  lost(row: number): void {
    this.#errors.set(row, lostError(this.#state().key(row)));
  }

  cancelled(row: number, reason: unknown): void {
    this.#errors.set(row, new CancelledError(this.#state().key(row), reason));
  }

  killed(row: number, deaths: number, worker: string, cause: Error | undefined, lastLines: readonly string[]): void {
    const why = cause === undefined ? '' : `: ${cause.message}`;
    const said = lastLines.length === 0 ? '' : `\nits last lines were:\n  ${lastLines.join('\n  ')}`;
    const times = deaths === 1 ? 'once' : `${deaths} times`;
    const message = `task ${this.#state().key(row)} ended its worker ${times}, last ${worker}${why}; see what it does to the process or its memory${said}`;
    const error = new KilledWorkerError(message, cause === undefined ? undefined : { cause });
    this.#errors.set(row, Object.assign(error, { task: this.taskOf(row) }));
  }

  /** The error of an attempt that took too long; not yet its row's. */
  tooLate(row: number, timeoutMs: number): Error {
    return Object.assign(new TimeoutError(`task ${this.#state().key(row)}`, timeoutMs), { task: this.taskOf(row) });
  }

  /** What a row asks for of its worker. */
  asks(row: number): string {
    const { workers, resources, concurrency } = this.#state().tasks[row]!.options;
    const asked = { workers, resources, concurrency };
    return Object.entries(asked)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
      .join(' and ');
  }

  /** What a row asks for that no worker has. */
  wish(row: number): { readonly text: string; readonly isPlain: boolean } {
    const asked = this.asks(row);
    return {
      text: `no worker may run ${this.#state().key(row)} (it asks for ${asked || 'any worker, and none is there'})`,
      isPlain: asked === '',
    };
  }

  noWorker(row: number, timeoutMs: number): void {
    this.#errors.set(
      row,
      new HeddleError('ERR_NO_WORKER', `${this.wish(row).text} within ${timeoutMs} ms; start such a worker, or change the task's options`),
    );
  }
}
