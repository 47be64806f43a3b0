import { compile } from '../../../graph/compile.ts';
import { noOptions, type TaskOptions } from '../../../graph/options.ts';
import { Op } from '../../../graph/tape.ts';
import type { Callee, Task } from '../../../graph/task.ts';
import { Scheduler } from '../../../runtime/scheduler/scheduler.ts';
import { type Limits, type Source, State } from '../../../runtime/scheduler/state.ts';
import type { Command, Stimulus } from '../../../runtime/scheduler/stimulus.ts';
import { checkClosely, checkNothingLeft, must } from './invariants.ts';
import { type Asks, type Job, SimulatedWorker } from './simulated-worker.ts';

/** Chance that replays: mulberry32. */
export function dice(seed: number): (sides: number) => number {
  let at = seed | 0;
  return (sides) => {
    at = (at + 0x6d2b79f5) | 0;
    let t = Math.imul(at ^ (at >>> 15), at | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

/** One thing that happens, with two numbers that choose to whom and how. */
export type Move = readonly [kind: MoveKind, a: number, b: number];

/** What can happen, and how often. */
const weights = {
  submit: 14,
  scatter: 2,
  nest: 6,
  deliver: 60,
  bring: 30,
  begin: 60,
  end: 60,
  fail: 3,
  report: 60,
  die: 2,
  join: 6,
  release: 12,
  cancel: 2,
  retry: 3,
  reuse: 1,
  tick: 4,
} as const;
export type MoveKind = keyof typeof weights;
const bag = Object.entries(weights).flatMap(([kind, n]) => new Array<MoveKind>(n).fill(kind as MoveKind));

export function randomMoves(seed: number, length: number): Move[] {
  const roll = dice(seed ^ 0x5bd1e995);
  return Array.from({ length }, () => [bag[roll(bag.length)]!, roll(1 << 16), roll(1 << 16)] as const);
}

/** Somebody who holds a row: a Future of the user's, or one that a running task made. */
export interface Hold {
  readonly row: number;
  readonly owner: Job | undefined;
}

/**
 * The pure scheduler against a simulated world: workers with inboxes and outboxes that are read when chance will have it, results that travel between
 * them, Futures that come and go. Everything follows from a seed, for the graph and the workers, and a list of moves.
 */
export class World {
  readonly scheduler: Scheduler;
  readonly workers: SimulatedWorker[];
  readonly tasks: Task[];
  readonly limits = new Map<TaskOptions, Limits>();
  readonly held: Hold[] = [];
  /** Row → how it ended, as its holders were told. */
  readonly told = new Map<number, 'done' | 'erred'>();
  /** Row → worker that has it in hand, as the scheduler must believe until it hears. */
  readonly inHand = new Map<number, number>();
  stimuli = 0;
  /** Looks closely after every step, not every sixteenth. */
  readonly isCareful: boolean;
  now = 1_000;
  /** Set: each step goes here, too. */
  onStep: ((at: number, stimulus: Stimulus, commands: readonly Command[]) => void) | undefined;
  readonly #isFused: boolean;
  readonly #isMemoryShared: boolean;
  /** Row → its job of late. */
  readonly #jobs = new Map<number, Job>();
  /** Between two steps that are one for the shell. */
  #isTakingBack = false;

  constructor(seed: number, isCareful = false) {
    this.isCareful = isCareful;
    const roll = dice(seed);
    const count = 1 + roll(4);
    const descriptions = Array.from({ length: count }, (_, i) => ({
      name: `w${i}`,
      host: 'here',
      resources: roll(3) === 0 ? { gpu: 1 + roll(2) } : {},
    }));
    this.workers = descriptions.map(({ resources }, index) => new SimulatedWorker(index, resources));
    this.scheduler = new Scheduler({ allowedFailures: 3, stalledMs: 10_000, workers: descriptions });
    this.#isFused = roll(2) === 0;
    this.#isMemoryShared = roll(2) === 0;
    this.tasks = randomTasks(roll, count, this.limits);
    for (const worker of this.workers) if (roll(4) > 0) this.#join(worker);
  }

  /** `then`: what the shell does before it carries the commands out. */
  step(stimulus: Stimulus, then?: () => void): void {
    this.stimuli++;
    const commands = this.scheduler.step(stimulus, this.now);
    this.onStep?.(this.now, stimulus, commands);
    then?.();
    this.#perform(commands);
    this.#checkQuickly();
    if (!this.#isTakingBack && (this.isCareful || this.stimuli % 16 === 0)) checkClosely(this);
  }

  /** Whether a running job may begin: it is nowhere else under way. */
  #perform(commands: readonly Command[]): void {
    const { state } = this.scheduler;
    const takenBack: [number, readonly number[]][] = [];
    for (const command of commands) {
      switch (command.kind) {
        case 'run': {
          const worker = this.workers[command.worker]!;
          must(worker.isAlive, 'nothing is sent to a worker that is gone', command.worker);
          worker.inbox.push({ kind: 'run', jobs: command.rows.map((row) => this.#makeJob(row, worker)) });
          break;
        }
        case 'steal':
          if (this.#isMemoryShared) takenBack.push([command.worker, command.rows]);
          else this.workers[command.worker]!.inbox.push({ kind: 'steal', rows: [...command.rows] });
          break;
        case 'free':
          if (this.workers[command.worker]!.isAlive)
            this.workers[command.worker]!.inbox.push({ kind: command.kind, rows: [...command.rows] });
          break;
        case 'stop':
          if (this.workers[command.worker]!.isAlive) this.workers[command.worker]!.inbox.push({ kind: 'stop', rows: [command.row] });
          break;
        case 'done':
          this.told.set(command.row, 'done');
          break;
        case 'erred':
          this.told.set(command.row, 'erred');
          break;
        case 'forgotten':
          must(!this.held.some(({ row }) => row === command.row), 'what is held is not forgotten', command.row);
          must(!this.inHand.has(command.row), 'what a worker has in hand is not forgotten', command.row);
          this.told.delete(command.row);
          break;
      }
    }
    for (const { row } of this.held) if (state.state[row] !== State.memory && state.state[row] !== State.erred) this.told.delete(row); // being made again
    for (const [worker, rows] of takenBack) this.#takeBack(this.workers[worker]!, rows);
  }

  /** Where shell and workers share memory, a worker need not be asked. */
  #takeBack(worker: SimulatedWorker, rows: readonly number[]): void {
    const taken = rows.filter((row) => this.#jobs.get(row)!.owner === 'nobody');
    const kept = rows.filter((row) => !taken.includes(row));
    for (const row of taken) {
      this.#jobs.get(row)!.owner = 'shell';
      this.leaves(row);
    }
    if (taken.length > 0) worker.inbox.push({ kind: 'drop', rows: taken });
    const { index } = worker;
    this.#isTakingBack = true;
    if (kept.length > 0) this.step({ kind: 'kept', worker: index, rows: kept });
    this.#isTakingBack = false;
    if (taken.length > 0) this.step({ kind: 'returned', worker: index, rows: taken });
  }

  #makeJob(row: number, worker: SimulatedWorker): Job {
    const { state } = this.scheduler;
    must(!this.inHand.has(row), 'no task is sent twice at a time', row);
    const { allowed, options } = state.limits[row]!;
    must(allowed === undefined || allowed.has(worker.index), 'fences hold', row);
    for (const [name, amount] of Object.entries(options.resources ?? {}))
      must((worker.resources[name] ?? 0) >= amount, 'what asks for a resource goes where it is', row);
    this.inHand.set(row, worker.index);
    const inputs: [number, number][] = [];
    state.eachDependency(row, (dependency) => {
      must(state.state[dependency] === State.memory, 'inputs of what is sent are in memory', row);
      inputs.push([dependency, state.worker[dependency]!]);
    });
    const job: Job = { row, inputs, missing: new Set(), gone: [], phase: 'bringing', children: [], isStopped: false, owner: 'nobody' };
    this.#jobs.set(row, job);
    return job;
  }

  /** A stimulus about a row that leaves a worker's hand. */
  leaves(row: number): void {
    this.inHand.delete(row);
  }

  #join(worker: SimulatedWorker): void {
    if (worker.isAlive) return;
    worker.start();
    this.step({ kind: 'worker-joined', worker: worker.index });
  }

  /** A worker that nobody expected. */
  #joinNew(resources: Readonly<Record<string, number>>): void {
    const index = this.workers.length;
    const worker = new SimulatedWorker(index, resources);
    this.workers.push(worker);
    worker.start();
    this.step({ kind: 'worker-joined', worker: index, description: { name: `w${index}`, host: 'here', resources } });
  }

  #die(worker: SimulatedWorker, isFlushed: boolean, wanted: boolean): void {
    if (!worker.isAlive) return;
    if (isFlushed) while (worker.outbox.length > 0) this.#report(worker);
    for (const job of worker.jobs.values()) for (const hold of [...job.children]) this.#release(hold);
    const unanswered = [...worker.inbox, ...worker.outbox].flatMap((one) => (one.kind === 'has' || one.kind === 'held' ? [one.asks] : []));
    worker.end();
    for (const [row, index] of this.inHand) if (index === worker.index) this.inHand.delete(row);
    this.step({ kind: 'worker-left', worker: worker.index, wanted });
    for (const asks of unanswered) this.#giveBackTo(asks); // who is gone has left with all it held
  }

  #giveBackTo({ worker, life, message }: Asks): void {
    if (worker.isAlive && worker.life === life) worker.outbox.unshift(message);
  }

  submit(task: Task, owner: Job | undefined): void {
    const { state } = this.scheduler;
    const parent = owner?.row ?? -1;
    const plan = compile([task], {
      workers: [],
      isHeld: (one) => state.rowOf(one.id) !== undefined,
      ...(this.#isFused ? {} : { passes: [] }),
    });
    const source: Source = { graph: plan.graph, rows: new Int32Array(plan.graph.size) };
    const limitsOf = (row: number): Limits => this.limits.get(plan.graph.tasks[row]!.options)!;
    this.step({ kind: 'submitted', plan, source, limitsOf, parent }, () => {
      const hold: Hold = { row: source.rows[plan.graph.outputs[0]!]!, owner };
      this.held.push(hold);
      owner?.children.push(hold);
    });
  }

  #scatter(a: number, b: number): void {
    const { state } = this.scheduler;
    const task = { ...makeTask(`s${a % 3}`, [], noOptions, b), scattered: true };
    const targets = this.workers.filter((worker, i) => worker.isAlive && (b >> i) % 2 === 0).map(({ index }) => index);
    if (targets.length === 0) return;
    const known = state.rowOf(task.id);
    const isNew = known === undefined || state.state[known] !== State.memory;
    this.step({ kind: 'scattered', task, workers: targets, nbytes: 1 + (b % 5_000), limits: noLimits }, () => {
      const row = state.rowOf(task.id)!;
      if (isNew) for (const target of targets) this.workers[target]!.inbox.push({ kind: 'put', rows: [row] });
      this.held.push({ row, owner: undefined });
    });
  }

  #release(hold: Hold): void {
    this.held.splice(this.held.indexOf(hold), 1);
    if (hold.owner !== undefined) hold.owner.children.splice(hold.owner.children.indexOf(hold), 1);
    this.step({ kind: 'released', row: hold.row });
  }

  /** The shell takes in what a worker said. */
  #report(worker: SimulatedWorker): void {
    const { state } = this.scheduler;
    const message = worker.outbox.shift();
    switch (message?.kind) {
      case 'finished':
        if (message.moved.length > 0) this.step({ kind: 'moved', rows: message.moved, us: 500 });
        for (let i = 0; i < message.reports.length; i += 3) this.leaves(message.reports[i]!);
        return this.step({ kind: 'finished', worker: worker.index, reports: message.reports });
      case 'kept':
        return this.step({ kind: 'kept', worker: worker.index, rows: message.rows });
      case 'failed':
        this.leaves(message.row);
        return this.step({ kind: 'failed', worker: worker.index, row: message.row });
      case 'unmoved':
        if (state.unmoved.has(message.row)) {
          this.leaves(message.row);
          return this.step({ kind: 'failed', worker: worker.index, row: message.row });
        }
        state.unmoved.add(message.row);
        this.step({ kind: 'immovable', rows: message.rows });
        this.leaves(message.row);
        return this.step({ kind: 'returned', worker: worker.index, rows: [message.row] });
      case 'returned': {
        const [missing, ...others] = message.missing;
        const holder = missing === undefined ? undefined : this.workers[missing.holder];
        if (missing === undefined || holder?.isAlive !== true) {
          if (others.length > 0) worker.outbox.unshift({ ...message, missing: others });
          else {
            this.leaves(message.row);
            this.step({ kind: 'returned', worker: worker.index, rows: [message.row] });
          }
          return;
        }
        // The holder itself is asked; the row stays in hand until it has answered.
        holder.inbox.push({
          kind: 'has',
          rows: missing.rows,
          asks: { worker, life: worker.life, asked: state.steps, message: { ...message, missing: others } },
        });
        return;
      }
      case 'held': {
        if (message.lost.length > 0) this.step({ kind: 'missing', worker: worker.index, rows: message.lost, asked: message.asks.asked });
        return this.#giveBackTo(message.asks);
      }
    }
  }

  /** Lets one thing happen; what cannot happen now does not. */
  move([kind, a, b]: Move): void {
    this.now += b % 7;
    const worker = this.workers[a % this.workers.length]!;
    const { state } = this.scheduler;
    switch (kind) {
      case 'submit':
        return this.submit(this.tasks[a % this.tasks.length]!, undefined);
      case 'scatter':
        return this.#scatter(a, b);
      case 'deliver':
        return worker.deliver();
      case 'bring':
        return worker.bring(b, this.workers, (row) => (state.tasks[row]?.token.length ?? 0) % 5 === 4);
      case 'begin':
        return worker.begin(b, (row) => this.#mayBegin(row, worker));
      case 'end':
      case 'fail':
        return this.#end(worker, kind === 'fail', b);
      case 'nest': {
        const job = worker.running.at(-1);
        const row = job?.row ?? -1;
        const task = this.tasks[b % this.tasks.length]!;
        if (job === undefined || job.children.length > 2 || this.#isBelow(row, task)) return;
        this.step({ kind: 'seceded', worker: worker.index, row });
        return this.submit(task, job);
      }
      case 'report':
        if (worker.outbox.length > 0) this.#report(worker);
        return;
      case 'die':
        return this.#die(worker, b % 2 === 0, b % 5 === 0);
      case 'join':
        if (b % 211 === 0 && this.workers.length < 6) return this.#joinNew(b % 3 === 0 ? { gpu: 1, tpu: 1 } : {});
        return this.#join(worker);
      case 'tick':
        this.now += b % 100;
        return this.step({ kind: 'tick' });
    }
    const hold = this.held[a % Math.max(1, this.held.length)];
    if (hold === undefined) return;
    if (kind === 'release') this.#release(hold);
    else if (kind === 'cancel') this.step({ kind: 'cancelled', rows: [hold.row] });
    else if (kind === 'reuse') this.step({ kind: 'reused', row: hold.row });
    else if (kind === 'retry' && state.state[hold.row] === State.erred) this.step({ kind: 'retried', rows: [hold.row] });
  }

  /** A task that waits for one that needs itself would wait for ever: that is the user's own knot. */
  #isBelow(row: number, task: Task): boolean {
    const mine = new Set<string>();
    for (const running of [row, ...this.workers.flatMap((worker) => worker.running.map((job) => job.row))]) {
      const one = this.scheduler.state.tasks[running];
      if (one !== undefined) mine.add(one.id);
      for (const member of this.scheduler.state.sources[running]?.graph.members[this.scheduler.state.graphRow[running]!] ?? [])
        mine.add(member.id);
    }
    const look = [task];
    for (const one of look) {
      if (mine.has(one.id)) return true;
      look.push(...one.dependencies);
    }
    return false;
  }

  #mayBegin(row: number, here: SimulatedWorker): void {
    for (const worker of this.workers)
      must(worker === here || !worker.isAlive || !worker.running.some((job) => job.row === row), 'no task runs twice at a time', row);
  }

  #end(worker: SimulatedWorker, isFailing: boolean, b: number): void {
    const job = worker.running[b % Math.max(1, worker.running.length)];
    if (job === undefined) return;
    const isWaiting = job.children.some(({ row }) => !this.told.has(row));
    if (isWaiting && !job.isStopped && !isFailing) return;
    for (const hold of [...job.children]) this.#release(hold);
    if (worker.isAlive) worker.finish(job, isFailing, 8 + (b % 9_000) * (b % 13 === 0 ? 100 : 1), 10 + b * (b % 17 === 0 ? 5 : 0.02));
  }

  /** What is cheap to look at after every step. */
  #checkQuickly(): void {
    const { state } = this.scheduler;
    if (state.queuedRows(-1) === 0) return;
    for (const worker of state.workers)
      must(
        !worker.running || worker.inFlight.size > worker.seceded.size,
        'work that anybody may do does not wait beside an idle worker',
        worker.index,
      );
  }

  /** Lets everything come to an end, and looks whether anything is left. */
  settle(): void {
    const roll = dice(this.stimuli);
    for (const worker of this.workers) this.#join(worker);
    this.#joinNew({ gpu: 4, tpu: 4 });
    const isQuiet = (): boolean => this.workers.every((worker) => worker.isQuiet);
    for (let turn = 0; !isQuiet(); turn++) {
      must(turn < 200_000, 'everything comes to an end', turn);
      const kinds: MoveKind[] = ['deliver', 'bring', 'begin', 'end', 'report'];
      this.move([roll(50) === 0 ? 'tick' : kinds[roll(kinds.length)]!, roll(1 << 16), roll(1 << 16)]);
    }
    checkClosely(this);
    for (const { row } of this.held) must(this.told.has(row), 'whoever holds a task is told how it went', row);
    while (this.held.length > 0) this.#release(this.held[0]!);
    while (!isQuiet()) for (const worker of this.workers) worker.deliver();
    checkNothingLeft(this);
  }

  /** A whole life. */
  play(moves: readonly Move[]): this {
    for (const move of moves) this.move(move);
    this.settle();
    return this;
  }
}

const callees: readonly Callee[] = ['f', 'g', 'h'].map((name) => ({
  name,
  identity: name,
  fn: undefined,
  source: { kind: 'own', module: 'none', name },
}));
const noLimits: Limits = { options: noOptions, allowed: undefined, preferred: undefined, retries: 0 };

export function makeTask(id: string, dependencies: readonly Task[], options: TaskOptions = noOptions, which = id.length): Task {
  return {
    id,
    name: `f${id.length}`,
    token: id,
    givenKey: id,
    callee: callees[which % callees.length]!,
    tape: dependencies.flatMap((_, i) => [Op.dependency, i]),
    argc: dependencies.length,
    dependencies,
    options,
    hosts: undefined,
    bytesToRead: 0,
    scattered: false,
  };
}

/** A random graph, layered or not, and what its tasks ask for. */
function randomTasks(roll: (sides: number) => number, workers: number, limits: Map<TaskOptions, Limits>): Task[] {
  limits.set(noOptions, noLimits);
  const wishes = Array.from({ length: 4 }, (): TaskOptions => {
    const options: TaskOptions = {
      ...(roll(3) === 0 ? { priority: roll(3) - 1 } : {}),
      ...(roll(3) === 0 ? { concurrency: 1 + roll(2) } : {}),
      ...(roll(4) === 0 ? { timeout: 1_000 } : {}),
      ...(roll(4) === 0 ? { resources: roll(5) === 0 ? { tpu: 1 } : { gpu: 1 } } : {}),
    };
    const some = Array.from({ length: workers }, (_, i) => i).filter(() => roll(2) === 0);
    const isFenced = some.length > 0 && options.resources === undefined && roll(2) === 0;
    limits.set(options, {
      options,
      allowed: isFenced ? new Set(some) : undefined,
      preferred: !isFenced && roll(2) === 0 ? some : undefined,
      retries: roll(3),
    });
    return options;
  });
  const tasks: Task[] = [];
  const size = 2 + roll(30);
  const width = 1 + roll(4);
  for (let i = 0; i < size; i++) {
    const inputs = new Set<Task>();
    for (let n = i === 0 ? 0 : roll(width + 1); n > 0; n--) inputs.add(tasks[roll(4) === 0 ? roll(i) : Math.max(0, i - 1 - roll(6))]!);
    tasks.push(makeTask(`t${'x'.repeat(roll(6))}${i}`, [...inputs], roll(3) === 0 ? wishes[roll(4)]! : noOptions, roll(3)));
  }
  return tasks;
}
