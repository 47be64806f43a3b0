import type { Limits, SchedulerState, WorkerState } from './state.ts';
import { commonQueue } from './state.ts';

/**
 * On which worker a row would start first.
 *
 *     a ── b ─┐          a and b lie with worker 0, c with worker 1; d goes where it would start first:
 *             ├─ d       worker 0 when only c is small, the idler of the two when moving costs little.
 *     c ──────┘
 *
 * It starts when what the worker has in hand and in its queue is done, and what lies elsewhere has been brought: bytes over the bandwidth that was measured.
 * Fences (`workers`, `resources`) rule workers out; preferred hosts are a wish, which counts for more than any wait when the queue is chosen, and for
 * nothing when an idle worker looks for work.
 */
export class Placement {
  readonly #state: SchedulerState;
  /** Costs of the row at hand, by worker. */
  readonly #costs: number[] = [];

  constructor(state: SchedulerState) {
    this.#state = state;
  }

  /** Whether there is a worker for it, running or about to. */
  isRunnable(limits: Limits): boolean {
    for (const worker of this.#state.workers) if (isMeant(worker, limits)) return true;
    return false;
  }

  mayRun(worker: WorkerState, limits: Limits): boolean {
    return worker.running && !worker.paused && isMeant(worker, limits);
  }

  /** Whether what it asks for of a worker's resources is not occupied. */
  isFree(worker: WorkerState, { options: { resources } }: Limits): boolean {
    return (
      resources === undefined ||
      Object.entries(resources).every(([name, amount]) => (worker.resources[name] ?? 0) - (worker.occupied.get(name) ?? 0) >= amount)
    );
  }

  /** The queue where a row would start first; the common one when that does not depend on the worker. */
  choose(row: number, limits: Limits): number {
    const state = this.#state;
    const { workers } = state;
    const hasInputs = state.hasDependencies(row);
    // Also those that are still starting: a plan often comes before the workers are up.
    const near = limits.preferred?.filter((index) => workers[index] !== undefined && (limits.allowed?.has(index) ?? true));
    const isNearWanted = near !== undefined && near.length > 0;
    if (!hasInputs && limits.allowed === undefined && !isNearWanted) return commonQueue;
    const costs = this.#costs;
    let best = commonQueue;
    for (const worker of workers) {
      const { index } = worker;
      if (!isMeant(worker, limits)) {
        costs[index] = Number.POSITIVE_INFINITY;
        continue;
      }
      let us = this.waitUs(worker);
      if (hasInputs) us += this.moveUs(row, index);
      if (isNearWanted && !near.includes(index)) us += 2 * farUs;
      if (!worker.running) us += farUs;
      if (worker.paused) us += pausedUs;
      costs[index] = us;
      if (best === commonQueue || us < costs[best]!) best = index;
    }
    this.#noteCandidates(row, best);
    return best;
  }

  /** The log keeps the one that was chosen and the next best ones. */
  #noteCandidates(row: number, best: number): void {
    const { log, workers } = this.#state;
    const costs = this.#costs;
    for (let n = 0, next = best; n < mostNoted && next >= 0; n++) {
      log.weighed(row, next, this.bytesToMove(row, next), this.waitUs(workers[next]!));
      costs[next] = Number.POSITIVE_INFINITY;
      let least = -1;
      for (let index = 0; index < workers.length; index++)
        if (costs[index]! < Number.POSITIVE_INFINITY && (least < 0 || costs[index]! < costs[least]!)) least = index;
      next = least;
    }
  }

  /** Microseconds until a worker would begin what is put into its queue now. */
  waitUs(worker: WorkerState): number {
    return this.busyUs(worker) + this.#state.queuedUs(worker.index);
  }

  /** Microseconds until a worker is done with what it has in hand. What takes longer than was expected will take as long again. */
  busyUs(worker: WorkerState): number {
    if (worker.inFlight.size === worker.seceded.size) return 0;
    return Math.max(worker.occupancyUs, (this.#state.now - worker.heardAt) * 1000);
  }

  /** Bytes of a row's inputs that a worker lacks. */
  bytesToMove(row: number, worker: number): number {
    const state = this.#state;
    let bytes = 0;
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) {
      const dependency = state.dependencyAt(edge);
      if (!state.holds(worker, dependency)) bytes += state.nbytes[dependency]!;
    }
    return bytes;
  }

  /** Microseconds to bring a row's missing inputs to a worker; `farUs` when one of them cannot be moved. */
  moveUs(row: number, worker: number): number {
    const state = this.#state;
    let us = 0;
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) {
      const dependency = state.dependencyAt(edge);
      if (state.holds(worker, dependency)) continue;
      if (state.immovable.has(dependency)) return farUs;
      us += state.bandwidth.moveUs(state.nbytes[dependency]!);
    }
    return us;
  }

  /** Microseconds that a row is expected to take. */
  expectUs(row: number): number {
    const us = this.#state.durations.expectUs(this.#state.group[row]!);
    return Number.isNaN(us) ? unknownUs : us;
  }
}

/** Whether a worker, once it runs, may run a row with these limits. */
export function isMeant(worker: WorkerState, { allowed, options: { resources } }: Limits): boolean {
  if (allowed !== undefined && !allowed.has(worker.index)) return false;
  return resources === undefined || Object.entries(resources).every(([name, amount]) => (worker.resources[name] ?? 0) >= amount);
}

/** More than any wait: a worker that is far from a row's bytes, or still starting, comes after all others. */
export const farUs = 1e12;
/** A worker that takes no rows comes after those that do, and before those that cannot have the row's inputs. */
const pausedUs = 1e9;
/** A function that nobody has timed yet counts as long. */
const unknownUs = 5000;
/** Candidates of a row that the log keeps. */
const mostNoted = 4;
