import { types } from 'node:util';
import {
  type AnyFuture,
  type AnyValue,
  type CancelOptions,
  type DaskGraph,
  describeWrong,
  type FutureHandle,
  type Future as FutureType,
  type GatherErrors,
  type Gathered,
  HeddleError,
  isValue,
  type Lazy,
  type LazyArguments,
  type LazyFunction,
  loaderOf,
  makeTask,
  makeValue,
  type Scattered,
  type Started,
  type Task,
  taskMaker,
  taskOf,
  tasksFromObject,
  typeError,
  type Value,
  type WaitOptions,
  type WorkerDescription,
} from '../graph/index.ts';
import { isContainer, replaceLeaves } from './containers.ts';
import { makeDefaultsWith, noteClosed, noteOpened, refuseOnImport } from './defaults.ts';
import type { Engine, WorkerInfo } from './engine.ts';
import { clusterEngine } from './engines/cluster.ts';
import { closedError } from './engines/errors.ts';
import { inlineEngine } from './engines/inline.ts';
import { processesEngine } from './engines/processes.ts';
import { threadsEngine } from './engines/threads.ts';
import { Events, type ExecutorEvents } from './events.ts';
import { type CheckedOptions, type ClusterOptions, checkExecutorOptions, type ExecutorOptions } from './executor-options.ts';
import { Future, outputsOf } from './future.ts';
import { gather } from './gather.ts';
import { onAbort, waitFor } from './limits.ts';
import { mapAsync } from './map-async.ts';
import { mapSync } from './map-sync.ts';
import { NestedHost } from './nested/host.ts';
import { Outputs } from './outputs.ts';
import type { Explanation, StoryEntry } from './scheduler/story.ts';
import { noteUnseen } from './unseen.ts';
import { whenEnough } from './waiting.ts';
import { runningTask } from './worker/context.ts';

/** One iterable a parameter; items may be Values or Futures. */
export type MapInputs<A extends readonly unknown[]> = { [K in keyof A]: Iterable<Lazy<A[K]>> };

/** As `MapInputs`, of which at least one is an AsyncIterable. */
export type AsyncMapInputs<A extends readonly unknown[]> = { [K in keyof A]: Iterable<Lazy<A[K]>> | AsyncIterable<Lazy<A[K]>> };

type AnyFunction = (...args: never) => unknown;

/** Something of the upper floor that goes along with an executor, such as a progress bar; what it returns is called when the executor closes. */
export type Companion = (executor: Executor, options: { readonly progress: boolean }) => (() => void) | undefined;
const companions: Companion[] = [];

/** Every executor opened from now on gets this companion. */
export function accompanyExecutors(companion: Companion): void {
  companions.push(companion);
}

/** Runs tasks: on threads of this process, in the caller's thread, or on a Dask cluster. The newest open one is the default. */
export class Executor implements AsyncDisposable {
  readonly #engine: Engine;
  readonly #outputs: Outputs;
  readonly #events: Events;
  readonly #kept = new Set<Future<unknown>>();
  readonly #companions: ((() => void) | undefined)[] = [];
  #closing: Promise<void> | undefined;

  /** Starts the workers. Throws TypeError or RangeError for options that are wrong, ERR_UNSUPPORTED for those the engine cannot honour. */
  constructor(options?: ExecutorOptions);
  /** Joins a Dask cluster; what is submitted waits until its scheduler has answered. */
  constructor(address: `tcp://${string}` | `tls://${string}`, options?: ClusterOptions);
  constructor(given: ExecutorOptions | string = {}, more: ClusterOptions = {}) {
    refuseOnImport();
    const checked = checkExecutorOptions(given, more);
    checked.signal?.throwIfAborted();
    this.#engine = openEngine(checked);
    this.#events = new Events(this.#engine);
    this.#outputs = new Outputs(this.#engine, checked.passes, () => {
      const task = runningTask.getStore();
      // in a worker, the executor of its tasks is the one that hands everything on
      return task !== undefined && (task.executor === this || this.#engine.name === 'parent') ? task.row : -1;
    });
    this.#engine.attach?.(this, new NestedHost(this.#outputs));
    if (checked.signal !== undefined) this.#companions.push(onAbort(checked.signal, () => void this.close()));
    noteOpened(this);
    for (const companion of companions) this.#companions.push(companion(this, checked));
  }

  /** Begins `fn(...args)`. The same call twice is one task. A non-function is a TypeError at once. */
  submit<A extends unknown[], R>(fn: LazyFunction<A, R>, ...args: LazyArguments<A>): FutureType<R>;
  submit<A extends unknown[], R>(fn: (this: void, ...args: A) => R, ...args: A): FutureType<Awaited<R>>;
  submit<A extends unknown[], R>(fn: (this: void, ...args: A) => R, ...args: LazyArguments<A>): FutureType<Awaited<R>>;
  submit(fn: AnyFunction, ...args: unknown[]): FutureType<unknown> {
    return this.begin(makeTask(fn, args));
  }

  /** `submit` for each item; the shortest iterable ends it. With an AsyncIterable: a Future an item, asked for no faster than they are taken. */
  map<A extends unknown[], R>(fn: LazyFunction<A, R>, ...iterables: MapInputs<A>): FutureType<R>[];
  map<A extends unknown[], R>(fn: (this: void, ...args: A) => R, ...iterables: MapInputs<A>): FutureType<Awaited<R>>[];
  map<A extends unknown[], R>(fn: LazyFunction<A, R>, ...iterables: AsyncMapInputs<A>): AsyncIterable<FutureHandle<R>>;
  map<A extends unknown[], R>(fn: (this: void, ...args: A) => R, ...iterables: AsyncMapInputs<A>): AsyncIterable<FutureHandle<Awaited<R>>>;
  map(fn: AnyFunction, ...iterables: Iterable<unknown>[]): FutureType<unknown>[] | AsyncIterable<FutureHandle<unknown>> {
    this.#refuseClosed();
    const kinds = checkInputs(fn, iterables);
    const make = taskMaker(fn);
    const begin = (args: readonly unknown[]): Future<unknown> => this.begin(make(args));
    if (kinds === 'async') return mapAsync(iterables, begin, 2 * Math.max(1, this.#engine.workers.length));
    return mapSync(iterables, begin);
  }

  /** Begins a Value, or each Value in an array or plain object (one level); what is no Value stays. */
  compute<T>(value: Value<T>): FutureType<T>;
  compute<const X extends readonly unknown[] | Readonly<Record<string, unknown>>>(values: X): Started<X>;
  compute(values: unknown, ...surplus: unknown[]): unknown {
    if (surplus.length > 0)
      throw typeError(
        'ERR_INVALID_ARGUMENT',
        "executor.compute() takes one Value, or one array or object of them; the module's compute(a, b) takes several",
      );
    if (isValue(values)) return this.begin(taskOf(values)!);
    if (!isContainer(values))
      throw typeError('ERR_INVALID_ARGUMENT', 'executor.compute() takes a Value, or an array or plain object of Values');
    const start = (one: unknown): unknown => (isValue(one) ? this.begin(taskOf(one)!) : one);
    if (Array.isArray(values)) return values.map(start);
    return Object.fromEntries(Object.entries(values).map(([name, one]) => [name, start(one)]));
  }

  /** Begins, and gives Values of the same keys whose results stay with the workers while these Values live. */
  persist<X>(values: X): X {
    return replaceLeaves(values, (leaf) => {
      if (!isValue(leaf)) return { kind: 'keep' };
      const task = taskOf(leaf)!;
      return { kind: 'value', value: makeValue(task, this.begin(task)) };
    }) as X;
  }

  /** Runs a Dask-style graph: one key gives one Future, an array (of arrays) of keys the same of Futures. Throws ERR_CYCLE, ERR_UNKNOWN_KEY. */
  get<T = unknown>(graph: DaskGraph, key: string): FutureType<T>;
  get<T = unknown>(graph: DaskGraph, keys: readonly string[]): FutureType<T>[];
  get(graph: DaskGraph, keys: unknown): unknown {
    const tasks = tasksFromObject(graph, keys);
    return replaceLeaves(keys, (key) => ({ kind: 'value', value: this.begin(tasks.get(key as string)!) }));
  }

  /** Begins a task as it is. */
  begin(task: Task): Future<unknown> {
    this.#refuseClosed();
    return new Future(this.#outputs.begin(task));
  }

  #refuseClosed(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  /** Fetches results; the same container back. `skip` drops failed ones, `settle` gives `{ status, value | reason }`. */
  async gather<const X, const E extends GatherErrors = 'raise'>(
    futures: X,
    options: WaitOptions & { readonly errors?: E | undefined } = {},
  ): Promise<Gathered<X, E>> {
    return (await gather(futures, options)) as Gathered<X, E>;
  }

  /** Puts data on workers. An array, Map, Set or plain object gives such a container of Futures, anything else one Future. Equal data, equal key. */
  scatter<X>(
    data: X,
    options: {
      /** On every worker. @default false */
      readonly broadcast?: boolean | undefined;
      readonly workers?: string | readonly string[] | undefined;
    } = {},
  ): Scattered<X> {
    this.#refuseClosed();
    const where = {
      broadcast: options.broadcast === true,
      workers: typeof options.workers === 'string' ? [options.workers] : options.workers,
    };
    const put = (one: unknown): Future<unknown> => new Future(this.#outputs.put(one, where));
    return scatterContainer(data, put) as Scattered<X>;
  }

  /** Stops tasks and what depends on them; resolves when they have stopped. */
  async cancel(futures: AnyFuture | Iterable<AnyFuture>, options: CancelOptions = {}): Promise<void> {
    const cancelled = this.#outputs.cancel(outputsOf(futures), { reason: options.reason, force: options.force === true });
    await waitFor(cancelled, options, 'cancel()');
  }

  /** Runs failed tasks again, with their failed ancestors. */
  async retry(futures: AnyFuture | Iterable<AnyFuture>): Promise<void> {
    this.#outputs.retry(outputsOf(futures));
  }

  /** Keeps a task running though nobody holds its Future. */
  fireAndForget(futures: AnyFuture | Iterable<AnyFuture>): void {
    for (const output of outputsOf(futures)) {
      const kept = new Future(output);
      const wasSeen = output.isSeen;
      this.#kept.add(kept);
      output.whenDone(() => {
        this.#kept.delete(kept);
        kept.release();
      });
      output.isSeen = wasSeen;
    }
  }

  /** Runs `fn` once on each worker, outside the scheduler; results by worker name. */
  async run<R>(
    fn: (this: void) => R,
    options: WaitOptions & { readonly workers?: string | readonly string[] | undefined } = {},
  ): Promise<Map<string, Awaited<R>>> {
    this.#refuseClosed();
    const { callee } = makeTask(fn, []);
    const workers = typeof options.workers === 'string' ? [options.workers] : options.workers;
    if (workers?.length === 0) return new Map();
    return waitFor(this.#engine.call(callee!, workers) as Promise<Map<string, Awaited<R>>>, options, 'run()');
  }

  /** Cancels everything, forgets every result, and starts fresh workers. */
  async restart(options: WaitOptions = {}): Promise<void> {
    this.#refuseClosed();
    this.#outputs.forgetAll();
    await waitFor(this.#engine.restart(), options, 'restart()');
  }

  /** Resolves when everything begun so far is done, also when some of it failed. */
  async drain(options: WaitOptions = {}): Promise<void> {
    this.#outputs.flush();
    const outputs = this.#outputs.all();
    const seen = outputs.map((output) => output.isSeen);
    const all = whenEnough(outputs, 'all');
    for (const [i, output] of outputs.entries()) output.isSeen = seen[i]!; // to wait for the end is not to look at it
    await waitFor(all, options, 'drain()');
  }

  /** Stops the workers. Unfinished Futures reject with `ERR_EXECUTOR_CLOSED`; results nobody fetched are gone. `drain` waits for the work first. */
  async close(options: WaitOptions & { readonly drain?: boolean | undefined } = {}): Promise<void> {
    if (this.#closing === undefined && options.drain === true) await this.drain(options);
    this.#closing ??= this.#close();
    await waitFor(this.#closing, { timeout: options.timeout, signal: options.signal }, 'close()');
  }

  async #close(): Promise<void> {
    noteClosed(this);
    this.#outputs.close();
    for (const end of this.#companions) end?.();
    await this.#engine.close();
    noteUnseen(this.#outputs.all());
  }

  /** `close()`: leaving an `await using` block does not wait for unfinished work. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async workers(): Promise<WorkerInfo[]> {
    return this.#engine.view.workers();
  }

  /** Names, hosts and resources of the workers, also of those that are starting. */
  describeWorkers(): readonly WorkerDescription[] {
    return this.#engine.workers;
  }

  /** Names of the workers that hold each key. */
  async whoHas(keys?: Iterable<string | AnyFuture>): Promise<Map<string, string[]>> {
    return only(await this.#engine.view.whoHas(), keys, []);
  }

  /** Keys that each worker holds. */
  async hasWhat(workers?: Iterable<string>): Promise<Map<string, string[]>> {
    const held = new Map<string, string[]>(this.#engine.workers.map(({ name }) => [name, []]));
    for (const [key, names] of await this.#engine.view.whoHas()) for (const name of names) held.get(name)?.push(key);
    return only(held, workers, []);
  }

  /** Bytes of each result. */
  async nbytes(keys?: Iterable<string | AnyFuture>): Promise<Map<string, number>> {
    return only(await this.#engine.view.nbytes(), keys, undefined);
  }

  /** Keys that each worker is running or has next. */
  async processing(workers?: Iterable<string>): Promise<Map<string, string[]>> {
    return only(await this.#engine.view.processing(), workers, []);
  }

  /** What happened to a task, in order, as far back as the log goes. A task that was fused into another has the other's story. */
  async story(key: string | AnyFuture | AnyValue): Promise<StoryEntry[]> {
    this.#outputs.flush();
    return this.#engine.view.story(keyNamed(key));
  }

  /** Why a task ran where it ran; why it ran, was reused or was computed again. Throws ERR_UNKNOWN_KEY. */
  async explain(key: string | AnyFuture | AnyValue): Promise<Explanation> {
    this.#outputs.flush();
    const name = keyNamed(key);
    const explanation = this.#engine.view.explain(name);
    if (explanation === undefined)
      throw new HeddleError('ERR_UNKNOWN_KEY', `nothing is known of ${name}: it was never computed here, or the log has gone past it`);
    return explanation;
  }

  /** Listens; returns a function that ends it. */
  on<K extends keyof ExecutorEvents>(event: K, listener: (event: ExecutorEvents[K]) => void): () => void {
    return this.#events.on(event, listener);
  }
}

makeDefaultsWith((parent) => new Executor(typeof parent === 'object' && parent !== null ? { engine: parent } : {}));

/** Whether `map` goes over plain iterables or over streams. Throws TypeError for what it cannot go over. */
function checkInputs(fn: unknown, iterables: readonly unknown[]): 'sync' | 'async' {
  if (typeof fn !== 'function') throw typeError('ERR_INVALID_ARGUMENT', `map() takes a function first; it got ${describeWrong(fn)}`);
  if (iterables.length === 0) throw typeError('ERR_INVALID_ARGUMENT', 'map() takes a function and an iterable for each of its parameters');
  let kind: 'sync' | 'async' = 'sync';
  for (const iterable of iterables) {
    const thing = Object(iterable) as Partial<Iterable<unknown> & AsyncIterable<unknown>>;
    if (typeof thing[Symbol.asyncIterator] === 'function') kind = 'async';
    else if (typeof thing[Symbol.iterator] !== 'function')
      throw typeError(
        'ERR_INVALID_ARGUMENT',
        `map() takes iterables; one of them is ${describeWrong(iterable)}: capture constants in the function`,
      );
  }
  return kind;
}

function openEngine(options: CheckedOptions): Engine {
  if (typeof options.engine === 'object') return options.engine;
  if (options.cluster !== undefined) return clusterEngine(options.cluster, options);
  const { retries, allowedFailures, noWorkerTimeoutMs, cancelGraceMs, stalledMs, record, workers, env, resourceLimits } = options;
  const settings = { setup: options.setup, checkMutation: options.checkMutation, sharedMemory: options.sharedMemory, loader: loaderOf() };
  const { memoryLimit, spillDirectory } = options;
  const common = { retries, allowedFailures, noWorkerTimeoutMs, cancelGraceMs, memoryLimit, spillDirectory, stalledMs, record, settings };
  if (options.engine === 'inline') return inlineEngine(common);
  return (options.engine === 'processes' ? processesEngine : threadsEngine)({ ...common, workers, env, resourceLimits });
}

/** One level of a container, in which a Map keeps its keys. */
function scatterContainer(data: unknown, put: (one: unknown) => unknown): unknown {
  if (!isContainer(data)) return put(data);
  if (Array.isArray(data)) return data.map(put);
  if (types.isMap(data)) return new Map([...data].map(([key, one]) => [key, put(one)]));
  if (types.isSet(data)) return new Set([...data].map(put));
  return Object.fromEntries(Object.entries(data).map(([name, one]) => [name, put(one)]));
}

function keyNamed(key: string | { readonly key: string }): string {
  return typeof key === 'string' ? key : key.key;
}

/** Some entries of a Map, by key or by Future; with `missing` for those that are not there, unless it is undefined. */
function only<T>(found: Map<string, T>, keys: Iterable<string | AnyFuture> | undefined, missing: T | undefined): Map<string, T> {
  if (keys === undefined) return found;
  const some = new Map<string, T>();
  for (const key of keys) {
    const name = keyNamed(key);
    const value = found.get(name) ?? missing;
    if (value !== undefined) some.set(name, value);
  }
  return some;
}
