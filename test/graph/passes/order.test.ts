import fc from 'fast-check';
import { isTopologicalOrder } from '../../../graph/compile.ts';
import { Graph } from '../../../graph/graph.ts';
import { order } from '../../../graph/passes/order.ts';
import { peakResults } from '../../../graph/peak.ts';
import type { Task } from '../../../graph/task.ts';
import { call, randomGraphs, testPass } from '../../conformance/pass.ts';

const ordered = (...outputs: readonly Task[]): { readonly graph: Graph; readonly rank: Int32Array } => {
  const graph = order.run(Graph.from(outputs), { workers: [] });
  return { graph, rank: graph.order! };
};
const names = ({ graph, rank }: ReturnType<typeof ordered>): string[] =>
  graph.tasks
    .map((task, row) => [task.name, rank[row]!] as const)
    .sort((a, b) => a[1] - b[1])
    .map(([name]) => name);

/** Depth first, dependencies as they are written: what somebody would do without thinking. */
function naiveDepthFirst(graph: Graph): Int32Array {
  const rank = new Int32Array(graph.size).fill(-1);
  let next = 0;
  const visit = (row: number): void => {
    if (rank[row] !== -1) return;
    for (const dependency of graph.dependencies(row)) visit(dependency);
    rank[row] = next++;
  };
  for (const output of graph.outputs) visit(output);
  return rank;
}

/** The least peak of any order, by trying all. */
function leastPeak(graph: Graph): number {
  let best = Number.POSITIVE_INFINITY;
  const rank = new Int32Array(graph.size).fill(-1);
  const extend = (next: number): void => {
    if (next === graph.size) best = Math.min(best, peakResults(graph, rank));
    for (let row = 0; row < graph.size; row++) {
      if (rank[row] !== -1 || graph.dependencies(row).some((dependency) => rank[dependency] === -1)) continue;
      rank[row] = next;
      extend(next + 1);
      rank[row] = -1;
    }
  };
  extend(0);
  return best;
}

/** Counts by keeping the very set of results. */
function countedPeak(graph: Graph, rank: Int32Array): number {
  const alive = new Set<number>();
  const rows = [...rank.keys()].sort((a, b) => rank[a]! - rank[b]!);
  let peak = 0;
  rows.forEach((row, at) => {
    if (graph.held[row] === 0) alive.add(row);
    peak = Math.max(peak, alive.size);
    for (const one of alive)
      if (!graph.outputs.includes(one) && graph.dependents(one).every((dependent) => rank[dependent]! <= at)) alive.delete(one);
  });
  return peak;
}

function treeReduction(leaves: number, fanIn: number): Task {
  let level = Array.from({ length: leaves }, (_, i) => call(`leaf-${i}`));
  for (let depth = 0; level.length > 1; depth++) {
    const next: Task[] = [];
    for (let i = 0; i < level.length; i += fanIn) next.push(call(`sum-${depth}-${i}`, level.slice(i, i + fanIn)));
    level = next;
  }
  return level[0]!;
}

describe('order', () => {
  testPass(order);

  it('gives each row a rank after those of its dependencies', () => {
    fc.assert(fc.property(randomGraphs(), (graph) => isTopologicalOrder(graph, order.run(graph, { workers: [] }).order!)));
  });

  //  x ────────┐
  //  y0 ─┐     ├─▶ w
  //  y1 ─┴▶ z ─┘
  it('takes first what needs more room', () => {
    const z = call('z', [call('y0'), call('y1')]);
    expect(names(ordered(call('w', [call('x'), z])))).toEqual(['y0', 'y1', 'z', 'x', 'w']);
  });

  //  x0 ─▶ y0 ─┐
  //  x1 ─▶ y1 ─┴▶ z
  it('finishes what it began before it begins another', () => {
    const z = call('z', [call('y0', [call('x0')]), call('y1', [call('x1')])]);
    expect(names(ordered(z))).toEqual(['x0', 'y0', 'x1', 'y1', 'z']);
  });

  //  x ─▶ a ─▶ out0
  //  m ─▶ mid
  //  x ─▶ b ─▶ out1      b and out1 can free x as soon as a has run: m waits
  it('runs at once what frees a result', () => {
    const x = call('x');
    const result = ordered(call('out0', [call('a', [x])]), call('mid', [call('m')]), call('out1', [call('b', [x])]));
    expect(names(result)).toEqual(['x', 'a', 'out0', 'b', 'out1', 'm', 'mid']);
    expect(peakResults(result.graph, result.rank)).toBe(4);
  });

  it('takes first the output that needs most, since outputs stay', () => {
    const result = ordered(call('small'), call('large', [call('a'), call('b'), call('c')]));
    expect(names(result)).toEqual(['a', 'b', 'c', 'large', 'small']);
  });

  //  x ─┐          x and y are asked for too, so they are no room that late makes:
  //  y ─┼▶ late    what `late` seems to need as a tree is there anyway
  //  z ─┘          pair ◀─ a, b
  it('takes the order as written where that holds less', () => {
    const [x, y] = [call('x'), call('y')];
    const result = ordered(x, y, call('pair', [call('a'), call('b')]), call('late', [call('z'), x, y]));
    expect(names(result)).toEqual(['x', 'y', 'a', 'b', 'pair', 'z', 'late']);
    expect(peakResults(result.graph, result.rank)).toBe(5);
  });

  it('counts nothing for what is held', () => {
    const held = [call('h0'), call('h1'), call('h2')];
    const light = call('light', [...held]);
    const heavy = call('heavy', [call('a'), call('b')]);
    const graph = order.run(
      Graph.from([call('out', [light, heavy])], (task) => held.includes(task)),
      { workers: [] },
    );
    expect(names({ graph, rank: graph.order! }).filter((name) => !name.startsWith('h') || name === 'heavy')).toEqual([
      'a',
      'b',
      'heavy',
      'light',
      'out',
    ]);
  });

  it('holds few results in a tree', () => {
    for (const [leaves, fanIn] of [
      [1024, 2],
      [1000, 2],
      [4096, 8],
      [729, 3],
    ] as const) {
      const { graph, rank } = ordered(treeReduction(leaves, fanIn));
      const depth = Math.ceil(Math.log(leaves) / Math.log(fanIn) - 1e-9);
      expect(peakResults(graph, rank)).toBeLessThanOrEqual((fanIn - 1) * depth + 2);
    }
  });

  it('holds no more than the parts of a reduction and one', () => {
    const parts = Array.from({ length: 100 }, (_, i) => call(`parse-${i}`, [call(`read-${i}`)]));
    const { graph, rank } = ordered(call('reduce', parts));
    expect(peakResults(graph, rank)).toBe(101);
  });

  it('never holds more than the naive depth-first order', () => {
    fc.assert(
      fc.property(randomGraphs(60), (graph) => {
        expect(peakResults(graph, order.run(graph, { workers: [] }).order!)).toBeLessThanOrEqual(
          peakResults(graph, naiveDepthFirst(graph)),
        );
      }),
    );
  });

  it('is within twice the best order there is, on small graphs', () => {
    fc.assert(
      fc.property(randomGraphs(7), (graph) => {
        expect(peakResults(graph, order.run(graph, { workers: [] }).order!)).toBeLessThanOrEqual(leastPeak(graph) * 2);
      }),
    );
  });

  it('orders what no output needs too', () => {
    const all = Graph.from([call('out', [call('a')]), call('lone', [call('b')])]);
    const graph = order.run(all.with({ outputs: all.outputs.slice(0, 1) }), { workers: [] });
    expect(isTopologicalOrder(graph, graph.order!)).toBe(true);
  });

  it('sorts many dependencies by need, equal ones as they are written', () => {
    const deep = (i: number, depth: number): Task =>
      call(
        `deep-${i}`,
        Array.from({ length: depth }, (_, d) => call(`leaf-${i}-${d}`)),
      );
    const parts = Array.from({ length: 40 }, (_, i) => deep(i, i % 4));
    const result = names(ordered(call('out', parts))).filter((name) => name.startsWith('deep'));
    const expected = [3, 2, 1, 0].flatMap((depth) => parts.map((_, i) => i).filter((i) => i % 4 === depth)).map((i) => `deep-${i}`);
    expect(result).toEqual(expected);
  });
});

describe('peakResults', () => {
  it('counts what is alive at one time', () => {
    fc.assert(
      fc.property(randomGraphs(15), (graph) => {
        const rank = order.run(graph, { workers: [] }).order!;
        expect(peakResults(graph, rank)).toBe(countedPeak(graph, rank));
        expect(peakResults(graph)).toBe(
          countedPeak(
            graph,
            Int32Array.from({ length: graph.size }, (_, row) => row),
          ),
        );
      }),
    );
  });
});
