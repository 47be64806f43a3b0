import type { SchedulerState } from './state.ts';
import { State, Why } from './transitions.ts';

/**
 * A worker has these results no more. Another holder takes its place; what nobody holds is released, and what waited for it waits again.
 *
 *     a (worker 0) ──▶ b queued      worker 0 dies:  a released, b waiting; a is made again first
 *
 * Returns the rows that are lost.
 */
export function dropHolder(state: SchedulerState, worker: number, rows: readonly number[]): number[] {
  const lost: number[] = [];
  for (const row of rows) {
    if (!state.holds(worker, row)) continue;
    state.workers[worker]!.nbytes -= state.nbytes[row]!;
    const others = state.holdersOf(row).filter((holder) => holder !== worker);
    state.replicas.delete(row);
    if (others.length === 0) lost.push(row);
    else {
      state.worker[row] = others[0]!;
      if (others.length > 1) state.replicas.set(row, others.slice(1));
    }
  }
  for (const row of lost) {
    state.move(row, Why.resultLost);
    for (let edge = state.firstDependent(row); edge >= 0; edge = state.nextDependent(edge)) {
      const dependent = state.dependentAt(edge);
      const at = state.state[dependent];
      if (at !== State.waiting && at !== State.queued && at !== State.noWorker) continue;
      state.pending[dependent]!++;
      if (at !== State.waiting) state.move(dependent, Why.inputLost, row);
    }
  }
  return lost;
}
