import { Graph } from '../graph.ts';
import type { Pass } from '../pass.ts';
import { Op } from '../tape.ts';
import type { Task } from '../task.ts';

/**
 * Small data goes along with the tasks that use it.
 *
 * Why: a row of its own costs a message, a result to keep and perhaps a copy to another worker; the number 7 costs less inside the program of each dependent.
 * What: one literal of at most some 1 KiB. Never a call (it would run once a dependent), never an output, never big data (it would travel once a dependent),
 * never data with functions in it (its size is not known).
 *
 *     7 ──▶ add ──▶ out        add(7) ──▶ out
 *     7 ──▶ mul ──▶ out   →    mul(7) ──▶ out       7 is a member of both rows
 */
export const inline: Pass = {
  name: 'inline',
  run: (graph) => {
    const { size, dependencyStart, dependencyRows, held, outputMask } = graph;
    const isInlined = new Uint8Array(size);
    const used = new Uint8Array(size);
    for (let i = 0; i < dependencyStart[size]!; i++) used[dependencyRows[i]!] = 1;
    let inlined = 0;
    for (let row = 0; row < size; row++) {
      if (
        used[row] === 0 ||
        held[row] === 1 ||
        outputMask[row] === 1 ||
        graph.members[row] !== undefined ||
        !isSmallLiteral(graph.tasks[row]!)
      )
        continue;
      isInlined[row] = 1;
      inlined++;
    }
    if (inlined === 0) return graph;

    const newRow = new Int32Array(size);
    const newSize = size - inlined;
    const tasks = new Array<Task>(newSize);
    const members = new Array<readonly Task[] | undefined>(newSize);
    const start = new Int32Array(newSize + 1);
    const rows = new Int32Array(dependencyStart[size]!);
    const newHeld = new Uint8Array(newSize);
    let to = 0;
    let edges = 0;
    for (let row = 0; row < size; row++) {
      if (isInlined[row] === 1) continue;
      newRow[row] = to;
      tasks[to] = graph.tasks[row]!;
      newHeld[to] = held[row]!;
      let data: Task[] | undefined;
      for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) {
        const dependency = dependencyRows[i]!;
        if (isInlined[dependency] === 0) rows[edges++] = newRow[dependency]!;
        else if (data === undefined) data = [graph.tasks[dependency]!];
        else data.push(graph.tasks[dependency]!);
      }
      const own = graph.members[row];
      members[to] = data === undefined ? own : own === undefined ? data : withoutRepeats(data, own);
      start[++to] = edges;
    }
    return new Graph({
      tasks,
      members,
      dependencyStart: start,
      dependencyRows: rows.slice(0, edges),
      outputs: graph.outputs.map((row) => newRow[row]!),
      held: newHeld,
    });
  },
};

function withoutRepeats(data: readonly Task[], members: readonly Task[]): readonly Task[] {
  const known = new Set(members.map((member) => member.id));
  return [...data.filter((task) => !known.has(task.id)), ...members];
}

/** Things looked at, and bytes of text and buffers, before data counts as big. */
const maxThings = 64;
const maxBytes = 1024;

function isSmallLiteral(task: Task): boolean {
  return task.callee === undefined && !task.scattered && task.tape.length === 2 && task.tape[0] === Op.literal && isSmall(task.tape[1]);
}

/** Looks at no more than `maxThings` things, so big data costs no more than small data. */
function isSmall(data: unknown): boolean {
  if (typeof data === 'number' || typeof data === 'boolean' || data === null || data === undefined) return true;
  const todo: unknown[] = [data];
  let things = 0;
  let bytes = 0;
  for (let one = todo.pop(); things <= maxThings; one = todo.pop()) {
    things++;
    if (typeof one === 'string') bytes += one.length;
    else if (typeof one === 'bigint') bytes += bigintBytes(one);
    else if (ArrayBuffer.isView(one))
      bytes += one.buffer.byteLength; // a clone copies all that lies below a view
    else if (Array.isArray(one)) {
      if (one.length + todo.length + things > maxThings) return false;
      for (const item of one) todo.push(item);
    } else if (typeof one === 'object' && one !== null) {
      if (!isPlain(one)) return false;
      const names = Object.keys(one);
      if (names.length + todo.length + things > maxThings) return false;
      for (const name of names) {
        bytes += name.length;
        todo.push((one as Record<string, unknown>)[name]);
      }
    } else if (typeof one === 'function' || typeof one === 'symbol') return false;
    if (bytes > maxBytes) return false;
    if (todo.length === 0) return true;
  }
  return false;
}

/** Plain objects only: a Map or Date may be small, but their sizes are not worth the code. Also true for objects of another realm. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function bigintBytes(big: bigint): number {
  return BigInt.asIntN(64, big) === big ? 8 : maxBytes + 1;
}
