import { compile } from '../../../graph/compile.ts';
import { noOptions, type TaskOptions } from '../../../graph/options.ts';
import type { Task } from '../../../graph/task.ts';
import { MemoryPolicy } from '../../../runtime/scheduler/memory-policy.ts';
import { Scheduler } from '../../../runtime/scheduler/scheduler.ts';
import { type Limits, type Source, State } from '../../../runtime/scheduler/state.ts';
import type { Command, Stimulus } from '../../../runtime/scheduler/stimulus.ts';
import { Accounts, figuresOf } from '../../../runtime/worker/accounts.ts';
import { checkClosely, checkNotHeldUp, checkQuickly, must } from './invariants.ts';
import { makeTask, noLimits } from './random-tasks.ts';
import { type Asks, type Job, SimulatedWorker } from './simulated-worker.ts';

/** Somebody who holds a row: a Future of the user's, or one that a running task made. */
export interface Hold {
  readonly row: number;
  readonly owner: Job | undefined;
}

/** What a simulated shell begins with. */
export interface Setting {
  readonly workers: readonly Readonly<Record<string, number>>[];
  readonly isFused: boolean;
  /** Whether workers claim tasks in memory that the shell sees. */
  readonly isMemoryShared: boolean;
  /** Bytes that all workers together may hold. */
  readonly memoryLimit: number;
  /** Looks closely after every step, not every sixteenth. */
  readonly isCareful: boolean;
}

/**
 * What `engines/local.ts` does, with simulated workers and no clock: it makes stimuli of what workers say and messages of commands, starts workers anew, and
 * lets the memory policy look at their figures. After each step it asks whether all is well.
 */
export class SimulatedShell {
  readonly scheduler: Scheduler;
  readonly workers: SimulatedWorker[];
  readonly limits = new Map<TaskOptions, Limits>();
  readonly held: Hold[] = [];
  /** Row → how it ended, as its holders were told. */
  readonly told = new Map<number, 'done' | 'erred'>();
  /** Row → worker that has it in hand, as the scheduler must believe until it hears. */
  readonly inHand = new Map<number, number>();
  stimuli = 0;
  now = 1_000;
  /** Set: each step goes here, too. */
  onStep: ((at: number, stimulus: Stimulus, commands: readonly Command[]) => void) | undefined;
  readonly memory: MemoryPolicy | undefined;
  readonly #setting: Setting;
  /** Row → its job of late. */
  readonly #jobs = new Map<number, Job>();
  /** Between two steps that are one for the shell. */
  #isTakingBack = false;

  constructor(setting: Setting) {
    const { workers, memoryLimit } = setting;
    this.#setting = setting;
    const accounts =
      memoryLimit === Number.POSITIVE_INFINITY ? undefined : new Accounts(memoryLimit, figuresOf(workers.length), 0, workers.length);
    this.workers = workers.map((resources, index) => new SimulatedWorker(index, resources, accounts));
    const descriptions = workers.map((resources, i) => ({ name: `w${i}`, host: 'here', resources }));
    this.scheduler = new Scheduler({ allowedFailures: 3, stalledMs: 300, workers: descriptions });
    this.memory =
      accounts &&
      new MemoryPolicy(accounts, {
        settle: (worker) => void this.workers[worker]!.inbox.push({ kind: 'settle' }),
        pause: (worker, isPaused) => this.step({ kind: 'paused', worker, isPaused }),
        replace: (worker) => this.die(this.workers[worker]!, false, true),
      });
    for (const index of workers.keys()) this.memory?.began(index, this.now);
  }

  /** `then`: what the shell does before it carries the commands out. */
  step(stimulus: Stimulus, then?: () => void): void {
    this.stimuli++;
    const commands = this.scheduler.step(stimulus, this.now);
    this.onStep?.(this.now, stimulus, commands);
    then?.();
    this.#perform(commands);
    checkQuickly(this);
    if (!this.#isTakingBack && (this.#setting.isCareful || this.stimuli % 16 === 0)) checkClosely(this);
  }

  #perform(commands: readonly Command[]): void {
    const { state } = this.scheduler;
    const takenBack: [number, readonly number[]][] = [];
    for (const command of commands) {
      switch (command.kind) {
        case 'run': {
          const worker = this.workers[command.worker]!;
          must(worker.isAlive, 'nothing is sent to a worker that is gone', command.worker);
          must(this.memory?.isPaused(command.worker) !== true, 'nothing is sent to a worker that is paused', command.worker);
          worker.inbox.push({ kind: 'run', jobs: command.rows.map((row) => this.#makeJob(row, worker)) });
          break;
        }
        case 'steal':
          if (this.#setting.isMemoryShared) takenBack.push([command.worker, command.rows]);
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

  join(worker: SimulatedWorker): void {
    if (worker.isAlive) return;
    worker.start();
    this.step({ kind: 'worker-joined', worker: worker.index });
  }

  /** A worker that nobody expected. */
  joinNew(resources: Readonly<Record<string, number>>): void {
    const index = this.workers.length;
    const worker = new SimulatedWorker(index, resources);
    this.workers.push(worker);
    worker.start();
    this.step({ kind: 'worker-joined', worker: index, description: { name: `w${index}`, host: 'here', resources } });
  }

  die(worker: SimulatedWorker, isFlushed: boolean, wanted: boolean): void {
    if (!worker.isAlive) return;
    if (isFlushed) while (worker.outbox.length > 0) this.report(worker);
    if (worker.isAlive) this.#leave(worker, wanted, undefined);
  }

  /** A worker is gone; what it said and was asked is, too. `kept`: what another holds that is in its place already. */
  #leave(worker: SimulatedWorker, wanted: boolean, kept: ReadonlyMap<number, number> | undefined): void {
    const { index } = worker;
    this.memory?.began(index, this.now);
    const children = [...worker.jobs.values()].flatMap((job) => job.children);
    const unanswered = [...worker.inbox, ...worker.outbox].flatMap((one) => (one.kind === 'has' || one.kind === 'held' ? [one.asks] : []));
    worker.end();
    if (kept !== undefined) {
      worker.start();
      worker.isComing = true;
      for (const [row, nbytes] of kept) worker.keep(row, nbytes);
    }
    for (const [row, holder] of this.inHand) if (holder === index) this.inHand.delete(row);
    this.step({ kind: 'worker-left', worker: index, wanted, kept: [...(kept?.keys() ?? [])] });
    const { state } = this.scheduler;
    for (const row of kept?.keys() ?? [])
      must(state.holders[row] === 0 || state.holds(index, row), 'what the next worker has taken over is not lost', row);
    for (const hold of children) this.release(hold);
    for (const asks of unanswered) this.#giveBackTo(asks); // who is gone has left with all it held
    if (kept === undefined) return;
    worker.isComing = false;
    this.step({ kind: 'worker-joined', worker: index });
  }

  #giveBackTo({ waiting }: Asks): void {
    if (waiting?.worker.isAlive === true && waiting.worker.life === waiting.life) waiting.worker.outbox.unshift(waiting.message);
  }

  /** A task does not stop: another worker begins to take over what only its own holds; the next time that is asked, it takes the place, if it is still needed. */
  succeed(worker: SimulatedWorker, isImmovable: (row: number) => boolean): void {
    const { state } = this.scheduler;
    if (!worker.isAlive) return;
    const { heir, index } = worker;
    if (heir === undefined) {
      const job = worker.running.find(({ isStopped }) => isStopped);
      if (job === undefined) return;
      const brought = new Map<number, readonly [unknown, number]>();
      for (const [row, nbytes] of worker.stored)
        if (state.holds(index, row) && state.holdersOf(row).length === 1 && !isImmovable(row)) brought.set(row, [state.tasks[row], nbytes]);
      worker.heir = { row: job.row, brought };
      return;
    }
    worker.heir = undefined;
    if (!state.workers[index]!.inFlight.has(heir.row)) return;
    const kept = new Map<number, number>();
    for (const [row, [task, nbytes]] of heir.brought) if (state.holds(index, row) && state.tasks[row] === task) kept.set(row, nbytes);
    this.#leave(worker, true, kept);
  }

  /** Somebody asks for tasks: a user, or a running task. */
  submit(tasks: readonly Task[], owner: Job | undefined): void {
    const { state } = this.scheduler;
    const parent = owner?.row ?? -1;
    const plan = compile(tasks, {
      workers: [],
      isHeld: (one) => state.rowOf(one.id) !== undefined,
      ...(this.#setting.isFused ? {} : { passes: [] }),
    });
    const source: Source = { graph: plan.graph, rows: new Int32Array(plan.graph.size) };
    const limitsOf = (row: number): Limits => this.limits.get(plan.graph.tasks[row]!.options)!;
    this.step({ kind: 'submitted', plan, source, limitsOf, parent }, () => {
      for (const output of plan.graph.outputs) {
        const hold: Hold = { row: source.rows[output]!, owner };
        this.held.push(hold);
        owner?.children.push(hold);
      }
    });
  }

  /** Somebody lays data on workers. */
  scatter(which: number, targets: readonly number[], size: number): void {
    const { state } = this.scheduler;
    const task = { ...makeTask(`s${which}`, [], noOptions, size), scattered: true };
    const known = state.rowOf(task.id);
    const isNew = known === undefined || state.state[known] !== State.memory;
    const nbytes = 1 + (size % 5_000);
    this.step({ kind: 'scattered', task, workers: targets, nbytes, limits: noLimits }, () => {
      const row = state.rowOf(task.id)!;
      if (isNew) for (const target of targets) this.workers[target]!.inbox.push({ kind: 'put', rows: [row], nbytes });
      this.held.push({ row, owner: undefined });
    });
  }

  /** Somebody wants a result itself: the first that holds it is asked. */
  fetch(row: number): void {
    const { state } = this.scheduler;
    const holder = this.workers[state.holdersOf(row)[0] ?? -1];
    if (holder?.isAlive === true) holder.inbox.push({ kind: 'has', rows: [row], asks: { asked: state.steps } });
  }

  release(hold: Hold): void {
    this.held.splice(this.held.indexOf(hold), 1);
    if (hold.owner !== undefined) hold.owner.children.splice(hold.owner.children.indexOf(hold), 1);
    this.step({ kind: 'released', row: hold.row });
  }

  /** The shell takes in what a worker said. */
  report(worker: SimulatedWorker): void {
    const { state } = this.scheduler;
    const message = worker.outbox.shift();
    switch (message?.kind) {
      case 'finished':
        if (message.moved.length > 0) this.step({ kind: 'moved', rows: message.moved, us: 500 });
        for (let i = 0; i < message.reports.length; i += 3) this.leaves(message.reports[i]!);
        this.step({ kind: 'finished', worker: worker.index, reports: message.reports });
        return this.weigh();
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
          asks: { asked: state.steps, waiting: { worker, life: worker.life, message: { ...message, missing: others } } },
        });
        return;
      }
      case 'held': {
        if (message.lost.length > 0) this.step({ kind: 'missing', worker: worker.index, rows: message.lost, asked: message.asks.asked });
        return this.#giveBackTo(message.asks);
      }
    }
  }

  /** The memory policy looks at the workers' figures. */
  weigh(): void {
    if (this.memory === undefined) return;
    const wasPaused = this.memory.paused().length > 0;
    this.memory.weigh(this.scheduler.state, this.now);
    if (wasPaused) checkNotHeldUp(this);
  }

  /** Time passes. */
  tick(): void {
    this.step({ kind: 'tick' });
    if (this.memory === undefined || this.memory.paused().length === 0) return;
    for (const index of this.memory.paused()) this.workers[index]!.inbox.push({ kind: 'settle' });
    this.weigh();
  }

  /** A task begins: it is nowhere else under way. */
  mayBegin(row: number, here: SimulatedWorker): void {
    for (const worker of this.workers)
      must(worker === here || !worker.isAlive || !worker.running.some((job) => job.row === row), 'no task runs twice at a time', row);
  }
}
