import type { Graph as Graphlib } from '@dagrejs/graphlib';
import { lazy, toGraphlib, value } from 'heddle';

const merge = lazy(function merge(parts: unknown[]): unknown {
  return parts;
});

describe('toGraphlib', () => {
  //  a ─┐
  //  b ─┴▶ merge
  it('has keys for nodes, and edges from a dependency to its dependent', () => {
    const [a, b] = [value(1, { key: 'a' }), value(2, { key: 'b' })];
    const total = merge([a, b]);
    const graph = toGraphlib(total);
    expect(graph.nodes().sort()).toEqual(['a', 'b', total.key].sort());
    expect(graph.edges()).toEqual([
      { v: 'a', w: total.key },
      { v: 'b', w: total.key },
    ]);
    expect([graph.nodeCount(), graph.edgeCount()]).toEqual([3, 2]);
    expect(graph.node(total.key)).toMatchObject({ key: total.key, name: 'merge', kind: 'call', isOutput: true });
    expect(graph.node('a')).toMatchObject({ kind: 'data', isOutput: false });
  });

  it('is a Graph with all its methods', () => {
    const total = merge([value(1, { key: 'a' })]);
    const graph = toGraphlib(total) as unknown as Graphlib;
    expect(graph.isDirected()).toBe(true);
    expect(graph.predecessors(total.key)).toEqual(['a']);
    expect(graph.successors('a')).toEqual([total.key]);
    expect(graph.sources()).toEqual(['a']);
    expect(graph.sinks()).toEqual([total.key]);
    expect(graph.inEdges(total.key)).toHaveLength(1);
    expect(graph.setNode('a').node('a')).toMatchObject({ key: 'a' });
    expect(graph.removeNode('a').nodeCount()).toBe(1);
  });

  it('keeps keys that are names of every object', () => {
    const keys = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];
    const parts = keys.map((key, i) => value(i, { key }));
    const total = merge(parts).with({ key: 'prototype' });
    const graph = toGraphlib([total, ...parts]) as unknown as Graphlib;
    expect(graph.nodes().sort()).toEqual([...keys, 'prototype'].sort());
    expect(
      graph
        .edges()
        .map(({ v, w }) => [v, w])
        .sort(),
    ).toEqual(keys.map((key) => [key, 'prototype']).sort());
    expect(graph.predecessors('prototype')?.sort()).toEqual([...keys].sort());
    for (const key of keys) {
      expect(graph.node(key)).toMatchObject({ key, name: 'number' });
      expect(graph.successors(key)).toEqual(['prototype']);
      expect(graph.hasEdge(key, 'prototype')).toBe(true);
    }
    expect(graph.hasNode('isPrototypeOf')).toBe(false);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('takes a chain of 20,000 tasks', () => {
    const inc = lazy(function inc(n: number): number {
      return n + 1;
    });
    let last = inc(0);
    for (let i = 1; i < 20_000; i++) last = inc(last);
    expect(toGraphlib(last).edgeCount()).toBe(19_999);
  });

  it('refuses what is no Value', () => {
    expect(() => toGraphlib(7 as never)).toThrow(TypeError);
    expect(() => toGraphlib([merge] as never)).toThrow(/call it/);
  });
});
