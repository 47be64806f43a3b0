import fc from 'fast-check';
import { compile } from '../../graph/compile.ts';
import { describeGraph, describePlan } from '../../graph/describe.ts';
import { Graph } from '../../graph/graph.ts';
import { keyOf } from '../../graph/task.ts';
import { call, data, randomGraphs, someWorkers } from '../conformance/pass.ts';

const read = call('read', [], { hosts: ['h1'], bytesToRead: 10 });
const count = call('count', [read, data('seven', 7)]);
const total = call('total', [count, call('slow', [], { options: { workers: 'w1', priority: 1 } })]);

describe('describeGraph', () => {
  it('gives what was written, in topological order', () => {
    const { tasks } = describeGraph(Graph.from([total]));
    expect(tasks.map((task) => task.name)).toEqual(['read', 'seven', 'count', 'slow', 'total']);
    expect(tasks[0]).toEqual({
      key: keyOf(read),
      name: 'read',
      kind: 'call',
      dependencies: [],
      members: [keyOf(read)],
      hosts: ['h1'],
      isOutput: false,
      bytesToRead: 10,
    });
    expect(tasks[1]).toMatchObject({ kind: 'data', bytesToRead: 0 });
    expect(tasks[3]).toMatchObject({ workers: ['w1'] });
    expect(tasks[4]).toMatchObject({ dependencies: [2, 3], isOutput: true });
  });

  it('is plain data', () => {
    fc.assert(
      fc.property(randomGraphs(), (graph) => expect(JSON.parse(JSON.stringify(describeGraph(graph)))).toEqual(describeGraph(graph))),
    );
  });
});

describe('describePlan', () => {
  it('gives rows with members, ranks and workers', () => {
    const plan = compile([total], { workers: someWorkers });
    const { tasks } = describePlan(plan);
    expect(tasks.map((task) => task.members.map((key) => key.split('-')[0]))).toEqual([['read', 'seven', 'count'], ['slow'], ['total']]);
    expect(tasks[0]).toMatchObject({ key: keyOf(count), order: 0, workers: ['w2'], hosts: ['h1'], bytesToRead: 10 });
    expect(tasks[1]).toMatchObject({ order: 1, workers: ['w1'] });
    expect(tasks[2]).toMatchObject({ order: 2, dependencies: [0, 1], isOutput: true });
    expect(tasks[2]).not.toHaveProperty('workers');
  });

  it('names every task that was written', () => {
    fc.assert(
      fc.property(randomGraphs(), (graph) => {
        const outputs = [...graph.outputs].map((row) => graph.tasks[row]!);
        const described = new Set(describePlan(compile(outputs, { workers: someWorkers })).tasks.flatMap((task) => task.members));
        expect(described).toEqual(new Set(Graph.from(outputs).tasks.map(keyOf)));
      }),
    );
  });
});
