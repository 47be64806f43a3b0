import { ReadyQueue } from './ready-queue.ts';
import { type Limits, type SchedulerState, State, type WorkerState } from './state.ts';
import type { Command } from './stimulus.ts';

/**
 * Which worker runs what, and when it is sent.
 *
 *     a ── b ─┐          a and b lie with worker 0, c with worker 1; d goes where it would start first:
 *             ├─ d       worker 0 when only c is small, the idler of the two when moving costs little.
 *     c ──────┘
 *
 * - A row with inputs waits in the queue of the worker where it would start first: queued and running work, plus the time to move what is not there.
 * - A row without inputs waits in the common queue, so that roots start only when a worker has room: results in memory stay few
 *   (Dask's queuing of root tasks, `distributed.scheduler.worker-saturation`).
 * - A row with preferred hosts waits with the least busy of them. A hint never holds anything up: whoever is idle takes from another's queue
 *   when the wait there is longer than the move.
 * - Each worker is sent about `aheadUs` of expected work beyond its first task, so short tasks travel in batches and long ones are never
 *   stuck behind another. A function nobody has timed yet counts as long.
 */
const aheadUs = 4000;
const mostAhead = 512;
/** Time to move one byte between workers, in microseconds (1 GB/s), and what any move costs. */
const moveUsPerByte = 0.001;
const moveUs = 100;
const unknownUs = 5000;
/** More than any queue: a worker that is far from a row's bytes, or still starting, comes after all others. */
const farUs = 1e12;

const common = -1;

export class Assigner {
  readonly #state: SchedulerState;
  readonly #common: ReadyQueue;
  readonly #own: ReadyQueue[] = [];
  /** Expected microseconds of what waits in each worker's own queue. */
  readonly #ownUs: number[] = [];
  /** Ready rows that need resources or a place under a `concurrency`: looked through whenever something ends. */
  #limited: number[] = [];
  readonly #runningByFunction = new Map<string, number>();

  constructor(state: SchedulerState) {
    this.#state = state;
    this.#common = this.#queue(common);
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
    if (!this.#isRunnable(limits)) return false;
    state.set(row, State.queued);
    if (limits.options.resources !== undefined || limits.options.concurrency !== undefined) {
      this.#limited.push(row);
      return true;
    }
    const index = this.#bestWorker(row, limits);
    state.queue[row] = index;
    if (index === common) this.#common.push(row);
    else {
      this.#ownQueue(index).push(row);
      this.#ownUs[index]! += this.#expectUs(row);
    }
    return true;
  }

  /** Whether there is a worker for it, running or about to. */
  #isRunnable(limits: Limits): boolean {
    for (const worker of this.#state.workers) if (this.#isMeant(worker, limits)) return true;
    return false;
  }

  #ownQueue(index: number): ReadyQueue {
    if (this.#own[index] === undefined) {
      this.#own[index] = this.#queue(index);
      this.#ownUs[index] = 0;
    }
    return this.#own[index];
  }

  /** Where the row would start first; the common queue when that does not depend on the worker. */
  #bestWorker(row: number, limits: Limits): number {
    const state = this.#state;
    const hasInputs = state.hasDependencies(row);
    const near = limits.preferred?.filter((index) => state.workers[index]?.running && (limits.allowed?.has(index) ?? true));
    if (!hasInputs && limits.allowed === undefined && (near === undefined || near.length === 0)) return common;
    let best = common;
    let bestUs = Number.POSITIVE_INFINITY;
    for (const worker of state.workers) {
      if (!this.#isMeant(worker, limits)) continue;
      let us = worker.occupancyUs + (this.#ownUs[worker.index] ?? 0);
      if (hasInputs) us += this.#moveUs(row, worker.index);
      if (near?.length && !near.includes(worker.index)) us += farUs;
      if (!worker.running) us += farUs;
      if (us < bestUs) {
        best = worker.index;
        bestUs = us;
      }
    }
    return best;
  }

  /** Microseconds to bring a row's missing inputs to a worker; more than any wait when one of them cannot be moved. */
  #moveUs(row: number, worker: number): number {
    const state = this.#state;
    let us = 0;
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) {
      const dependency = state.dependencyAt(edge);
      if (state.holds(worker, dependency)) continue;
      if (state.immovable.has(dependency)) return farUs;
      us += moveUs + state.nbytes[dependency]! * moveUsPerByte;
    }
    return us;
  }

  #mayRun(worker: WorkerState, limits: Limits): boolean {
    return worker.running && this.#isMeant(worker, limits);
  }

  #isMeant(worker: WorkerState, { allowed, options: { resources } }: Limits): boolean {
    if (allowed !== undefined && !allowed.has(worker.index)) return false;
    return resources === undefined || Object.entries(resources).every(([name, amount]) => (worker.resources[name] ?? 0) >= amount);
  }

  #expectUs(row: number): number {
    const us = this.#state.durations.expectUs(this.#state.group[row]!);
    return Number.isNaN(us) ? unknownUs : us;
  }

  /** Sends queued rows to workers that have room. */
  dispatch(): readonly Command[] {
    if (this.#state.counts[State.queued] === 0) return [];
    const rowsByWorker = new Map<number, number[]>();
    this.#dispatchLimited(rowsByWorker);
    // A few rows a turn for each worker, so that all get their share of a common queue that does not fill every one.
    for (let moved = true; moved; ) {
      moved = false;
      for (const worker of this.#state.workers) {
        for (let turn = 0; turn < 16; turn++) {
          const row = this.#next(worker);
          if (row === undefined) break;
          this.#send(row, worker, rowsByWorker);
          moved = true;
        }
      }
    }
    return [...rowsByWorker].map(([worker, rows]) => ({ kind: 'run', worker, rows }) as const);
  }

  #dispatchLimited(rowsByWorker: Map<number, number[]>): void {
    const state = this.#state;
    if (this.#limited.length === 0) return;
    const left: number[] = [];
    for (const row of this.#limited.sort((a, b) => (state.before(a, b) ? -1 : 1))) {
      if (state.state[row] !== State.queued) continue;
      const limits = this.limitsOf(row);
      const { concurrency } = limits.options;
      const full = concurrency !== undefined && (this.#runningByFunction.get(this.#functionOf(row)) ?? 0) >= concurrency;
      const worker = full
        ? undefined
        : state.workers
            .filter((one) => this.#mayRun(one, limits) && this.#isFree(one, limits) && this.#hasRoom(one, row))
            .sort((a, b) => a.occupancyUs - b.occupancyUs)[0];
      if (worker === undefined) left.push(row);
      else this.#send(row, worker, rowsByWorker);
    }
    this.#limited = left;
  }

  #functionOf(row: number): string {
    const task = this.#state.tasks[row]!;
    return task.callee?.identity ?? task.id;
  }

  #isFree(worker: WorkerState, limits: Limits): boolean {
    const { resources } = limits.options;
    return (
      resources === undefined ||
      Object.entries(resources).every(([name, amount]) => (worker.resources[name] ?? 0) - (worker.occupied.get(name) ?? 0) >= amount)
    );
  }

  /** The row a worker should be sent next, if it has room for one. */
  #next(worker: WorkerState): number | undefined {
    if (!worker.running || worker.inFlight.size - worker.seceded.size >= mostAhead) return undefined;
    const own = this.#own[worker.index];
    const mine = own?.peek();
    const anybodys = this.#common.peek();
    const useOwn = mine !== undefined && (anybodys === undefined || this.#state.before(mine, anybodys));
    const row = useOwn ? mine : anybodys;
    if (row !== undefined) {
      if (!this.#hasRoom(worker, row)) return undefined;
      (useOwn ? own! : this.#common).pop();
      if (useOwn) this.#ownUs[worker.index]! -= this.#expectUs(row);
      return row;
    }
    return worker.inFlight.size === worker.seceded.size ? this.#takeFromBusiest(worker) : undefined;
  }

  /** An idle worker takes the first row of the longest queue, when it waits there longer than moving its inputs takes. */
  #takeFromBusiest(thief: WorkerState): number | undefined {
    let victim: WorkerState | undefined;
    for (const worker of this.#state.workers) {
      if (worker === thief || this.#own[worker.index]?.peek() === undefined) continue;
      if (victim === undefined || worker.occupancyUs + this.#ownUs[worker.index]! > victim.occupancyUs + this.#ownUs[victim.index]!)
        victim = worker;
    }
    if (victim === undefined) return undefined;
    const queue = this.#own[victim.index]!;
    const row = queue.peek()!;
    if (!this.#mayRun(thief, this.limitsOf(row))) return undefined;
    const moveUs = this.#moveUs(row, thief.index);
    if (moveUs >= farUs || (victim.running && victim.occupancyUs < moveUs)) return undefined;
    queue.pop();
    this.#ownUs[victim.index]! -= this.#expectUs(row);
    return row;
  }

  #hasRoom(worker: WorkerState, row: number): boolean {
    if (worker.inFlight.size === worker.seceded.size) return true;
    if (this.#state.suspect[row] === 1 || this.#limitsAlone(row)) return false;
    for (const first of worker.inFlight) {
      if (worker.seceded.has(first)) continue;
      if (this.#state.suspect[first] === 1 || this.#limitsAlone(first)) return false;
      break;
    }
    return worker.occupancyUs + this.#expectUs(row) <= aheadUs;
  }

  /** A task with a time limit is sent alone, so that the limit runs from its own start. */
  #limitsAlone(row: number): boolean {
    return this.limitsOf(row).options.timeout !== undefined;
  }

  #send(row: number, worker: WorkerState, rowsByWorker: Map<number, number[]>): void {
    const state = this.#state;
    const us = this.#expectUs(row);
    state.worker[row] = worker.index;
    state.attempts[row]!++;
    state.expectedUs[row] = us;
    worker.occupancyUs += us;
    worker.inFlight.add(row);
    this.#occupy(row, worker, 1);
    state.set(row, State.processing);
    const rows = rowsByWorker.get(worker.index);
    if (rows === undefined) rowsByWorker.set(worker.index, [row]);
    else rows.push(row);
  }

  /** A row is no longer with a worker. False when it was not. */
  leave(index: number, row: number): boolean {
    const state = this.#state;
    const worker = state.workers[index];
    if (worker === undefined || !worker.inFlight.delete(row)) return false;
    worker.occupancyUs = worker.inFlight.size === 0 ? 0 : Math.max(0, worker.occupancyUs - state.expectedUs[row]!);
    if (!worker.seceded.delete(row)) this.#occupy(row, worker, -1);
    return true;
  }

  /** A running row waits for tasks of its own: what it occupied is free for others, or they would wait for each other. */
  secede(index: number, row: number): void {
    const worker = this.#state.workers[index]!;
    if (!worker.inFlight.has(row) || worker.seceded.has(row)) return;
    worker.seceded.add(row);
    worker.occupancyUs = Math.max(0, worker.occupancyUs - this.#state.expectedUs[row]!);
    this.#state.expectedUs[row] = 0;
    this.#occupy(row, worker, -1);
  }

  /** Takes (1) or gives back (-1) what a row occupies while it runs. */
  #occupy(row: number, worker: WorkerState, sign: 1 | -1): void {
    const { resources, concurrency } = this.limitsOf(row).options;
    if (resources !== undefined)
      for (const [name, amount] of Object.entries(resources)) worker.occupied.set(name, (worker.occupied.get(name) ?? 0) + sign * amount);
    if (concurrency !== undefined) {
      const name = this.#functionOf(row);
      this.#runningByFunction.set(name, (this.#runningByFunction.get(name) ?? 0) + sign);
    }
  }

  /** Whether a worker still has the row in hand. */
  isInFlight(row: number): boolean {
    const worker = this.#state.worker[row]!;
    return worker >= 0 && (this.#state.workers[worker]?.inFlight.has(row) ?? false);
  }

  /** Finds other places for what waited for a worker that is gone. */
  requeue(index: number): void {
    const queue = this.#own[index];
    if (queue === undefined) return;
    const rows: number[] = [];
    for (let row = queue.pop(); row !== undefined; row = queue.pop()) rows.push(row);
    this.#ownUs[index] = 0;
    for (const row of rows) {
      this.#state.set(row, State.waiting);
      if (!this.enqueue(row)) this.#state.set(row, State.noWorker);
    }
  }
}
