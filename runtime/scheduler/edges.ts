const none = -1;

/**
 * Which row needs the result of which: for each row two linked lists over one pool.
 *
 *     a ──▶ c      c's dependencies: b, a      a's dependents: c
 *     b ──▶ c
 */
export class Edges {
  #firstDependency: Int32Array = new Int32Array(0);
  #firstDependent: Int32Array = new Int32Array(0);
  #edgesUsed = 0;
  #freeEdge = none;
  #edgeDependency: Int32Array = new Int32Array(1024);
  #edgeDependent: Int32Array = new Int32Array(1024);
  #nextDependency: Int32Array = new Int32Array(1024);
  #nextDependent: Int32Array = new Int32Array(1024);
  #previousDependent: Int32Array = new Int32Array(1024);

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

  /** A new row has none. */
  protected clearEdges(row: number): void {
    this.#firstDependency[row] = this.#firstDependent[row] = none;
  }

  /** The row depends on nothing any more. */
  protected removeEdges(row: number): void {
    for (let edge = this.#firstDependency[row]!; edge !== none; ) {
      const next = this.#nextDependency[edge]!;
      this.#unlink(edge);
      edge = next;
    }
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

  /** Makes room for so many rows. */
  protected growRows(capacity: number): void {
    this.#firstDependency = copyInto(new Int32Array(capacity), this.#firstDependency);
    this.#firstDependent = copyInto(new Int32Array(capacity), this.#firstDependent);
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

/** A longer array with the same beginning. */
export function copyInto<A extends Uint8Array | Int32Array | Float64Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
