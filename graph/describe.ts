import type { Graph } from './graph.ts';
import type { Plan } from './plan.ts';
import { keyOf } from './task.ts';

/** A row for renderers: plain data. */
export interface DescribedTask {
  readonly key: string;
  readonly name: string;
  readonly kind: 'data' | 'call';
  /** Indexes into the tasks of the description. */
  readonly dependencies: readonly number[];
  /** Keys of all tasks in the row, its own last. */
  readonly members: readonly string[];
  /** Rank; 0 runs first. */
  readonly order?: number;
  /** Names of preferred or required workers. */
  readonly workers?: readonly string[];
  /** Hosts that hold what it reads. */
  readonly hosts?: readonly string[];
  readonly isOutput: boolean;
  readonly bytesToRead: number;
}

/** A graph or plan as plain rows in topological order. */
export interface Description {
  readonly tasks: readonly DescribedTask[];
}

/** A graph as it was written, or as a pass left it. */
export function describeGraph(graph: Graph): Description {
  return { tasks: graph.tasks.map((_, row) => describeRow(graph, row, undefined, undefined)) };
}

/** A plan: the graph with ranks and preferred workers. */
export function describePlan(plan: Plan): Description {
  const { graph } = plan;
  return {
    tasks: graph.tasks.map((_, row) => {
      const names = plan.preferred[row]?.map((index) => plan.workers[index]!.name);
      return describeRow(graph, row, plan.order[row], names);
    }),
  };
}

function describeRow(graph: Graph, row: number, order: number | undefined, preferred: readonly string[] | undefined): DescribedTask {
  const task = graph.tasks[row]!;
  const wanted = task.options.workers;
  const workers = preferred ?? (typeof wanted === 'string' ? [wanted] : wanted);
  const hosts = graph.hosts(row);
  const key = keyOf(task);
  return {
    key,
    name: task.name,
    kind: task.callee === undefined ? 'data' : 'call',
    dependencies: [...graph.dependencies(row)],
    members: [...(graph.members[row]?.map(keyOf) ?? []), key],
    ...(order !== undefined && { order }),
    ...(workers !== undefined && { workers }),
    ...(hosts !== undefined && { hosts }),
    isOutput: graph.outputMask[row] === 1,
    bytesToRead: graph.bytesToRead(row),
  };
}
