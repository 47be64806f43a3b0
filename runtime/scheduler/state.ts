import { type Graph, keyOf, type Task, type TaskOptions } from '../../graph/index.ts';
import type { DurationGroups } from './durations.ts';

/** Where a task stands, as in Dask's scheduler; `forgotten` is a free row. */
export const State = { forgotten: 0, released: 1, waiting: 2, noWorker: 3, queued: 4, processing: 5, memory: 6, erred: 7 } as const;
export type State = (typeof State)[keyof typeof State];
/** The same by number, as events show them. */
export const stateNames = ['forgotten', 'released', 'waiting', 'no-worker', 'queued', 'processing', 'memory', 'erred'] as const;
export type StateName = (typeof stateNames)[number];

/** One compiled plan in the scheduler: where each of its graph's rows stands in the table. */
export interface Source {
  readonly graph: Graph;
  /** Graph row → table row. */
  readonly rows: Int32Array;
}

/** What limits where and how a row runs; shared by all rows with the same options. */
export interface Limits {
  readonly options: TaskOptions;
  /** Which workers may run it; `undefined`: all. */
  readonly allowed: ReadonlySet<number> | undefined;
  /** Workers near its bytes; a wish, never a fence. */
  readonly preferred: readonly number[] | undefined;
  /** Retries after an error of the function. */
  readonly retries: number;
}

/** One worker as the scheduler sees it. */
export interface WorkerState {
  readonly index: number;
  readonly name: string;
  readonly host: string;
  readonly resources: Readonly<Record<string, number>>;
  running: boolean;
  /** Rows sent to it and not reported back, oldest first. */
  readonly inFlight: Set<number>;
  /** Those of them that wait for tasks of their own: they take no place. */
  readonly seceded: Set<number>;
  /** Expected microseconds of work in flight. */
  occupancyUs: number;
  /** Bytes of results it holds. */
  nbytes: number;
  /** What its running tasks occupy of its resources. */
  readonly occupied: Map<string, number>;
}

const none = -1;

/** Whether a row stands in the index of ids: not at all, listed, on the way there, or on the way and not wanted there any more. */
const Listing = { none: 0, listed: 1, due: 2, hidden: 3 } as const;

/**
 * The scheduler's table: a row a task, columns in typed arrays, edges in linked lists over one pool.
 * It only remembers; what happens is decided in `scheduler.ts`, where next in `assign.ts`.
 */
export class SchedulerState {
  readonly workers: WorkerState[] = [];
  readonly durations: DurationGroups;

  readonly #rowById = new Map<string, number>();
  /** Rows that are not in the index yet, each once: most tasks are never looked up by their id. */
  readonly #unlisted: number[] = [];
  #listing: Uint8Array = new Uint8Array(0);

  tasks: (Task | undefined)[] = [];
  sources: (Source | undefined)[] = [];
  limits: (Limits | undefined)[] = [];
  #capacity = 0;
  #used = 0;
  readonly #freeRows: number[] = [];
  state: Uint8Array = new Uint8Array(0);
  /** Futures that hold the row. */
  holders: Int32Array = new Int32Array(0);
  /** Dependents that still need the result. */
  waiters: Int32Array = new Int32Array(0);
  /** Dependencies not yet in memory. */
  pending: Int32Array = new Int32Array(0);
  generation: Int32Array = new Int32Array(0);
  rank: Int32Array = new Int32Array(0);
  priority: Float64Array = new Float64Array(0);
  /** Row in its source's graph. */
  graphRow: Int32Array = new Int32Array(0);
  /** Worker it is processed on or, in memory, its first holder. */
  worker: Int32Array = new Int32Array(0);
  nbytes: Float64Array = new Float64Array(0);
  group: Int32Array = new Int32Array(0);
  /** The row whose error this one carries. */
  blame: Int32Array = new Int32Array(0);
  attempts: Int32Array = new Int32Array(0);
  /** Errors the function threw so far. */
  failures: Int32Array = new Int32Array(0);
  /** Workers that died while it ran alone. */
  deaths: Int32Array = new Int32Array(0);
  /** 1: it was in flight when a worker died, so it runs alone from now on. */
  suspect: Uint8Array = new Uint8Array(0);
  /** Microseconds it was expected to take when it was sent. */
  expectedUs: Float64Array = new Float64Array(0);
  /** Queue it waits in: a worker's index, or -1 for the common one. */
  queue: Int32Array = new Int32Array(0);
  #firstDependency: Int32Array = new Int32Array(0);
  #firstDependent: Int32Array = new Int32Array(0);
  /** Rows whose results cannot leave the worker that made them. */
  readonly immovable = new Set<number>();
  /** Rows that came back once for the sake of such an input. */
  readonly unmoved = new Set<number>();
  /** Further holders of a result beside `worker`. */
  readonly replicas = new Map<number, number[]>();

  #edgesUsed = 0;
  #freeEdge = none;
  #edgeDependency: Int32Array = new Int32Array(1024);
  #edgeDependent: Int32Array = new Int32Array(1024);
  #nextDependency: Int32Array = new Int32Array(1024);
  #nextDependent: Int32Array = new Int32Array(1024);
  #previousDependent: Int32Array = new Int32Array(1024);

  /** Rows per state, for counts that must agree. */
  readonly counts: number[] = new Array<number>(stateNames.length).fill(0);
  /** Called on each transition, when somebody listens. */
  onTransition: ((row: number, from: State, to: State) => void) | undefined;

  constructor(durations: DurationGroups) {
    this.durations = durations;
  }

  /** Rows ever used; rows below may be forgotten. */
  get size(): number {
    return this.#used;
  }

  /** Rows that are not forgotten. */
  get live(): number {
    return this.#used - this.#freeRows.length;
  }

  /** Adds a released row for a task. */
  add(task: Task, source: Source | undefined, graphRow: number, limits: Limits): number {
    const row = this.#freeRows.pop() ?? this.#used++;
    if (row >= this.#capacity) this.#grow();
    this.tasks[row] = task;
    this.sources[row] = source;
    this.limits[row] = limits;
    this.graphRow[row] = graphRow;
    if (this.#listing[row] === Listing.none) this.#unlisted.push(row);
    this.#listing[row] = Listing.due;
    this.counts[State.released]!++;
    this.state[row] = State.released;
    this.holders[row] = this.waiters[row] = this.pending[row] = 0;
    this.attempts[row] = this.failures[row] = this.deaths[row] = this.suspect[row] = 0;
    this.nbytes[row] = 0;
    this.worker[row] = this.blame[row] = none;
    this.#firstDependency[row] = this.#firstDependent[row] = none;
    this.onTransition?.(row, State.forgotten, State.released);
    return row;
  }

  /** Moves a row to another state. */
  set(row: number, to: State): void {
    const from = this.state[row] as State;
    this.counts[from]!--;
    this.counts[to]!++;
    this.state[row] = to;
    this.onTransition?.(row, from, to);
  }

  /** The row of a task's id. */
  rowOf(id: string): number | undefined {
    const unlisted = this.#unlisted;
    for (let row = unlisted.pop(); row !== undefined; row = unlisted.pop()) {
      if (this.#listing[row] === Listing.due) {
        this.#rowById.set(this.tasks[row]!.id, row);
        this.#listing[row] = Listing.listed;
      } else this.#listing[row] = Listing.none;
    }
    return this.#rowById.get(id);
  }

  /** From now on the row is not found by its id: the same call made again is a new task. */
  hide(row: number): void {
    if (this.#listing[row] === Listing.due) this.#listing[row] = Listing.hidden;
    else if (this.#listing[row] === Listing.listed) {
      const { id } = this.tasks[row]!;
      if (this.#rowById.get(id) === row) this.#rowById.delete(id);
      this.#listing[row] = Listing.none;
    }
  }

  /** Frees a row that nothing refers to any more. */
  forget(row: number): void {
    this.hide(row);
    this.set(row, State.forgotten);
    this.counts[State.forgotten]!--;
    for (let edge = this.#firstDependency[row]!; edge !== none; ) {
      const next = this.#nextDependency[edge]!;
      this.#unlink(edge);
      edge = next;
    }
    this.tasks[row] = undefined;
    this.sources[row] = undefined;
    this.limits[row] = undefined;
    this.replicas.delete(row);
    this.immovable.delete(row);
    this.unmoved.delete(row);
    this.#freeRows.push(row);
  }

  /** `dependent` needs the result of `dependency`. */
  addEdge(dependency: number, dependent: number): void {
    let edge = this.#freeEdge;
    if (edge !== none) this.#freeEdge = this.#nextDependency[edge]!;
    else {
      edge = this.#edgesUsed++;
      if (edge >= this.#edgeDependency.length) this.#growEdges();
    }
    const first = this.#firstDependent[dependency]!;
    this.#edgeDependency[edge] = dependency;
    this.#edgeDependent[edge] = dependent;
    this.#nextDependency[edge] = this.#firstDependency[dependent]!;
    this.#firstDependency[dependent] = edge;
    this.#nextDependent[edge] = first;
    this.#previousDependent[edge] = none;
    if (first !== none) this.#previousDependent[first] = edge;
    this.#firstDependent[dependency] = edge;
  }

  #unlink(edge: number): void {
    const next = this.#nextDependent[edge]!;
    const previous = this.#previousDependent[edge]!;
    if (previous === none) this.#firstDependent[this.#edgeDependency[edge]!] = next;
    else this.#nextDependent[previous] = next;
    if (next !== none) this.#previousDependent[next] = previous;
    this.#nextDependency[edge] = this.#freeEdge;
    this.#freeEdge = edge;
  }

  /** A row's first edge to a dependency, or -1; with `nextDependency` and `dependencyAt` the way along them without a closure. */
  firstDependency(row: number): number {
    return this.#firstDependency[row]!;
  }

  nextDependency(edge: number): number {
    return this.#nextDependency[edge]!;
  }

  dependencyAt(edge: number): number {
    return this.#edgeDependency[edge]!;
  }

  /** A row's first edge to a dependent, or -1; the same the other way. */
  firstDependent(row: number): number {
    return this.#firstDependent[row]!;
  }

  nextDependent(edge: number): number {
    return this.#nextDependent[edge]!;
  }

  dependentAt(edge: number): number {
    return this.#edgeDependent[edge]!;
  }

  /** Calls `visit` with each row this one depends on. */
  eachDependency(row: number, visit: (dependency: number) => void): void {
    for (let edge = this.#firstDependency[row]!; edge !== none; edge = this.#nextDependency[edge]!) visit(this.#edgeDependency[edge]!);
  }

  /** Calls `visit` with each row that depends on this one. */
  eachDependent(row: number, visit: (dependent: number) => void): void {
    for (let edge = this.#firstDependent[row]!; edge !== none; edge = this.#nextDependent[edge]!) visit(this.#edgeDependent[edge]!);
  }

  hasDependents(row: number): boolean {
    return this.#firstDependent[row] !== none;
  }

  hasDependencies(row: number): boolean {
    return this.#firstDependency[row] !== none;
  }

  /** Whether a worker holds a row's result. */
  holds(worker: number, row: number): boolean {
    return this.state[row] === State.memory && (this.worker[row] === worker || (this.replicas.get(row)?.includes(worker) ?? false));
  }

  /** Workers that hold a row's result, the first one first. */
  holdersOf(row: number): number[] {
    return this.state[row] === State.memory ? [this.worker[row]!, ...(this.replicas.get(row) ?? [])] : [];
  }

  /** Whether row `a` should run before row `b`: the user's priority, then submission, then the plan's order. */
  before(a: number, b: number): boolean {
    const byUser = this.priority[b]! - this.priority[a]!;
    if (byUser !== 0) return byUser < 0;
    const bySubmission = this.generation[a]! - this.generation[b]!;
    return bySubmission !== 0 ? bySubmission < 0 : this.rank[a]! < this.rank[b]!;
  }

  key(row: number): string {
    const task = this.tasks[row];
    return task === undefined ? '(forgotten)' : keyOf(task);
  }

  #grow(): void {
    const capacity = Math.max(256, this.#capacity * 2);
    const bytes = (old: Uint8Array): Uint8Array => copyInto(new Uint8Array(capacity), old);
    const ints = (old: Int32Array): Int32Array => copyInto(new Int32Array(capacity), old);
    const floats = (old: Float64Array): Float64Array => copyInto(new Float64Array(capacity), old);
    this.state = bytes(this.state);
    this.suspect = bytes(this.suspect);
    this.#listing = bytes(this.#listing);
    this.holders = ints(this.holders);
    this.waiters = ints(this.waiters);
    this.pending = ints(this.pending);
    this.generation = ints(this.generation);
    this.rank = ints(this.rank);
    this.priority = floats(this.priority);
    this.graphRow = ints(this.graphRow);
    this.worker = ints(this.worker);
    this.nbytes = floats(this.nbytes);
    this.group = ints(this.group);
    this.blame = ints(this.blame);
    this.attempts = ints(this.attempts);
    this.failures = ints(this.failures);
    this.deaths = ints(this.deaths);
    this.expectedUs = floats(this.expectedUs);
    this.queue = ints(this.queue);
    this.#firstDependency = ints(this.#firstDependency);
    this.#firstDependent = ints(this.#firstDependent);
    this.#capacity = capacity;
  }

  #growEdges(): void {
    const grow = (old: Int32Array): Int32Array => copyInto(new Int32Array(old.length * 2), old);
    this.#edgeDependency = grow(this.#edgeDependency);
    this.#edgeDependent = grow(this.#edgeDependent);
    this.#nextDependency = grow(this.#nextDependency);
    this.#nextDependent = grow(this.#nextDependent);
    this.#previousDependent = grow(this.#previousDependent);
  }
}

function copyInto<A extends Uint8Array | Int32Array | Float64Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
