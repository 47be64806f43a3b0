import { compile } from '../../../graph/compile.ts';
import { noOptions, type TaskOptions } from '../../../graph/options.ts';
import type { Task } from '../../../graph/task.ts';
import { Scheduler } from '../../../runtime/scheduler/scheduler.ts';
import type { Limits, Source } from '../../../runtime/scheduler/state.ts';
import type { Command, Stimulus } from '../../../runtime/scheduler/stimulus.ts';
import type { State } from '../../../runtime/scheduler/transitions.ts';
import { makeTask } from './random-tasks.ts';

/** What a task asks for, beside its options. */
export interface Wishes extends TaskOptions {
  readonly on?: readonly number[];
  readonly near?: readonly number[];
}

/** A scheduler on a desk: one says what happens, and reads what it answers, by key. */
export class Desk {
  readonly scheduler: Scheduler;
  now = 1_000_000;
  readonly #limits = new Map<TaskOptions, Limits>([
    [noOptions, { options: noOptions, allowed: undefined, preferred: undefined, retries: 0 }],
  ]);

  constructor(workers: number | readonly Readonly<Record<string, number>>[], stalledMs = 10_000) {
    const resources = typeof workers === 'number' ? new Array<Record<string, number>>(workers).fill({}) : workers;
    const descriptions = resources.map((one, i) => ({ name: `w${i}`, host: 'here', resources: one }));
    this.scheduler = new Scheduler({ allowedFailures: 3, stalledMs, workers: descriptions });
    for (let i = 0; i < descriptions.length; i++) this.step({ kind: 'worker-joined', worker: i });
  }

  task(id: string, inputs: readonly Task[] = [], { on, near, ...options }: Wishes = {}): Task {
    const own = Object.keys(options).length === 0 && on === undefined && near === undefined ? noOptions : { ...options };
    if (own !== noOptions)
      this.#limits.set(own, { options: own, allowed: on && new Set(on), preferred: near, retries: options.retries ?? 0 });
    return { ...makeTask(id, inputs, own), name: id.replace(/\d+$/, '') };
  }

  /** Commands as text: `run 0 a b`. */
  step(stimulus: Stimulus): string[] {
    return this.#told(this.scheduler.step(stimulus, this.now));
  }

  #told(commands: readonly Command[]): string[] {
    return commands.flatMap((command) => {
      if (command.kind === 'run' || command.kind === 'steal')
        return [`${command.kind} ${command.worker} ${command.rows.map((row) => this.scheduler.state.key(row)).join(' ')}`];
      if (command.kind === 'stalled')
        return [`stalled ${this.scheduler.state.key(command.row)} beside ${command.idle}: ${command.isAble}, ${command.count}`];
      return command.kind === 'no-worker' ? [`no-worker ${this.scheduler.state.key(command.row)}`] : [];
    });
  }

  submit(...tasks: Task[]): string[] {
    const { state } = this.scheduler;
    const plan = compile(tasks, { workers: [], passes: [], isHeld: (one) => state.rowOf(one.id) !== undefined });
    const source: Source = { graph: plan.graph, rows: new Int32Array(plan.graph.size) };
    const limitsOf = (row: number): Limits => this.#limits.get(plan.graph.tasks[row]!.options)!;
    return this.step({ kind: 'submitted', plan, source, limitsOf, parent: -1 });
  }

  row(id: string): number {
    return this.scheduler.state.rowOf(id)!;
  }

  /** A worker finished some of its tasks. */
  finish(
    worker: number,
    ids: readonly string[],
    { nbytes = 8, us = 50 }: { readonly nbytes?: number; readonly us?: number } = {},
  ): string[] {
    return this.step({ kind: 'finished', worker, reports: ids.flatMap((id) => [this.row(id), nbytes, us]) });
  }

  /** Tells how long tasks of a name take. */
  time(name: string, us: number): void {
    const { durations } = this.scheduler.state;
    durations.record(durations.of(name), us);
  }

  /** Where a task runs or lies. */
  whereIs(id: string): number {
    return this.scheduler.state.worker[this.row(id)]!;
  }

  isIn(id: string, state: State): boolean {
    return this.scheduler.state.state[this.row(id)] === state;
  }
}
