import { CycleError, KeyConflictError } from './errors.ts';
import type { GraphParts } from './graph.ts';
import { keyOf, type Task } from './task.ts';

/** All tasks that the outputs need as rows in topological order: see `Graph.from`. */
export function flatten(outputs: readonly Task[], isHeld: ((task: Task) => boolean) | undefined): GraphParts {
  return arrange(discover(outputs, isHeld));
}

/** Tasks in the order they were met (breadth first, so that a task's edges lie together). */
interface Discovered {
  readonly tasks: readonly Task[];
  readonly start: Int32Array;
  readonly edges: Int32Array;
  readonly held: Uint8Array | undefined;
  readonly outputs: Int32Array;
}

/** The one walk over objects and the one key table; all that follows is typed arrays. */
function discover(outputs: readonly Task[], isHeld: ((task: Task) => boolean) | undefined): Discovered {
  const table = new Map<string, number>();
  const tasks: Task[] = [];
  let start = new Int32Array(1024);
  let edges = new Int32Array(1024);
  let edgeCount = 0;
  const heldAt: number[] = [];
  let hasGivenKeys = false;

  const outputsAt: number[] = [];
  for (const task of outputs) {
    const at = table.get(task.id);
    if (at === undefined) {
      table.set(task.id, tasks.length);
      outputsAt.push(tasks.length);
      tasks.push(task);
    } else if (tasks[at] !== task) refuseOther(tasks[at]!, task);
  }
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i]!;
    if (i + 1 >= start.length) start = doubled(start);
    if (task.givenKey !== undefined) hasGivenKeys = true;
    if (isHeld?.(task)) heldAt.push(i);
    else {
      const dependencies = task.dependencies;
      for (let d = 0; d < dependencies.length; d++) {
        const dependency = dependencies[d]!;
        let at = table.get(dependency.id);
        if (at === undefined) {
          at = tasks.length;
          table.set(dependency.id, at);
          tasks.push(dependency);
        } else if (tasks[at] !== dependency) refuseOther(tasks[at]!, dependency);
        if (edgeCount === edges.length) edges = doubled(edges);
        edges[edgeCount++] = at;
      }
    }
    start[i + 1] = edgeCount;
  }
  if (hasGivenKeys) refuseTakenKeys(tasks, table);
  let held: Uint8Array | undefined;
  if (heldAt.length > 0) {
    held = new Uint8Array(tasks.length);
    for (const i of heldAt) held[i] = 1;
  }
  return { tasks, start, edges, held, outputs: Int32Array.from(outputsAt) };
}

function doubled(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function refuseOther(known: Task, other: Task): void {
  if (known.token !== other.token || keyOf(known) !== keyOf(other)) throw new KeyConflictError(keyOf(other));
}

/** A key that was given and reads like one that heddle made may be the very key of another task: their ids differ, so the table did not see it. */
function refuseTakenKeys(tasks: readonly Task[], table: ReadonlyMap<string, number>): void {
  for (const task of tasks) {
    if (task.givenKey === undefined || !/-[0-9a-f]{32}$/.test(task.givenKey)) continue;
    const at = table.get(task.givenKey.slice(-32));
    const other = at === undefined ? undefined : tasks[at];
    if (other !== undefined && other !== task && keyOf(other) === task.givenKey && other.token !== task.token)
      throw new KeyConflictError(task.givenKey);
  }
}

/** Depth first from the outputs; the row numbers are the order in which tasks are left, dependencies before dependents. */
function arrange({ tasks: met, start, edges, held, outputs }: Discovered): GraphParts {
  const size = met.length;
  const rowOf = new Int32Array(size).fill(unseen);
  const metAt = new Int32Array(size);
  const cursor = start.slice(0, size);
  const stack = new Int32Array(size);
  let rows = 0;
  for (const output of outputs) {
    if (rowOf[output] !== unseen) continue;
    let depth = 0;
    stack[0] = output;
    rowOf[output] = entered;
    while (depth >= 0) {
      const at = stack[depth]!;
      if (cursor[at]! < start[at + 1]!) {
        const next = edges[cursor[at]!++]!;
        if (rowOf[next] === unseen) {
          rowOf[next] = entered;
          stack[++depth] = next;
        } else if (rowOf[next] === entered) throw cycleOn(stack, depth, next, met);
      } else {
        rowOf[at] = rows;
        metAt[rows++] = at;
        depth--;
      }
    }
  }

  const tasks = new Array<Task>(size);
  const dependencyStart = new Int32Array(size + 1);
  const dependencyRows = new Int32Array(start[size]!);
  const newHeld = held && new Uint8Array(size);
  const lastUser = new Int32Array(size).fill(-1);
  let count = 0;
  for (let row = 0; row < size; row++) {
    const at = metAt[row]!;
    tasks[row] = met[at]!;
    if (newHeld) newHeld[row] = held[at]!;
    for (let i = start[at]!; i < start[at + 1]!; i++) {
      const dependency = rowOf[edges[i]!]!;
      if (lastUser[dependency] === row) continue; // two handles on equal tasks: one row, one edge
      lastUser[dependency] = row;
      dependencyRows[count++] = dependency;
    }
    dependencyStart[row + 1] = count;
  }
  return {
    tasks,
    dependencyStart,
    dependencyRows: count === dependencyRows.length ? dependencyRows : dependencyRows.slice(0, count),
    outputs: outputs.map((at) => rowOf[at]!),
    held: newHeld,
  };
}

const unseen = -1;
const entered = -2;

function cycleOn(stack: Int32Array, depth: number, first: number, met: readonly Task[]): CycleError {
  const path = stack.subarray(stack.indexOf(first), depth + 1);
  return new CycleError([...path, first].map((at) => keyOf(met[at]!)));
}
