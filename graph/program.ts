import type { Graph } from './graph.ts';
import { Op, type Tape } from './tape.ts';
import type { Callee, Task } from './task.ts';

/** A row as a worker runs it. */
export interface Program {
  readonly tape: Tape;
  /** What `call` ops refer to. */
  readonly callees: readonly Callee[];
  /** Rows whose results `dependency` ops refer to, each once. */
  readonly inputs: readonly number[];
}

/**
 * Appends a row's program to `tape` and returns the rows whose results it takes: operand i of `dependency` is the i-th of them.
 * Fused members stand inside, as calls nested in the call that uses them; the operand `member` of a call is the index of its task in `graph.members[row]`, or their number for the row's own task.
 *
 *     members [read], task count      →      literal 'f.txt' · call read 1 0 · literal '\n' · call count 2 1
 *
 * Runs once a task on the way to a worker, so a row of one task is one copy of its tape.
 */
export function encodeRow(graph: Graph, row: number, calleeIndex: (callee: Callee) => number, tape: unknown[]): number[] {
  const task = graph.tasks[row]!;
  const members = graph.members[row];
  const start = graph.dependencyStart[row]!;
  const count = graph.dependencyStart[row + 1]! - start;
  if (members === undefined && inputsFit(graph, task, start, count)) {
    const own = task.tape;
    for (let i = 0; i < own.length; i++) tape.push(own[i]);
    if (task.callee !== undefined) tape.push(Op.call, calleeIndex(task.callee), task.argc, 0);
    const inputs = new Array<number>(count);
    for (let i = 0; i < count; i++) inputs[i] = graph.dependencyRows[start + i]!;
    return inputs;
  }
  return encodeNested(graph, row, members ?? [], calleeIndex, tape);
}

/** Whether a task's i-th dependency is the row's i-th, so that operands stay as they are. */
function inputsFit(graph: Graph, task: Task, start: number, count: number): boolean {
  const { dependencies } = task;
  if (dependencies.length !== count) return false;
  for (let i = 0; i < count; i++) {
    const found = graph.tasks[graph.dependencyRows[start + i]!]!;
    if (found !== dependencies[i] && found.id !== dependencies[i]!.id) return false;
  }
  return true;
}

function encodeNested(
  graph: Graph,
  row: number,
  members: readonly Task[],
  calleeIndex: (callee: Callee) => number,
  tape: unknown[],
): number[] {
  const rows = graph.dependencies(row);
  const find = finder(members, rows, graph);
  const inputs: number[] = [];
  const inputAt = new Map<number, number>();
  // what is being copied, from the row's own task down to the innermost member
  const tasks: Task[] = [graph.tasks[row]!];
  const at: number[] = [0];
  const memberAt: number[] = [members.length];
  while (tasks.length > 0) {
    const top = tasks.length - 1;
    const task = tasks[top]!;
    const i = at[top]!;
    if (i >= task.tape.length) {
      if (task.callee !== undefined) tape.push(Op.call, calleeIndex(task.callee), task.argc, memberAt[top]);
      tasks.pop();
      at.pop();
      memberAt.pop();
      continue;
    }
    at[top] = i + 2;
    const op = task.tape[i];
    const operand = task.tape[i + 1];
    if (op !== Op.dependency) {
      tape.push(op, operand);
      continue;
    }
    const dependency = task.dependencies[operand as number]!;
    const found = find(dependency.id);
    if (found < members.length) {
      tasks.push(members[found]!);
      at.push(0);
      memberAt.push(found);
      continue;
    }
    const input = rows[found - members.length]!;
    let index = inputAt.get(input);
    if (index === undefined) {
      index = inputs.length;
      inputAt.set(input, index);
      inputs.push(input);
    }
    tape.push(Op.dependency, index);
  }
  return inputs;
}

/** Finds an id among the members (their index) and the rows depended on (their place, counted on from the members). */
function finder(members: readonly Task[], rows: Int32Array, graph: Graph): (id: string) => number {
  const total = members.length + rows.length;
  const idAt = (i: number): string => (i < members.length ? members[i]! : graph.tasks[rows[i - members.length]!]!).id;
  const missing = (id: string): never => {
    throw new Error(`row of ${graph.tasks.length} has no dependency with the id ${id}: a pass lost it`);
  };
  if (total <= 8) {
    return (id) => {
      for (let i = 0; i < total; i++) if (idAt(i) === id) return i;
      return missing(id);
    };
  }
  const places = new Map<string, number>();
  for (let i = total - 1; i >= 0; i--) places.set(idAt(i), i);
  return (id) => places.get(id) ?? missing(id);
}
