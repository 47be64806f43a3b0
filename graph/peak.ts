import type { Graph } from './graph.ts';

/**
 * Most results alive at one time when one worker runs the rows in this order (row → rank; row by row when not given): a result lives from its row's turn until its last dependent has run, an output's for ever.
 * Held rows do not count: their results are there whatever the order.
 */
export function peakResults(graph: Graph, rank?: Int32Array): number {
  const { size, dependencyStart, dependencyRows, held, outputMask } = graph;
  const rowAt = rank && new Int32Array(size);
  if (rank && rowAt) for (let row = 0; row < size; row++) rowAt[rank[row]!] = row;
  const users = new Int32Array(size);
  for (let i = 0; i < dependencyStart[size]!; i++) users[dependencyRows[i]!]!++;
  let alive = 0;
  let peak = 0;
  for (let at = 0; at < size; at++) {
    const row = rowAt ? rowAt[at]! : at;
    if (held[row] === 1) continue;
    alive++;
    if (alive > peak) peak = alive;
    if (users[row] === 0 && outputMask[row] === 0) alive--;
    for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) {
      const dependency = dependencyRows[i]!;
      if (--users[dependency]! === 0 && outputMask[dependency] === 0 && held[dependency] === 0) alive--;
    }
  }
  return peak;
}
