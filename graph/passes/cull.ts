import type { Pass } from '../pass.ts';

/**
 * Drops rows that no output needs.
 *
 * Why: a graph of tasks holds only what its outputs need, but one that came from an object, or that another pass changed, may not; and below a held row
 * nothing needs to run, since its result is there.
 *
 *     a ──▶ b ──▶ out         a falls when b is held
 *     x ──▶ y                 x and y fall: nobody asked for them
 */
export const cull: Pass = {
  name: 'cull',
  run: (graph) => {
    const { size, dependencyStart, dependencyRows, held } = graph;
    const keep = graph.outputMask.slice();
    let kept = 0;
    let cut = false;
    for (let row = size - 1; row >= 0; row--) {
      if (keep[row] === 0) continue;
      kept++;
      if (held[row] === 1) cut ||= dependencyStart[row] !== dependencyStart[row + 1];
      else for (let i = dependencyStart[row]!; i < dependencyStart[row + 1]!; i++) keep[dependencyRows[i]!] = 1;
    }
    return kept === size && !cut ? graph : graph.subset(keep);
  },
};
