import {
  type Callee,
  CancelledError,
  type Plan,
  parseDuration,
  type Task,
  type TaskOptions,
  type WorkerDescription,
} from '../../graph/index.ts';
import type { Engine, EngineListener, EngineView, Outcome, Putting, Sink, Where } from '../engine.ts';
import type { NestedHost } from '../nested/host.ts';
import { type Limits, type SchedulerState, State, sourceOf } from '../scheduler/state.ts';
import type { Command, Stimulus } from '../scheduler/stimulus.ts';
import type { FromWorker } from '../worker/protocol.ts';
import { sizeOf } from '../worker/size-of.ts';
import { encodeBatch } from './batch.ts';
import { Blames } from './blames.ts';
import { callOn } from './call.ts';
import { Claims } from './claims.ts';
import { TaskConsole } from './console.ts';
import { Crew } from './crew.ts';
import { Definitions } from './definitions.ts';
import { Endings, isUnfinished } from './endings.ts';
import { closedError } from './errors.ts';
import { limitsFor, someWorkersNamed } from './limits.ts';
import type { LocalOptions } from './local-options.ts';
import { Memory } from './memory.ts';
import { parcelsOf } from './put.ts';
import { Recorder } from './recorder.ts';
import { Results } from './results.ts';
import { Sinks } from './sinks.ts';
import { TimedScheduler } from './timed-scheduler.ts';
import { localView, transitionOf } from './view.ts';

/** An engine on this machine: the scheduler's shell. It carries messages to stimuli and commands to messages, and keeps clocks and promises. */
export class LocalEngine implements Engine {
  readonly name: string;
  readonly workers: readonly WorkerDescription[];
  #listener: EngineListener = { warning: ({ code, message }) => process.emitWarning(message, { code }) };
  readonly view: EngineView;
  readonly #options: LocalOptions;
  #scheduler!: TimedScheduler;
  readonly #recorder: Recorder | undefined;
  #definitions: Definitions;
  readonly #crew: Crew;
  readonly #memory: Memory;
  readonly #claims: Claims | undefined;
  readonly #results: Results;
  readonly #sinks = new Sinks();
  readonly #blames: Blames;
  readonly #endings: Endings;
  readonly #console: TaskConsole = new TaskConsole();
  #executor: unknown;
  #nested: NestedHost | undefined;
  #fatal: Error | undefined;
  #isClosed = false;
  #nextTarget = 0;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.name = options.name;
    this.workers = options.workers;
    this.#definitions = new Definitions({ isLive: options.isLive });
    const warn = (code: string, message: string): void => this.listener.warning({ time: Date.now(), code, message });
    this.#recorder = options.record === undefined ? undefined : new Recorder(options.record, (message) => warn('HEDDLE_RECORD', message));
    this.#newScheduler();
    const state = (): SchedulerState => this.#scheduler.state;
    const step = (stimulus: Stimulus): void => this.#step(stimulus);
    this.#blames = new Blames(state, options.workers);
    this.#memory = new Memory({ options, crew: () => this.#crew, state, step, listener: () => this.listener });
    this.#claims = options.isMemoryShared ? new Claims() : undefined;
    this.#crew = new Crew({
      memory: this.#memory,
      names: options.workers.map(({ name }) => name),
      start: options.start,
      settings: options.settings,
      claims: this.#claims,
      listener: {
        joined: (index) => this.#memory.tell(index, 'joined', { kind: 'worker-joined', worker: index }),
        left: (index, cause, wanted, kept) => this.#left(index, cause, wanted, kept),
        broken: (error) => this.#break(error),
        message: (index, message) => this.#receive(index, message),
        executor: () => this.#executor,
        warn,
      },
    });
    this.view = localView(state, (index) => this.#crew.isReady(index), this.#memory, options.workers);
    const [crew, blames, { cancelGraceMs, noWorkerTimeoutMs }] = [this.#crew, this.#blames, options];
    this.#endings = new Endings({ crew, claims: this.#claims, blames, cancelGraceMs, noWorkerTimeoutMs, state, step, warn });
    this.#results = new Results({
      crew,
      state,
      errorOf: (row) => blames.carriedBy(row),
      taskOf: (row) => blames.taskOf(row),
      missing: (worker, rows, asked) => step({ kind: 'missing', worker, rows, asked }),
    });
  }

  #newScheduler(): void {
    const { allowedFailures, stalledMs } = this.#options;
    this.#scheduler?.setBusy(false);
    this.#scheduler = new TimedScheduler({ allowedFailures, stalledMs, workers: this.workers }, this.#recorder, {
      ticked: (commands) => this.#perform(commands),
      broken: (error) => this.#break(error),
    });
    this.listener = this.#listener;
  }

  get listener(): EngineListener {
    return this.#listener;
  }

  set listener(listener: EngineListener) {
    this.#listener = listener;
    const { state } = this.#scheduler;
    state.onTransition = listener.task && ((row, from, to) => listener.task?.(transitionOf(state, this.workers, row, from, to)));
  }

  get size(): number {
    return this.#scheduler.state.live;
  }

  find(id: string): Task | undefined {
    const { state } = this.#scheduler;
    const row = state.rowOf(id);
    return row === undefined ? undefined : state.tasks[row];
  }

  attach(executor: unknown, nested: NestedHost): void {
    this.#executor = executor;
    this.#nested = nested;
  }

  run(plan: Plan, sinks: readonly Sink[], parent = -1): void {
    if (this.#refuse(sinks)) return;
    this.secede(parent);
    const rows = new Int32Array(plan.graph.size);
    const cache = new Map<TaskOptions, Limits>();
    const limitsOf = (graphRow: number): Limits =>
      limitsFor(plan.graph.tasks[graphRow]!.options, plan.preferred[graphRow], this.workers, this.#options.retries, cache);
    const stimulus: Stimulus = { kind: 'submitted', plan, source: sourceOf(plan, rows), limitsOf, parent };
    const commands = this.#scheduler.step(stimulus);
    for (let i = 0; i < sinks.length; i++) this.#sinks.attach(rows[plan.graph.outputs[i]!]!, sinks[i]!);
    this.#perform(commands);
  }

  secede(row: number): void {
    const worker = this.#scheduler.state.workers[this.#scheduler.state.worker[row] ?? -1];
    if (worker?.inFlight.has(row) === true && !worker.seceded.has(row)) this.#step({ kind: 'seceded', worker: worker.index, row });
  }

  put(task: Task, what: Putting, where: Where, sink: Sink): void {
    if (this.#refuse([sink])) return;
    const named = someWorkersNamed(this.workers, where.workers);
    const targets = where.broadcast ? named : [named[this.#nextTarget++ % named.length]!];
    const parcels = parcelsOf(what, this.#definitions, targets.length); // before the table knows of it: what cannot be sent is nowhere
    const { state } = this.#scheduler;
    const isNew = state.state[state.rowOf(task.id) ?? -1] !== State.memory;
    const limits = limitsFor(task.options, undefined, this.workers, 0, new Map());
    const commands = this.#scheduler.step({ kind: 'scattered', task, workers: targets, nbytes: sizeOf(what.data), limits });
    const row = state.rowOf(task.id)!;
    if (isNew) for (const [i, { message, transfer }] of parcels.entries()) this.#crew.post(targets[i]!, message(row), transfer);
    this.#sinks.attach(row, sink);
    if (what.captured !== undefined) this.#definitions.scattered(row, what.captured);
    this.#definitions.tidy(state, this.#crew);
    this.#perform(commands);
  }

  /** A closed or broken engine takes nothing. */
  #refuse(sinks: readonly Sink[]): boolean {
    const error = this.#isClosed ? closedError() : this.#fatal;
    if (error !== undefined) for (const sink of sinks) sink.failed(error);
    return error !== undefined;
  }

  async fetch(handles: readonly number[]): Promise<Outcome[]> {
    if (this.#isClosed) throw closedError();
    const outcomes = this.#results.fetch(handles);
    this.#updateBusy();
    return outcomes.finally(() => this.#updateBusy());
  }

  reused(handle: number): void {
    if (!this.#isClosed && handle >= 0) this.#step({ kind: 'reused', row: handle });
  }

  release(handle: number): void {
    if (this.#isClosed) return;
    this.#sinks.forget(handle);
    this.#step({ kind: 'released', row: handle });
  }

  async cancel(handles: readonly number[], { reason, force }: { readonly reason: unknown; readonly force: boolean }): Promise<void> {
    const { state } = this.#scheduler;
    for (const row of handles)
      if (state.state[row] !== State.memory && state.state[row] !== State.erred) this.#blames.cancelled(row, reason);
    const commands = this.#scheduler.step({ kind: 'cancelled', rows: handles });
    const stops = commands.filter((command) => command.kind === 'stop');
    this.#perform(commands.filter((command) => command.kind !== 'stop'));
    await Promise.all(stops.map((stop) => this.#endings.stop(stop.worker, stop.row, reason, force ? 0 : this.#options.cancelGraceMs)));
  }

  retry(handles: readonly number[]): void {
    this.#step({ kind: 'retried', rows: handles });
  }

  async call(callee: Callee, names: readonly string[] | undefined): Promise<Map<string, unknown>> {
    const calls = callOn(this.#crew, someWorkersNamed(this.workers, names), this.workers, callee, this.#definitions.define(callee));
    const called = this.#definitions.calling(callee, calls);
    this.#updateBusy();
    return called.finally(() => this.#updateBusy());
  }

  async restart(): Promise<void> {
    const reason = 'the executor was restarted';
    this.#failAll((key) => new CancelledError(key, reason));
    this.#definitions = new Definitions({ isLive: this.#options.isLive });
    this.#newScheduler();
    this.#blames.clear();
    this.#results.close(new CancelledError('of a pending request', reason));
    for (const index of this.workers.keys()) this.#nested?.lost(index);
    await this.#crew.restart(new CancelledError('of a pending request', reason));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failAll(() => closedError());
    this.#results.close();
    this.#updateBusy();
    this.#recorder?.close();
    await this.#crew.close(closedError());
    await this.#memory.close();
  }

  #failAll(errorFor: (key: string) => Error): void {
    this.#sinks.failAll(this.#scheduler.state, errorFor);
    this.#endings.clocks.clear();
  }

  #receive(index: number, message: FromWorker): void {
    switch (message.kind) {
      case 'finished':
        return this.#finished(index, message);
      case 'failed':
        return this.#failed(index, message);
      case 'returned':
        if (this.#endings.failOverdue(index, message.row)) return;
        return void this.#returned(index, message);
      case 'unmoved': {
        // Sent back once, it goes where its inputs lie; back again, they lie with different workers.
        const { unmoved } = this.#scheduler.state;
        if (unmoved.has(message.row)) return this.#failed(index, { ...message, kind: 'failed' });
        unmoved.add(message.row);
        if (this.#endings.failOverdue(index, message.row)) return;
        this.#step({ kind: 'immovable', rows: message.inputs });
        return this.#step({ kind: 'returned', worker: index, rows: [message.row] });
      }
      case 'kept':
        return this.#step({ kind: 'kept', worker: index, rows: message.rows });
      case 'nested': {
        const answer = this.#crew.answer(index);
        return this.#nested?.receive(index, message.request, (reply, transfer) => answer({ kind: 'nested', reply }, transfer));
      }
      case 'memory':
      case 'unspilled':
        return this.#memory.told(index, message);
      case 'console':
        return this.#console.write(index, this.workers[index]!.name, message, this.listener);
    }
  }

  /** A task came back unrun. */
  async #returned(index: number, { row, missing }: Extract<FromWorker, { kind: 'returned' }>): Promise<void> {
    const life = this.#crew.life(index);
    if (missing.length > 0) await this.#results.confirm(missing);
    if (!this.#isClosed && life === this.#crew.life(index)) this.#step({ kind: 'returned', worker: index, rows: [row] });
  }

  /** A worker has ended, and another is starting in its place. */
  #left(index: number, cause: Error | undefined, wanted: boolean, kept: readonly number[]): void {
    this.#definitions.forgetWorker(index);
    this.listener.worker?.({ time: Date.now(), worker: this.workers[index]!.name, change: 'left' });
    const { state } = this.#scheduler;
    for (const row of state.workers[index]!.inFlight) this.#endings.clocks.left(row);
    const commands = this.#scheduler.step({ kind: 'worker-left', worker: index, wanted, kept });
    const lastLines = this.#console.take(index);
    for (const command of commands)
      if (command.kind === 'killed') this.#blames.killed(command.row, command.deaths, this.workers[index]!.name, cause, lastLines);
    this.#perform(commands);
    this.#nested?.lost(index); // not before the table knows: what that lets go of would make room for others on a worker that is gone
  }

  /** Nothing can run any more. */
  #break(error: Error): void {
    this.#fatal = error;
    this.#failAll(() => error);
    this.#results.close(error);
    this.#updateBusy();
  }

  #finished(index: number, { reports, rows, values, moves }: Extract<FromWorker, { kind: 'finished' }>): void {
    for (const { rows: moved, us } of moves ?? []) this.#step({ kind: 'moved', rows: moved, us });
    // An overdue row has failed by now: the report that follows finds it gone, and its result is dropped.
    if (!this.#endings.clocks.isQuiet) for (let i = 0; i < reports.length; i += 3) this.#endings.failOverdue(index, reports[i]!);
    this.#sinks.withArrived(rows, values, () => this.#step({ kind: 'finished', worker: index, reports }));
    this.#memory.weigh();
  }

  #failed(index: number, message: Extract<FromWorker, { kind: 'failed' }>): void {
    const { row } = message;
    if (this.#endings.failOverdue(index, row)) return;
    const { state } = this.#scheduler;
    if (state.state[row] === State.processing) this.#blames.thrown(message, this.#definitions.resolveClass); // else it was cancelled, which its Futures know
    this.#step({ kind: 'failed', worker: index, row });
    if (isUnfinished(state.state[row]!)) this.#blames.forget(row); // it is being retried; dependants of one that has failed go on to blame it
  }

  #step(stimulus: Stimulus): void {
    this.#perform(this.#scheduler.step(stimulus));
  }

  #perform(commands: readonly Command[]): void {
    for (const command of commands) {
      switch (command.kind) {
        case 'run':
          this.#send(command.worker, command.rows);
          break;
        case 'free':
          this.#crew.free(command.worker, command.rows);
          break;
        case 'done':
          this.#results.tell(command.row);
          this.#sinks.finished(command.row);
          break;
        case 'erred':
          this.#results.tell(command.row);
          this.#sinks.failed(command.row, this.#blames.of(command.blame));
          break;
        case 'lost':
          this.#blames.lost(command.row);
          break;
        case 'stop':
          this.#endings.stopUnwanted(command);
          break;
        case 'no-worker':
          this.#endings.noWorker(command.row);
          break;
        case 'forgotten':
          this.#blames.forget(command.row);
          this.#definitions.forgotten(command.row);
          this.#sinks.forget(command.row);
          break;
        case 'steal':
          this.#endings.askBack(command.worker, command.rows);
          break;
        case 'stalled':
          this.#endings.stalled(command);
          break;
        case 'killed':
          break; // its error is made where the cause is known
        default:
          command satisfies never;
      }
    }
    this.#updateBusy();
  }

  #send(worker: number, rows: readonly number[]): void {
    const { state } = this.#scheduler;
    const ticket = this.#claims?.next(worker);
    try {
      this.#crew.post(worker, encodeBatch(state, this.#definitions, worker, rows, this.#claims));
      this.#definitions.sent(worker, true);
    } catch (error) {
      this.#definitions.sent(worker, false);
      if (ticket !== undefined) this.#claims!.unsent(worker, ticket);
      if (rows.length > 1) for (const row of rows) this.#send(worker, [row]);
      else {
        this.#blames.unsent(rows[0]!, error);
        this.#step({ kind: 'failed', worker, row: rows[0]! });
      }
      return;
    }
    this.#definitions.tidy(state, this.#crew);
    for (const row of rows) {
      const { timeout } = state.tasks[row]!.options;
      if (timeout !== undefined) this.#endings.startClock(worker, row, parseDuration(timeout, 'timeout'));
    }
  }

  #updateBusy(): void {
    const { counts } = this.#scheduler.state;
    const isOpen = !this.#isClosed && this.#fatal === undefined;
    const isWorking = isOpen && counts[State.waiting]! + counts[State.noWorker]! + counts[State.queued]! + counts[State.processing]! > 0;
    this.#crew.setBusy(isWorking || (isOpen && this.#crew.isAsked));
    this.#scheduler.setBusy(isWorking);
  }
}
