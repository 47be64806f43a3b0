import { type Graph, HeddleError, keyOf, type Plan, type Task, type TaskOptions } from '../../graph/index.ts';
import { Bandwidth } from './bandwidth.ts';
import { DecisionLog } from './decision-log.ts';
import type { DurationGroups } from './durations.ts';
import { copyInto, Edges } from './edges.ts';
import { isLegal, State, stateNames, targetOf, transitions, Why } from './transitions.ts';

export { State, type StateName, stateNames } from './transitions.ts';

/** One compiled plan in the scheduler: where each of its graph's rows stands in the table. What is forgotten there is let go of here. */
export interface Source {
  readonly graph: Graph;
  /** Graph row → table row. */
  readonly rows: Int32Array;
}

/** The source of a plan, with lists of its own: one row that stays must not keep all tasks that were submitted with it. */
export function sourceOf({ graph }: Plan, rows: Int32Array): Source {
  return { graph: graph.with({ tasks: [...graph.tasks], members: [...graph.members] }), rows };
}

function letGo({ graph }: Source, graphRow: number): void {
  (graph.tasks as (Task | undefined)[])[graphRow] = undefined;
  (graph.members as (readonly Task[] | undefined)[])[graphRow] = undefined;
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
  /** It takes no new rows: it has no memory to spare. */
  paused: boolean;
  /** Rows sent to it and not reported back, oldest first. */
  readonly inFlight: Set<number>;
  /** Those of them that wait for tasks of their own: they take no place. */
  readonly seceded: Set<number>;
  /** Expected microseconds of work in flight. */
  occupancyUs: number;
  /** How many rows in flight, not seceded, must have the worker to themselves. */
  alone: number;
  /** How many rows in flight overlap, and the part of `occupancyUs` that is theirs. */
  overlapping: number;
  overlapUs: number;
  /** When it last took in or gave back anything, in milliseconds: what it has in hand has taken at least as long as since then. */
  heardAt: number;
  /** Rows in flight that were asked back for an idle worker. */
  asked: number;
  /** Bytes of results it holds. */
  nbytes: number;
  /** What its running tasks occupy of its resources. */
  readonly occupied: Map<string, number>;
}

const none = -1;
/** Numbers of queues: the common one, and that of rows that need resources or a place under a `concurrency`; the others are workers' own. */
export const commonQueue = -1;
export const limitedQueue = -2;

/** Whether a row stands in the index of ids: not at all, listed, on the way there, or on the way and not wanted there any more. */
const Listing = { none: 0, listed: 1, due: 2, hidden: 3 } as const;

/**
 * The scheduler's table: a row a task, columns in typed arrays.
 * It only remembers; what happens is decided in `scheduler.ts`, where next in `assign.ts`.
 */
export class SchedulerState extends Edges {
  readonly workers: WorkerState[] = [];
  readonly durations: DurationGroups;
  readonly bandwidth: Bandwidth = new Bandwidth();
  readonly log: DecisionLog = new DecisionLog();
  /** The time of the stimulus at hand, in milliseconds. */
  now = 0;
  /** Stimuli so far: tells what was said before something came about. */
  steps = 0;

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
  /** The step in which its result came into memory. */
  heldSince: Float64Array = new Float64Array(0);
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
  /** Microseconds it was expected to take when it was queued or sent. */
  expectedUs: Float64Array = new Float64Array(0);
  /** How many rows like it a worker may have in hand; 1: it does not overlap. */
  overlap: Uint8Array = new Uint8Array(0);
  /** Queue it waits in: a worker's index, `commonQueue` or `limitedQueue`. */
  queue: Int32Array = new Int32Array(0);
  /** By queue, from `limitedQueue` on: rows that wait in it, and the microseconds they are expected to take. */
  readonly #queuedRows: number[] = [];
  readonly #queuedUs: number[] = [];
  /** Rows whose results cannot leave the worker that made them. */
  readonly immovable = new Set<number>();
  /** Rows that came back once for the sake of such an input. */
  readonly unmoved = new Set<number>();
  /** Further holders of a result beside `worker`. */
  readonly replicas = new Map<number, number[]>();

  /** Rows per state, for counts that must agree. */
  readonly counts: number[] = new Array<number>(stateNames.length).fill(0);
  /** Called on each transition, when somebody listens. */
  onTransition: ((row: number, from: State, to: State) => void) | undefined;

  constructor(durations: DurationGroups) {
    super();
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
    this.overlap[row] = source?.graph.overlap(graphRow) ?? 1;
    this.attempts[row] = this.failures[row] = this.deaths[row] = this.suspect[row] = 0;
    this.nbytes[row] = 0;
    this.worker[row] = this.blame[row] = none;
    this.clearEdges(row);
    this.log.moved(row, Why.submitted, State.forgotten, none, 0);
    this.onTransition?.(row, State.forgotten, State.released);
    return row;
  }

  /** Moves a row to the state that a reason leads to; `detail` is what the log keeps beside it. Throws ERR_SCHEDULER for a way that is not in the table. */
  move(row: number, why: number, detail = 0): void {
    const from = this.state[row] as State;
    if (!isLegal(from, why)) throw illegal(this.key(row), from, why);
    const to = targetOf[why] as State;
    if (from === State.queued) this.#leaveQueue(row);
    if (to === State.memory) this.heldSince[row] = this.steps;
    this.counts[from]!--;
    this.counts[to]!++;
    this.state[row] = to;
    const isWithWorker = from === State.processing || from === State.memory || to === State.processing || to === State.memory;
    this.log.moved(row, why, from, isWithWorker ? this.worker[row]! : none, detail);
    this.onTransition?.(row, from, to);
  }

  /** A queued row stands in a queue from now on, until it moves to another state. */
  enterQueue(row: number, queue: number, us: number): void {
    const at = queue - limitedQueue;
    this.queue[row] = queue;
    this.expectedUs[row] = us;
    this.#queuedRows[at] = (this.#queuedRows[at] ?? 0) + 1;
    this.#queuedUs[at] = (this.#queuedUs[at] ?? 0) + us;
  }

  #leaveQueue(row: number): void {
    const at = this.queue[row]! - limitedQueue;
    const left = --this.#queuedRows[at]!;
    this.#queuedUs[at] = left === 0 ? 0 : this.#queuedUs[at]! - this.expectedUs[row]!; // no rounding stays behind
  }

  /** Rows that wait in a queue. */
  queuedRows(queue: number): number {
    return this.#queuedRows[queue - limitedQueue] ?? 0;
  }

  /** Expected microseconds of what waits in a queue. */
  queuedUs(queue: number): number {
    return this.#queuedUs[queue - limitedQueue] ?? 0;
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
    if (this.state[row] !== State.released) throw illegal(this.key(row), this.state[row] as State, Why.forgotten);
    this.hide(row);
    this.counts[State.released]!--;
    this.state[row] = State.forgotten;
    this.log.forgot(row, this.keysOf(row));
    this.onTransition?.(row, State.released, State.forgotten);
    this.removeEdges(row);
    this.tasks[row] = undefined;
    const source = this.sources[row];
    if (source !== undefined) letGo(source, this.graphRow[row]!);
    this.sources[row] = undefined;
    this.limits[row] = undefined;
    this.replicas.delete(row);
    this.immovable.delete(row);
    this.unmoved.delete(row);
    this.#freeRows.push(row);
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

  /** Groups of durations that rows of the table belong to. */
  groupsInUse(): Set<number> {
    const used = new Set<number>();
    for (let row = 0; row < this.#used; row++) if (this.tasks[row] !== undefined) used.add(this.group[row]!);
    return used;
  }

  key(row: number): string {
    const task = this.tasks[row];
    return task === undefined ? '(forgotten)' : keyOf(task);
  }

  /** The key of a row; of one with tasks fused into it all of them, its own last. */
  keysOf(row: number): string | readonly string[] {
    const members = this.sources[row]?.graph.members[this.graphRow[row]!];
    const key = keyOf(this.tasks[row]!);
    return members === undefined ? key : [...members.map(keyOf), key];
  }

  #grow(): void {
    const capacity = Math.max(256, this.#capacity * 2);
    const bytes = (old: Uint8Array): Uint8Array => copyInto(new Uint8Array(capacity), old);
    const ints = (old: Int32Array): Int32Array => copyInto(new Int32Array(capacity), old);
    const floats = (old: Float64Array): Float64Array => copyInto(new Float64Array(capacity), old);
    this.state = bytes(this.state);
    this.suspect = bytes(this.suspect);
    this.overlap = bytes(this.overlap);
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
    this.heldSince = floats(this.heldSince);
    this.group = ints(this.group);
    this.blame = ints(this.blame);
    this.attempts = ints(this.attempts);
    this.failures = ints(this.failures);
    this.deaths = ints(this.deaths);
    this.expectedUs = floats(this.expectedUs);
    this.queue = ints(this.queue);
    this.growRows(capacity);
    this.#capacity = capacity;
  }
}

/** A fault in the scheduler itself: better an error than a wrong answer. */
function illegal(key: string, from: State, why: number): HeddleError {
  const { why: name, from: sources, to } = transitions[why]!;
  return new HeddleError(
    'ERR_SCHEDULER',
    `task ${key} is ${stateNames[from]} and cannot become ${to} (${name}: only from ${sources.join(', ')}); this is a fault in heddle: please report it`,
  );
}
