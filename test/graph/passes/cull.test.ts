import { Graph } from '../../../graph/graph.ts';
import { cull } from '../../../graph/passes/cull.ts';
import { keyOf } from '../../../graph/task.ts';
import { call, testPass } from '../../conformance/pass.ts';

const keys = (graph: Graph): string[] => graph.tasks.map((task) => task.name);

describe('cull', () => {
  testPass(cull);

  //  a ─▶ b ─▶ out      x ─▶ y
  it('drops what no output needs', () => {
    const a = call('a');
    const out = call('out', [call('b', [a])]);
    const y = call('y', [call('x')]);
    const all = Graph.from([out, y]);
    const graph = all.with({ outputs: all.outputs.slice(0, 1) });
    const culled = cull.run(graph, { workers: [] });
    expect(keys(culled)).toEqual(['a', 'b', 'out']);
    expect([...culled.outputs].map((row) => keyOf(culled.tasks[row]!))).toEqual([keyOf(out)]);
  });

  //  a ─▶ b(held) ─▶ out      a ─▶ c ─▶ out2 keeps a
  it('drops what only held rows need', () => {
    const a = call('a');
    const b = call('b', [a]);
    const written = Graph.from([call('out', [b])]);
    const held = new Uint8Array(written.size);
    held[written.tasks.indexOf(b)] = 1;
    const culled = cull.run(written.with({ held }), { workers: [] });
    expect(keys(culled)).toEqual(['b', 'out']);
    expect([...culled.dependencies(0)]).toEqual([]);
    expect([...culled.held]).toEqual([1, 0]);

    const shared = Graph.from([call('out', [b, call('c', [a])])]);
    const mask = Uint8Array.from(shared.tasks, (task) => (task === b ? 1 : 0));
    expect(keys(cull.run(shared.with({ held: mask }), { workers: [] }))).toEqual(['a', 'b', 'c', 'out']);
  });

  it('gives back a graph that has nothing to drop', () => {
    const graph = Graph.from([call('out', [call('a')])]);
    expect(cull.run(graph, { workers: [] })).toBe(graph);
  });
});
