import type { Graph } from '../graph.ts';
import type { Pass } from '../pass.ts';
import { peakResults } from '../peak.ts';

/**
 * Ranks the rows so that few results are alive at a time.
 *
 * Why: among rows that could run now the scheduler takes the lowest rank; run breadth first, a reduction of a thousand blocks holds a thousand blocks.
 * What: depth first from the outputs. Of a row's dependencies the one that needs most room comes first, while the least is held beside it (Sethi and Ullman's
 * numbering, taken from trees to graphs). A row that has become ready and frees at least one result runs at once, wherever the walk stands: it makes room
 * (Dask's order does so too). For trees this is the best there is; for other graphs it is mostly good, and where the plain depth-first order, which the row
 * numbers are, holds less, that one is taken.
 *
 *     x ────────┐       y0 and y1 hold two results before z has one; x holds one:
 *     y0 ─┐     ├▶ w    ranks: y0 0, y1 1, z 2, x 3, w 4; x first would hold three while z is made
 *     y1 ─┴▶ z ─┘
 */
export const order: Pass = {
  name: 'order',
  run: (graph) => {
    const rank = leanOrder(graph);
    if (peakResults(graph, rank) > peakResults(graph)) for (let row = 0; row < graph.size; row++) rank[row] = row;
    return graph.with({ order: rank });
  },
};

function leanOrder(graph: Graph): Int32Array {
  const { size, dependencyStart, dependencyRows, dependentStart, dependentRows, held, outputMask } = graph;
  const { sorted, roots } = heaviestFirst(graph);
  const rank = new Int32Array(size).fill(-1);
  const waiting = new Int32Array(size);
  const users = new Int32Array(size);
  const cursor = dependencyStart.slice(0, size);
  const stack = new Int32Array(size);
  const makesRoom: number[] = [];
  let next = 0;
  for (let row = 0; row < size; row++) {
    waiting[row] = dependencyStart[row + 1]! - dependencyStart[row]!;
    users[row] = dependentStart[row + 1]! - dependentStart[row]!;
  }

  const isFreedByNext = (row: number): boolean => users[row] === 1 && outputMask[row] === 0 && held[row] === 0;
  const frees = (row: number): boolean => {
    for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) if (isFreedByNext(dependencyRows[i]!)) return true;
    return false;
  };
  const lastUser = (row: number): number => {
    for (let i = dependentStart[row]!; i < dependentStart[row + 1]!; i++) if (rank[dependentRows[i]!] === -1) return dependentRows[i]!;
    return -1;
  };
  const run = (row: number): void => {
    rank[row] = next++;
    for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) {
      const dependency = dependencyRows[i]!;
      users[dependency]!--;
      if (!isFreedByNext(dependency)) continue;
      const last = lastUser(dependency); // looked for once a row: users passes 1 once
      if (waiting[last] === 0) makesRoom.push(last);
    }
    for (let i = dependentStart[row]!; i < dependentStart[row + 1]!; i++) {
      const dependent = dependentRows[i]!;
      if (--waiting[dependent]! === 0 && frees(dependent)) makesRoom.push(dependent);
    }
  };
  const walk = (root: number): void => {
    let depth = 0;
    stack[0] = root;
    while (depth >= 0) {
      const row = stack[depth]!;
      if (rank[row] !== -1) depth--;
      else if (cursor[row]! < dependencyStart[row + 1]!) {
        const dependency = sorted[cursor[row]!++]!;
        if (rank[dependency] === -1) stack[++depth] = dependency;
      } else {
        depth--;
        run(row);
        for (let ready = makesRoom.pop(); ready !== undefined; ready = makesRoom.pop()) if (rank[ready] === -1) run(ready);
      }
    }
  };
  for (const output of roots) walk(output);
  for (let row = size - 1; row >= 0; row--) walk(row); // what no output needs, in a graph that was not culled
  return rank;
}

/**
 * The dependencies of each row, the one with the greatest need first, and the outputs likewise (they stay, so the greatest need comes while few of them are there);
 * equal needs keep their order.
 * A row's need is how many results its part of the graph holds at most, counted as if it were a tree: child i of the sorted children is computed beside i results.
 */
function heaviestFirst(graph: Graph): { readonly sorted: Int32Array; readonly roots: Int32Array } {
  const { size, dependencyStart, dependencyRows, held } = graph;
  const sorted = dependencyRows.slice(0, dependencyStart[size]);
  const need = new Int32Array(size);
  for (let row = 0; row < size; row++) {
    const from = dependencyStart[row]!;
    const to = dependencyStart[row + 1]!;
    if (held[row] === 1) continue;
    if (to - from > 1) sortByNeed(sorted, from, to, need);
    let most = 0;
    let made = 1;
    for (let i = from; i < to; i++) {
      most = Math.max(most, need[sorted[i]!]! + i - from);
      if (held[sorted[i]!] === 0) made++;
    }
    most = Math.max(most, made); // all dependencies and the row itself; what is held is there anyway, needs 0 and comes last
    need[row] = most;
  }
  const roots = graph.outputs.slice();
  sortByNeed(roots, 0, roots.length, need);
  return { sorted, roots };
}

function sortByNeed(rows: Int32Array, from: number, to: number, need: Int32Array): void {
  if (to - from <= 16) {
    for (let i = from + 1; i < to; i++) {
      const row = rows[i]!;
      let at = i;
      while (at > from && need[rows[at - 1]!]! < need[row]!) {
        rows[at] = rows[at - 1]!;
        at--;
      }
      rows[at] = row;
    }
    return;
  }
  let isSorted = true;
  for (let i = from + 1; i < to; i++) isSorted &&= need[rows[i - 1]!]! >= need[rows[i]!]!;
  if (isSorted) return;
  // need and place in one number: the engine's own sort of numbers, and stable
  const count = to - from;
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = i - need[rows[from + i]!]! * 2 ** 31;
  keys.sort();
  const before = rows.slice(from, to);
  for (let i = 0; i < count; i++) {
    const key = keys[i]!;
    rows[from + i] = before[((key % 2 ** 31) + 2 ** 31) % 2 ** 31]!;
  }
}
