import { type Callee, CancelledError, HeddleError, keyOf, noOptions, type Plan, type Task } from '../../graph/index.ts';
import { ClusterErrors } from '../dask/cluster-errors.ts';
import { callOnWorkers, outcomesOf } from '../dask/cluster-requests.ts';
import { clusterView } from '../dask/cluster-view.ts';
import { Code } from '../dask/code.ts';
import { serialize, toBlob } from '../dask/data.ts';
import { type Held, isGone } from '../dask/held.ts';
import { type ClusterWorker, changesOf, type Link, type OpenLink } from '../dask/link.ts';
import { addressesNamed, type ClusterSettings, clusterKey, submissionOf } from '../dask/submission.ts';
import type { FailureInfo } from '../dask/thread-messages.ts';
import { type Blob, BlobKind, type Frame, type Header } from '../dask/wire.ts';
import { dependantsOf, mayRun, wishText } from '../dask/wishes.ts';
import type { Engine, EngineListener, EngineView, Outcome, Putting, Sink } from '../engine.ts';
import { encode } from '../worker/encode.ts';
import { Clocks } from './clocks.ts';
import { closedError, lostError } from './errors.ts';

/** What is made of a cluster. */
export interface DaskOptions extends ClusterSettings {
  readonly name: string;
  readonly open: OpenLink;
  readonly noWorkerTimeoutMs: number;
  /** Called with the first submission of a running task. */
  readonly began?: () => void;
}

/**
 * An engine on a Dask cluster: heddle's graph, Dask's scheduler. Rows go over as they are planned; where they run, what is moved, spilled and made again is
 * Dask's to decide. Only outputs are known here, by their keys.
 */
export class DaskEngine implements Engine {
  readonly name: string;
  listener: EngineListener = { warning: ({ code, message }) => process.emitWarning(message, { code }) };
  readonly view: EngineView;
  readonly #options: DaskOptions;
  readonly #link: Link;
  readonly #code = new Code();
  readonly #errors: ClusterErrors;
  readonly #held = new Map<number, Held>();
  readonly #byId = new Map<string, Held>();
  readonly #byKey = new Map<string, Held>();
  readonly #answers = new Map<number, { readonly resolve: (frame: Frame) => void; readonly reject: (error: Error) => void }>();
  readonly #fetching = new Set<Promise<unknown>>();
  readonly #clocks = new Clocks();
  #workers: readonly ClusterWorker[] = [];
  #waiting: (() => void)[] | undefined = [];
  #pending = 0;
  #nextClock = 0;
  #nextHandle = 0;
  #request = 0;
  #fatal: Error | undefined;
  #isClosed = false;

  constructor(options: DaskOptions) {
    this.name = options.name;
    this.#options = options;
    this.#errors = new ClusterErrors(this.#code.resolveClass);
    this.view = clusterView({
      look: async (what) => {
        await this.#isReady();
        return (await this.#ask({ op: 'look', what })).header.found;
      },
      nameOf: (address) => this.#nameOf(address),
      keyOf: (key) => {
        const held = this.#byKey.get(key);
        return held === undefined ? key : keyOf(held.task);
      },
    });
    this.#link = options.open({
      ready: (workers) => this.#ready(workers),
      workers: (workers) => this.#changed(workers),
      frame: (frame) => this.#receive(frame),
      broken: (error) => this.#break(error),
    });
  }

  get workers(): readonly ClusterWorker[] {
    return this.#workers;
  }

  get size(): number {
    return this.#byId.size;
  }

  find(id: string): Task | undefined {
    return this.#byId.get(id)?.task;
  }

  /** Whether the cluster took us in; work waits for it. */
  #ready(workers: readonly ClusterWorker[]): void {
    this.#changed(workers);
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const send of waiting) send();
    this.#busy();
  }

  #whenReady(send: () => void): void {
    if (this.#waiting === undefined) return send();
    this.#waiting.push(send);
    this.#busy();
  }

  /** Resolves when the cluster took us in, or never will. */
  #isReady(): Promise<void> {
    return new Promise((resolve) => this.#whenReady(resolve));
  }

  #changed(workers: readonly ClusterWorker[]): void {
    const before = this.#workers;
    this.#workers = workers;
    for (const event of changesOf(before, workers)) this.listener.worker?.(event);
  }

  run(plan: Plan, sinks: readonly Sink[]): void {
    const error = this.#isClosed ? closedError() : this.#fatal;
    if (error !== undefined) {
      for (const sink of sinks) sink.failed(error);
      return;
    }
    this.#options.began?.();
    const { graph } = plan;
    const want: string[] = [];
    for (const [i, sink] of sinks.entries()) {
      const row = graph.outputs[i]!;
      const held = this.#hold(graph.tasks[row]!, sink);
      if (graph.held[row] === 0) want.push(held.key);
    }
    if (want.length === 0) return;
    const submission = submissionOf(plan, this.#code, this.#options);
    if (this.listener.task !== undefined) for (const key of want) this.#tell(this.#byKey.get(key)!, 'released', 'waiting');
    this.#whenReady(() => {
      submission.place(this.#workers);
      this.#noteWishes(plan);
      const { digests, blobs } = this.#code.take();
      this.#link.send({ op: 'submit', tasks: submission.tasks, want, code: digests }, [...submission.blobs, ...blobs]);
    });
  }

  #hold(task: Task, sink: Sink): Held {
    let held = this.#byId.get(task.id);
    if (held === undefined) {
      held = { handle: this.#nextHandle++, task, key: clusterKey(task), sink, holds: 0, state: 'pending' };
      this.#held.set(held.handle, held);
      this.#byId.set(task.id, held);
      this.#byKey.set(held.key, held);
      this.#count(1);
    } else {
      held.sink = sink;
      if (held.state === 'finished') queueMicrotask(() => sink.finished(false, undefined));
    }
    held.holds++;
    sink.handle = held.handle;
    return held;
  }

  put(
    task: Task,
    { data, captured }: Putting,
    where: { readonly broadcast: boolean; readonly workers: readonly string[] | undefined },
    sink: Sink,
  ): void {
    const error = this.#isClosed ? closedError() : this.#fatal;
    if (error !== undefined) return sink.failed(error);
    // Before anybody knows of it: what cannot be sent is nowhere.
    const blob: Blob =
      captured === undefined ? toBlob(encode(data, 'data')) : { kind: BlobKind.captured, body: serialize(this.#code.reference(captured)) };
    const body = blob.kind === BlobKind.bytes ? blob.body.slice() : blob.body;
    const isNew = !this.#byId.has(task.id);
    const held = this.#hold(task, sink);
    if (!isNew) return;
    this.#whenReady(() => {
      const { digests, blobs } = this.#code.take();
      const workers = where.workers === undefined ? null : addressesNamed(where.workers, this.#workers);
      const header = { op: 'scatter', key: held.key, workers, broadcast: where.broadcast, code: digests };
      this.#ask(header, [{ kind: blob.kind, body }, ...blobs]).catch((failure: Error) => this.#ended(held, failure));
    });
  }

  async fetch(handles: readonly number[]): Promise<Outcome[]> {
    if (this.#isClosed) throw closedError();
    const outcomes = this.#fetch(handles);
    this.#fetching.add(outcomes);
    return outcomes.finally(() => this.#fetching.delete(outcomes));
  }

  async #fetch(handles: readonly number[]): Promise<Outcome[]> {
    const held = handles.map((handle) => this.#held.get(handle)!);
    const answer = await this.#ask({ op: 'gather', keys: held.map(({ key }) => key) });
    return outcomesOf(
      answer,
      this.#errors,
      held.map(({ task }) => keyOf(task)),
    );
  }

  release(handle: number): void {
    const held = this.#held.get(handle);
    if (held === undefined || --held.holds > 0) return;
    this.#letGo(held);
    this.#drop(held);
  }

  /** Tells the cluster, unless it has been told; the name may belong to another by now. */
  #letGo(held: Held): void {
    if (this.#byKey.get(held.key) !== held) return;
    this.#byKey.delete(held.key);
    if (!this.#isClosed && this.#fatal === undefined) this.#whenReady(() => this.#link.send({ op: 'release', keys: [held.key] }));
  }

  #drop(held: Held): void {
    held.sink = undefined;
    this.#held.delete(held.handle);
    if (this.#byId.get(held.task.id) === held) this.#byId.delete(held.task.id);
    if (this.#byKey.get(held.key) === held) this.#byKey.delete(held.key);
    this.#settled(held, 'failed');
  }

  async cancel(handles: readonly number[], { reason, force }: { readonly reason: unknown; readonly force: boolean }): Promise<void> {
    const named = handles.map((handle) => this.#held.get(handle)).filter((held) => held?.state === 'pending') as Held[];
    const all = dependantsOf(
      named.map(({ task }) => task),
      this.#unfinished(),
    );
    for (const held of all) this.#ended(held, new CancelledError(keyOf(held.task), reason));
    const keys = all.map(({ key }) => key);
    await new Promise<void>((resolve, reject) =>
      this.#whenReady(() => this.#ask({ op: 'cancel', keys, force }).then(() => resolve(), reject)),
    );
  }

  #unfinished(): Held[] {
    return [...this.#byId.values()].filter(({ state }) => state === 'pending');
  }

  retry(handles: readonly number[]): void {
    const held = handles.map((handle) => this.#held.get(handle)).filter((one) => one !== undefined);
    for (const one of held) {
      if (one.state === 'pending') continue;
      one.state = 'pending';
      this.#count(1);
    }
    this.#whenReady(() => this.#link.send({ op: 'retry', keys: held.map(({ key }) => key) }));
  }

  async call(callee: Callee, names: readonly string[] | undefined): Promise<Map<string, unknown>> {
    await this.#isReady();
    const source = { code: this.#code, errors: this.#errors, workers: this.#workers, settings: this.#options, ask: this.#ask };
    return callOnWorkers(source, callee, names);
  }

  async restart(): Promise<void> {
    const reason = 'the executor was restarted';
    this.#failAll((key) => new CancelledError(key, reason));
    for (const held of [...this.#byId.values()]) this.#drop(held);
    await this.#isReady();
    await this.#ask({ op: 'restart' });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    // Results that are on their way when all work is done were asked for in time.
    if (this.#pending === 0 && this.#fetching.size > 0) await Promise.race([Promise.allSettled(this.#fetching), patience()]);
    this.#isClosed = true;
    this.#clocks.clear();
    this.#failAll(() => closedError());
    for (const { reject } of this.#answers.values()) reject(closedError());
    this.#answers.clear();
    await this.#link.close();
  }

  #failAll(errorFor: (key: string) => Error): void {
    for (const held of [...this.#byId.values()]) if (held.state === 'pending') this.#ended(held, errorFor(keyOf(held.task)));
  }

  #break(error: Error): void {
    if (this.#isClosed || this.#fatal !== undefined) return;
    this.#fatal = error;
    this.#failAll(() => error);
    for (const { reject } of this.#answers.values()) reject(error);
    this.#answers.clear();
    for (const send of this.#waiting ?? []) send(); // whoever waits for the cluster asks in vain, and hears why
    this.#waiting = undefined;
    this.#busy();
  }

  readonly #ask = (header: Header, blobs?: readonly Blob[]): Promise<Frame> => {
    if (this.#fatal !== undefined) return Promise.reject(this.#fatal);
    if (this.#isClosed) return Promise.reject(closedError());
    const request = this.#request++;
    const answer = new Promise<Frame>((resolve, reject) => this.#answers.set(request, { resolve, reject }));
    this.#link.send({ ...header, request }, blobs);
    this.#busy();
    return answer;
  };

  #receive(frame: Frame): void {
    const { header, blobs } = frame;
    switch (header.op) {
      case 'done':
        return this.#done(header.events as readonly [string, string, FailureInfo | null, number][], blobs);
      case 'answer': {
        const answer = this.#answers.get(header.request as number);
        this.#answers.delete(header.request as number);
        const info = header.error as FailureInfo | undefined;
        if (info === undefined) answer?.resolve(frame);
        else void Promise.resolve(this.#errors.errorOf(info, blobs[0], '')).then((error) => answer?.reject(error));
        return this.#busy();
      }
      case 'fatal': // of a task's own engine; a client's bridge tells it by itself
        return this.#break(
          new HeddleError('ERR_CLUSTER', `the worker's way to the scheduler failed: ${(header.info as FailureInfo).text}`),
        );
      default:
        throw new Error(`a Dask cluster sent the message ${header.op}, which is not known`);
    }
  }

  #done(events: readonly [string, string, FailureInfo | null, number][], blobs: readonly Blob[]): void {
    let blob = 0;
    for (const [key, status, info, size] of events) {
      const packed = size > 0 ? blobs[blob++] : undefined;
      const held = this.#byKey.get(key);
      if (held === undefined) continue;
      if (status === 'finished') {
        if (held.state !== 'pending') continue;
        this.#settled(held, 'finished');
        held.sink?.finished(false, undefined);
      } else if (status === 'error') this.#ended(held, this.#errors.errorOf(info!, packed, keyOf(held.task)));
      else if (status === 'lost' || held.task.scattered) this.#ended(held, lostError(keyOf(held.task)));
      else this.#ended(held, new CancelledError(keyOf(held.task), 'the cluster gave it up, or a task it depends on was cancelled'));
    }
  }

  #ended(held: Held, error: Error | Promise<Error>): void {
    if (held.state === 'failed') return;
    this.#settled(held, 'failed');
    if (!(error instanceof Promise) && isGone(error)) {
      if (this.#byId.get(held.task.id) === held) this.#byId.delete(held.task.id);
      this.#letGo(held);
    }
    held.sink?.failed(error);
  }

  #settled(held: Held, state: 'finished' | 'failed'): void {
    if (held.state === 'pending') {
      this.#count(-1);
      this.#tell(held, 'processing', state === 'finished' ? 'memory' : 'erred');
    }
    held.state = state;
  }

  #tell(held: Held, from: 'released' | 'processing', to: 'waiting' | 'memory' | 'erred'): void {
    this.listener.task?.({ time: Date.now(), key: keyOf(held.task), from, to });
  }

  #count(change: number): void {
    this.#pending += change;
    this.#busy();
  }

  #busy(): void {
    this.#link?.setBusy(
      !this.#isClosed && this.#fatal === undefined && (this.#pending > 0 || this.#answers.size > 0 || (this.#waiting?.length ?? 0) > 0),
    );
  }

  /** A row that asks for workers that are not there: a warning at once, an error when none comes in time. */
  #noteWishes({ graph }: Plan): void {
    const limitMs = this.#options.noWorkerTimeoutMs;
    for (let row = 0; row < graph.size; row++) {
      const task = graph.tasks[row]!;
      if (graph.held[row] === 1 || task.options === noOptions || mayRun(task, this.#workers)) continue;
      const text = wishText(task);
      this.listener.warning({ time: Date.now(), code: 'HEDDLE_NO_WORKER', message: `${text}; it waits` });
      if (limitMs === Number.POSITIVE_INFINITY) continue;
      this.#clocks.wait(this.#nextClock++, limitMs, () => {
        if (mayRun(task, this.#workers)) return;
        const error = new HeddleError('ERR_NO_WORKER', `${text} within ${limitMs} ms; start such a worker, or change the task's options`);
        for (const held of dependantsOf([task], this.#unfinished())) this.#ended(held, error);
      });
    }
  }

  #nameOf(address: string): string {
    return this.#workers.find((worker) => worker.address === address)?.name ?? address;
  }
}

/** How long a close waits for bytes that are on their way. */
function patience(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10_000).unref());
}
