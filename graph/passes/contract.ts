import { Graph } from '../graph.ts';
import type { Task } from '../task.ts';

/** The graph in which each row stands in the row it goes into, its one dependent (`into[row]`, or -1 for a row that stays), as a member. */
export function contract(graph: Graph, into: Int32Array): Graph {
  const { size, dependencyStart, dependencyRows } = graph;
  const newRow = new Int32Array(size).fill(-1);
  let newSize = 0;
  for (let row = 0; row < size; row++) if (into[row] === -1) newRow[row] = newSize++;
  if (newSize === size) return graph;

  const tasks = new Array<Task>(newSize);
  const members = new Array<readonly Task[] | undefined>(newSize);
  const held = new Uint8Array(newSize);
  const start = new Int32Array(newSize + 1);
  const rows = new Int32Array(dependencyStart[size]!);
  const cursor = dependencyStart.slice(0, size);
  const stack = new Int32Array(size);
  const lastUser = new Int32Array(size).fill(-1);
  let edges = 0;
  for (let outlet = 0; outlet < size; outlet++) {
    const to = newRow[outlet]!;
    if (to === -1) continue;
    tasks[to] = graph.tasks[outlet]!;
    held[to] = graph.held[outlet]!;
    // depth first, as the calls are nested: a task is left, and so listed, in the order in which it runs
    let list: Task[] | undefined;
    let depth = 0;
    stack[0] = outlet;
    while (depth >= 0) {
      const row = stack[depth]!;
      if (cursor[row]! < dependencyStart[row + 1]!) {
        const dependency = dependencyRows[cursor[row]!++]!;
        if (into[dependency] !== -1) stack[++depth] = dependency;
        else if (lastUser[dependency] !== outlet) {
          lastUser[dependency] = outlet;
          rows[edges++] = newRow[dependency]!;
        }
        continue;
      }
      depth--;
      const own = graph.members[row];
      if (row === outlet && list === undefined) members[to] = own;
      else {
        list ??= [];
        if (own !== undefined) appendNew(list, own);
        if (row !== outlet) list.push(graph.tasks[row]!);
      }
    }
    if (list !== undefined) members[to] = list;
    start[to + 1] = edges;
  }
  return new Graph({
    tasks,
    members,
    dependencyStart: start,
    dependencyRows: rows.slice(0, edges),
    outputs: graph.outputs.map((row) => newRow[row]!),
    held,
  });
}

/** Two fused rows may carry the same inlined data: it is one member. */
function appendNew(list: Task[], members: readonly Task[]): void {
  for (const member of members) if (member.callee !== undefined || !list.some((known) => known.id === member.id)) list.push(member);
}
