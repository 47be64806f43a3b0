import fc from 'fast-check';
import { compile } from '../../../graph/compile.ts';
import { noOptions } from '../../../graph/options.ts';
import { Op } from '../../../graph/tape.ts';
import type { Callee, Task } from '../../../graph/task.ts';
import { Scheduler } from '../../../runtime/scheduler/scheduler.ts';
import { type Limits, type Source, State } from '../../../runtime/scheduler/state.ts';
import type { Command } from '../../../runtime/scheduler/stimulus.ts';

/**
 * The pure scheduler against a simulated world: workers take what they are sent in order, finish, fail, die and come back; Futures come and go.
 * After every stimulus the table must agree with the world; at the end nothing may be left over.
 */

const callee: Callee = { name: 'f', identity: 'f', fn: undefined, source: { kind: 'own', module: 'none', name: 'f' } };
const limits: Limits = { options: noOptions, allowed: undefined, preferred: undefined, retries: 0 };

function makeTask(id: string, dependencies: readonly Task[]): Task {
  const tape = dependencies.flatMap((_, i) => [Op.dependency, i]);
  return {
    id,
    name: `f${id.length}`,
    token: id,
    givenKey: id,
    callee,
    tape,
    argc: dependencies.length,
    dependencies,
    options: noOptions,
    hosts: undefined,
    bytesToRead: 0,
    scattered: false,
  };
}

/** A random graph: each task depends on some of the tasks before it. */
const edgeLists = fc.array(fc.array(fc.nat(1_000), { maxLength: 3 }), { minLength: 2, maxLength: 25 });
function tasksOf(edges: readonly (readonly number[])[]): Task[] {
  const tasks: Task[] = [];
  for (const [i, picks] of edges.entries()) {
    const dependencies = i === 0 ? [] : [...new Set(picks.map((pick) => tasks[pick % i]!))];
    tasks.push(makeTask(`t${i}`, dependencies));
  }
  return tasks;
}

type Move = {
  readonly kind: 'submit' | 'finish' | 'fail' | 'die' | 'join' | 'release' | 'cancel' | 'return' | 'retry';
  readonly pick: number;
};
const moves = fc.array(
  fc.record({
    kind: fc.constantFrom<Move['kind']>(
      'submit',
      'submit',
      'finish',
      'finish',
      'finish',
      'finish',
      'fail',
      'die',
      'join',
      'release',
      'release',
      'cancel',
      'return',
      'retry',
    ),
    pick: fc.nat(10_000),
  }),
  { minLength: 20, maxLength: 120 },
);

function isUnfinished(state: number): boolean {
  return state === State.waiting || state === State.noWorker || state === State.queued || state === State.processing;
}

/** Jest's `expect` is too slow for what is asked millions of times. */
function must(holds: boolean, claim: string, row: number): void {
  if (!holds) throw new Error(`not true any more: ${claim} (row ${row})`);
}

class World {
  readonly scheduler = new Scheduler({ allowedFailures: 3, workers: ['w0', 'w1'].map((name) => ({ name, host: 'here', resources: {} })) });
  readonly tasks: readonly Task[];
  readonly workers = 2;
  /** What each worker was sent and has not reported. */
  readonly sent: number[][] = [[], []];
  /** What each worker holds. */
  readonly stored: Set<number>[] = [new Set(), new Set()];
  /** Row → its inputs as it was sent. Half of them come to its worker at once, the others when it runs. */
  readonly inputs = new Map<number, readonly number[]>();
  /** Rows held by Futures. */
  readonly held: number[] = [];
  /** Row → how it ended, as Futures were told. */
  readonly told = new Map<number, 'done' | 'erred'>();
  readonly stopped = new Set<number>();
  stimuli = 0;

  readonly isFused: boolean;

  constructor(tasks: readonly Task[], isFused: boolean) {
    this.tasks = tasks;
    this.isFused = isFused;
    for (let worker = 0; worker < this.workers; worker++) this.join(worker);
  }

  step(stimulus: Parameters<Scheduler['step']>[0]): void {
    this.stimuli++;
    this.perform(this.scheduler.step(stimulus));
    this.check();
  }

  perform(commands: readonly Command[]): void {
    const { state } = this.scheduler;
    for (const command of commands) {
      if (command.kind === 'run') {
        for (const row of command.rows) {
          must(!this.sent.some((one) => one.includes(row)), 'no task runs twice at a time', row);
          const inputs: number[] = [];
          this.inputs.set(row, inputs);
          state.eachDependency(row, (dependency) => {
            inputs.push(dependency);
            if ((row + dependency) % 2 === 0) this.stored[command.worker]!.add(dependency);
            must(
              state.state[dependency] === State.memory && this.stored[state.worker[dependency]!]!.has(dependency),
              'inputs of what runs are in memory',
              row,
            );
          });
          this.sent[command.worker]!.push(row);
        }
      } else if (command.kind === 'free') for (const row of command.rows) this.stored[command.worker]!.delete(row);
      else if (command.kind === 'done') this.told.set(command.row, 'done');
      else if (command.kind === 'erred') this.told.set(command.row, 'erred');
      else if (command.kind === 'stop') this.stopped.add(command.row);
      else if (command.kind === 'forgotten') {
        must(!this.held.includes(command.row), 'what is held is not forgotten', command.row);
        this.told.delete(command.row);
        this.stopped.delete(command.row);
      }
    }
    for (const command of commands)
      if (command.kind === 'forgotten' && state.tasks[command.row] === undefined)
        must(
          !this.stored.some((rows) => rows.has(command.row)),
          'what is forgotten is nowhere: its number will be used again',
          command.row,
        );
  }

  /** A task that runs has all its inputs with it. */
  bring(worker: number, row: number): void {
    for (const input of this.inputs.get(row)!) this.stored[worker]!.add(input);
  }

  join(worker: number): void {
    if (this.scheduler.state.workers[worker]?.running) return;
    this.step({ kind: 'worker-joined', worker });
  }

  die(worker: number): void {
    if (!this.scheduler.state.workers[worker]?.running) return;
    this.sent[worker] = [];
    this.stored[worker] = new Set();
    this.step({ kind: 'worker-left', worker, wanted: false });
  }

  submit(pick: number): void {
    const task = this.tasks[pick % this.tasks.length]!;
    const { state } = this.scheduler;
    const plan = compile([task], {
      workers: [],
      isHeld: (one) => state.rowOf(one.id) !== undefined,
      ...(this.isFused ? {} : { passes: [] }),
    });
    const source: Source = { graph: plan.graph, rows: new Int32Array(plan.graph.size) };
    const commands = this.scheduler.step({ kind: 'submitted', plan, source, limitsOf: () => limits, parent: -1 });
    this.stimuli++;
    this.held.push(source.rows[plan.graph.outputs[0]!]!);
    this.perform(commands);
    this.check();
  }

  /** The next task of a worker reports. */
  finish(worker: number): void {
    const row = this.sent[worker]!.shift();
    if (row === undefined) return;
    this.bring(worker, row);
    this.stored[worker]!.add(row);
    this.step({ kind: 'finished', worker, reports: [row, 100, 50] });
  }

  fail(worker: number, kind: 'failed' | 'returned'): void {
    const row = this.sent[worker]!.shift();
    if (row === undefined) return;
    if (kind === 'failed') this.bring(worker, row);
    this.step({ kind, worker, row });
  }

  release(pick: number): void {
    if (this.held.length === 0) return;
    const [row] = this.held.splice(pick % this.held.length, 1);
    this.step({ kind: 'released', row: row! });
  }

  move({ kind, pick }: Move): void {
    const worker = pick % this.workers;
    if (kind === 'submit') this.submit(pick);
    else if (kind === 'finish') this.finish(worker);
    else if (kind === 'fail') this.fail(worker, 'failed');
    else if (kind === 'return') this.fail(worker, 'returned');
    else if (kind === 'die') this.die(worker);
    else if (kind === 'join') this.join(worker);
    else if (kind === 'release') this.release(pick);
    else if (this.held.length > 0) {
      const row = this.held[pick % this.held.length]!;
      if (kind === 'cancel') this.step({ kind: 'cancelled', rows: [row] });
      else if (this.scheduler.state.state[row] === State.erred) {
        this.told.delete(row);
        this.step({ kind: 'retried', rows: [row] });
      }
    }
  }

  /** What must hold at every moment. */
  check(): void {
    const { state } = this.scheduler;
    const counts = new Array<number>(8).fill(0);
    for (let row = 0; row < state.size; row++) {
      if (state.tasks[row] === undefined) continue;
      const at = state.state[row]!;
      counts[at]!++;
      const holds = this.held.filter((one) => one === row).length;
      let pending = 0;
      state.eachDependency(row, (dependency) => void (state.state[dependency] !== State.memory && pending++));
      let waiters = 0;
      state.eachDependent(row, (dependent) => void (isUnfinished(state.state[dependent]!) && waiters++));
      must(state.holders[row] === holds, 'holds are counted', row);
      must(state.waiters[row] === waiters, 'waiting dependents are counted', row);
      must(at !== State.waiting || state.pending[row] === pending, 'missing dependencies are counted', row);
      must(at !== State.queued || pending === 0, 'what is queued has all it needs', row);
      must(at !== State.processing || this.sent[state.worker[row]!]!.includes(row), 'what is processed is with its worker', row);
      must(
        at !== State.memory || state.holdersOf(row).every((holder) => this.stored[holder]!.has(row)),
        'a result is where it is said to be',
        row,
      );
      must(
        at === State.released || at === State.erred || at === State.processing || holds + waiters > 0,
        'nothing is kept for nobody',
        row,
      );
      must(at !== State.released || holds + waiters === 0, 'what is needed is not released', row);
    }
    for (let at = 1; at < 8; at++) must(state.counts[at] === counts[at], 'states are counted', at);
    const running = state.workers.filter((worker) => worker.running);
    must(running.length === 0 || state.counts[State.noWorker] === 0, 'no task finds no worker while there is one', -1);
    const isIdle = running.every((worker) => worker.inFlight.size === 0);
    must(running.length === 0 || !isIdle || state.counts[State.queued] === 0, 'ready work never waits for idle workers', -1);
  }

  /** Lets everything come to an end. */
  settle(): void {
    for (let worker = 0; worker < this.workers; worker++) this.join(worker);
    for (let turn = 0; this.sent.some((rows) => rows.length > 0); turn++) {
      expect(turn).toBeLessThan(10_000);
      this.finish(turn % this.workers);
    }
    for (const row of this.held) expect([State.memory, State.erred]).toContain(this.scheduler.state.state[row]);
    while (this.held.length > 0) this.release(0);
    expect(this.scheduler.state.live).toBe(0);
    expect(this.scheduler.state.counts.every((count) => count === 0)).toBe(true);
    expect(this.stored.every((rows) => rows.size === 0)).toBe(true);
  }
}

describe('the scheduler in a simulated world', () => {
  it('loses nothing, runs nothing twice at a time, and leaves nothing behind', () => {
    let stimuli = 0;
    fc.assert(
      fc.property(edgeLists, moves, fc.boolean(), (edges, steps, isFused) => {
        const world = new World(tasksOf(edges), isFused);
        for (const step of steps) world.move(step);
        world.settle();
        stimuli += world.stimuli;
      }),
      { numRuns: Number(process.env.HEDDLE_SIMULATIONS ?? 2_000) },
    );
    expect(stimuli).toBeGreaterThan(10_000);
  });
});
