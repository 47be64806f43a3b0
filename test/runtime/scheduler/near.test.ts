/** Where rows go whose bytes lie on hosts, in the pure scheduler: workers join, finish and are idle in an order that the test chooses. */
import { compile } from '../../../graph/compile.ts';
import { noOptions } from '../../../graph/options.ts';
import type { Callee, Task } from '../../../graph/task.ts';
import { limitsFor } from '../../../runtime/engines/limits.ts';
import { Scheduler } from '../../../runtime/scheduler/scheduler.ts';
import type { Source } from '../../../runtime/scheduler/state.ts';
import type { Command, Stimulus } from '../../../runtime/scheduler/stimulus.ts';

const callee: Callee = { name: 'read', identity: 'read', fn: undefined, source: { kind: 'own', module: 'none', name: 'read' } };
const read = (id: string, hosts: readonly string[]): Task => ({
  id,
  name: 'read',
  token: id,
  givenKey: id,
  callee,
  tape: [],
  argc: 0,
  dependencies: [],
  options: noOptions,
  hosts,
  bytesToRead: 1000,
  overlap: 1,
  scattered: false,
});
const workers = ['h0', 'h1', 'h2'].map((host) => ({ name: `at ${host}`, host, resources: {} }));

/** A scheduler with `count` blocks, each on two of three hosts. */
class World {
  readonly scheduler = new Scheduler({ allowedFailures: 3, workers, stalledMs: Number.POSITIVE_INFINITY });
  readonly hostsByRow = new Map<number, readonly string[]>();
  readonly sent: number[][] = [[], [], []];
  near = 0;
  far = 0;

  submit(count: number, hostsOf: (i: number) => readonly string[]): void {
    const tasks = Array.from({ length: count }, (_, i) => read(`t${i}`, hostsOf(i)));
    const plan = compile(tasks, { workers });
    const source: Source = { graph: plan.graph, rows: new Int32Array(plan.graph.size) };
    const limitsOf = (row: number) => limitsFor(plan.graph.tasks[row]!.options, plan.preferred[row], workers, 0, new Map());
    const commands = this.scheduler.step({ kind: 'submitted', plan, source, limitsOf, parent: -1 });
    source.rows.forEach((row, i) => void this.hostsByRow.set(row, plan.graph.tasks[i]!.hosts!));
    this.perform(commands);
  }

  step(stimulus: Stimulus): void {
    this.perform(this.scheduler.step(stimulus));
  }

  perform(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind !== 'run') continue;
      for (const row of command.rows) {
        this.sent[command.worker]!.push(row);
        if (this.hostsByRow.get(row)!.includes(workers[command.worker]!.host)) this.near++;
        else this.far++;
      }
    }
  }

  join(worker: number): void {
    this.step({ kind: 'worker-joined', worker });
  }

  /** A worker finishes what it was sent first; each took 10 ms. False when it had nothing. */
  finish(worker: number): boolean {
    const row = this.sent[worker]!.shift();
    if (row !== undefined) this.step({ kind: 'finished', worker, reports: [row, 1000, 10_000] });
    return row !== undefined;
  }
}

const pairs = [
  ['h0', 'h1'],
  ['h1', 'h2'],
  ['h2', 'h0'],
];

describe('rows with bytes on hosts', () => {
  it('wait for workers that are starting, and go to those near them when they are up', () => {
    const world = new World();
    world.submit(90, (i) => pairs[i % 3]!);
    for (const worker of [0, 1, 2]) world.join(worker);
    while ([0, 1, 2].map((worker) => world.finish(worker)).some(Boolean)) {}
    expect([world.near, world.far]).toEqual([90, 0]);
  });

  it('are taken by the only worker that is up, first those that are near it', () => {
    const world = new World();
    world.submit(90, (i) => pairs[i % 3]!);
    world.join(0);
    for (let i = 0; i < 60; i++) expect(world.finish(0)).toBe(true);
    // The next was sent when the sixtieth ended, and there was nothing near any more.
    expect([world.near, world.far]).toEqual([60, 1]);
    while (world.finish(0)) {}
    expect([world.near, world.far]).toEqual([60, 30]);
  });

  it('all run when nobody is near', () => {
    const world = new World();
    world.submit(30, () => ['h9']);
    world.join(1);
    while (world.finish(1)) {}
    expect(world.far).toBe(30);
  });

  it('do not wait for the one that is near and busy', () => {
    const world = new World();
    for (const worker of [0, 1, 2]) world.join(worker);
    world.submit(30, () => ['h0']);
    expect(world.sent.map((rows) => rows.length)).toEqual([1, 1, 1]);
    while ([0, 1, 2].map((worker) => world.finish(worker)).some(Boolean)) {}
    expect(world.near + world.far).toBe(30);
    expect(world.far).toBe(20);
  });
});
