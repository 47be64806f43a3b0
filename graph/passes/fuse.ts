import type { Graph } from '../graph.ts';
import type { Pass } from '../pass.ts';
import { Op } from '../tape.ts';
import type { Task } from '../task.ts';
import { sameAnnotations } from './annotations.ts';
import { contract } from './contract.ts';

/**
 * Makes one row of tasks that would run one after the other anyway.
 *
 * Why: a row costs a decision, a message and a kept result; a hop between threads costs 7–70 calls. A block that is read and counted in one row never leaves
 * its worker, and its bytes are free as soon as they are counted.
 * What: a row may go into its dependent when that is its only one, when nobody asked for it, when both are annotated alike and read from no different hosts.
 * So nothing runs twice. How much goes together is Dask's rule (`dask.optimization.fuse`, config `optimization.fuse.ave-width`, default 1): a region of n tasks and height h
 * has n / h tasks side by side, and more than `averageWidth` of them would take work from other workers. With 1 just chains are fused,
 * and only where the upper task waits for nothing that the lower one does not wait for too.
 *
 *     read0 ──▶ count0 ─┐              (read0 count0) ─┐
 *     read1 ──▶ count1 ─┴▶ merge  →    (read1 count1) ─┴▶ merge
 */
export interface FuseOptions {
  /** Tasks that may lie side by side in one row, on average over its height: more means fewer rows and less parallelism. @default 1 */
  readonly averageWidth?: number;
  /** Most tasks fused into one row. A row is retried, cancelled and reported as one and travels in one message, so it must stay small: as many as one batch of dispatch. @default 256 */
  readonly maxMembers?: number;
}

/** The pass `fuse` with other limits. */
export function fuseWith(options: FuseOptions = {}): Pass {
  const averageWidth = options.averageWidth ?? 1;
  const maxMembers = options.maxMembers ?? 256;
  return { name: 'fuse', run: (graph) => contract(graph, new Regions(graph, averageWidth, maxMembers).into) };
}

/** Fuses linear chains and width-limited reductions. */
export const fuse: Pass = fuseWith();

/** A chain may wait for one of at most so many: bounds the comparison of what two rows wait for. */
const maxComparedEdges = 64;

/** One walk upwards that decides, for each row, which of its dependencies go into it. What is known of a row stands for the region of rows that may still grow upwards from it. */
class Regions {
  /** Row → the dependent it goes into, or -1. */
  readonly into: Int32Array;
  readonly #graph: Graph;
  readonly #averageWidth: number;
  readonly #maxMembers: number;
  readonly #maxWidth: number;
  readonly #maxDepthOfNewEdges: number;
  readonly #isFusible: Uint8Array;
  readonly #height: Int32Array;
  readonly #width: Float32Array;
  readonly #tasks: Int32Array;
  /** Parallelism lost towards what lies outside the region. */
  readonly #fudge: Float32Array;
  readonly #members: Int32Array;
  /** The row whose dependencies are all that the region waits for, unless `#merged` has a list. */
  readonly #edgesOf: Int32Array;
  readonly #merged: Map<number, Int32Array> = new Map();
  readonly #hosts: Map<number, readonly string[]> = new Map();
  #stamp: Int32Array | undefined;
  #stamps = 0;

  constructor(graph: Graph, averageWidth: number, maxMembers: number) {
    const { size } = graph;
    this.#graph = graph;
    this.#averageWidth = averageWidth;
    this.#maxMembers = maxMembers;
    this.#maxWidth = 1.5 + averageWidth * Math.log(averageWidth + 1);
    this.#maxDepthOfNewEdges = averageWidth * 1.5;
    this.into = new Int32Array(size).fill(-1);
    this.#isFusible = fusibleRows(graph);
    this.#height = new Int32Array(size).fill(1);
    this.#width = new Float32Array(size).fill(1);
    this.#tasks = new Int32Array(size).fill(1);
    this.#fudge = new Float32Array(size);
    this.#members = new Int32Array(size);
    this.#edgesOf = new Int32Array(size);
    for (let row = 0; row < size; row++) this.#visit(row);
  }

  #visit(row: number): void {
    const graph = this.#graph;
    const { dependencyStart, dependencyRows } = graph;
    const from = dependencyStart[row]!;
    const to = dependencyStart[row + 1]!;
    this.#edgesOf[row] = row;
    this.#members[row] = graph.members[row]?.length ?? 0;
    const hosts = graph.hosts(row);
    if (hosts !== undefined) this.#hosts.set(row, hosts);
    let children = 0;
    let only = -1;
    for (let i = from; i < to; i++) {
      if (this.#isFusible[dependencyRows[i]!] === 0) continue;
      only = dependencyRows[i]!;
      children++;
    }
    if (children === 0) return;
    const fits = children === 1 ? this.#chain(row, only, to - from) : this.#reduction(row, children, from, to);
    for (let i = from; i < to; i++) {
      const child = dependencyRows[i]!;
      if (this.#isFusible[child] === 0) continue;
      this.#isFusible[child] = 0;
      if (!fits) continue;
      this.into[child] = row;
      this.#members[row]! += this.#members[child]! + 1;
      const childHosts = this.#hosts.get(child);
      if (childHosts !== undefined) this.#hosts.set(row, childHosts);
    }
  }

  /** One fusible dependency. On success the region of `row` is that of `child` and `row` itself. */
  #chain(row: number, child: number, dependencies: number): boolean {
    const edges = this.#edges(child);
    const hasNewEdges = dependencies > 1 && this.#bringsNew(row, edges);
    let fudge = this.#fudge[child]!;
    if (fudge > edges.length - 1 && edges.length > 0) fudge = edges.length - 1;
    if (hasNewEdges) fudge++;
    const height = this.#height[child]!;
    const fits =
      (this.#tasks[child]! + fudge) / height <= this.#averageWidth &&
      (!hasNewEdges || height < this.#maxDepthOfNewEdges) &&
      this.#mayJoin(row, [child]);
    this.#width[row] = this.#width[child]!;
    this.#fudge[row] = fits ? fudge : Math.min(fudge, Math.floor(this.#averageWidth - 1));
    if (!fits) return false;
    // a task that waits for nothing new adds no parallelism to lose, so it does not count
    this.#height[row] = height + (hasNewEdges ? 1 : 0);
    this.#tasks[row] = this.#tasks[child]! + (hasNewEdges ? 1 : 0);
    if (hasNewEdges) this.#merge(row, [child]);
    else this.#edgesOf[row] = this.#edgesOf[child]!;
    return true;
  }

  /** Several fusible dependencies. */
  #reduction(row: number, count: number, from: number, to: number): boolean {
    const { dependencyRows } = this.#graph;
    let height = 1;
    let width = 0;
    let tasks = 0;
    let fudge = 0;
    let singles = 0;
    for (let i = from; i < to; i++) {
      const child = dependencyRows[i]!;
      if (this.#isFusible[child] === 0) continue;
      if (this.#height[child] === 1) singles++;
      height = Math.max(height, this.#height[child]!);
      width += this.#width[child]!;
      tasks += this.#tasks[child]!;
      fudge += this.#fudge[child]!;
    }
    let fits = tasks / height <= this.#averageWidth && singles <= this.#averageWidth && width <= this.#maxWidth;
    if (fits) {
      const children = Array.from(dependencyRows.subarray(from, to)).filter((child) => this.#isFusible[child] === 1);
      const outside = this.#outside(row, children);
      // children that wait for different things could have run at different times
      fudge += Math.min(count - 1, Math.max(0, outside.edges - outside.mostOfOne));
      if (fudge > outside.edges - 1 && outside.edges > 0) fudge = outside.edges - 1;
      if (outside.hasNew) fudge++;
      fits =
        (tasks + fudge) / height <= this.#averageWidth &&
        (!outside.hasNew || height < this.#maxDepthOfNewEdges) &&
        this.#mayJoin(row, children);
      if (fits) this.#merge(row, children);
    }
    this.#width[row] = fits ? width : Math.min(width, this.#maxWidth);
    this.#fudge[row] = fits ? fudge : Math.min(fudge, Math.floor(this.#averageWidth - 1));
    if (!fits) return false;
    this.#height[row] = height + 1;
    this.#tasks[row] = tasks + 1;
    return true;
  }

  /** What the regions of `children` wait for: how many rows together, how many most of one child, and whether `row` waits for others besides. */
  #outside(row: number, children: readonly number[]): { readonly edges: number; readonly mostOfOne: number; readonly hasNew: boolean } {
    this.#stamp ??= new Int32Array(this.#graph.size);
    const seen = this.#stamp;
    const stamp = ++this.#stamps;
    let edges = 0;
    let mostOfOne = 0;
    for (const child of children) {
      const own = this.#edges(child);
      mostOfOne = Math.max(mostOfOne, own.length);
      for (const edge of own) {
        if (seen[edge] !== stamp) edges++;
        seen[edge] = stamp;
      }
    }
    const hasNew = this.#graph.dependencies(row).some((dependency) => this.#isFusible[dependency] === 0 && seen[dependency] !== stamp);
    return { edges, mostOfOne, hasNew };
  }

  #edges(row: number): Int32Array {
    const at = this.#edgesOf[row]!;
    return (this.#merged.size > 0 ? this.#merged.get(at) : undefined) ?? this.#graph.dependencies(at);
  }

  /** Whether `row` waits for something that is no fusible dependency and not among `edges`. */
  #bringsNew(row: number, edges: Int32Array): boolean {
    if (edges.length > maxComparedEdges) return true;
    for (const dependency of this.#graph.dependencies(row))
      if (this.#isFusible[dependency] === 0 && !edges.includes(dependency)) return true;
    return false;
  }

  #merge(row: number, children: readonly number[]): void {
    const all = new Set<number>();
    for (const child of children) for (const edge of this.#edges(child)) all.add(edge);
    for (const dependency of this.#graph.dependencies(row)) if (this.#isFusible[dependency] === 0) all.add(dependency);
    this.#merged.set(row, Int32Array.from(all));
  }

  /** What has nothing to do with width: size, annotations, hosts, and that each child stands once in the program of `row`. */
  #mayJoin(row: number, children: readonly number[]): boolean {
    const { tasks } = this.#graph;
    let members = this.#members[row]!;
    let hosts = this.#hosts.get(row);
    for (const child of children) {
      members += this.#members[child]! + 1;
      if (members > this.#maxMembers || !sameAnnotations(tasks[row]!.options, tasks[child]!.options)) return false;
      const childHosts = this.#hosts.get(child);
      if (childHosts !== undefined) {
        if (hosts !== undefined && !sameHosts(hosts, childHosts)) return false;
        hosts = childHosts;
      }
      if (!isUsedOnce(this.#graph, row, child)) return false;
    }
    return true;
  }
}

/** Rows with one dependent that nobody asked for and that have work of their own. */
function fusibleRows(graph: Graph): Uint8Array {
  const { size, dependencyStart, dependencyRows, held, outputMask } = graph;
  const fusible = new Uint8Array(size);
  for (let i = 0; i < dependencyStart[size]!; i++) {
    const row = dependencyRows[i]!;
    if (fusible[row]! < 2) fusible[row]!++;
  }
  for (let row = 0; row < size; row++) {
    const { callee, dependencies } = graph.tasks[row]!;
    const isData = callee === undefined && dependencies.length === 0; // what `inline` left is big or scattered: it stays where it is
    if (fusible[row] === 2 || held[row] === 1 || outputMask[row] === 1 || isData) fusible[row] = 0;
  }
  return fusible;
}

function sameHosts(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((host) => b.includes(host)));
}

/** `f(x, x)` takes x twice from the stack: as a call inside f's program x would run twice. */
function isUsedOnce(graph: Graph, row: number, child: number): boolean {
  const { id } = graph.tasks[child]!;
  let uses = usesIn(graph.tasks[row]!, id);
  const members = graph.members[row];
  if (members !== undefined) for (const member of members) uses += usesIn(member, id);
  return uses === 1;
}

function usesIn({ dependencies, tape }: Task, id: string): number {
  let uses = 0;
  for (let d = 0; d < dependencies.length; d++) {
    if (dependencies[d]!.id !== id) continue;
    for (let i = 0; i < tape.length; i += 2) if (tape[i] === Op.dependency && tape[i + 1] === d) uses++;
  }
  return uses;
}
