import { type SchedulerState, State } from '../scheduler/state.ts';
import type { Command, Stimulus } from '../scheduler/stimulus.ts';
import type { Blames } from './blames.ts';
import type { Claims } from './claims.ts';
import { Clocks } from './clocks.ts';
import type { Crew } from './crew.ts';

/** What ending tasks needs to know of the shell. */
export interface EndingSource {
  readonly crew: Crew;
  readonly claims: Claims | undefined;
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

  /** Tells a running task that nobody wants it; one that was cancelled must end. */
  stopUnwanted({ worker, row, force }: Extract<Command, { kind: 'stop' }>): void {
    void this.stop(worker, row, undefined, force ? this.#source.cancelGraceMs : Number.POSITIVE_INFINITY);
  }

  /** Another worker has nothing to do: what has not begun goes there. */
  askBack(worker: number, rows: readonly number[]): void {
    const { claims, crew } = this.#source;
    if (claims === undefined) return crew.post(worker, { kind: 'steal', rows });
    const [taken, kept]: [number[], number[]] = [[], []];
    for (const row of rows) (claims.takeBack(worker, row) ? taken : kept).push(row);
    if (taken.length > 0) crew.post(worker, { kind: 'drop', rows: taken });
    for (const row of taken) this.clocks.left(row);
    if (kept.length > 0) this.#source.step({ kind: 'kept', worker, rows: kept });
    if (taken.length > 0) this.#source.step({ kind: 'returned', worker, rows: taken });
  }

  /**
   * Ends a worker for the sake of a task that does not stop. Its results go to the worker that takes its place, as long as it still answers; one that a
   * task blocks cannot give them away: then they are made again, and scattered data that only it held is lost.
   */
  #replace(worker: number, row: number): void {
    const state = this.#source.state();
    const held = new Map<number, unknown>();
    for (let other = 0; other < state.size; other++)
      if (state.holds(worker, other) && state.holdersOf(other).length === 1) held.set(other, state.tasks[other]);
    void this.#source.crew.succeed(worker, [...held.keys()], (brought) => {
      if (state !== this.#source.state() || !state.workers[worker]!.inFlight.has(row)) return undefined;
      this.failOverdue(worker, row);
      return brought.filter((other) => state.holds(worker, other) && state.tasks[other] === held.get(other)); // numbers are used again
    });
  }

  /** Rows have been ready for long beside a worker that has nothing to do. */
  stalled({ row, idle, isAble, ms, count }: Extract<Command, { kind: 'stalled' }>): void {
    const { workers, queue } = this.#source.state();
    const busy = workers[queue[row]!];
    const why = isAble
      ? 'though it may run there'
      : `it may not run there (${this.#source.blames.asks(row)}${busy === undefined ? '' : `; it waits for ${busy.name}`})`;
    const others = count > 1 ? `, and ${count - 1} more` : '';
    const text = `task ${this.#source.state().key(row)} has been ready for ${Math.round(ms / 1000)} s while ${workers[idle]!.name} has nothing to do, ${why}${others}`;
    this.#source.warn('HEDDLE_STALLED', `${text}; explain(key) tells more`);
  }

  /** No worker may run a row: a warning at once, an error when none comes in time. */
  noWorker(row: number): void {
    const { blames, noWorkerTimeoutMs } = this.#source;
    const { text, isPlain } = blames.wish(row);
    if (!isPlain) this.#source.warn('HEDDLE_NO_WORKER', `${text}; it waits`);
    if (noWorkerTimeoutMs === Number.POSITIVE_INFINITY) return;
    const state = this.#source.state();
    const task = state.tasks[row];
    this.clocks.wait(row, noWorkerTimeoutMs, () => {
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
