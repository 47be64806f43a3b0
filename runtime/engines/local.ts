import {
  type Callee,
  CancelledError,
  HeddleError,
  isHeddleError,
  keyOf,
  type Plan,
  parseDuration,
  type Task,
  type TaskOptions,
  TimeoutError,
  type WorkerDescription,
} from '../../graph/index.ts';
import type { Engine, EngineListener, EngineView, Outcome, Putting, Sink } from '../engine.ts';
import { packError, unpackError } from '../failure.ts';
import type { NestedHost } from '../nested/host.ts';
import type { StartWorker, Transport } from '../pool/transport.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import { type Limits, State } from '../scheduler/state.ts';
import type { Command, Stimulus } from '../scheduler/stimulus.ts';
import { decode, encode } from '../worker/encode.ts';
import type { FromWorker, WorkerSettings } from '../worker/protocol.ts';
import { sizeOf } from '../worker/size-of.ts';
import { encodeBatch } from './batch.ts';
import { Clocks } from './clocks.ts';
import { Definitions } from './definitions.ts';
import { closedError, lostError } from './errors.ts';
import { limitsFor, someWorkersNamed } from './limits.ts';
import { Requests } from './requests.ts';
import { localView, transitionOf } from './view.ts';

export interface LocalOptions {
  readonly name: string;
  readonly workers: readonly WorkerDescription[];
  readonly start: StartWorker;
  /** Workers share the caller's thread: functions go over as they are. */
  readonly isLive: boolean;
  readonly retries: number;
  readonly allowedFailures: number;
  readonly noWorkerTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly settings: Omit<WorkerSettings, 'index' | 'name'>;
}

interface Member {
  transport: Transport;
  isReady: boolean;
  /** Starts in a row that ended before the worker was ready. */
  falseStarts: number;
}

/** An engine on this machine: the scheduler's shell. It carries messages to stimuli and commands to messages, and keeps clocks and promises. */
export class LocalEngine implements Engine {
  readonly name: string;
  readonly workers: readonly WorkerDescription[];
  #listener: EngineListener = { warning: ({ code, message }) => process.emitWarning(message, { code }) };
  readonly view: EngineView;
  readonly #options: LocalOptions;
  #scheduler!: Scheduler;
  #definitions: Definitions;
  readonly #members: Member[] = [];
  #sinks: (Sink | undefined)[] = [];
  /** By row to blame: what all its dependants fail with. */
  readonly #errors = new Map<number, Error | Promise<Error>>();
  /** Small results that came with the report now looked at. */
  #arrived = new Map<number, unknown>();
  readonly #requests = new Requests();
  readonly #clocks = new Clocks();
  /** By worker: results it may drop, told at the end of the turn. */
  readonly #frees = new Map<number, number[]>();
  /** Who waits for a lost row to be made again. */
  readonly #awaited = new Map<number, (() => void)[]>();
  #executor: unknown;
  #nested: NestedHost | undefined;
  #fatal: Error | undefined;
  #isClosed = false;
  #isBusy = false;
  #nextTarget = 0;

  constructor(options: LocalOptions) {
    this.#options = options;
    this.name = options.name;
    this.workers = options.workers;
    this.#definitions = new Definitions({ isLive: options.isLive });
    this.#newScheduler();
    this.view = localView(
      () => this.#scheduler.state,
      (index) => this.#members[index]?.isReady === true,
      options.workers,
    );
    for (let index = 0; index < options.workers.length; index++) this.#start(index, 0);
  }

  #newScheduler(): void {
    this.#scheduler = new Scheduler({ allowedFailures: this.#options.allowedFailures, workers: this.workers });
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

  find(id: string): Task | undefined {
    const { state } = this.#scheduler;
    const row = state.rowById.get(id);
    return row === undefined ? undefined : state.tasks[row];
  }

  attach(executor: unknown, nested: NestedHost): void {
    this.#executor = executor;
    this.#nested = nested;
  }

  run(plan: Plan, sinks: readonly Sink[], parent = -1): void {
    if (this.#refuse(sinks)) return;
    if (parent >= 0) this.#step({ kind: 'seceded', worker: this.#scheduler.state.worker[parent]!, row: parent });
    const rows = new Int32Array(plan.graph.size);
    const cache = new Map<TaskOptions, Limits>();
    const limitsOf = (graphRow: number): Limits =>
      limitsFor(plan.graph.tasks[graphRow]!.options, plan.preferred[graphRow], this.workers, this.#options.retries, cache);
    const stimulus: Stimulus = { kind: 'submitted', plan, source: { graph: plan.graph, rows }, limitsOf, parent };
    const commands = this.#scheduler.step(stimulus);
    for (let i = 0; i < sinks.length; i++) {
      const sink = sinks[i]!;
      sink.handle = rows[plan.graph.outputs[i]!]!;
      this.#sinks[sink.handle] = sink;
    }
    this.#perform(commands);
  }

  put(
    task: Task,
    { data, captured }: Putting,
    where: { readonly broadcast: boolean; readonly workers: readonly string[] | undefined },
    sink: Sink,
  ): void {
    if (this.#refuse([sink])) return;
    const named = someWorkersNamed(this.workers, where.workers);
    const targets = where.broadcast ? named : [named[this.#nextTarget++ % named.length]!];
    const { state } = this.#scheduler;
    const isNew = !state.rowById.has(task.id);
    const commands = this.#scheduler.step({
      kind: 'scattered',
      task,
      workers: targets,
      nbytes: sizeOf(data),
      limits: limitsFor(task.options, undefined, this.workers, 0, new Map()),
    });
    const row = state.rowById.get(task.id)!;
    if (isNew) {
      for (const target of targets) {
        const { transport } = this.#members[target]!;
        this.#sendFrees();
        if (captured !== undefined)
          transport.post({ kind: 'put', row, rich: false, value: undefined, captured: this.#definitions.defineData(captured) });
        else {
          const { rich, value, transfer } = encode(data, 'data');
          transport.post({ kind: 'put', row, rich, value }, transfer);
        }
      }
    }
    sink.handle = row;
    this.#sinks[row] = sink;
    this.#perform(commands);
  }

  /** A closed or broken engine takes nothing. */
  #refuse(sinks: readonly Sink[]): boolean {
    const error = this.#isClosed ? closedError() : this.#fatal;
    if (error === undefined) return false;
    for (const sink of sinks) sink.failed(error);
    return true;
  }

  async fetch(handles: readonly number[]): Promise<Outcome[]> {
    const outcomes = new Array<Outcome>(handles.length);
    let places = [...handles.keys()];
    while (places.length > 0) {
      const { state } = this.#scheduler;
      const byWorker = new Map<number, number[]>();
      for (const place of places) {
        const row = handles[place]!;
        if (state.state[row] !== State.memory) await this.#remade(row);
        if (state.state[row] === State.erred)
          outcomes[place] = { kind: 'error', error: await (this.#errors.get(state.blame[row]!) ?? lostError(state.key(row))) };
        else {
          const some = byWorker.get(state.worker[row]!);
          if (some === undefined) byWorker.set(state.worker[row]!, [place]);
          else some.push(place);
        }
      }
      const again = await Promise.all([...byWorker].map(([worker, some]) => this.#fetchFrom(worker, some, handles, outcomes)));
      places = again.flat();
    }
    return outcomes;
  }

  /** Fetches from one worker; the places of what was gone by then, and is being made again. */
  async #fetchFrom(worker: number, places: readonly number[], handles: readonly number[], outcomes: Outcome[]): Promise<number[]> {
    const rows = places.map((place) => handles[place]!);
    let answer: Extract<FromWorker, { kind: 'fetched' }>;
    try {
      answer = (await this.#ask(worker, (request) => ({ kind: 'fetch', request, rows }))) as typeof answer;
    } catch (error) {
      if (isHeddleError(error, 'ERR_LOST')) return [...places]; // its worker is gone
      throw error;
    }
    const again: number[] = [];
    for (const [n, result] of answer.results.entries()) {
      const place = places[n]!;
      if (result.kind === 'value') outcomes[place] = { kind: 'value', value: decode(result) };
      else if (result.kind === 'unsendable')
        outcomes[place] = { kind: 'error', error: await unpackError(result.error, this.#failedTask(rows[n]!, -1)) };
      else again.push(place);
    }
    return again;
  }

  /** Resolves when a held row that was lost has been made again, or has failed. */
  #remade(row: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(closedError());
      const waiting = this.#awaited.get(row);
      if (waiting === undefined) this.#awaited.set(row, [resolve]);
      else waiting.push(resolve);
    });
  }

  async #ask(worker: number, make: (request: number) => Parameters<Transport['post']>[0]): Promise<FromWorker> {
    const member = this.#members[worker];
    if (this.#isClosed || member === undefined) throw closedError();
    try {
      const answer = this.#requests.ask(worker, (request) => member.transport.post(make(request)));
      this.#updateBusy();
      return await answer;
    } finally {
      this.#updateBusy();
    }
  }

  release(handle: number): void {
    if (this.#isClosed) return;
    this.#sinks[handle] = undefined;
    this.#step({ kind: 'released', row: handle });
  }

  async cancel(handles: readonly number[], { reason, force }: { readonly reason: unknown; readonly force: boolean }): Promise<void> {
    const { state } = this.#scheduler;
    for (const row of handles)
      if (state.state[row] !== State.memory && state.state[row] !== State.erred)
        this.#errors.set(row, new CancelledError(state.key(row), reason));
    const commands = this.#scheduler.step({ kind: 'cancelled', rows: handles });
    const stops = commands.filter((command) => command.kind === 'stop');
    this.#perform(commands.filter((command) => command.kind !== 'stop'));
    await Promise.all(stops.map((stop) => this.#stopRunning(stop.worker, stop.row, reason, force ? 0 : this.#options.cancelGraceMs)));
  }

  retry(handles: readonly number[]): void {
    this.#step({ kind: 'retried', rows: handles });
  }

  async call(callee: Callee, names: readonly string[] | undefined): Promise<Map<string, unknown>> {
    const definition = this.#definitions.define(callee);
    const answers = await Promise.all(
      someWorkersNamed(this.workers, names).map(async (index) => {
        const answer = (await this.#ask(index, (request) => ({ kind: 'call', request, definition }))) as Extract<
          FromWorker,
          { kind: 'called' }
        >;
        if (answer.error !== undefined)
          throw await unpackError(answer.error, { key: callee.name, name: callee.name, worker: this.workers[index]!.name, attempt: 1 });
        return [this.workers[index]!.name, decode(answer)] as const;
      }),
    );
    return new Map(answers);
  }

  async restart(): Promise<void> {
    this.#failAll((key) => new CancelledError(key, 'the executor was restarted'));
    const old = this.#members.map((member) => member.transport);
    this.#definitions = new Definitions({ isLive: this.#options.isLive });
    this.#newScheduler();
    this.#errors.clear();
    this.#members.length = 0;
    await Promise.all(old.map((transport) => transport.terminate()));
    for (let index = 0; index < this.workers.length; index++) this.#start(index, 0);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failAll(() => closedError());
    await Promise.all(this.#members.map((member) => member.transport.terminate()));
  }

  #failAll(errorFor: (key: string) => Error): void {
    const { state } = this.#scheduler;
    for (const [row, sink] of this.#sinks.entries())
      if (sink !== undefined && state.state[row] !== State.memory && state.state[row] !== State.erred)
        sink.failed(errorFor(state.key(row)));
    this.#sinks = [];
    this.#requests.fail(errorFor('of a pending request'));
    this.#clocks.clear();
  }

  #start(index: number, falseStarts: number): void {
    const { name } = this.workers[index]!;
    const member: Member = { transport: undefined as never, isReady: false, falseStarts };
    this.#members[index] = member;
    member.transport = this.#options.start(
      { ...this.#options.settings, index, name },
      (message) => {
        if (this.#members[index] === member) this.#receive(index, message);
      },
      (cause) => {
        if (this.#members[index] === member && !this.#isClosed) this.#gone(index, cause, false);
      },
      () => this.#executor,
    );
    member.transport.setBusy(this.#isBusy);
  }

  #receive(index: number, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        return this.#joined(index);
      case 'unfit':
        return void Promise.resolve(
          unpackError(message.error, { key: 'set-up', name: 'set-up', worker: this.workers[index]!.name, attempt: 1 }),
        ).then((error) => this.#break(error));
      case 'finished':
        return this.#finished(index, message);
      case 'failed':
        return this.#failed(index, message);
      case 'returned':
        if (this.#failOverdue(index, message.row)) return;
        return this.#step({ kind: 'returned', worker: index, row: message.row });
      case 'fetched':
      case 'called':
        return this.#requests.answer(message.request, message);
      case 'nested':
        if (message.request.kind === 'begin' && message.request.parent >= 0)
          this.#step({ kind: 'seceded', worker: index, row: message.request.parent });
        return this.#nested?.receive(index, message.request, (reply, transfer) =>
          this.#members[index]?.transport.post({ kind: 'nested', reply }, transfer),
        );
      case 'stray':
        return this.listener.warning({
          time: Date.now(),
          code: 'HEDDLE_LATE_ERROR',
          message: `${message.key === undefined ? 'something' : `task ${message.key}`} on ${this.workers[index]!.name} threw after it had ended: ${message.error.text}`,
        });
    }
  }

  #joined(index: number): void {
    const member = this.#members[index]!;
    member.isReady = true;
    member.falseStarts = 0;
    for (const [other, { transport, isReady }] of this.#members.entries()) {
      if (other === index || !isReady || this.#options.isLive) continue;
      const { port1, port2 } = new MessageChannel();
      transport.post({ kind: 'peer', worker: index, port: port1 as never }, [port1]);
      member.transport.post({ kind: 'peer', worker: other, port: port2 as never }, [port2]);
    }
    this.listener.worker?.({ time: Date.now(), worker: this.workers[index]!.name, change: 'joined' });
    this.#step({ kind: 'worker-joined', worker: index });
  }

  /** A worker ended. `wanted`: it was ended from here. */
  #gone(index: number, cause: Error | undefined, wanted: boolean): void {
    const member = this.#members[index]!;
    this.#definitions.forgetWorker(index);
    this.#frees.delete(index);
    this.#nested?.lost(index);
    this.#requests.fail(lostError('a result', cause), index);
    if (!member.isReady && member.falseStarts >= 2) return this.#break(cause ?? new Error('a worker ended before it was ready'));
    this.#start(index, member.isReady ? 0 : member.falseStarts + 1);
    if (!member.isReady) return;
    this.listener.worker?.({ time: Date.now(), worker: this.workers[index]!.name, change: 'left' });
    const { state } = this.#scheduler;
    for (const row of state.workers[index]!.inFlight) this.#clocks.left(row);
    const commands = this.#scheduler.step({ kind: 'worker-left', worker: index, wanted });
    for (const command of commands) {
      if (command.kind !== 'killed') continue;
      const key = state.key(command.row);
      const why = cause === undefined ? '' : `: ${cause.message}`;
      const error = new HeddleError(
        'ERR_KILLED_WORKER',
        `task ${key} ended its worker ${command.deaths} times, last ${this.workers[index]!.name}${why}; see what it does to the process or its memory`,
        cause === undefined ? undefined : { cause },
      );
      this.#errors.set(command.row, Object.assign(error, { task: this.#failedTask(command.row, -1) }));
    }
    this.#perform(commands);
  }

  /** Nothing can run any more. */
  #break(error: Error): void {
    this.#fatal = error;
    this.#failAll(() => error);
    this.#updateBusy();
  }

  #finished(index: number, { reports, rows, values }: Extract<FromWorker, { kind: 'finished' }>): void {
    for (let i = 0; i < rows.length; i++) this.#arrived.set(rows[i]!, values[i]);
    // An overdue row has failed by now: the report that follows finds it gone, and its result is dropped.
    if (!this.#clocks.isQuiet) for (let i = 0; i < reports.length; i += 3) this.#failOverdue(index, reports[i]!);
    this.#step({ kind: 'finished', worker: index, reports });
    this.#arrived.clear();
  }

  #failed(index: number, { row, member, error }: Extract<FromWorker, { kind: 'failed' }>): void {
    if (this.#failOverdue(index, row)) return;
    if (!this.#errors.has(row)) this.#errors.set(row, unpackError(error, this.#failedTask(row, member), this.#definitions.resolveClass));
    this.#step({ kind: 'failed', worker: index, row });
    const { state } = this.#scheduler;
    if (state.state[row] !== State.erred && state.tasks[row] !== undefined) this.#errors.delete(row); // it is being retried
  }

  /** A row has left its worker. True when its attempt had run out of time, and so has failed whatever it says. */
  #failOverdue(worker: number, row: number): boolean {
    const late = this.#clocks.left(row);
    if (late === undefined) return false;
    this.#errors.set(row, late);
    this.#step({ kind: 'failed', worker, row });
    return true;
  }

  /** Which task it was, of those fused into a row; -1: the row's own. */
  #failedTask(row: number, member: number): { key: string; name: string; worker: string; attempt: number } {
    const { state } = this.#scheduler;
    const own = state.tasks[row];
    const task = state.sources[row]?.graph.members[state.graphRow[row]!]?.[member] ?? own;
    return {
      key: task === undefined ? '' : keyOf(task),
      name: task?.name ?? '',
      worker: this.workers[state.worker[row]!]?.name ?? '',
      attempt: state.attempts[row]!,
    };
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
          this.#free(command.worker, command.rows);
          break;
        case 'done':
          this.#tellAwaited(command.row);
          this.#sinks[command.row]?.finished(this.#arrived.has(command.row), this.#arrived.get(command.row));
          break;
        case 'erred':
          this.#tellAwaited(command.row);
          this.#sinks[command.row]?.failed(this.#errors.get(command.blame) ?? lostError(this.#scheduler.state.key(command.blame)));
          break;
        case 'lost':
          this.#errors.set(command.row, lostError(this.#scheduler.state.key(command.row)));
          break;
        case 'stop':
          void this.#stopRunning(
            command.worker,
            command.row,
            undefined,
            command.force ? this.#options.cancelGraceMs : Number.POSITIVE_INFINITY,
          );
          break;
        case 'no-worker':
          this.#noWorker(command.row);
          break;
        case 'forgotten':
          this.#errors.delete(command.row);
          this.#sinks[command.row] = undefined;
          break;
        case 'killed':
          break; // its error is made where the cause is known
        default:
          command satisfies never;
      }
    }
    this.#updateBusy();
  }

  /** Gathers what one turn frees, so that a loop of releases is one message. */
  #free(worker: number, rows: readonly number[]): void {
    if (this.#frees.size === 0) queueMicrotask(() => this.#sendFrees());
    const gathered = this.#frees.get(worker);
    if (gathered === undefined) this.#frees.set(worker, [...rows]);
    else for (const row of rows) gathered.push(row);
  }

  #sendFrees(): void {
    if (!this.#isClosed) for (const [worker, rows] of this.#frees) this.#members[worker]?.transport.post({ kind: 'free', rows });
    this.#frees.clear();
  }

  #tellAwaited(row: number): void {
    if (this.#awaited.size === 0) return;
    for (const tell of this.#awaited.get(row) ?? []) tell();
    this.#awaited.delete(row);
  }

  #send(worker: number, rows: readonly number[]): void {
    const { state } = this.#scheduler;
    if (this.#frees.size > 0) this.#sendFrees(); // before a freed row's number is used again
    try {
      this.#members[worker]!.transport.post(encodeBatch(state, this.#definitions, worker, rows));
    } catch (error) {
      if (rows.length > 1) for (const row of rows) this.#send(worker, [row]);
      else {
        const [row] = rows;
        this.#errors.set(row!, unpackError(packError(error), this.#failedTask(row!, -1)));
        this.#step({ kind: 'failed', worker, row: row! });
      }
      return;
    }
    for (const row of rows) {
      const { timeout } = state.tasks[row]!.options;
      if (timeout !== undefined) this.#startClock(worker, row, parseDuration(timeout, 'timeout'));
    }
  }

  #startClock(worker: number, row: number, timeoutMs: number): void {
    this.#clocks.start(row, timeoutMs, () => {
      const error = Object.assign(new TimeoutError(`task ${this.#scheduler.state.key(row)}`, timeoutMs), {
        task: this.#failedTask(row, -1),
      });
      this.#clocks.setOverdue(row, error);
      void this.#stopRunning(worker, row, error, this.#options.cancelGraceMs);
    });
  }

  /** Tells a running task to stop; after the grace its worker is replaced. Resolves when it has left its worker. */
  #stopRunning(worker: number, row: number, reason: unknown, graceMs: number): Promise<void> {
    const { gone, isNew } = this.#clocks.stopping(row);
    if (isNew) this.#members[worker]!.transport.post({ kind: 'stop', row, reason: sendableReason(reason) });
    if (graceMs < Number.POSITIVE_INFINITY) this.#clocks.start(row, graceMs, () => this.#replace(worker, row));
    return gone;
  }

  /** Ends a worker for the sake of a task that does not stop; nothing else is lost but time. */
  #replace(worker: number, row: number): void {
    const { transport } = this.#members[worker]!;
    this.#failOverdue(worker, row);
    this.#gone(worker, undefined, true);
    void transport.terminate();
  }

  #noWorker(row: number): void {
    const { state } = this.#scheduler;
    const { workers, resources } = state.tasks[row]!.options;
    const wanted = [
      workers === undefined ? '' : `workers ${JSON.stringify(workers)}`,
      resources === undefined ? '' : `resources ${JSON.stringify(resources)}`,
    ]
      .filter(Boolean)
      .join(' and ');
    const message = `no worker may run ${state.key(row)} (it asks for ${wanted || 'any worker, and none is there'}); it waits`;
    if (wanted !== '') this.listener.warning({ time: Date.now(), code: 'HEDDLE_NO_WORKER', message });
    if (this.#options.noWorkerTimeoutMs === Number.POSITIVE_INFINITY) return;
    const id = state.tasks[row]!.id;
    this.#clocks.start(row, this.#options.noWorkerTimeoutMs, () => {
      if (state.tasks[row]?.id !== id || state.state[row] !== State.noWorker) return;
      const late = `${message.replace('; it waits', '')} within ${this.#options.noWorkerTimeoutMs} ms; start such a worker, or change the task's options`;
      this.#errors.set(row, new HeddleError('ERR_NO_WORKER', late));
      this.#step({ kind: 'cancelled', rows: [row] });
    });
  }

  /** One place owns ref and unref: workers keep the process alive while anything is to be done. */
  #updateBusy(): void {
    const { counts } = this.#scheduler.state;
    const unfinished = counts[State.waiting]! + counts[State.noWorker]! + counts[State.queued]! + counts[State.processing]!;
    const isBusy = !this.#isClosed && this.#fatal === undefined && (unfinished > 0 || this.#requests.size > 0);
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    for (const member of this.#members) member.transport.setBusy(isBusy);
  }
}

/** A reason as it can travel: an Error by its message, anything that cannot be cloned by its text. */
function sendableReason(reason: unknown): unknown {
  if (reason instanceof Error) return reason.message;
  return typeof reason === 'object' || typeof reason === 'function' || typeof reason === 'symbol' ? String(reason) : reason;
}
