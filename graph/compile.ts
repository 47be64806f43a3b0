import { HeddleError } from './errors.ts';
import { Graph } from './graph.ts';
import type { Pass, PassContext, WorkerDescription } from './pass.ts';
import { cull } from './passes/cull.ts';
import { fuse } from './passes/fuse.ts';
import { inline } from './passes/inline.ts';
import { order } from './passes/order.ts';
import { place } from './passes/place.ts';
import { makePlan, type PassReport, type Plan } from './plan.ts';
import { keyOf, type Task } from './task.ts';

/** What `compile` wants to know. */
export interface CompileOptions {
  readonly workers: readonly WorkerDescription[];
  /** Whether the engine has a task's result already. @default none */
  readonly isHeld?: ((task: Task) => boolean) | undefined;
  /** @default defaultPasses */
  readonly passes?: readonly Pass[] | undefined;
}

/** What `compile` does unless told otherwise, in this order. */
export const defaultPasses: readonly Pass[] = Object.freeze([cull, inline, fuse, order, place]);

/** Makes a plan for some tasks. */
export function compile(outputs: readonly Task[], options: CompileOptions): Plan {
  return compileGraph(Graph.from(outputs, options.isHeld), options);
}

/** Makes a plan for a graph. */
export function compileGraph(written: Graph, options: Omit<CompileOptions, 'isHeld'>): Plan {
  const context: PassContext = { workers: options.workers };
  const reports: PassReport[] = [];
  const runPass = (pass: Pass, before: Graph): Graph => {
    const began = performance.now();
    const after = pass.run(before, context);
    if (!defaultPasses.includes(pass)) checkPass(pass, before, after);
    reports.push(
      Object.freeze({ name: pass.name, tasksBefore: before.size, tasksAfter: after.size, milliseconds: performance.now() - began }),
    );
    return after;
  };
  let graph = written;
  for (const pass of options.passes ?? defaultPasses) graph = runPass(pass, graph);
  if (graph.order === undefined) graph = runPass(order, graph);
  return makePlan(graph, graph.order!, options.workers, reports, written.size);
}

/** A pass from outside is not trusted: a graph out of order would hang the scheduler. */
function checkPass(pass: Pass, before: Graph, after: Graph): void {
  const refuse = (what: string): never => {
    throw new HeddleError(
      'ERR_INVALID_ARGUMENT',
      `pass ${pass.name} gave a graph ${what}; see Pass in heddle/graph for what a pass must keep`,
    );
  };
  if (!(after instanceof Graph)) refuse('that is no Graph');
  const { size, dependencyStart, dependencyRows } = after;
  if (dependencyStart.length !== size + 1 || after.members.length !== size || after.held.length !== size)
    refuse('whose columns differ in length');
  for (let row = 0; row < size; row++) {
    for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) {
      const dependency = dependencyRows[i]!;
      if (!(dependency >= 0 && dependency < row))
        refuse(`in which row ${row} (${keyOf(after.tasks[row]!)}) does not come after what it depends on`);
    }
  }
  if (after.outputs.length !== before.outputs.length) refuse(`with ${after.outputs.length} outputs instead of ${before.outputs.length}`);
  after.outputs.forEach((row, i) => {
    const wanted = before.tasks[before.outputs[i]!]!;
    if (after.tasks[row]?.id !== wanted.id) refuse(`whose output ${i} is not ${keyOf(wanted)}`);
  });
  if (after.order !== undefined && !isTopologicalOrder(after, after.order)) refuse('with a column order that is no order of its rows');
}

/** Whether the ranks are 0 to size − 1, each once, and every row comes after what it depends on. */
export function isTopologicalOrder(graph: Graph, rank: Int32Array): boolean {
  const { size, dependencyStart, dependencyRows } = graph;
  if (rank.length !== size) return false;
  const seen = new Uint8Array(size);
  for (let row = 0; row < size; row++) {
    if (!(rank[row]! >= 0 && rank[row]! < size) || seen[rank[row]!] === 1) return false;
    seen[rank[row]!] = 1;
    for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) if (rank[dependencyRows[i]!]! >= rank[row]!) return false;
  }
  return true;
}
