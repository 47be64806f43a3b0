import fc from 'fast-check';
import { compile, compileGraph, defaultPasses, isTopologicalOrder } from '../../graph/compile.ts';
import type { Graph } from '../../graph/graph.ts';
import type { Pass } from '../../graph/pass.ts';
import { fuseWith } from '../../graph/passes/fuse.ts';
import { order } from '../../graph/passes/order.ts';
import { encodeRow } from '../../graph/program.ts';
import type { Task } from '../../graph/task.ts';
import { call, data, evaluate, outputResults, randomGraphs, someWorkers, testPass } from '../conformance/pass.ts';

const workers = someWorkers;

//  read0 ─▶ count0 ─┐
//  read1 ─▶ count1 ─┴▶ merge ◀─ 7
const wordCount = (blocks: number): Task =>
  call('merge', [
    Array.from({ length: blocks }, (_, i) => call(`count-${i}`, [call(`read-${i}`, [], { hosts: [`h${1 + (i % 2)}`], bytesToRead: 100 })])),
    data('seven', 7),
  ]);

describe('compile', () => {
  it('makes a plan', () => {
    const plan = compile([wordCount(4)], { workers });
    expect([plan.tasksBefore, plan.tasksAfter]).toEqual([10, 5]);
    expect(plan.passes.map(({ name, tasksBefore, tasksAfter }) => [name, tasksBefore, tasksAfter])).toEqual([
      ['cull', 10, 10],
      ['inline', 10, 9],
      ['fuse', 9, 5],
      ['order', 5, 5],
      ['place', 5, 5],
    ]);
    for (const { milliseconds } of plan.passes) expect(milliseconds).toBeGreaterThanOrEqual(0);
    expect([...plan.order]).toEqual([0, 1, 2, 3, 4]);
    expect([0, 1, 2, 3, 4].map((row) => plan.preferred[row])).toEqual([[2], [0], [2], [0], undefined]);
    expect([plan.peakResults, plan.bytesToRead]).toEqual([5, 400]);
    expect(Object.isFrozen(plan)).toBe(true);
  });

  it('makes a plan of nothing', () => {
    expect(compile([], { workers: [] })).toMatchObject({ tasksBefore: 0, tasksAfter: 0, peakResults: 0, bytesToRead: 0 });
  });

  it('reads and runs nothing that is held', () => {
    const plan = compile([wordCount(4)], { workers, isHeld: (task) => task.name.startsWith('count') });
    expect(plan.tasksBefore).toBe(6);
    expect([plan.bytesToRead, plan.peakResults]).toEqual([0, 1]);
    expect(evaluate(plan.graph).ran).toHaveLength(1);
  });

  it('keeps results, runs each task once, in its order', () => {
    fc.assert(
      fc.property(randomGraphs(60), (graph) => {
        const plan = compileGraph(graph, { workers });
        expect(isTopologicalOrder(plan.graph, plan.order)).toBe(true);
        expect(outputResults(plan.graph)).toEqual(outputResults(graph));
        const { ran } = evaluate(plan.graph, plan.order);
        expect([...ran].sort()).toEqual([...new Set(ran)].sort());
        expect(new Set(ran)).toEqual(new Set(evaluate(graph).ran));
      }),
    );
  });

  it('orders when its passes do not', () => {
    const plan = compile([wordCount(2)], { workers, passes: [] });
    expect(plan.passes.map((report) => report.name)).toEqual(['order']);
    expect(plan.tasksAfter).toBe(plan.tasksBefore);
    expect(plan.preferred[0]).toBeUndefined();
  });

  it('takes other passes', () => {
    const plan = compile([call('c', [call('a'), call('b')])], { workers, passes: [fuseWith({ averageWidth: 2 }), order] });
    expect(plan.tasksAfter).toBe(1);
  });

  describe('as one pass', () => {
    testPass({ name: 'all', run: (graph, context) => defaultPasses.reduce((before, pass) => pass.run(before, context), graph) });
  });
  describe('as one pass, run twice', () => {
    const twice = [...defaultPasses, fuseWith({ averageWidth: 2, maxMembers: 5 }), ...defaultPasses];
    const all: Pass = { name: 'twice', run: (graph, context) => twice.reduce((before, pass) => pass.run(before, context), graph) };
    it('keeps results and runs each task once', () => {
      fc.assert(
        fc.property(randomGraphs(), (graph) => {
          const after = all.run(graph, { workers });
          expect(outputResults(after)).toEqual(outputResults(graph));
          expect([...evaluate(after).ran].sort()).toEqual([...evaluate(graph).ran].sort());
        }),
      );
    });
  });

  it.each([
    ['that is no Graph', () => ({}) as Graph],
    ['in which row 0', (graph: Graph) => graph.with({ dependencyStart: Int32Array.of(0, 1, 1), dependencyRows: Int32Array.of(1) })],
    ['with 0 outputs instead of 1', (graph: Graph) => graph.with({ outputs: new Int32Array() })],
    ['whose output 0 is not', (graph: Graph) => graph.with({ outputs: Int32Array.of(0) })],
    ['whose columns differ in length', (graph: Graph) => graph.with({ held: new Uint8Array(1) })],
    ['with a column order that is no order', (graph: Graph) => graph.with({ order: Int32Array.of(1, 0) })],
  ])('refuses a pass that gives a graph %s', (what, run) => {
    expect(() => compile([call('b', [call('a')])], { workers, passes: [{ name: 'mine', run }] })).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT', message: expect.stringContaining(`pass mine gave a graph ${what}`) }),
    );
  });
});

describe('a million', () => {
  const plain = call('t');
  let made = 0;
  /** Cheaper than `call`: the same callee, tokens by counting. */
  const node = (dependencies: readonly Task[]): Task => {
    const token = (++made).toString(16).padStart(32, '0');
    return { ...plain, id: token, token, tape: dependencies.flatMap((_, i) => [2, i]), argc: dependencies.length, dependencies };
  };
  const encodeAll = (graph: Graph): number => {
    let calls = 0;
    for (let row = 0; row < graph.size; row++) encodeRow(graph, row, () => calls++, []);
    return calls;
  };

  it('nodes in a chain compile, and each is called once', () => {
    let task = node([]);
    for (let i = 1; i < 1_000_000; i++) task = node([task]);
    const plan = compile([task], { workers });
    expect(plan.tasksBefore).toBe(1_000_000);
    expect(plan.tasksAfter).toBe(Math.ceil(1_000_000 / 257));
    expect(plan.peakResults).toBe(2);
    expect(encodeAll(plan.graph)).toBe(1_000_000);
  }, 120_000);

  it('leaves of a tree compile, and few results are held', () => {
    let level = Array.from({ length: 1_000_000 }, () => node([]));
    while (level.length > 1) {
      const next: Task[] = [];
      for (let i = 0; i < level.length; i += 8) next.push(node(level.slice(i, i + 8)));
      level = next;
    }
    const plan = compile(level, { workers });
    expect(plan.tasksBefore).toBe(1_142_861 - 1);
    expect(plan.peakResults).toBeLessThanOrEqual(7 * 7 + 2);
    expect(isTopologicalOrder(plan.graph, plan.order)).toBe(true);
    expect(encodeAll(plan.graph)).toBe(plan.tasksBefore);
  }, 120_000);

  it('leaves under one node compile', () => {
    const plan = compile([node(Array.from({ length: 1_000_000 }, () => node([])))], { workers });
    expect([plan.tasksAfter, plan.peakResults]).toEqual([1_000_001, 1_000_001]);
  }, 120_000);
});
