import type { Task } from '../../../graph/task.ts';
import { State } from '../../../runtime/scheduler/state.ts';
import { checkClosely, checkNothingLeft, must } from './invariants.ts';
import { dice, type Move, type MoveKind } from './moves.ts';
import { randomTasks } from './random-tasks.ts';
import { SimulatedShell } from './simulated-shell.ts';
import type { SimulatedWorker } from './simulated-worker.ts';

/**
 * The pure scheduler against a simulated world: workers with inboxes and outboxes that are read when chance will have it, results that travel between
 * them, Futures that come and go. Everything follows from a seed, for the graph and the workers, and a list of moves.
 */
export class World extends SimulatedShell {
  readonly tasks: readonly Task[];

  constructor(seed: number, isCareful = false) {
    const roll = dice(seed);
    const rollLimit = dice(seed ^ 0x2c1b3c6d);
    const workers = Array.from(
      { length: 1 + roll(4) },
      (): Readonly<Record<string, number>> => (roll(3) === 0 ? { gpu: 1 + roll(2) } : {}),
    );
    super({
      workers,
      isFused: roll(2) === 0,
      isMemoryShared: roll(2) === 0,
      memoryLimit: rollLimit(2) === 0 ? Number.POSITIVE_INFINITY : 4_000 + rollLimit(40_000) * workers.length,
      isCareful,
    });
    this.tasks = randomTasks(roll, workers.length, this.limits);
    for (const worker of this.workers) if (roll(4) > 0) this.join(worker);
  }

  /** Lets one thing happen; what cannot happen now does not. */
  move([kind, a, b]: Move): void {
    this.now += b % 7;
    const worker = this.workers[a % this.workers.length]!;
    const { state } = this.scheduler;
    switch (kind) {
      case 'submit':
        return this.submit(this.#some(a, b % 4 === 0 ? 2 : 1), undefined);
      case 'scatter': {
        const targets = this.workers.filter((one, i) => one.isAlive && (b >> i) % 2 === 0).map(({ index }) => index);
        return targets.length === 0 ? undefined : this.scatter(a % 3, targets, b);
      }
      case 'deliver':
        return worker.deliver();
      case 'bring':
        return worker.bring(b, this.workers, this.#isImmovable);
      case 'begin':
        worker.begin(b, (row) => this.mayBegin(row, worker));
        if (worker.running.some(({ row }) => isPoisonous(state.tasks[row]))) this.die(worker, false, false);
        return;
      case 'end':
      case 'fail':
        return this.#end(worker, kind === 'fail', b);
      case 'nest': {
        const job = worker.running.at(-1);
        const row = job?.row ?? -1;
        const task = this.tasks[b % this.tasks.length]!;
        if (job === undefined || job.children.length > 2 || this.#isBelow(row, task)) return;
        this.step({ kind: 'seceded', worker: worker.index, row });
        return this.submit([task], job);
      }
      case 'report':
        if (worker.outbox.length > 0) this.report(worker);
        return;
      case 'die':
        return this.die(worker, b % 2 === 0, b % 5 === 0);
      case 'join':
        if (b % 211 === 0 && this.workers.length < 6) return this.joinNew(b % 3 === 0 ? { gpu: 1, tpu: 1 } : {});
        return this.join(worker);
      case 'tick':
        this.now += b % 100;
        return this.tick();
      case 'leak':
        return worker.isAlive ? worker.leak((b % 8) * 1_000) : undefined;
      case 'spoil':
        return worker.spoil(b);
      case 'succeed':
        return this.succeed(worker, this.#isImmovable);
    }
    const hold = this.held[a % Math.max(1, this.held.length)];
    if (hold === undefined) return;
    if (kind === 'release') this.release(hold);
    else if (kind === 'cancel') this.step({ kind: 'cancelled', rows: [hold.row] });
    else if (kind === 'fetch') this.fetch(hold.row);
    else if (kind === 'reuse') this.step({ kind: 'reused', row: hold.row });
    else if (kind === 'retry' && state.state[hold.row] === State.erred) this.step({ kind: 'retried', rows: [hold.row] });
  }

  #some(first: number, count: number): Task[] {
    return Array.from({ length: count }, (_, i) => this.tasks[(first + 7 * i) % this.tasks.length]!);
  }

  readonly #isImmovable = (row: number): boolean => (this.scheduler.state.tasks[row]?.token.length ?? 0) % 5 === 4;

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

  #end(worker: SimulatedWorker, isFailing: boolean, b: number): void {
    const job = worker.running[b % Math.max(1, worker.running.length)];
    if (job === undefined) return;
    const isWaiting = job.children.some(({ row }) => !this.told.has(row));
    if (isWaiting && !job.isStopped && !isFailing) return;
    for (const hold of [...job.children]) this.release(hold);
    if (worker.isAlive) worker.finish(job, isFailing, 8 + (b % 9_000) * (b % 13 === 0 ? 100 : 1), 10 + b * (b % 17 === 0 ? 5 : 0.02));
  }

  /** Lets everything come to an end, and looks whether anything is left. */
  settle(): void {
    const roll = dice(this.stimuli);
    for (const worker of this.workers) this.join(worker);
    this.joinNew({ gpu: 4, tpu: 4 });
    const { counts } = this.scheduler.state;
    const isQuiet = (): boolean => counts[State.queued] === 0 && this.workers.every((worker) => worker.isQuiet);
    for (let turn = 0; !isQuiet(); turn++) {
      must(turn < 200_000, 'everything comes to an end', turn);
      const kinds: MoveKind[] = ['deliver', 'bring', 'begin', 'end', 'report'];
      for (const worker of this.workers) if (!worker.isAlive) this.join(worker); // the policy may replace one still
      this.move([roll(50) === 0 ? 'tick' : kinds[roll(kinds.length)]!, roll(1 << 16), roll(1 << 16)]);
    }
    checkClosely(this);
    for (const { row } of this.held) must(this.told.has(row), 'whoever holds a task is told how it went', row);
    while (this.held.length > 0) this.release(this.held[0]!);
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

/** Some tasks end whoever runs them. */
function isPoisonous(task: Task | undefined): boolean {
  return task?.token.endsWith('13') === true;
}
