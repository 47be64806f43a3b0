import { Graph } from '../../graph/graph.ts';
import { fuseWith } from '../../graph/passes/fuse.ts';
import { inline } from '../../graph/passes/inline.ts';
import { encodeRow } from '../../graph/program.ts';
import { Op } from '../../graph/tape.ts';
import type { Callee, Task } from '../../graph/task.ts';
import { call, data, evaluate, outputResults } from '../conformance/pass.ts';

/** A row's tape with names in place of indexes of callees. */
function encoded(graph: Graph, row = graph.size - 1): { readonly tape: readonly unknown[]; readonly inputs: readonly number[] } {
  const tape: unknown[] = [];
  const inputs = encodeRow(graph, row, (callee: Callee) => callee.name as never, tape);
  return { tape, inputs };
}
const fused = (output: Task, averageWidth = 8): Graph =>
  fuseWith({ averageWidth }).run(inline.run(Graph.from([output]), { workers: [] }), { workers: [] });

describe('encodeRow', () => {
  it('copies the tape of a row that is one task', () => {
    const graph = Graph.from([call('count', [call('read'), '\n'])]);
    expect(encoded(graph)).toEqual({ tape: [Op.dependency, 0, Op.literal, '\n', Op.call, 'count', 2, 0], inputs: [0] });
    expect(encoded(graph, 0)).toEqual({ tape: [Op.call, 'read', 0, 0], inputs: [] });
  });

  it('appends to what is on the tape', () => {
    const tape: unknown[] = ['before'];
    encodeRow(Graph.from([call('f', [1])]), 0, () => 4, tape);
    expect(tape).toEqual(['before', Op.literal, 1, Op.call, 4, 1, 0]);
  });

  it('gives a data row no call', () => {
    expect(encoded(Graph.from([data('d', 7)]))).toEqual({ tape: [Op.literal, 7], inputs: [] });
    const list = Graph.from([data('list', [1, call('a')])]);
    expect(encoded(list)).toEqual({ tape: [Op.literal, 1, Op.dependency, 0, Op.array, 2], inputs: [0] });
  });

  //  read ─▶ count
  it('nests a member where it is used', () => {
    expect(encoded(fused(call('count', [call('read', ['f.txt']), '\n'])))).toEqual({
      tape: [Op.literal, 'f.txt', Op.call, 'read', 1, 0, Op.literal, '\n', Op.call, 'count', 2, 1],
      inputs: [],
    });
  });

  //  a ─▶ b ─▶ d ◀─ c      members in the order they run
  it('nests members of members', () => {
    const graph = fused(call('d', [call('b', [call('a')]), [call('c'), 1]]));
    expect(graph.members[0]!.map((member) => member.name)).toEqual(['a', 'b', 'c']);
    expect(encoded(graph)).toEqual({
      tape: [Op.call, 'a', 0, 0, Op.call, 'b', 1, 1, Op.call, 'c', 0, 2, Op.literal, 1, Op.array, 2, Op.call, 'd', 2, 3],
      inputs: [],
    });
  });

  it('puts inlined data in each place it is used', () => {
    const seven = data('seven', 7);
    expect(encoded(fused(call('f', [seven, [seven]])))).toEqual({
      tape: [Op.literal, 7, Op.literal, 7, Op.array, 1, Op.call, 'f', 2, 1],
      inputs: [],
    });
  });

  it('numbers the inputs of all members together, each once', () => {
    const [x, y] = [call('x'), call('y')];
    const b = call('b', [call('a', [x, y]), y, x]);
    const graph = fuseWith().run(Graph.from([b, x, y]), { workers: [] });
    const row = graph.outputs[0]!;
    const { tape, inputs } = encoded(graph, row);
    expect(tape).toEqual([Op.dependency, 0, Op.dependency, 1, Op.call, 'a', 2, 0, Op.dependency, 1, Op.dependency, 0, Op.call, 'b', 3, 1]);
    expect(inputs.map((input) => graph.tasks[input]!.name)).toEqual(['x', 'y']);
  });

  it('finds dependencies among many', () => {
    const parts = Array.from({ length: 50 }, (_, i) => (i % 2 ? data(`d-${i}`, i) : call(`p-${i}`, [i])));
    const out = call('out', parts);
    const graph = inline.run(Graph.from([out]), { workers: [] });
    expect(graph.size).toBe(26);
    expect(outputResults(graph)).toEqual(outputResults(Graph.from([out])));
  });

  it('does not trust that a pass kept the order of dependencies', () => {
    const out = call('out', [call('a'), call('b')]);
    const graph = Graph.from([out]);
    const turned = graph.with({ dependencyRows: graph.dependencyRows.slice().reverse() });
    expect(outputResults(turned)).toEqual(outputResults(graph));
  });

  it('takes equal tasks that are different objects for one input', () => {
    const graph = Graph.from([call('out', [call('a', [1]), call('a', [1])])]);
    expect(encoded(graph)).toEqual({ tape: [Op.dependency, 0, Op.dependency, 0, Op.call, 'out', 2, 0], inputs: [0] });
    expect(evaluate(graph).ran).toHaveLength(2);
  });

  it('says so when a pass lost a dependency', () => {
    const graph = Graph.from([call('out', [call('a')])]);
    const broken = graph.with({ dependencyStart: Int32Array.of(0, 0, 0), dependencyRows: new Int32Array() });
    expect(() => encoded(broken)).toThrow(/a pass lost it/);
  });

  it('nests ten thousand members without recursion', () => {
    let task = call('t-0');
    for (let i = 1; i < 10_000; i++) task = call('t', [task, i]);
    const graph = fuseWith({ maxMembers: 100_000 }).run(Graph.from([task]), { workers: [] });
    expect(graph.size).toBe(1);
    expect(encoded(graph).tape).toHaveLength(9_999 * 6 + 4);
  });
});
