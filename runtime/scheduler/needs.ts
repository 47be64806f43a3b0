import type { Assigner } from './assign.ts';
import type { SchedulerState } from './state.ts';
import type { Command } from './stimulus.ts';
import { State, Why } from './transitions.ts';

/**
 * What follows when a row is wanted, or is not wanted any more.
 *
 *     wanted:      a ◀── b ◀── c   c's Future asks: c waits for b, b for a; a is queued
 *     not wanted:  a ◀── b ◀── c   c's Future lets go: c is forgotten, so nobody waits for b, then nobody for a
 */
export class Needs {
  /** What the shell is to do, in order. */
  commands: Command[] = [];
  /** Running rows that were told to stop since nobody needed them. */
  readonly stopping = new Set<number>();
  readonly #state: SchedulerState;
  readonly #assigner: Assigner;
  readonly #freeByWorker = new Map<number, number[]>();

  constructor(state: SchedulerState, assigner: Assigner) {
    this.#state = state;
    this.#assigner = assigner;
  }

  /** The commands of a step: frees before new runs, since a row may be made again where it was dropped. */
  finish(): Command[] {
    if (this.#freeByWorker.size > 0) {
      for (const [worker, rows] of this.#freeByWorker) this.commands.push({ kind: 'free', worker, rows });
      this.#freeByWorker.clear();
    }
    for (const run of this.#assigner.dispatch()) this.commands.push(run);
    const { commands } = this;
    this.commands = [];
    return commands;
  }

  /** Makes released rows, and what they need, ready to run. */
  demand(rows: readonly number[]): void {
    const state = this.#state;
    const stack = [...rows];
    const ready: number[] = [];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (state.state[row] !== State.released || !this.#isNeeded(row)) continue; // what wanted it may have failed meanwhile
      if (state.tasks[row]!.scattered) {
        this.commands.push({ kind: 'lost', row });
        this.fail(row, row, Why.lost);
        continue;
      }
      let pending = 0;
      let blame = -1;
      for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) {
        const dependency = state.dependencyAt(edge);
        state.waiters[dependency]!++;
        const at = state.state[dependency];
        if (at === State.memory) continue;
        if (at === State.erred) blame = state.blame[dependency]!;
        pending++;
        if (at === State.released) stack.push(dependency);
      }
      state.pending[row] = pending;
      state.move(row, Why.needed);
      if (blame >= 0) this.fail(row, blame, Why.inputErred);
      else if (pending === 0) ready.push(row);
    }
    // The stack gave them last first; in their own order they need no sorting.
    for (let i = ready.length - 1; i >= 0; i--) if (state.state[ready[i]!] === State.waiting) this.ready(ready[i]!);
  }

  /** All dependencies are in memory: queue it where it should run. */
  ready(row: number): void {
    if (this.#assigner.isInFlight(row)) return; // cancelled, wanted again, and not stopped yet: its report brings it back here
    if (this.#assigner.enqueue(row)) return;
    if (this.#state.state[row] !== State.noWorker) {
      this.#state.move(row, Why.unplaced);
      this.commands.push({ kind: 'no-worker', row });
    }
  }

  /** From processing back to waiting, its dependencies looked at anew. */
  wait(row: number, why: number, detail = 0): void {
    const state = this.#state;
    state.move(row, why, detail);
    let pending = 0;
    const gone: number[] = [];
    let blame = -1;
    state.eachDependency(row, (dependency) => {
      const at = state.state[dependency];
      if (at === State.memory) return;
      pending++;
      if (at === State.erred) blame = state.blame[dependency]!;
      if (at === State.released) gone.push(dependency);
    });
    state.pending[row] = pending;
    if (blame >= 0) this.fail(row, blame, Why.inputErred);
    else if (pending === 0) this.ready(row);
    else this.demand(gone);
  }

  /** From processing: runs again if it is needed. */
  again(row: number, why: number, detail = 0): void {
    if (this.#isNeeded(row)) this.wait(row, why, detail);
    else this.#stopNeeding(row);
  }

  /** A run that was cancelled has ended: the row runs again if it is wanted again, and is forgotten if it is not. */
  leftBehind(row: number): void {
    const state = this.#state;
    if (state.state[row] === State.waiting && state.pending[row] === 0) this.ready(row);
    else this.forgetUnreferenced(row);
  }

  /** Makes lost rows again, as far as anybody needs them. */
  remake(lost: readonly number[]): void {
    this.demand(lost.filter((row) => this.#isNeeded(row)));
    for (const row of lost) this.forgetUnreferenced(row);
  }

  /** The row, and all that wait for it, end in the error of `blame`; `why` is the first one's reason. */
  fail(first: number, blame: number, why: number): void {
    const state = this.#state;
    const stack = [first];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      const from = state.state[row];
      if (from === State.erred || from === State.memory || from === State.forgotten) continue;
      if (row !== first && (from === State.released || from === State.processing)) continue; // one that runs has its inputs, or gives itself back
      state.blame[row] = blame;
      state.move(row, row === first ? why : Why.inputErred, blame);
      if (state.holders[row]! > 0) this.commands.push({ kind: 'erred', row, blame });
      if (from !== State.released) this.releaseInputs(row);
      state.eachDependent(row, (dependent) => void stack.push(dependent));
    }
    this.dropUnneeded(first);
  }

  #isNeeded(row: number): boolean {
    return this.#state.holders[row]! > 0 || this.#state.waiters[row]! > 0;
  }

  waiterDone(dependency: number): void {
    this.#state.waiters[dependency]!--;
    this.dropUnneeded(dependency);
  }

  /** The row does not wait for its dependencies any more. */
  releaseInputs(row: number): void {
    const state = this.#state;
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) this.waiterDone(state.dependencyAt(edge));
  }

  /** Lets go of a row that no Future holds and no dependent waits for. */
  dropUnneeded(row: number): void {
    const state = this.#state;
    if (state.tasks[row] === undefined || this.#isNeeded(row)) return;
    switch (state.state[row]) {
      case State.memory:
        this.#dropFrom(state.worker[row]!, row);
        for (const worker of state.replicas.get(row) ?? none) this.#dropFrom(worker, row);
        state.replicas.delete(row);
        state.move(row, Why.dropped);
        break;
      case State.erred:
        state.move(row, Why.excused);
        break;
      case State.processing:
        if (!this.stopping.has(row)) this.commands.push({ kind: 'stop', worker: state.worker[row]!, row, force: false });
        this.stopping.add(row);
        if (state.tasks[row]!.givenKey !== undefined) state.hide(row); // its key is free: what is asked for under it need not be the same call
        return;
      case State.waiting:
      case State.queued:
      case State.noWorker:
        this.#stopNeeding(row);
        return;
    }
    this.forgetUnreferenced(row);
  }

  #dropFrom(worker: number, row: number): void {
    this.#state.workers[worker]!.nbytes -= this.#state.nbytes[row]!;
    this.free(worker, row);
  }

  #stopNeeding(row: number): void {
    this.#state.move(row, Why.unneeded);
    this.releaseInputs(row);
    this.forgetUnreferenced(row);
  }

  /** Forgets a released row that has no dependents left, and then its dependencies in turn. */
  forgetUnreferenced(first: number): void {
    if (!this.#isUnreferenced(first)) return;
    const state = this.#state;
    const stack = [first];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (!this.#isUnreferenced(row)) continue;
      state.eachDependency(row, (dependency) => void stack.push(dependency));
      state.forget(row);
      this.commands.push({ kind: 'forgotten', row });
    }
  }

  #isUnreferenced(row: number): boolean {
    const state = this.#state;
    if (state.tasks[row] === undefined || state.state[row] !== State.released || this.#isNeeded(row) || state.hasDependents(row))
      return false;
    return !this.#assigner.isInFlight(row); // its worker still speaks of it by number
  }

  free(worker: number, row: number): void {
    if (this.#state.workers[worker]?.running !== true) return;
    const rows = this.#freeByWorker.get(worker);
    if (rows === undefined) this.#freeByWorker.set(worker, [row]);
    else rows.push(row);
  }
}

const none: readonly number[] = [];
