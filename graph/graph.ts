import { flatten } from './flatten.ts';
import type { Task } from './task.ts';

/** What a Graph is made of. Rows stand in topological order: what a row depends on has a smaller number. */
export interface GraphParts {
  readonly tasks: readonly Task[];
  /** @default no row has members */
  readonly members?: readonly (readonly Task[] | undefined)[] | undefined;
  /** Row `r` depends on `dependencyRows[dependencyStart[r]]` up to, without, `dependencyRows[dependencyStart[r + 1]]`. */
  readonly dependencyStart: Int32Array;
  readonly dependencyRows: Int32Array;
  readonly outputs: Int32Array;
  /** 1 for a row whose result the engine has already. @default none */
  readonly held?: Uint8Array | undefined;
  readonly order?: Int32Array | undefined;
  readonly preferred?: PreferredWorkers | undefined;
}

/** By row: indexes into the list of workers, best first; `undefined`: any. Shorter than the graph when the rest has no preference. */
export type PreferredWorkers = readonly (readonly number[] | undefined)[];

/**
 * Many tasks as rows of typed arrays (compressed sparse rows). Immutable: a pass makes a new one.
 *
 *     a ──▶ c      row 0 1 2        dependencyStart 0 0 0 2
 *     b ──▶ c          a b c        dependencyRows  0 1
 *
 * Rows stand in topological order, so a loop upwards sees dependencies first and a loop downwards sees dependents first: no pass needs recursion.
 */
export class Graph {
  readonly size: number;
  /** The task that a row gives the result of. */
  readonly tasks: readonly Task[];
  /** Tasks fused into the row, before its own, in the order they run; `undefined`: none. */
  readonly members: readonly (readonly Task[] | undefined)[];
  readonly dependencyStart: Int32Array;
  readonly dependencyRows: Int32Array;
  /** Rows that somebody asked for, each once, in the order they were asked for. */
  readonly outputs: Int32Array;
  /** 1 for a row whose result the engine has already: it depends on nothing and does no work. */
  readonly held: Uint8Array;
  /** Column of the pass `order`: row → rank, 0 runs first. */
  readonly order: Int32Array | undefined;
  /** Column of the pass `place`. */
  readonly preferred: PreferredWorkers | undefined;
  #dependents: { readonly start: Int32Array; readonly rows: Int32Array } | undefined;
  #isOutput: Uint8Array | undefined;

  constructor(parts: GraphParts) {
    const size = parts.tasks.length;
    this.size = size;
    this.tasks = parts.tasks;
    this.members = parts.members ?? new Array<undefined>(size).fill(undefined);
    this.dependencyStart = parts.dependencyStart;
    this.dependencyRows = parts.dependencyRows;
    this.outputs = parts.outputs;
    this.held = parts.held ?? new Uint8Array(size);
    this.order = parts.order;
    this.preferred = parts.preferred;
  }

  /** The rows that `row` needs, each once; an unfused row has them in the order of its task's dependencies. A view: do not write. */
  dependencies(row: number): Int32Array {
    return this.dependencyRows.subarray(this.dependencyStart[row], this.dependencyStart[row + 1]);
  }

  /** The rows that need `row`, ascending. A view: do not write. */
  dependents(row: number): Int32Array {
    const { start, rows } = this.#reversed();
    return rows.subarray(start[row], start[row + 1]);
  }

  /** As `dependencyStart`, the other way. */
  get dependentStart(): Int32Array {
    return this.#reversed().start;
  }

  /** As `dependencyRows`, the other way. */
  get dependentRows(): Int32Array {
    return this.#reversed().rows;
  }

  /** By row: 1 when somebody asked for it. */
  get outputMask(): Uint8Array {
    if (this.#isOutput === undefined) {
      this.#isOutput = new Uint8Array(this.size);
      for (const row of this.outputs) this.#isOutput[row] = 1;
    }
    return this.#isOutput;
  }

  /** Hosts that hold the bytes a row reads: those of the first of its tasks that has any (fusing never mixes hosts). */
  hosts(row: number): readonly string[] | undefined {
    const members = this.members[row];
    if (members !== undefined) for (const member of members) if (hasHosts(member)) return member.hosts;
    const task = this.tasks[row]!;
    return hasHosts(task) ? task.hosts : undefined;
  }

  /** Bytes that a row reads from storage, members included; a held row reads nothing. */
  bytesToRead(row: number): number {
    if (this.held[row] === 1) return 0;
    let bytes = this.tasks[row]!.bytesToRead;
    const members = this.members[row];
    if (members !== undefined) for (const member of members) bytes += member.bytesToRead;
    return bytes;
  }

  /** How many rows like this one a worker may have in hand: the least that one of its waiting tasks says; 1 when none of them waits. */
  overlap(row: number): number {
    let least = this.tasks[row]!.overlap;
    const members = this.members[row];
    if (members !== undefined) for (const { overlap } of members) if (overlap > 1) least = least === 1 ? overlap : Math.min(least, overlap);
    return least;
  }

  /** The same graph with some of its parts replaced. The caller sees to it that they fit. */
  with(parts: Partial<GraphParts>): Graph {
    const { tasks, members, dependencyStart, dependencyRows, outputs, held, order, preferred } = this;
    return new Graph({ tasks, members, dependencyStart, dependencyRows, outputs, held, order, preferred, ...parts });
  }

  /** The rows whose mark is 1, dependencies of held rows left out. A kept row's dependencies must be kept too. Columns fall, since rows are renumbered. */
  subset(keep: Uint8Array): Graph {
    const { dependencyStart, dependencyRows, held } = this;
    const newRow = new Int32Array(this.size).fill(-1);
    const tasks: Task[] = [];
    const members: (readonly Task[] | undefined)[] = [];
    let edges = 0;
    for (let row = 0; row < this.size; row++) {
      if (keep[row] !== 1) continue;
      newRow[row] = tasks.length;
      tasks.push(this.tasks[row]!);
      members.push(this.members[row]);
      if (held[row] === 0) edges += dependencyStart[row + 1]! - dependencyStart[row]!;
    }
    const start = new Int32Array(tasks.length + 1);
    const rows = new Int32Array(edges);
    const newHeld = new Uint8Array(tasks.length);
    let at = 0;
    for (let row = 0; row < this.size; row++) {
      const to = newRow[row]!;
      if (to < 0) continue;
      newHeld[to] = held[row]!;
      if (held[row] === 0) for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) rows[at++] = newRow[dependencyRows[i]!]!;
      start[to + 1] = at;
    }
    const outputs = this.outputs.map((row) => newRow[row]!);
    return new Graph({ tasks, members, dependencyStart: start, dependencyRows: rows, outputs, held: newHeld });
  }

  #reversed(): { readonly start: Int32Array; readonly rows: Int32Array } {
    if (this.#dependents !== undefined) return this.#dependents;
    const { size, dependencyStart, dependencyRows } = this;
    const edges = dependencyStart[size]!;
    const start = new Int32Array(size + 1);
    for (let i = 0; i < edges; i++) start[dependencyRows[i]! + 1]!++;
    for (let row = 0; row < size; row++) start[row + 1]! += start[row]!;
    const next = start.slice();
    const rows = new Int32Array(edges);
    for (let row = 0; row < size; row++) {
      for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) rows[next[dependencyRows[i]!]!++] = row;
    }
    this.#dependents = { start, rows };
    return this.#dependents;
  }

  /**
   * All tasks that the outputs need, each id once. `isHeld` is asked once a task: what is held becomes a row without dependencies, and nothing below it is looked at.
   * Two different tasks under one id are a KeyConflictError; a task that needs itself is a CycleError.
   */
  static from(outputs: readonly Task[], isHeld?: (task: Task) => boolean): Graph {
    return new Graph(flatten(outputs, isHeld));
  }

  /** The graph of tasks that depend on nothing, all of them outputs. The caller answers for it that no two have one id: that is what looking through them costs. */
  static ofRoots(roots: readonly Task[]): Graph {
    return new Graph({
      tasks: [...roots],
      dependencyStart: new Int32Array(roots.length + 1),
      dependencyRows: new Int32Array(0),
      outputs: Int32Array.from(roots.keys()),
    });
  }
}

function hasHosts(task: Task): boolean {
  return task.hosts !== undefined && task.hosts.length > 0;
}
