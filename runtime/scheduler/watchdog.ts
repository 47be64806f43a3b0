import type { Placement } from './placement.ts';
import type { SchedulerState, WorkerState } from './state.ts';
import type { Command } from './stimulus.ts';
import { State } from './transitions.ts';

/**
 * Looks, now and then, for tasks that are ready and do not run while a worker has nothing to do.
 *
 *     queued: a (only worker 0 may run it)     worker 0 runs something long     worker 1 idle     ──▶ after `stalledMs`: a, worker 1, and how long
 *
 * That is not a fault by itself: fences and limits keep tasks waiting. But who waits should know why.
 */
export class Watchdog {
  readonly #state: SchedulerState;
  readonly #placement: Placement;
  readonly #stalledMs: number;
  /** Since when each look has found ready rows and an idle worker; NaN: the last one has not. */
  #since = Number.NaN;
  /** Rows that were ready then, by id, and how often each had been sent: what is the same later has waited all the while. */
  #ready = new Map<string, number>();

  constructor(state: SchedulerState, placement: Placement, stalledMs: number) {
    this.#state = state;
    this.#placement = placement;
    this.#stalledMs = stalledMs;
  }

  /** What is to be said: the row that should run first, once in `stalledMs`. */
  look(): Command[] {
    const state = this.#state;
    const idle = state.counts[State.queued]! > 0 ? state.workers.find(isIdle) : undefined;
    if (idle === undefined) {
      this.#since = Number.NaN;
      return [];
    }
    const ms = state.now - this.#since;
    if (ms < this.#stalledMs) return [];
    this.#since = state.now;
    const stalled = this.#stalledRows();
    if (Number.isNaN(ms) || stalled.length === 0) return [];
    const first = stalled.reduce((a, b) => (state.before(b, a) ? b : a));
    const able = state.workers.find((worker) => isIdle(worker) && this.#placement.mayRun(worker, state.limits[first]!));
    return [{ kind: 'stalled', row: first, idle: (able ?? idle).index, isAble: able !== undefined, ms, count: stalled.length }];
  }

  /** Rows that are ready as they were at the look before. */
  #stalledRows(): number[] {
    const state = this.#state;
    const before = this.#ready;
    const stalled: number[] = [];
    this.#ready = new Map();
    for (let row = 0; row < state.size; row++) {
      if (state.state[row] !== State.queued) continue;
      const { id } = state.tasks[row]!;
      this.#ready.set(id, state.attempts[row]!);
      if (before.get(id) === state.attempts[row]) stalled.push(row);
    }
    return stalled;
  }
}

function isIdle(worker: WorkerState): boolean {
  return worker.running && worker.inFlight.size === worker.seceded.size;
}
