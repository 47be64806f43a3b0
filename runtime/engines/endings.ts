import { type SchedulerState, State } from '../scheduler/state.ts';
import type { Stimulus } from '../scheduler/stimulus.ts';
import type { Blames } from './blames.ts';
import { Clocks } from './clocks.ts';
import type { Crew } from './crew.ts';

/** What ending tasks needs to know of the shell. */
export interface EndingSource {
  readonly crew: Crew;
  readonly blames: Blames;
  readonly cancelGraceMs: number;
  readonly noWorkerTimeoutMs: number;
  state(): SchedulerState;
  step(stimulus: Stimulus): void;
  warn(code: string, message: string): void;
}

/** Ends tasks that must end: attempts that take too long, tasks that nobody wants any more, and those that no worker may run. */
export class Endings {
  readonly #source: EndingSource;
  readonly clocks: Clocks = new Clocks();

  constructor(source: EndingSource) {
    this.#source = source;
  }

  /** A row has left its worker. True when its attempt had run out of time, and so has failed whatever it says. */
  failOverdue(worker: number, row: number): boolean {
    const late = this.clocks.left(row);
    if (late === undefined) return false;
    this.#source.blames.set(row, late);
    this.#source.step({ kind: 'failed', worker, row });
    return true;
  }

  /** An attempt begins that may take only so long. */
  startClock(worker: number, row: number, timeoutMs: number): void {
    this.clocks.start(row, timeoutMs, () => {
      const error = this.#source.blames.tooLate(row, timeoutMs);
      this.clocks.setOverdue(row, error);
      void this.stop(worker, row, error, this.#source.cancelGraceMs);
    });
  }

  /** Tells a running task to stop; after the grace its worker is replaced. Resolves when it has left its worker. */
  stop(worker: number, row: number, reason: unknown, graceMs: number): Promise<void> {
    const { gone, isNew } = this.clocks.stopping(row);
    if (isNew) this.#source.crew.post(worker, { kind: 'stop', row, reason: sendableReason(reason) });
    if (graceMs < Number.POSITIVE_INFINITY) this.clocks.start(row, graceMs, () => this.#replace(worker, row));
    return gone;
  }

  /** Nobody wants a running task any more: it is told; when it was cancelled (`force`), it must end. */
  unwanted(worker: number, row: number, force: boolean): void {
    void this.stop(worker, row, undefined, force ? this.#source.cancelGraceMs : Number.POSITIVE_INFINITY);
  }

  /** Ends a worker for the sake of a task that does not stop; nothing else is lost but time. */
  #replace(worker: number, row: number): void {
    this.failOverdue(worker, row);
    this.#source.crew.replace(worker);
  }

  /** No worker may run a row: a warning at once, an error when none comes in time. */
  noWorker(row: number): void {
    const { blames, noWorkerTimeoutMs } = this.#source;
    const { text, isPlain } = blames.wish(row);
    if (!isPlain) this.#source.warn('HEDDLE_NO_WORKER', `${text}; it waits`);
    if (noWorkerTimeoutMs === Number.POSITIVE_INFINITY) return;
    const state = this.#source.state();
    const task = state.tasks[row];
    this.clocks.start(row, noWorkerTimeoutMs, () => {
      if (state.tasks[row] !== task || state.state[row] !== State.noWorker) return;
      blames.noWorker(row, noWorkerTimeoutMs);
      this.#source.step({ kind: 'cancelled', rows: [row] });
    });
  }
}

/** Whether a row has yet to end. */
export function isUnfinished(at: number): boolean {
  return at === State.waiting || at === State.queued || at === State.processing || at === State.noWorker;
}

/** A reason as it can travel: an Error by its message, anything that cannot be cloned by its text. */
function sendableReason(reason: unknown): unknown {
  if (reason instanceof Error) return reason.message;
  return typeof reason === 'object' || typeof reason === 'function' || typeof reason === 'symbol' ? String(reason) : reason;
}
