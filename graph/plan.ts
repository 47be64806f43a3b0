import type { Graph, PreferredWorkers } from './graph.ts';
import type { WorkerDescription } from './pass.ts';
import { peakResults } from './peak.ts';

/** What one pass did. */
export interface PassReport {
  readonly name: string;
  readonly tasksBefore: number;
  readonly tasksAfter: number;
  readonly milliseconds: number;
}

/** A graph ready to run: the only thing that a runtime accepts. */
export interface Plan {
  readonly graph: Graph;
  /** Row → rank; 0 runs first. */
  readonly order: Int32Array;
  /** Row → indexes into `workers`, best first; `undefined`: any. */
  readonly preferred: PreferredWorkers;
  readonly workers: readonly WorkerDescription[];
  readonly passes: readonly PassReport[];
  /** Tasks as written. */
  readonly tasksBefore: number;
  /** Rows to run or held after all passes. */
  readonly tasksAfter: number;
  /** Most results alive at one time when one worker runs the rows in this order. */
  readonly peakResults: number;
  /** Bytes that the rows read from storage. */
  readonly bytesToRead: number;
}

/** A frozen Plan; what takes a walk is computed when first asked for. */
export function makePlan(
  graph: Graph,
  order: Int32Array,
  workers: readonly WorkerDescription[],
  passes: readonly PassReport[],
  tasksBefore: number,
): Plan {
  let peak: number | undefined;
  let bytes: number | undefined;
  return Object.freeze({
    graph,
    order,
    preferred: graph.preferred ?? [],
    workers: Object.freeze([...workers]),
    passes: Object.freeze([...passes]),
    tasksBefore,
    tasksAfter: graph.size,
    get peakResults(): number {
      peak ??= peakResults(graph, order);
      return peak;
    },
    get bytesToRead(): number {
      bytes ??= sumOfBytes(graph);
      return bytes;
    },
  });
}

function sumOfBytes(graph: Graph): number {
  let bytes = 0;
  for (let row = 0; row < graph.size; row++) bytes += graph.bytesToRead(row);
  return bytes;
}
