import fc from 'fast-check';
import type { CycleError } from '../../graph/errors.ts';
import { Graph } from '../../graph/graph.ts';
import { keyOf, type Task } from '../../graph/task.ts';
import { call, data, randomGraphs } from '../conformance/pass.ts';

const names = (graph: Graph): string[] => graph.tasks.map((task) => task.name);
const thrownBy = (body: () => unknown): unknown => {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('Graph.ofRoots', () => {
  it('is the graph that Graph.from finds among tasks that depend on nothing', () => {
    for (const count of [0, 1, 7]) {
      const roots = Array.from({ length: count }, (_, i) => call(`root${i}`));
      const [made, found] = [Graph.ofRoots(roots), Graph.from(roots)];
      expect(made.tasks).toEqual(found.tasks);
      for (const column of ['dependencyStart', 'dependencyRows', 'outputs', 'held'] as const) expect(made[column]).toEqual(found[column]);
      expect([made.members, made.outputMask]).toEqual([found.members, found.outputMask]);
    }
  });
});

describe('Graph.from', () => {
  //  a ─▶ b ─▶ d
  //  └──▶ c ──▶ d
  it('makes a row a task, dependencies first', () => {
    const a = call('a');
    const graph = Graph.from([call('d', [call('b', [a]), call('c', [a])])]);
    expect(names(graph)).toEqual(['a', 'b', 'c', 'd']);
    expect([...graph.dependencyStart]).toEqual([0, 0, 1, 2, 4]);
    expect([...graph.dependencyRows]).toEqual([0, 0, 1, 2]);
    expect([[...graph.dependencies(3)], [...graph.dependents(0)], [...graph.dependents(3)]]).toEqual([[1, 2], [1, 2], []]);
    expect([[...graph.dependentStart], [...graph.dependentRows]]).toEqual([
      [0, 2, 3, 4, 4],
      [1, 2, 3, 3],
    ]);
    expect([...graph.outputs]).toEqual([3]);
    expect([...graph.outputMask]).toEqual([0, 0, 0, 1]);
    expect(graph.members).toEqual([undefined, undefined, undefined, undefined]);
    expect([graph.order, graph.preferred]).toEqual([undefined, undefined]);
  });

  it('keeps the order of dependencies as the task has them', () => {
    const [a, b, c] = [call('a'), call('b'), call('c')];
    const first = call('first', [c, b, a]);
    const graph = Graph.from([call('out', [a, first])]);
    const row = graph.tasks.indexOf(first);
    expect([...graph.dependencies(row)].map((dependency) => graph.tasks[dependency]!.name)).toEqual(['c', 'b', 'a']);
  });

  it('gives outputs each once, in the order they were asked for', () => {
    const a = call('a');
    const b = call('b', [a]);
    const graph = Graph.from([b, a, b]);
    expect([...graph.outputs].map((row) => graph.tasks[row])).toEqual([b, a]);
  });

  it('takes equal tasks that are different objects for one', () => {
    const [a, again] = [call('a', [1]), call('a', [1])];
    expect(a).not.toBe(again);
    const graph = Graph.from([call('out', [a, again])]);
    expect(graph.size).toBe(2);
    expect([...graph.dependencies(1)]).toEqual([0]);
  });

  it('looks at nothing below a held task', () => {
    const asked: string[] = [];
    const b = call('b', [call('a')]);
    const graph = Graph.from([call('c', [b]), b], (task) => {
      asked.push(task.name);
      return task === b;
    });
    expect(names(graph)).toEqual(['b', 'c']);
    expect([...graph.held]).toEqual([1, 0]);
    expect([...graph.dependencies(0)]).toEqual([]);
    expect(asked.sort()).toEqual(['b', 'c']);
  });

  it('refuses two different tasks under one key', () => {
    const [one, two] = [call('f', [1], { givenKey: 'mine' }), call('f', [2], { givenKey: 'mine' })];
    expect(thrownBy(() => Graph.from([one, two]))).toMatchObject({ code: 'ERR_KEY_CONFLICT' });
    expect(thrownBy(() => Graph.from([call('out', [one, call('g', [two])])]))).toMatchObject({ code: 'ERR_KEY_CONFLICT' });
    expect(Graph.from([one, call('f', [1], { givenKey: 'mine' })]).size).toBe(1);
  });

  it('refuses a given key that another task has by itself', () => {
    const natural = call('f', [1]);
    const thief = call('g', [2], { givenKey: keyOf(natural) });
    expect(thrownBy(() => Graph.from([natural, thief]))).toMatchObject({ code: 'ERR_KEY_CONFLICT' });
    expect(thrownBy(() => Graph.from([thief, natural]))).toMatchObject({ code: 'ERR_KEY_CONFLICT' });
    expect(Graph.from([natural, call('g', [2], { givenKey: `other-${natural.token}` })]).size).toBe(2);
  });

  it('says the path of a cycle', () => {
    const dependencies: Task[] = [];
    const a: Task = { ...call('a', [], { givenKey: 'a' }), dependencies };
    const b = call('b', [a], { givenKey: 'b' });
    dependencies.push(b);
    expect((thrownBy(() => Graph.from([call('out', [b])])) as CycleError).cycle).toEqual(['b', 'a', 'b']);
  });

  it('knows keys with the names of object properties', () => {
    const graph = Graph.from([call('f', [data('d', 1, { givenKey: '__proto__' }), data('e', 2, { givenKey: 'constructor' })])]);
    expect(graph.tasks.map(keyOf).slice(0, 2)).toEqual(['__proto__', 'constructor']);
  });

  it('gives every task that is needed one row, after its dependencies', () => {
    fc.assert(
      fc.property(randomGraphs(), (random) => {
        const outputs = [...random.outputs].map((row) => random.tasks[row]!);
        const graph = Graph.from(outputs);
        const needed = new Set(outputs);
        for (const task of needed) for (const dependency of task.dependencies) needed.add(dependency);
        expect(new Set(graph.tasks)).toEqual(needed);
        graph.tasks.forEach((task, row) => {
          expect([...graph.dependencies(row)].map((dependency) => graph.tasks[dependency])).toEqual([...task.dependencies]);
          for (const dependency of graph.dependencies(row)) expect(dependency).toBeLessThan(row);
        });
      }),
    );
  });
});

describe('Graph', () => {
  it('adds up the bytes that a row and its members read', () => {
    const read = call('read', [], { bytesToRead: 10, hosts: ['h'] });
    const graph = Graph.from([call('count', [], { bytesToRead: 5 })]).with({ members: [[read]] });
    expect(graph.bytesToRead(0)).toBe(15);
    expect(graph.hosts(0)).toEqual(['h']);
    expect(graph.with({ held: Uint8Array.of(1) }).bytesToRead(0)).toBe(0);
  });

  it('drops columns when rows fall, since they are renumbered', () => {
    const graph = Graph.from([call('b', [call('a')])]).with({ order: Int32Array.of(0, 1), preferred: [[0]] });
    const less = graph.subset(Uint8Array.of(1, 1));
    expect([less.order, less.preferred, less.size]).toEqual([undefined, undefined, 2]);
  });
});
