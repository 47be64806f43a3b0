import { tasksFromObject } from '../../graph/from-object.ts';
import { Graph } from '../../graph/graph.ts';
import { lazy } from '../../graph/lazy.ts';
import { keyOf } from '../../graph/task.ts';

const inc = (n: number): number => n + 1;
const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
const graph = { x: 1, y: [inc, 'x'], z: [sum, ['x', 'y', [inc, 'y']]], last: 'z', list: ['x', [inc, 1]] };

describe('tasksFromObject', () => {
  it('gives tasks under the keys of the graph', () => {
    const tasks = tasksFromObject(graph, ['z', 'list', 'last']);
    expect([...tasks.keys()]).toEqual(['z', 'list', 'last']);
    expect([...tasks.values()].map(keyOf)).toEqual(['z', 'list', 'last']);
    const rows = Graph.from([...tasks.values()]);
    expect(
      rows.tasks
        .map(keyOf)
        .filter((key) => !key.startsWith('inc-'))
        .sort(),
    ).toEqual(['last', 'list', 'x', 'y', 'z']);
    expect(tasks.get('list')!.callee).toBeUndefined();
    expect(tasks.get('last')!.dependencies).toEqual([tasks.get('z')]);
  });

  it('derives the key of a task inside arguments from what it is', () => {
    const [first, second] = [tasksFromObject(graph, 'z'), tasksFromObject(graph, 'z')].map((tasks) =>
      tasks.get('z')!.dependencies.map(keyOf),
    );
    expect(first).toEqual(second);
    expect(first!.filter((key) => /^inc-[0-9a-f]{32}$/.test(key))).toHaveLength(1);
  });

  it('takes nested lists of keys, and lazy functions with their options', () => {
    const tasks = tasksFromObject({ a: 1, b: [lazy(inc, { retries: 3 }), 'a'] }, [['a'], [['b', 'a']]]);
    expect([...tasks.keys()]).toEqual(['a', 'b']);
    expect(tasks.get('b')!.options.retries).toBe(3);
  });

  it('refuses keys that are no texts', () => {
    expect(() => tasksFromObject(graph, ['x', 7])).toThrow(expect.objectContaining({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' }));
  });
});
