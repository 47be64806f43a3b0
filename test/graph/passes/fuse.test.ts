import { Graph } from '../../../graph/graph.ts';
import type { TaskOptions } from '../../../graph/options.ts';
import { fuse, fuseWith } from '../../../graph/passes/fuse.ts';
import { inline } from '../../../graph/passes/inline.ts';
import type { Task } from '../../../graph/task.ts';
import { call, data, evaluate, outputResults, testPass } from '../../conformance/pass.ts';

const rowsOf = (graph: Graph): string[] =>
  graph.tasks.map((task, row) => [...(graph.members[row] ?? []), task].map((one) => one.name).join(' '));
const fused = (...outputs: readonly Task[]): Graph => fuse.run(Graph.from(outputs), { workers: [] });
const fusedWide = (averageWidth: number, ...outputs: readonly Task[]): string[] =>
  rowsOf(fuseWith({ averageWidth }).run(Graph.from(outputs), { workers: [] }));

/** `lower` under `upper`, each with options; one row or two? */
const together = (lower: TaskOptions, upper: TaskOptions): boolean =>
  fused(call('upper', [call('lower', [], { options: lower })], { options: upper })).size === 1;

describe('fuse', () => {
  testPass(fuse);

  //  read0 ─▶ count0 ─┐
  //  read1 ─▶ count1 ─┴▶ merge
  it('makes one row of a block and the only task that uses it', () => {
    const counts = [0, 1].map((i) => call(`count-${i}`, [call(`read-${i}`, [], { hosts: [`h${i}`], bytesToRead: 10 }), '\n']));
    const graph = fused(call('merge', [counts]));
    expect(rowsOf(graph)).toEqual(['read-0 count-0', 'read-1 count-1', 'merge']);
    expect([graph.hosts(0), graph.hosts(1), graph.hosts(2)]).toEqual([['h0'], ['h1'], undefined]);
    expect([graph.bytesToRead(0), graph.bytesToRead(2)]).toEqual([10, 0]);
    expect([...graph.dependencies(2)]).toEqual([0, 1]);
  });

  //  a ─▶ b ─▶ c ─▶ d
  it('makes one row of a chain', () => {
    const d = call('d', [call('c', [call('b', [call('a', [1])])])]);
    const graph = fused(d);
    expect(rowsOf(graph)).toEqual(['a b c d']);
    expect(outputResults(graph)).toEqual(outputResults(Graph.from([d])));
  });

  //  a ─▶ b ─▶ c
  //       └──▶ d
  it('keeps a result that two dependents share', () => {
    const b = call('b', [call('a')]);
    expect(rowsOf(fused(call('c', [b]), call('d', [b])))).toEqual(['a b', 'c', 'd']);
  });

  it('keeps what somebody asked for', () => {
    const b = call('b', [call('a')]);
    expect(rowsOf(fused(call('c', [b]), b))).toEqual(['a b', 'c']);
  });

  it('keeps held rows and scattered data', () => {
    const a = call('a');
    const graph = Graph.from([call('b', [a])], (task) => task === a);
    expect(fuse.run(graph, { workers: [] })).toBe(graph);
    expect(rowsOf(fused(call('b', [data('far', 7, { scattered: true })])))).toEqual(['far', 'b']);
  });

  it('keeps big data apart, so that it stays where it is', () => {
    expect(rowsOf(fused(call('b', [data('big', 'x'.repeat(5000))])))).toEqual(['big', 'b']);
  });

  it('takes data that is made of a result', () => {
    expect(rowsOf(fused(call('b', [data('list', [call('a')])])))).toEqual(['a list b']);
  });

  //  a ─▶ c      x is needed by others too: c would make a wait for it
  //  x ─▶ c
  it('does not let a task wait for what only its dependent needs', () => {
    const x = call('x');
    expect(rowsOf(fused(call('out', [call('c', [call('a'), x]), call('d', [x])])))).toEqual(['a', 'x', 'c', 'd', 'out']);
  });

  //  x ─▶ a ─▶ b     b waits for x as well, but so does a
  //  └────────▶ b
  it('fuses a chain over a dependency that its lower end has already', () => {
    const x = call('x');
    const a = call('a', [x]);
    expect(rowsOf(fused(call('b', [a, x])))).toEqual(['x', 'a b']);
  });

  it('compares what a chain waits for only while that is little', () => {
    const chain = (shared: number): number => {
      const xs = Array.from({ length: shared }, (_, i) => call(`x-${i}`));
      return fused(call('b', [call('a', xs), ...xs])).size - shared;
    };
    expect([chain(64), chain(65)]).toEqual([1, 2]);
  });

  it('does not fuse what a task takes twice, for it would run twice', () => {
    const a = call('a');
    const graph = fused(call('b', [a, a]));
    expect(rowsOf(graph)).toEqual(['a', 'b']);
    expect(evaluate(graph).ran).toHaveLength(2);
  });

  it('fuses only tasks that are annotated alike', () => {
    expect(together({ retries: 2 }, { retries: 2 })).toBe(true);
    expect(together({ priority: 0 }, {})).toBe(true);
    expect(together({ workers: 'w' }, { workers: ['w'] })).toBe(true);
    expect(together({ resources: { gpu: 1 } }, { resources: { gpu: 1 } })).toBe(true);
    expect(together({ pure: false, nout: 2, version: 3 }, { traverse: false })).toBe(true);
    expect(together({ retries: 2 }, {})).toBe(false);
    expect(together({ priority: 1 }, { priority: 2 })).toBe(false);
    expect(together({ workers: 'w' }, { workers: ['w', 'v'] })).toBe(false);
    expect(together({ workers: 'w', allowOtherWorkers: true }, { workers: 'w' })).toBe(false);
    expect(together({ resources: { gpu: 1 } }, { resources: { gpu: 2 } })).toBe(false);
    expect(together({ resources: { gpu: 1 } }, {})).toBe(false);
  });

  it('never fuses tasks with a timeout or a concurrency: these are meant for one task', () => {
    const timeout = { timeout: 10 };
    expect(together(timeout, timeout)).toBe(false);
    const concurrency = { concurrency: 2 };
    expect(together(concurrency, concurrency)).toBe(false);
  });

  it('fuses no tasks that read from different hosts', () => {
    const read = (name: string, hosts: readonly string[] | undefined, args: readonly Task[] = []) =>
      call(name, args, hosts ? { hosts } : {});
    expect(rowsOf(fused(read('b', ['h1'], [read('a', ['h2'])])))).toEqual(['a', 'b']);
    expect(rowsOf(fused(read('b', ['h1', 'h2'], [read('a', ['h2', 'h1'])])))).toEqual(['a b']);
    expect(rowsOf(fused(read('c', ['h1'], [read('b', undefined, [read('a', ['h2'])])])))).toEqual(['a b', 'c']);
  });

  it('puts at most maxMembers tasks into a row', () => {
    let task = call('t-0');
    for (let i = 1; i < 1000; i++) task = call(`t-${i}`, [task]);
    const graph = fused(task);
    expect(graph.size).toBe(4);
    expect(graph.members.map((members) => members?.length)).toEqual([256, 256, 256, 228]);
    expect(outputResults(graph)).toEqual(outputResults(Graph.from([task])));
    expect(fuseWith({ maxMembers: 1 }).run(Graph.from([task]), { workers: [] }).size).toBe(500);
  });

  //  a ─┐
  //  b ─┴▶ c      two side by side: width 1 keeps both free, width 2 takes them in
  it('takes a reduction as wide as it is told', () => {
    const c = call('c', [call('a'), call('b')]);
    expect(fusedWide(1, c)).toEqual(['a', 'b', 'c']);
    expect(fusedWide(2, c)).toEqual(['a b c']);
    const leaves = Array.from({ length: 8 }, (_, i) => call(`leaf-${i}`));
    expect(fusedWide(2, call('sum', leaves))).toHaveLength(9);
    expect(fusedWide(8, call('sum', leaves))).toHaveLength(1);
  });

  it.each([2, 3, 10])('is a pass with average width %d too', (averageWidth) => {
    // run as one property here, since a suite can be described only at the top
    const pass = fuseWith({ averageWidth });
    let task = call('t-0');
    for (let i = 1; i < 300; i++) task = call(`t-${i}`, i % 3 === 0 ? [task, call(`s-${i}`)] : [task]);
    const graph = pass.run(Graph.from([task]), { workers: [] });
    expect(outputResults(graph)).toEqual(outputResults(Graph.from([task])));
    expect(graph.size).toBeLessThan(300);
  });

  describe('with average width 3', () => testPass(fuseWith({ averageWidth: 3 })));
  describe('with at most 2 members', () => testPass(fuseWith({ averageWidth: 2, maxMembers: 2 })));

  //  seven ─▶ a ─▶ b ◀─ seven
  it('keeps inlined data once among the members', () => {
    const seven = data('seven', 7);
    const b = call('b', [call('a', [seven]), seven]);
    const graph = fuse.run(inline.run(Graph.from([b]), { workers: [] }), { workers: [] });
    expect(rowsOf(graph)).toEqual(['seven a b']);
    expect(outputResults(graph)).toEqual(outputResults(Graph.from([b])));
  });
});
