import type { Task, WorkerDescription } from '../../graph/index.ts';
import { Assigner } from './assign.ts';
import { DurationGroups } from './durations.ts';
import { dropHolder } from './losses.ts';
import { SchedulerState, State, type WorkerState } from './state.ts';
import type { Command, Stimulus } from './stimulus.ts';

/**
 * The scheduler as a pure step: `step(stimulus)` changes the table and says what is to be done; it knows no thread, clock or promise.
 *
 *     released ──demand──▶ waiting ──all dependencies in memory──▶ queued ──▶ processing ──▶ memory
 *         ▲                   │ no worker may run it: no-worker                   │
 *         └── nobody needs it ┴──────────────── erred ◀── threw, killed, cancelled┘
 *
 * A row is needed while a Future holds it or an unfinished dependent waits for it; what is not needed is released, and forgotten once
 * no dependent is left that it would have to be made again for.
 */
export class Scheduler {
  readonly state: SchedulerState;
  readonly #assigner: Assigner;
  readonly #allowedFailures: number;
  /** Running rows that were told to stop since nobody needed them. */
  readonly #stopping = new Set<number>();
  #commands: Command[] = [];
  #freeByWorker = new Map<number, number[]>();
  #generation = 0;

  constructor(options: { readonly allowedFailures: number; readonly workers: readonly WorkerDescription[] }) {
    this.state = new SchedulerState(new DurationGroups());
    for (const [index, worker] of options.workers.entries()) this.state.workers[index] = idleWorker(index, worker, false);
    this.#assigner = new Assigner(this.state);
    this.#allowedFailures = options.allowedFailures;
  }

  /** Takes in what happened; says what to do, in order. */
  step(stimulus: Stimulus): readonly Command[] {
    this.#commands = [];
    switch (stimulus.kind) {
      case 'worker-joined':
        this.#workerJoined(stimulus);
        break;
      case 'worker-left':
        this.#workerLeft(stimulus.worker, stimulus.wanted);
        break;
      case 'submitted':
        this.#submitted(stimulus);
        break;
      case 'seceded':
        this.#assigner.secede(stimulus.worker, stimulus.row);
        break;
      case 'scattered':
        this.#scattered(stimulus);
        break;
      case 'finished':
        for (let i = 0; i < stimulus.reports.length; i += 3)
          this.#finished(stimulus.worker, stimulus.reports[i]!, stimulus.reports[i + 1]!, stimulus.reports[i + 2]!);
        break;
      case 'failed':
        this.#failed(stimulus.worker, stimulus.row);
        break;
      case 'returned':
        this.#returned(stimulus.worker, stimulus.row);
        break;
      case 'missing':
        this.#remake(dropHolder(this.state, stimulus.worker, stimulus.rows));
        break;
      case 'released':
        this.state.holders[stimulus.row]!--;
        this.#dropUnneeded(stimulus.row);
        break;
      case 'cancelled':
        this.#cancelled(stimulus.rows);
        break;
      case 'retried':
        this.#retried(stimulus.rows);
        break;
      default:
        stimulus satisfies never;
    }
    for (const [worker, rows] of this.#freeByWorker) this.#commands.push({ kind: 'free', worker, rows });
    this.#freeByWorker.clear();
    for (const run of this.#assigner.dispatch()) this.#commands.push(run); // after the frees: a row may be made again where it was dropped
    return this.#commands;
  }

  #workerJoined(stimulus: Extract<Stimulus, { kind: 'worker-joined' }>): void {
    const { worker: index } = stimulus;
    this.state.workers[index] = idleWorker(index, this.state.workers[index]!, true);
    const { state } = this;
    if (state.counts[State.noWorker]! === 0) return;
    for (let row = 0; row < state.size; row++) if (state.state[row] === State.noWorker) this.#ready(row);
  }

  #submitted({ plan, source, limitsOf, parent }: Extract<Stimulus, { kind: 'submitted' }>): void {
    const { state } = this;
    const { graph, order } = plan;
    const { rows } = source;
    // What a running task submits goes before what was submitted after that task: a tree of tasks is walked in depth.
    const generation = parent < 0 ? this.#generation++ : state.generation[parent]!;
    const firstRank = parent < 0 ? 0 : state.rank[parent]! - graph.size;
    const fresh: number[] = [];
    for (let graphRow = 0; graphRow < graph.size; graphRow++) {
      const task = graph.tasks[graphRow]!;
      if (graph.held[graphRow] === 1) {
        rows[graphRow] = state.rowById.get(task.id)!;
        continue;
      }
      const limits = limitsOf(graphRow);
      const row = state.add(task, source, graphRow, limits);
      rows[graphRow] = row;
      state.priority[row] = limits.options.priority ?? 0;
      state.generation[row] = generation;
      state.rank[row] = firstRank + order[graphRow]!;
      state.group[row] = state.durations.of(groupOf(task));
      fresh.push(graphRow);
    }
    const { dependencyStart, dependencyRows } = graph;
    for (const graphRow of fresh) {
      const row = rows[graphRow]!;
      const end = dependencyStart[graphRow + 1]!;
      for (let at = dependencyStart[graphRow]!; at < end; at++) state.addEdge(rows[dependencyRows[at]!]!, row);
    }
    for (const graphRow of graph.outputs) {
      const row = rows[graphRow]!;
      state.holders[row]!++;
      if (state.state[row] === State.memory) this.#commands.push({ kind: 'done', row });
      else if (state.state[row] === State.erred) this.#commands.push({ kind: 'erred', row, blame: state.blame[row]! });
    }
    const wanted: number[] = [];
    for (const graphRow of graph.outputs) wanted.push(rows[graphRow]!);
    this.#demand(wanted);
    for (const graphRow of fresh) this.#forgetUnreferenced(rows[graphRow]!); // a pass may leave rows that no output needs
  }

  #scattered({ task, workers, nbytes, limits }: Extract<Stimulus, { kind: 'scattered' }>): void {
    const { state } = this;
    let row = state.rowById.get(task.id);
    if (row === undefined) {
      row = state.add(task, undefined, 0, limits);
      state.group[row] = state.durations.of(task.name);
    }
    state.holders[row]!++;
    if (state.state[row] === State.released) {
      const [first, ...others] = workers;
      state.worker[row] = first!;
      if (others.length > 0) state.replicas.set(row, others);
      state.nbytes[row] = nbytes;
      for (const worker of workers) state.workers[worker]!.nbytes += nbytes;
      state.set(row, State.memory);
    }
    this.#commands.push({ kind: 'done', row });
  }

  /** Makes released rows, and what they need, ready to run. */
  #demand(rows: readonly number[]): void {
    const { state } = this;
    const stack = [...rows];
    const ready: number[] = [];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (state.state[row] !== State.released || !this.#isNeeded(row)) continue; // what wanted it may have failed meanwhile
      if (state.tasks[row]!.scattered) {
        this.#commands.push({ kind: 'lost', row });
        this.#fail(row, row);
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
      state.set(row, State.waiting);
      if (blame >= 0) this.#fail(row, blame);
      else if (pending === 0) ready.push(row);
    }
    for (const row of ready) if (state.state[row] === State.waiting) this.#ready(row);
  }

  /** All dependencies are in memory: queue it where it should run. */
  #ready(row: number): void {
    if (this.#assigner.isInFlight(row)) return; // cancelled, wanted again, and not stopped yet: its report brings it back here
    if (this.#assigner.enqueue(row)) return;
    if (this.state.state[row] !== State.noWorker) {
      this.state.set(row, State.noWorker);
      this.#commands.push({ kind: 'no-worker', row });
    }
  }

  #finished(worker: number, row: number, nbytes: number, durationUs: number): void {
    const { state } = this;
    const wasStopped = this.#stopping.has(row);
    const isMine = this.#takeBack(worker, row);
    if (!isMine || wasStopped) {
      this.#dropCopies(worker, row); // nobody waits for what this run made; it may also have stopped half way, and be wanted again since
      return isMine ? this.#again(row) : this.#leftBehind(row);
    }
    state.durations.record(state.group[row]!, durationUs);
    state.nbytes[row] = nbytes;
    state.workers[worker]!.nbytes += nbytes;
    state.suspect[row] = 0;
    state.set(row, State.memory);
    // Edges of a row that stays stay: to let go of inputs, or to queue a dependent, forgets none of them.
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) {
      const dependency = state.dependencyAt(edge);
      if (state.state[dependency] !== State.memory) this.#dropCopy(worker, dependency);
      else if (!state.holds(worker, dependency)) this.#addReplica(dependency, worker);
      this.#waiterDone(dependency);
    }
    for (let edge = state.firstDependent(row); edge >= 0; edge = state.nextDependent(edge)) {
      const dependent = state.dependentAt(edge);
      if (state.state[dependent] === State.waiting && --state.pending[dependent]! === 0) this.#ready(dependent);
    }
    if (state.holders[row]! > 0) this.#commands.push({ kind: 'done', row });
    this.#dropUnneeded(row);
  }

  #failed(worker: number, row: number): void {
    const { state } = this;
    const wasStopped = this.#stopping.has(row);
    const isMine = this.#takeBack(worker, row);
    this.#dropCopies(worker, row);
    if (!isMine) return this.#leftBehind(row);
    if (wasStopped) return this.#again(row); // it was told to, and is wanted again since
    const failures = ++state.failures[row]!;
    if (failures <= this.#assigner.limitsOf(row).retries) this.#wait(row);
    else this.#fail(row, row);
  }

  #returned(worker: number, row: number): void {
    const isMine = this.#takeBack(worker, row);
    this.#dropCopies(worker, row);
    if (isMine) this.#again(row);
    else this.#leftBehind(row);
  }

  /** From processing: runs again if it is needed. */
  #again(row: number): void {
    if (this.#isNeeded(row)) this.#wait(row);
    else this.#stopNeeding(row);
  }

  /**
   * A row left a worker without a result that counts. What it made or had brought there is no replica, and row numbers are used again: a copy that
   * stayed behind would be taken for the result of another task.
   */
  #dropCopies(worker: number, row: number): void {
    const { state } = this;
    this.#dropCopy(worker, row);
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge))
      this.#dropCopy(worker, state.dependencyAt(edge));
  }

  #dropCopy(worker: number, dependency: number): void {
    const { state } = this;
    if (state.holds(worker, dependency)) return;
    const inFlight = state.workers[worker]?.inFlight;
    if (inFlight === undefined || inFlight.has(dependency)) return; // being made anew there, over the copy
    for (const other of inFlight)
      for (let edge = state.firstDependency(other); edge >= 0; edge = state.nextDependency(edge))
        if (state.dependencyAt(edge) === dependency) return; // for that one to see to when it ends
    this.#free(worker, dependency);
  }

  /** Ends a row's stay on a worker. False when the row was not being processed there for its own sake any more. */
  #takeBack(worker: number, row: number): boolean {
    const { state } = this;
    this.#stopping.delete(row);
    if (!this.#assigner.leave(worker, row)) return false;
    return state.state[row] === State.processing && state.worker[row] === worker;
  }

  /** A run that was cancelled has ended: the row runs again if it is wanted again, and is forgotten if it is not. */
  #leftBehind(row: number): void {
    const { state } = this;
    if (state.state[row] === State.waiting && state.pending[row] === 0) this.#ready(row);
    else this.#forgetUnreferenced(row);
  }

  /** From processing back to waiting, its dependencies looked at anew. */
  #wait(row: number): void {
    const { state } = this;
    state.set(row, State.waiting);
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
    if (blame >= 0) this.#fail(row, blame);
    else if (pending === 0) this.#ready(row);
    else this.#demand(gone);
  }

  /** The row, and all that wait for it, end in the error of `blame`. */
  #fail(first: number, blame: number): void {
    const { state } = this;
    const stack = [first];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      const from = state.state[row];
      if (from === State.erred || from === State.memory || from === State.forgotten) continue;
      if (row !== first && (from === State.released || from === State.processing)) continue; // one that runs has its inputs, or gives itself back
      state.blame[row] = blame;
      state.set(row, State.erred);
      if (state.holders[row]! > 0) this.#commands.push({ kind: 'erred', row, blame });
      if (from !== State.released) this.#releaseInputs(row);
      state.eachDependent(row, (dependent) => void stack.push(dependent));
    }
    this.#dropUnneeded(first);
  }

  #cancelled(rows: readonly number[]): void {
    const { state } = this;
    for (const first of rows) {
      const seen = new Set([first]);
      for (const row of seen) if (state.state[row] !== State.memory) state.eachDependent(row, (dependent) => void seen.add(dependent));
      for (const row of seen) {
        const at = state.state[row];
        if (at === State.erred || at === State.forgotten || at === State.memory) continue;
        const id = state.tasks[row]!.id;
        if (state.rowById.get(id) === row) state.rowById.delete(id); // the same call made again is a new task
        if (at === State.processing) this.#commands.push({ kind: 'stop', worker: state.worker[row]!, row, force: true });
        state.blame[row] = first;
        state.set(row, State.erred);
        if (state.holders[row]! > 0) this.#commands.push({ kind: 'erred', row, blame: first });
        if (at !== State.released) this.#releaseInputs(row);
      }
      for (const row of seen) if (state.tasks[row] !== undefined) this.#dropUnneeded(row);
    }
  }

  #retried(rows: readonly number[]): void {
    const { state } = this;
    const failed = new Set<number>();
    for (const row of rows) if (state.state[row] === State.erred) failed.add(row);
    for (const row of failed)
      state.eachDependency(row, (dependency) => void (state.state[dependency] === State.erred && failed.add(dependency)));
    for (const row of failed) {
      state.failures[row] = state.deaths[row] = 0;
      state.set(row, State.released);
    }
    this.#demand(rows);
  }

  #workerLeft(index: number, wanted: boolean): void {
    const { state } = this;
    const worker = state.workers[index]!;
    worker.running = false;
    const inFlight = [...worker.inFlight];
    const alone = inFlight.length === 1;
    for (const row of inFlight) {
      this.#stopping.delete(row);
      this.#assigner.leave(index, row);
    }
    const held: number[] = [];
    for (let row = 0; row < state.size; row++) if (state.holds(index, row)) held.push(row);
    const lost = dropHolder(state, index, held);
    worker.nbytes = 0;
    this.#assigner.requeue(index);
    this.#remake(lost);
    for (const row of inFlight) {
      if (state.state[row] !== State.processing) {
        this.#leftBehind(row);
        continue;
      }
      if (!wanted && alone) state.deaths[row]!++;
      if (!wanted) state.suspect[row] = 1;
      if (state.deaths[row]! > this.#allowedFailures) {
        this.#commands.push({ kind: 'killed', row, worker: index, deaths: state.deaths[row]! });
        this.#fail(row, row);
      } else this.#again(row);
    }
  }

  /** Makes lost rows again, as far as anybody needs them. */
  #remake(lost: readonly number[]): void {
    this.#demand(lost.filter((row) => this.#isNeeded(row)));
    for (const row of lost) this.#forgetUnreferenced(row);
  }

  #isNeeded(row: number): boolean {
    return this.state.holders[row]! > 0 || this.state.waiters[row]! > 0;
  }

  #waiterDone(dependency: number): void {
    this.state.waiters[dependency]!--;
    this.#dropUnneeded(dependency);
  }

  /** The row does not wait for its dependencies any more. */
  #releaseInputs(row: number): void {
    const { state } = this;
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) this.#waiterDone(state.dependencyAt(edge));
  }

  /** Lets go of a row that no Future holds and no dependent waits for. */
  #dropUnneeded(row: number): void {
    const { state } = this;
    if (state.tasks[row] === undefined || this.#isNeeded(row)) return;
    switch (state.state[row]) {
      case State.memory:
        this.#dropFrom(state.worker[row]!, row);
        for (const worker of state.replicas.get(row) ?? none) this.#dropFrom(worker, row);
        state.replicas.delete(row);
        state.set(row, State.released);
        break;
      case State.erred:
        state.set(row, State.released);
        break;
      case State.processing:
        if (!this.#stopping.has(row)) this.#commands.push({ kind: 'stop', worker: state.worker[row]!, row, force: false });
        this.#stopping.add(row);
        return;
      case State.waiting:
      case State.queued:
      case State.noWorker:
        this.#stopNeeding(row);
        return;
    }
    this.#forgetUnreferenced(row);
  }

  #dropFrom(worker: number, row: number): void {
    this.state.workers[worker]!.nbytes -= this.state.nbytes[row]!;
    this.#free(worker, row);
  }

  #stopNeeding(row: number): void {
    this.state.set(row, State.released);
    this.#releaseInputs(row);
    this.#forgetUnreferenced(row);
  }

  /** Forgets a released row that has no dependents left, and then its dependencies in turn. */
  #forgetUnreferenced(first: number): void {
    const { state } = this;
    const stack = [first];
    for (let row = stack.pop(); row !== undefined; row = stack.pop()) {
      if (state.tasks[row] === undefined || state.state[row] !== State.released || this.#isNeeded(row) || state.hasDependents(row))
        continue;
      if (this.#assigner.isInFlight(row)) continue; // its worker still speaks of it by number
      state.eachDependency(row, (dependency) => void stack.push(dependency));
      state.forget(row);
      this.#commands.push({ kind: 'forgotten', row });
    }
  }

  #addReplica(row: number, worker: number): void {
    const { state } = this;
    const replicas = state.replicas.get(row);
    if (replicas === undefined) state.replicas.set(row, [worker]);
    else replicas.push(worker);
    state.workers[worker]!.nbytes += state.nbytes[row]!;
  }

  #free(worker: number, row: number): void {
    if (this.state.workers[worker]?.running !== true) return;
    const rows = this.#freeByWorker.get(worker);
    if (rows === undefined) this.#freeByWorker.set(worker, [row]);
    else rows.push(row);
  }
}

const none: readonly number[] = [];

/** Tasks that are expected to take equally long: those of one name, or of one function that has none. */
function groupOf({ name, callee }: Task): string {
  return name === 'lambda' && callee !== undefined ? callee.identity : name;
}

function idleWorker(index: number, { name, host, resources }: WorkerDescription, running: boolean): WorkerState {
  return { index, name, host, resources, running, inFlight: new Set(), seceded: new Set(), occupancyUs: 0, nbytes: 0, occupied: new Map() };
}
