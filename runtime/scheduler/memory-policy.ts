import { type Accounts, Figure, pauseAt, replaceAt, spillAt } from '../worker/accounts.ts';
import { isMeant } from './placement.ts';
import type { SchedulerState } from './state.ts';
import { State } from './transitions.ts';

/** What the policy has done. */
export interface MemoryActions {
  /** A worker is to write to files what it may. */
  settle(worker: number): void;
  /** A worker takes no new tasks from now on, or takes some again. */
  pause(worker: number, isPaused: boolean): void;
  /** A worker has grown by so many bytes that are no results: another takes its place. */
  replace(worker: number, bytes: number): void;
}

/** After so long without work a paused worker is given some: what holds the memory may be waiting for it. */
const patienceMs = 1000;
/** The same for one at work: its tasks may never end. */
const longPatienceMs = 10_000;
/** A worker must have lived so long to be replaced, and twice as long after each time. */
const firstLifeMs = 1000;
/** Below this share of the limit who was paused goes on. */
const resumeAt = 0.75;

/**
 * What is done about the memory of all workers: of their results, and of what they grow by.
 *
 *     0 ─────────────── 60 % ──────────── 80 % ──────── 95 % ── limit
 *          in memory      │ those used      │ who has more   │ who grew by other things than results is replaced,
 *                         │ longest ago     │ than its share │ and its results are made again
 *                         │ go to files     │ takes no tasks │
 *
 * Workers spill by themselves (`worker/store.ts`); one that is idle while others fill the limit is asked to. Whoever is paused goes on below 75 %, or when
 * nothing else could ever free memory: a limit that is too small makes things slow, never stuck.
 */
export class MemoryPolicy {
  readonly #accounts: Pick<Accounts, 'limit' | 'count' | 'of' | 'held' | 'used' | 'usedByAll'>;
  readonly #actions: MemoryActions;
  /** By worker: since when it is paused; `undefined`: it is not. */
  readonly #paused: (number | undefined)[] = [];
  readonly #began: number[] = [];
  readonly #life: number[] = [];

  constructor(accounts: Pick<Accounts, 'limit' | 'count' | 'of' | 'held' | 'used' | 'usedByAll'>, actions: MemoryActions) {
    this.#accounts = accounts;
    this.#actions = actions;
  }

  /** A worker takes its place: whether another was paused there is past. */
  began(index: number, now: number): void {
    this.#paused[index] = undefined;
    this.#began[index] = now;
  }

  isPaused(index: number): boolean {
    return this.#paused[index] !== undefined;
  }

  /** Workers that are paused. */
  paused(): number[] {
    return [...this.#paused.keys()].filter((index) => this.isPaused(index));
  }

  /** Looks at all figures and does what they call for. */
  weigh(state: SchedulerState, now: number): void {
    const { limit } = this.#accounts;
    const wasPaused = this.#paused.some((since) => since !== undefined);
    const held = this.#accounts.held();
    if (held > spillAt * limit) this.#askToSpill();
    const used = Math.max(held, this.#accounts.usedByAll());
    if (used > pauseAt * limit) this.#pause(now);
    if (used > replaceAt * limit) this.#replace(now);
    if (wasPaused) this.#resume(state, used, now);
  }

  /** Workers that hold more than their share may be idle, and so not know that others need room. */
  #askToSpill(): void {
    const { limit, count } = this.#accounts;
    for (let index = 0; index < count; index++)
      if (this.#accounts.of(index, Figure.held) > (spillAt * limit) / count) this.#actions.settle(index);
  }

  #pause(now: number): void {
    const { limit, count } = this.#accounts;
    for (let index = 0; index < count; index++) {
      if (this.isPaused(index) || this.#accounts.used(index) <= (pauseAt * limit) / count) continue;
      this.#paused[index] = now;
      this.#actions.pause(index, true);
    }
  }

  #resume(state: SchedulerState, used: number, now: number): void {
    const { limit, count } = this.#accounts;
    for (let index = 0; index < count; index++) {
      const since = this.#paused[index];
      if (since === undefined) continue;
      const isBelow = used <= resumeAt * limit || this.#accounts.used(index) <= (resumeAt * limit) / count;
      if (isBelow || now - since > (atWork(state, index) === 0 ? patienceMs : longPatienceMs)) this.#goOn(index);
    }
    const stuck = this.#stuck(state);
    if (stuck >= 0) this.#goOn(stuck);
  }

  #goOn(index: number): void {
    this.#paused[index] = undefined;
    this.#actions.pause(index, false);
  }

  /** Where all that could run is held up by what only running it would free: the paused worker that is to run some of it; else -1. */
  #stuck(state: SchedulerState): number {
    if (state.counts[State.queued] === 0 || state.workers.some((_, index) => atWork(state, index) > 0)) return -1;
    const paused = this.paused();
    for (let row = 0; row < state.size; row++) {
      if (state.state[row] !== State.queued) continue;
      const able = paused.filter((index) => isFor(state, row, index));
      if (able.length > 0) return able.reduce((a, b) => (this.#accounts.used(b) < this.#accounts.used(a) ? b : a));
    }
    return -1;
  }

  /** Ends the worker that has grown most, when most of that is no results: what a new one would not have. */
  #replace(now: number): void {
    const { count } = this.#accounts;
    let most = -1;
    let mostBytes = 0;
    for (let index = 0; index < count; index++) {
      const other = this.#accounts.of(index, Figure.grown) - this.#accounts.of(index, Figure.held);
      if (other <= this.#accounts.used(index) / 2 || other <= mostBytes) continue;
      most = index;
      mostBytes = other;
    }
    if (most < 0 || now - this.#began[most]! < (this.#life[most] ?? firstLifeMs)) return;
    this.#life[most] = 2 * (this.#life[most] ?? firstLifeMs);
    this.#actions.replace(most, mostBytes);
  }
}

/** Whether a queued row goes to a worker once that has room: it stands in its queue, or in one of all workers that it may run on. */
function isFor(state: SchedulerState, row: number, index: number): boolean {
  const queue = state.queue[row]!;
  return queue >= 0 ? queue === index : isMeant(state.workers[index]!, state.limits[row]!);
}

/** Tasks that a worker has in hand; what waits for tasks of its own is at work nowhere. */
function atWork(state: SchedulerState, index: number): number {
  const { inFlight, seceded } = state.workers[index]!;
  return inFlight.size - seceded.size;
}
