import type { Task, WorkerDescription } from '../../graph/index.ts';
import { Assigner } from './assign.ts';
import { DurationGroups } from './durations.ts';
import { dropHolder } from './losses.ts';
import { Needs } from './needs.ts';
import { Placement } from './placement.ts';
import { SchedulerState, type WorkerState } from './state.ts';
import type { Command, Stimulus } from './stimulus.ts';
import { State, Why } from './transitions.ts';
import { Watchdog } from './watchdog.ts';

/** What a scheduler is told at its start. */
export interface SchedulerOptions {
  readonly allowedFailures: number;
  /** How long ready tasks may wait beside an idle worker before it is said. */
  readonly stalledMs: number;
  /** The workers that are starting. */
  readonly workers: readonly WorkerDescription[];
}

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
  readonly #watchdog: Watchdog;
  readonly #allowedFailures: number;
  readonly #needs: Needs;
  #generation = 0;

  constructor(options: SchedulerOptions) {
    this.state = new SchedulerState(new DurationGroups());
    for (const [index, worker] of options.workers.entries()) this.state.workers[index] = newWorker(index, worker, false, 0);
    const placement = new Placement(this.state);
    this.#assigner = new Assigner(this.state, placement);
    this.#watchdog = new Watchdog(this.state, placement, options.stalledMs);
    this.#needs = new Needs(this.state, this.#assigner);
    this.#allowedFailures = options.allowedFailures;
  }

  /** Takes in what happened, and when, in milliseconds; says what to do, in order. */
  step(stimulus: Stimulus, now = 0): readonly Command[] {
    this.state.now = now;
    this.state.steps++;
    this.state.log.setTime(now);
    switch (stimulus.kind) {
      case 'worker-joined':
        this.#workerJoined(stimulus);
        break;
      case 'worker-left':
        this.#workerLeft(stimulus.worker, stimulus.wanted, new Set(stimulus.kept));
        break;
      case 'paused':
        this.state.workers[stimulus.worker]!.paused = stimulus.isPaused;
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
        for (const row of stimulus.rows) this.#returned(stimulus.worker, row);
        break;
      case 'kept':
        for (const row of stimulus.rows) this.#assigner.kept(stimulus.worker, row);
        break;
      case 'missing':
        this.#missing(stimulus.worker, stimulus.rows, stimulus.asked);
        break;
      case 'immovable':
        for (const row of stimulus.rows) this.state.immovable.add(row);
        break;
      case 'moved':
        this.#moved(stimulus.rows, stimulus.us);
        break;
      case 'reused':
        this.state.log.reused(stimulus.row, this.state.state[stimulus.row] as State);
        break;
      case 'tick':
        for (const stalled of this.#watchdog.look()) this.#needs.commands.push(stalled);
        break;
      case 'released':
        this.state.holders[stimulus.row]!--;
        this.#needs.dropUnneeded(stimulus.row);
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
    return this.#needs.finish();
  }

  /** Whether a row in flight was asked back for an idle worker. */
  isAskedBack(row: number): boolean {
    return this.#assigner.thiefOf(row) >= 0;
  }

  #workerJoined({ worker: index, description }: Extract<Stimulus, { kind: 'worker-joined' }>): void {
    const nbytes = this.state.workers[index]?.nbytes ?? 0; // of what it has taken over
    const { state } = this;
    state.workers[index] = { ...newWorker(index, description ?? state.workers[index]!, true, state.now), nbytes };
    if (state.counts[State.noWorker]! === 0) return;
    for (let row = 0; row < state.size; row++) if (state.state[row] === State.noWorker) this.#needs.ready(row);
  }

  #submitted({ plan, source, limitsOf, parent }: Extract<Stimulus, { kind: 'submitted' }>): void {
    const { state } = this;
    const { graph, order } = plan;
    const { rows } = source;
    if (state.durations.isGrown) state.durations.keep(state.groupsInUse());
    // What a running task submits goes before what was submitted after that task: a tree of tasks is walked in depth.
    const generation = parent < 0 ? this.#generation++ : state.generation[parent]!;
    const firstRank = parent < 0 ? 0 : state.rank[parent]! - graph.size;
    const fresh: number[] = [];
    for (let graphRow = 0; graphRow < graph.size; graphRow++) {
      const task = graph.tasks[graphRow]!;
      if (graph.held[graphRow] === 1) {
        const held = state.rowOf(task.id)!;
        rows[graphRow] = held;
        state.log.reused(held, state.state[held] as State);
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
      if (state.state[row] === State.memory) this.#needs.commands.push({ kind: 'done', row });
      else if (state.state[row] === State.erred) this.#needs.commands.push({ kind: 'erred', row, blame: state.blame[row]! });
    }
    const wanted: number[] = [];
    for (const graphRow of graph.outputs) wanted.push(rows[graphRow]!);
    this.#needs.demand(wanted);
    for (const graphRow of fresh) this.#needs.forgetUnreferenced(rows[graphRow]!); // a pass may leave rows that no output needs
  }

  #scattered({ task, workers, nbytes, limits }: Extract<Stimulus, { kind: 'scattered' }>): void {
    const { state } = this;
    let row = state.rowOf(task.id);
    if (row === undefined) {
      row = state.add(task, undefined, 0, limits);
      state.group[row] = state.durations.of(task.name);
    }
    state.holders[row]!++;
    if (state.state[row] === State.erred) state.move(row, Why.scatteredAgain);
    if (state.state[row] === State.released) {
      const [first, ...others] = workers;
      state.worker[row] = first!;
      if (others.length > 0) state.replicas.set(row, others);
      state.nbytes[row] = nbytes;
      for (const worker of workers) state.workers[worker]!.nbytes += nbytes;
      state.move(row, Why.scattered, nbytes);
    } else state.log.reused(row, state.state[row] as State);
    this.#needs.commands.push({ kind: 'done', row });
  }

  #finished(worker: number, row: number, nbytes: number, durationUs: number): void {
    const { state } = this;
    const wasStopped = this.#needs.stopping.has(row);
    const isMine = this.#takeBack(worker, row);
    if (!isMine || wasStopped) {
      this.#dropCopies(worker, row); // nobody waits for what this run made; it may also have stopped half way, and be wanted again since
      return isMine ? this.#needs.again(row, Why.wantedAgain) : this.#needs.leftBehind(row);
    }
    state.durations.record(state.group[row]!, durationUs, nbytes);
    state.nbytes[row] = nbytes;
    state.workers[worker]!.nbytes += nbytes;
    state.suspect[row] = 0;
    state.move(row, Why.finished, nbytes);
    // Edges of a row that stays stay: to let go of inputs, or to queue a dependent, forgets none of them.
    for (let edge = state.firstDependency(row); edge >= 0; edge = state.nextDependency(edge)) {
      const dependency = state.dependencyAt(edge);
      if (state.state[dependency] !== State.memory) this.#dropCopy(worker, dependency);
      else if (!state.holds(worker, dependency)) this.#addReplica(dependency, worker);
      this.#needs.waiterDone(dependency);
    }
    for (let edge = state.firstDependent(row); edge >= 0; edge = state.nextDependent(edge)) {
      const dependent = state.dependentAt(edge);
      if (state.state[dependent] === State.waiting && --state.pending[dependent]! === 0) this.#needs.ready(dependent);
    }
    if (state.holders[row]! > 0) this.#needs.commands.push({ kind: 'done', row });
    this.#needs.dropUnneeded(row);
  }

  #failed(worker: number, row: number): void {
    const { state } = this;
    const wasStopped = this.#needs.stopping.has(row);
    const isMine = this.#takeBack(worker, row);
    this.#dropCopies(worker, row);
    if (!isMine) return this.#needs.leftBehind(row);
    if (wasStopped) return this.#needs.again(row, Why.wantedAgain);
    const failures = ++state.failures[row]!;
    if (failures <= this.#assigner.limitsOf(row).retries) this.#needs.wait(row, Why.retrying, failures);
    else this.#needs.fail(row, row, Why.threw);
  }

  #returned(worker: number, row: number): void {
    const thief = this.#assigner.thiefOf(row);
    const isMine = this.#takeBack(worker, row);
    this.#dropCopies(worker, row);
    if (!isMine) return this.#needs.leftBehind(row);
    this.state.attempts[row]!--; // it has not begun
    this.#assigner.promisedTo = thief;
    this.#needs.again(row, thief < 0 ? Why.givenBack : Why.stolen);
    this.#assigner.promisedTo = -1;
  }

  /** What came about after the question is not answered by it: the row may be another task by now. */
  #missing(worker: number, rows: readonly number[], asked: number): void {
    const gone = rows.filter((row) => this.state.heldSince[row]! <= asked);
    this.#needs.remake(dropHolder(this.state, worker, gone));
  }

  /** A measured move; of rows that were let go meanwhile nothing is known. */
  #moved(rows: readonly number[], us: number): void {
    let bytes = 0;
    for (const row of rows) if (this.state.state[row] === State.memory) bytes += this.state.nbytes[row]!;
    this.state.bandwidth.record(bytes, us);
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
    this.#needs.free(worker, dependency);
  }

  /** Ends a row's stay on a worker. False when the row was not being processed there for its own sake any more. */
  #takeBack(worker: number, row: number): boolean {
    const { state } = this;
    this.#needs.stopping.delete(row);
    if (!this.#assigner.leave(worker, row)) return false;
    return state.state[row] === State.processing && state.worker[row] === worker;
  }

  #cancelled(rows: readonly number[]): void {
    const { state } = this;
    for (const first of rows) {
      const seen = new Set([first]);
      for (const row of seen) if (state.state[row] !== State.memory) state.eachDependent(row, (dependent) => void seen.add(dependent));
      for (const row of seen) {
        const at = state.state[row];
        if (at === State.erred || at === State.forgotten || at === State.memory) continue;
        state.hide(row);
        if (at === State.processing) this.#needs.commands.push({ kind: 'stop', worker: state.worker[row]!, row, force: true });
        state.blame[row] = first;
        state.move(row, Why.cancelled, first);
        if (state.holders[row]! > 0) this.#needs.commands.push({ kind: 'erred', row, blame: first });
        if (at !== State.released) this.#needs.releaseInputs(row);
      }
      for (const row of seen) if (state.tasks[row] !== undefined) this.#needs.dropUnneeded(row);
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
      state.move(row, Why.retried);
    }
    this.#needs.demand(rows);
  }

  #workerLeft(index: number, wanted: boolean, kept: ReadonlySet<number>): void {
    const { state } = this;
    const worker = state.workers[index]!;
    worker.running = false;
    const inFlight = [...worker.inFlight];
    const alone = inFlight.length === 1;
    for (const row of inFlight) {
      this.#needs.stopping.delete(row);
      this.#assigner.leave(index, row);
    }
    const held: number[] = [];
    for (let row = 0; row < state.size; row++) if (state.holds(index, row) && !kept.has(row)) held.push(row);
    const lost = dropHolder(state, index, held);
    worker.nbytes = 0;
    for (const row of kept) worker.nbytes += state.nbytes[row]!;
    const withdrawn = this.#assigner.withdraw(index);
    this.#needs.remake(lost);
    for (const row of withdrawn) if (state.state[row] === State.waiting && state.pending[row] === 0) this.#needs.ready(row);
    for (const row of inFlight) {
      if (state.state[row] !== State.processing) {
        this.#needs.leftBehind(row);
        continue;
      }
      if (!wanted && alone) state.deaths[row]!++;
      if (!wanted) state.suspect[row] = 1;
      if (state.deaths[row]! > this.#allowedFailures) {
        this.#needs.commands.push({ kind: 'killed', row, worker: index, deaths: state.deaths[row]! });
        this.#needs.fail(row, row, Why.killed);
      } else this.#needs.again(row, Why.workerDied);
    }
  }

  #addReplica(row: number, worker: number): void {
    const { state } = this;
    const replicas = state.replicas.get(row);
    if (replicas === undefined) state.replicas.set(row, [worker]);
    else replicas.push(worker);
    state.workers[worker]!.nbytes += state.nbytes[row]!;
  }
}

/** Tasks that are expected to take equally long: those of one name, or of one function that has none. */
function groupOf({ name, callee }: Task): string {
  return name === 'lambda' && callee !== undefined ? callee.identity : name;
}

function newWorker(index: number, { name, host, resources }: WorkerDescription, running: boolean, now: number): WorkerState {
  return {
    index,
    name,
    host,
    resources,
    running,
    paused: false,
    inFlight: new Set(),
    seceded: new Set(),
    occupancyUs: 0,
    alone: 0,
    overlapping: 0,
    overlapUs: 0,
    heardAt: now,
    asked: 0,
    nbytes: 0,
    occupied: new Map(),
  };
}
