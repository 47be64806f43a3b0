import { Graph } from '../../../graph/graph.ts';
import { inline } from '../../../graph/passes/inline.ts';
import { Op } from '../../../graph/tape.ts';
import type { Task } from '../../../graph/task.ts';
import { call, data, outputResults, testPass } from '../../conformance/pass.ts';

const rowsOf = (graph: Graph): string[] =>
  graph.tasks.map((task, row) => [...(graph.members[row] ?? []), task].map((one) => one.name).join(' '));
const inlined = (outputs: readonly Task[], isHeld?: (task: Task) => boolean): Graph =>
  inline.run(Graph.from(outputs, isHeld), { workers: [] });

describe('inline', () => {
  testPass(inline);

  //  seven ─▶ add ─▶ out
  //  seven ─▶ mul ─▶ out
  it('puts small data into each task that uses it', () => {
    const seven = data('seven', 7);
    const out = call('out', [call('add', [seven, 1]), call('mul', [seven, seven])]);
    const graph = inlined([out]);
    expect(rowsOf(graph)).toEqual(['seven add', 'seven mul', 'out']);
    expect(outputResults(graph)).toEqual(outputResults(Graph.from([out])));
  });

  it.each([
    ['a text', 'x'.repeat(1000)],
    ['null', null],
    ['undefined', undefined],
    ['a big number', 2n ** 60n],
    ['a short list', [1, [2, 'three']]],
    ['a small record', { a: 1, b: { c: [null] } }],
    ['few bytes', new Uint8Array(16)],
  ])('takes %s', (_, content) => {
    expect(rowsOf(inlined([call('out', [data('small', content)])]))).toEqual(['small out']);
  });

  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  it.each([
    ['a long text', 'x'.repeat(2000)],
    ['a long list', new Array(1000).fill(1)],
    ['a nested list that grows', Array.from({ length: 20 }, () => Array.from({ length: 20 }, () => 1))],
    ['many bytes', new Uint8Array(5000)],
    ['few bytes of a large buffer', new Uint8Array(5000).subarray(0, 4)],
    ['a wide record', Object.fromEntries(Array.from({ length: 100 }, (__, i) => [`k${i}`, i]))],
    ['a Map', new Map([[1, 2]])],
    ['an endless list', cyclic],
    ['a huge number', 2n ** 100_000n],
  ])('leaves %s in a row of its own', (_, content) => {
    expect(rowsOf(inlined([call('out', [data('big', content)])]))).toEqual(['big', 'out']);
  });

  it('leaves outputs, held data, scattered data, calls, and data made of other results', () => {
    const seven = data('seven', 7);
    expect(rowsOf(inlined([call('out', [seven]), seven]))).toEqual(['seven', 'out']);
    expect(rowsOf(inlined([call('out', [seven])], (task) => task === seven))).toEqual(['seven', 'out']);
    expect(rowsOf(inlined([call('out', [data('far', 7, { scattered: true })])]))).toEqual(['far', 'out']);
    expect(rowsOf(inlined([call('out', [data('list', [call('a')])])]))).toEqual(['a', 'list', 'out']);
    const captured: Task = { ...data('fn', 0), tape: [Op.captured, { data: 0, capture: {} }] };
    expect(rowsOf(inlined([call('out', [captured])]))).toEqual(['fn', 'out']);
  });

  it('keeps a lone data row that nobody uses', () => {
    const all = Graph.from([call('out'), data('lone', 7)]);
    expect(rowsOf(inline.run(all.with({ outputs: all.outputs.slice(0, 1) }), { workers: [] }))).toEqual(['out', 'lone']);
  });
});
