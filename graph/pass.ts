import type { Graph } from './graph.ts';

/** A worker as the compiler sees it. */
export interface WorkerDescription {
  readonly name: string;
  /** Host name or address, with or without a port. */
  readonly host: string;
  /** Other names and addresses of that host. */
  readonly aliases?: readonly string[];
  readonly resources: Readonly<Record<string, number>>;
}

/** What a pass may know besides the graph. */
export interface PassContext {
  readonly workers: readonly WorkerDescription[];
}

/**
 * One step of the compiler: a pure function from graph to graph.
 * It keeps the outputs and their results, keeps rows in topological order, and lets no task run twice. A pass that gives a column returns the graph with that column set.
 */
export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph, context: PassContext) => Graph;
}
