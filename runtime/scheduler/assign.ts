import type { Placement } from './placement.ts';
import { ReadyQueue } from './ready-queue.ts';
import { commonQueue, type Limits, limitedQueue, type SchedulerState, type WorkerState } from './state.ts';
import { Steal } from './steal.ts';
import type { Command } from './stimulus.ts';
import { State, Why } from './transitions.ts';

/**
 * When a ready row is sent, and to which worker.
 *
 *     r1 r2 r3 … r9999  ──▶ common queue ──┐
 *                                          ├──▶ worker 0: about 4 ms of work, or one task        what is left waits here
 *     s1 ─▶ queue of worker 0 ─────────────┘
 *     s2 ─▶ queue of worker 1 ────────────────▶ worker 1
 *
 * - A row with inputs waits in the queue of the worker where it would start first (`placement.ts`).
 * - A row without inputs waits in the common queue, so that roots start only when a worker has room, and what can be reduced is reduced before the next
 *   is read: results in memory stay few (Dask's queuing of root tasks, `distributed.scheduler.worker-saturation`).
 * - Each worker is sent about `aheadUs` of expected work beyond its first task, so short tasks travel in batches and long ones are never
 *   stuck behind another.
 * - Who has nothing takes from the queues of others, and asks back what they were sent and have not begun (`steal.ts`).
 * - Rows that mostly wait for somebody else (reads over a network say so, with how many may overlap) are sent side by side, and beside one that works:
 *   so the next block is on its way while this one is parsed. They count for that part of their time only.
 */
const aheadUs = 4000;
const mostAhead = 512;
/** A root that makes as much as this is sent one ahead, however quick it is: what it makes lies in memory until it is used. */
const muchBytes = 65_536;
/** Rows a worker takes at a turn, so that all get their share of a common queue that does not fill every one. */
const turnRows = 16;

export class Assigner {
  readonly #state: SchedulerState;
  readonly #placement: Placement;
  readonly #steal: Steal;
  readonly #common: ReadyQueue;
  readonly #own: ReadyQueue[] = [];
  /** Ready rows that need resources or a place under a `concurrency`: looked through whenever something ends. */
  #limited: number[] = [];
  /** Of those the ones that were asked back, and for whom: sent by cost again, they would be asked back again, without end. */
  readonly #promised = new Map<number, number>();
  readonly #runningByFunction = new Map<string, number>();
  /** While a row comes back that was asked for: the worker it is for. Else -1. */
  promisedTo = -1;

  constructor(state: SchedulerState, placement: Placement) {
    this.#state = state;
    this.#placement = placement;
    this.#steal = new Steal(state, placement);
    this.#common = this.#queue(commonQueue);
  }

  #queue(index: number): ReadyQueue {
    const { state, queue } = { state: this.#state, queue: index };
    return new ReadyQueue(
      (a, b) => state.before(a, b),
      (row) => state.state[row] === State.queued && state.queue[row] === queue,
    );
  }

  limitsOf(row: number): Limits {
    return this.#state.limits[row]!;
  }

  /** Puts a ready row into the queue where it should run. False when no worker may run it. */
  enqueue(row: number): boolean {
    const state = this.#state;
    const limits = this.limitsOf(row);
    if (!this.#placement.isRunnable(limits)) return false;
    state.move(row, state.state[row] === State.noWorker ? Why.placed : Why.ready);
    const isLimited = limits.options.resources !== undefined || limits.options.concurrency !== undefined;
    const thief = this.#state.workers[this.promisedTo];
    if (isLimited && thief !== undefined) this.#promised.set(row, thief.index);
    if (isLimited) this.#push(row, limitedQueue);
    else if (thief !== undefined && this.#placement.mayRun(thief, limits)) this.#push(row, thief.index);
    else this.#push(row, this.#placement.choose(row, limits));
    return true;
  }

  #push(row: number, queue: number): void {
    this.#state.enterQueue(row, queue, this.#placement.expectUs(row));
    if (queue === limitedQueue) this.#limited.push(row);
    else if (queue === commonQueue) this.#common.push(row);
    else {
      this.#own[queue] ??= this.#queue(queue);
      this.#own[queue].push(row);
    }
  }

  /** Sends queued rows to workers that have room, and asks for some back where others have none. */
  dispatch(): readonly Command[] {
    const { counts, workers } = this.#state;
    if (counts[State.queued] === 0 && counts[State.processing]! < 2) return nothing;
    const rowsByWorker = new Map<number, number[]>();
    if (counts[State.queued]! > 0) {
      this.#dispatchLimited(rowsByWorker);
      for (let moved = true; moved && counts[State.queued]! > 0; ) {
        moved = false;
        for (const worker of workers) for (let turn = 0; turn < turnRows && this.#sendNext(worker, rowsByWorker); turn++) moved = true;
      }
    }
    const commands: Command[] = [];
    for (const [worker, rows] of rowsByWorker) commands.push({ kind: 'run', worker, rows });
    this.#steal.askBack(commands, this.#isStealable);
    return commands;
  }

  #dispatchLimited(rowsByWorker: Map<number, number[]>): void {
    const state = this.#state;
    if (this.#limited.length === 0) return;
    const left: number[] = [];
    for (const row of this.#limited.sort((a, b) => (state.before(a, b) ? -1 : 1))) {
      const thief = state.workers[this.#promised.get(row) ?? -1];
      this.#promised.delete(row);
      if (state.state[row] !== State.queued || state.queue[row] !== limitedQueue) continue;
      const limits = this.limitsOf(row);
      const worker = this.#isFull(row, limits)
        ? undefined
        : thief !== undefined && this.#takes(thief, row, limits)
          ? thief
          : this.#firstFree(row, limits);
      if (worker === undefined) left.push(row);
      else this.#send(row, worker, rowsByWorker, Why.sent);
    }
    this.#limited = left;
  }

  #isFull(row: number, { options: { concurrency } }: Limits): boolean {
    return concurrency !== undefined && (this.#runningByFunction.get(this.#functionOf(row)) ?? 0) >= concurrency;
  }

  /** The worker that has room and resources for a row, where it would start first. */
  #firstFree(row: number, limits: Limits): WorkerState | undefined {
    let best: WorkerState | undefined;
    let bestUs = Number.POSITIVE_INFINITY;
    for (const worker of this.#state.workers) {
      if (!this.#takes(worker, row, limits)) continue;
      const us = this.#placement.busyUs(worker) + this.#placement.moveUs(row, worker.index);
      if (best !== undefined && us >= bestUs) continue;
      best = worker;
      bestUs = us;
    }
    return best;
  }

  /** Whether a worker has room and resources for a row. */
  #takes(worker: WorkerState, row: number, limits: Limits): boolean {
    return this.#placement.mayRun(worker, limits) && this.#placement.isFree(worker, limits) && this.#hasRoom(worker, row);
  }

  #functionOf(row: number): string {
    const task = this.#state.tasks[row]!;
    return task.callee?.identity ?? task.id;
  }

  /** Sends a worker the row that it should have next, if it has room for one. */
  #sendNext(worker: WorkerState, rowsByWorker: Map<number, number[]>): boolean {
    if (!worker.running || worker.paused || worker.inFlight.size - worker.seceded.size >= mostAhead) return false;
    const own = this.#own[worker.index];
    const mine = own?.peek();
    const anybodys = this.#common.peek();
    const useOwn = mine !== undefined && (anybodys === undefined || this.#state.before(mine, anybodys));
    const row = useOwn ? mine : anybodys;
    if (row === undefined) {
      const taken = this.#steal.fromQueues(worker, this.#own);
      if (taken === undefined) return false;
      this.#send(taken, worker, rowsByWorker, Why.taken);
      return true;
    }
    if (!this.#hasRoom(worker, row)) return false;
    (useOwn ? own! : this.#common).pop();
    this.#send(row, worker, rowsByWorker, Why.sent);
    return true;
  }

  #hasRoom(worker: WorkerState, row: number): boolean {
    if (worker.inFlight.size === worker.seceded.size) return true;
    if (worker.alone > 0 || this.#runsAlone(row)) return false;
    const overlap = this.#state.overlap[row]!;
    const working = worker.inFlight.size - worker.seceded.size - worker.overlapping;
    if (overlap > 1) return working <= 0 && worker.overlapping < overlap;
    if (working <= 0) return true;
    const { durations, group } = this.#state;
    if (durations.expectBytes(group[row]!) >= muchBytes && !this.#state.hasDependencies(row)) return working < 2;
    return worker.occupancyUs - worker.overlapUs + this.#placement.expectUs(row) <= aheadUs;
  }

  /** What was there when a worker died runs alone; and a task with a time limit, so that the limit runs from its own start. */
  #runsAlone(row: number): boolean {
    return this.#state.suspect[row] === 1 || this.limitsOf(row).options.timeout !== undefined;
  }

  /** Whether a row in flight could go to an idle worker. */
  readonly #isStealable = (thief: WorkerState, row: number): boolean => {
    const limits = this.limitsOf(row);
    return !this.#runsAlone(row) && this.#placement.mayRun(thief, limits) && this.#placement.isFree(thief, limits);
  };

  #send(row: number, worker: WorkerState, rowsByWorker: Map<number, number[]>, why: number): void {
    const state = this.#state;
    const busyUs = this.#placement.busyUs(worker);
    state.worker[row] = worker.index;
    state.attempts[row]!++;
    state.move(row, why, busyUs);
    state.expectedUs[row] = this.#placement.expectUs(row) / state.overlap[row]!;
    if (worker.inFlight.size === worker.seceded.size) worker.heardAt = state.now;
    worker.inFlight.add(row);
    this.#burden(row, worker, 1);
    this.#occupy(row, worker, 1);
    const rows = rowsByWorker.get(worker.index);
    if (rows === undefined) rowsByWorker.set(worker.index, [row]);
    else rows.push(row);
  }

  /** A row is no longer with a worker. False when it was not. */
  leave(index: number, row: number): boolean {
    const state = this.#state;
    const worker = state.workers[index];
    if (worker === undefined || !worker.inFlight.delete(row)) return false;
    this.#steal.answered(worker, row);
    worker.heardAt = state.now;
    if (!worker.seceded.delete(row)) {
      this.#burden(row, worker, -1);
      this.#occupy(row, worker, -1);
    }
    // no drift from sums of fractions
    if (worker.inFlight.size === 0) worker.occupancyUs = worker.overlapUs = 0;
    return true;
  }

  /** The worker that a row in flight was asked back for, or -1. */
  thiefOf(row: number): number {
    return this.#steal.thiefOf(row);
  }

  /** A row that was asked back has begun: nobody will ask for it again. */
  kept(index: number, row: number): void {
    const worker = this.#state.workers[index];
    if (worker?.inFlight.has(row)) this.#steal.kept(worker, row);
  }

  /** A running row waits for tasks of its own: what it occupied is free for others, or they would wait for each other. */
  secede(index: number, row: number): void {
    const worker = this.#state.workers[index]!;
    if (!worker.inFlight.has(row) || worker.seceded.has(row)) return;
    worker.seceded.add(row);
    this.#burden(row, worker, -1);
    this.#state.expectedUs[row] = 0;
    this.#occupy(row, worker, -1);
  }

  /** Adds (1) or takes away (-1) a row's time on its worker. */
  #burden(row: number, worker: WorkerState, sign: 1 | -1): void {
    const us = sign * this.#state.expectedUs[row]!;
    worker.occupancyUs = Math.max(0, worker.occupancyUs + us);
    if (this.#state.overlap[row] === 1) return;
    worker.overlapping += sign;
    worker.overlapUs = Math.max(0, worker.overlapUs + us);
  }

  /** Takes (1) or gives back (-1) what a row occupies while it runs. */
  #occupy(row: number, worker: WorkerState, sign: 1 | -1): void {
    const { resources, concurrency } = this.limitsOf(row).options;
    if (this.#runsAlone(row)) worker.alone += sign;
    if (resources !== undefined)
      for (const [name, amount] of Object.entries(resources)) worker.occupied.set(name, (worker.occupied.get(name) ?? 0) + sign * amount);
    if (concurrency !== undefined) {
      const name = this.#functionOf(row);
      const running = (this.#runningByFunction.get(name) ?? 0) + sign;
      if (running > 0) this.#runningByFunction.set(name, running);
      else this.#runningByFunction.delete(name);
    }
  }

  /** Whether a worker still has the row in hand. */
  isInFlight(row: number): boolean {
    const worker = this.#state.worker[row]!;
    return worker >= 0 && (this.#state.workers[worker]?.inFlight.has(row) ?? false);
  }

  /** Takes what waited for a worker that is gone out of its queue; the rows wait for a new place. */
  withdraw(index: number): number[] {
    const rows: number[] = [];
    const queue = this.#own[index];
    for (let row = queue?.pop(); row !== undefined; row = queue?.pop()) {
      this.#state.move(row, Why.workerGone);
      rows.push(row);
    }
    return rows;
  }
}

const nothing: readonly Command[] = [];
