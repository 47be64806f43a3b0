import { farUs, type Placement } from './placement.ts';
import type { ReadyQueue } from './ready-queue.ts';
import type { SchedulerState, WorkerState } from './state.ts';
import type { Command } from './stimulus.ts';
import { State } from './transitions.ts';

/**
 * Work for those who have none.
 *
 *     worker 0: [a runs | b c d sent]  queue: e f      e goes to worker 1 at once: it has not left the scheduler
 *     worker 1: idle                                   c and d are asked back; what worker 0 has not begun by then comes back, and goes to worker 1
 *
 * - From a queue a row is taken when the thief would be done with it, inputs brought, before half of what its owner has before it is done
 *   (Dask's rule: neither is to be busy with moving what both could have waited for).
 * - What was sent is asked back, never taken: the worker alone knows what it has begun, so nothing runs twice. Up to half of the work that it has not
 *   begun goes, the last to run first. A worker that was not heard of for longer than it should have taken has a long task in hand: the rest is asked for.
 * - Fences and resources hold for thieves, too; wishes do not. What runs alone, has a time limit or leans on a result that cannot move stays.
 */
export class Steal {
  readonly #state: SchedulerState;
  readonly #placement: Placement;
  /** Row in flight → worker it was asked back for, or -1 when it turned out to have begun. */
  readonly #asked = new Map<number, number>();

  constructor(state: SchedulerState, placement: Placement) {
    this.#state = state;
    this.#placement = placement;
  }

  /** The row that an idle worker takes from another's queue: from the one that has most to do, the first that it may run and that is worth it. */
  fromQueues(thief: WorkerState, queues: readonly (ReadyQueue | undefined)[]): number | undefined {
    if (thief.inFlight.size > thief.seceded.size) return undefined;
    const state = this.#state;
    let best: number | undefined;
    let bestUs = 0;
    for (const victim of state.workers) {
      const { index } = victim;
      if (victim === thief || state.queuedRows(index) === 0) continue;
      if (victim.running && victim.inFlight.size === victim.seceded.size) continue; // it will be sent them in a moment
      const us = victim.running ? this.#placement.waitUs(victim) : farUs;
      if (best !== undefined && us <= bestUs) continue;
      const row = queues[index]!.find((one) => this.#isWorthTaking(one, thief, victim, us));
      if (row === undefined) continue;
      best = row;
      bestUs = us;
    }
    return best;
  }

  #isWorthTaking(row: number, thief: WorkerState, victim: WorkerState, victimUs: number): boolean {
    if (!this.#placement.mayRun(thief, this.#state.limits[row]!)) return false;
    const moveUs = this.#placement.moveUs(row, thief.index);
    if (moveUs >= farUs) return false;
    const us = this.#placement.expectUs(row);
    return moveUs + us <= victimUs + this.#placement.moveUs(row, victim.index) - us / 2;
  }

  /** Asks rows back from workers that have more than they can begin soon, for those that have nothing. */
  askBack(commands: Command[], isStealable: (thief: WorkerState, row: number) => boolean): void {
    const { workers } = this.#state;
    for (const thief of workers) {
      if (!thief.running || thief.inFlight.size > thief.seceded.size) continue;
      let victim: WorkerState | undefined;
      for (const worker of workers) {
        if (worker.asked > 0 || !worker.running || worker.inFlight.size - worker.seceded.size < 2) continue;
        if (victim === undefined || this.#placement.busyUs(worker) > this.#placement.busyUs(victim)) victim = worker;
      }
      if (victim === undefined) return;
      const rows = this.#choose(victim, thief, isStealable);
      if (rows.length === 0) continue;
      for (const row of rows) this.#asked.set(row, thief.index);
      victim.asked = rows.length;
      commands.push({ kind: 'steal', worker: victim.index, rows });
    }
  }

  /** Rows to ask back, the last to run first. */
  #choose(victim: WorkerState, thief: WorkerState, isStealable: (thief: WorkerState, row: number) => boolean): number[] {
    const state = this.#state;
    const busyUs = this.#placement.busyUs(victim);
    if (busyUs < askUs) return none;
    const isOverdue = busyUs > victim.occupancyUs;
    const waiting = [...victim.inFlight].filter((row) => !victim.seceded.has(row));
    waiting.shift(); // it is running, as far as anybody knows
    const rows: number[] = [];
    let leftUs = isOverdue ? Number.POSITIVE_INFINITY : victim.occupancyUs / 2;
    const mostRows = Math.ceil(waiting.length / 2);
    for (const row of waiting.reverse()) {
      if (rows.length >= mostRows || leftUs <= 0) break;
      if (state.state[row] !== State.processing || this.#asked.has(row) || !isStealable(thief, row)) continue;
      if (this.#placement.moveUs(row, thief.index) + askUs >= busyUs) continue;
      rows.push(row);
      leftUs -= state.expectedUs[row]!;
    }
    return rows;
  }

  /** The worker that a row in flight was asked back for, or -1. */
  thiefOf(row: number): number {
    return this.#asked.get(row) ?? -1;
  }

  /** A row that was asked back has left its worker, begun or not. */
  answered(victim: WorkerState, row: number): void {
    if (this.#asked.size === 0) return;
    if (this.thiefOf(row) >= 0) victim.asked--;
    this.#asked.delete(row);
  }

  /** A row that was asked back has begun. */
  kept(victim: WorkerState, row: number): void {
    if (this.thiefOf(row) < 0) return;
    victim.asked--;
    this.#asked.set(row, -1);
  }
}

/** What asking back costs, in microseconds: not worth it for less. */
const askUs = 1000;
const none: number[] = [];
