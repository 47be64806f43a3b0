import { closedError } from '../engines/errors.ts';
import { packError } from '../failure.ts';
import type { NestedReply } from '../nested/messages.ts';
import { answerCall } from './answer-call.ts';
import { Callees } from './callees.ts';
import { runningTask } from './context.ts';
import { decode } from './decode.ts';
import { inherit } from './inherit.ts';
import { interpret, MemberFailure } from './interpret.ts';
import { type Batch, eachJob, Job } from './job.ts';
import type { OpenLink, PeerLink } from './links.ts';
import { observerOf } from './observe.ts';
import { intoSharedMemory, isThenable } from './outcome.ts';
import { Peers, UnmovedError } from './peers.ts';
import { type BetweenWorkers, type FromWorker, TaskFlag, type ToWorker, type WorkerSettings } from './protocol.ts';
import { Reporter } from './reporter.ts';
import { sizeOf } from './size-of.ts';
import { Store } from './store.ts';

/**
 * A worker: takes batches of tasks, brings in what they need from its peers, runs them one after the other, keeps the results, and reports in batches.
 * It knows no transport: a thread (`main.ts`) or the caller's own thread (the inline engine) gives it messages and a way to answer.
 */
export class WorkerCore {
  readonly #settings: WorkerSettings;
  readonly #send: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void;
  readonly #results: Store;
  readonly #callees: Callees;
  readonly #peers: Peers;
  readonly #reporter: Reporter;
  readonly #queue: (Job | undefined)[] = [];
  #head = 0;
  /** Jobs waiting for inputs, running, or queued, by row: what a `stop` may concern. */
  readonly #jobs = new Map<number, Job>();
  /** Definitions on their way; batches behind them keep their order. */
  #defining: Promise<void> | undefined;
  readonly #poll: () => void;
  readonly #later: (work: () => void) => void;
  readonly #executor: (() => unknown) | undefined;
  readonly #nested: ((reply: NestedReply) => void) | undefined;
  readonly #claims: Int32Array | undefined;
  #pumping = false;
  /** Tasks begun so far: what else was done while something was waited for. */
  #begun = 0;

  constructor(options: {
    readonly settings: WorkerSettings;
    readonly send: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void;
    /** Whether the caller's thread is this one: functions come as they are. */
    readonly isLive: boolean;
    /** Takes in messages that wait, between two tasks of a long batch. */
    readonly poll: () => void;
    /** The executor that tasks run on, where it lives in this thread. */
    readonly executor?: () => unknown;
    /** Where it does not: takes in what it tells running tasks. */
    readonly nested?: (reply: NestedReply) => void;
    /** Opens links to other workers; a worker that is alone needs none. */
    readonly openLink?: OpenLink;
    /** Runs work in a later turn. */
    readonly later: (work: () => void) => void;
  }) {
    this.#settings = options.settings;
    this.#send = options.send;
    this.#poll = options.poll;
    this.#later = options.later;
    this.#executor = options.executor;
    this.#nested = options.nested;
    this.#callees = new Callees(options.isLive);
    const { claims } = options.settings;
    this.#claims = claims && new Int32Array(claims);
    this.#reporter = new Reporter(options.send);
    const { memory } = options.settings;
    this.#results = new Store(memory, (error) => options.send({ kind: 'unspilled', text: String(error) }));
    this.#peers = new Peers(this.#results, options.openLink ?? noLink);
  }

  /** Takes one message from the shell. */
  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'run':
        return this.#run(message);
      case 'undefine':
        if (this.#defining === undefined) return this.#callees.undefine(message.indexes);
        return this.#afterDefinitions(async () => this.#callees.undefine(message.indexes));
      case 'free':
        for (const row of message.rows) this.#results.delete(row);
        return;
      case 'fetch': {
        const { results, transfer } = this.#peers.answer(message.rows);
        return this.#send({ kind: 'fetched', request: message.request, results }, transfer);
      }
      case 'has':
        return this.#send({ kind: 'held', request: message.request, rows: message.rows.filter((row) => this.#results.has(row)) });
      case 'put':
        if (message.captured !== undefined) {
          const { row, captured } = message;
          this.#afterDefinitions(async () => this.#results.keep(row, await this.#callees.load(captured)));
        } else this.#results.keep(message.row, decode({ rich: message.rich, value: message.value }));
        return;
      case 'inherit':
        return void inherit(this.#peers, this.#results, this.#settings.index, message.rows, this.#send);
      case 'settle':
        this.#results.settle();
        return this.#look(undefined);
      case 'stop':
        return this.#stop(message.row, message.reason);
      case 'steal':
        return this.#giveUpUnbegun(message.rows);
      case 'drop':
        for (const row of message.rows) this.#drop(row);
        return;
      case 'peer':
        return this.#peers.connect(message.worker, message.way);
      case 'nested':
        return this.#nested?.(message.reply);
      case 'call':
        return void answerCall(message, this.#callees, this.#send);
      default:
        message satisfies never;
    }
  }

  #afterDefinitions(work: () => Promise<void>): void {
    const before = this.#defining ?? Promise.resolve();
    const mine = before.then(work).finally(() => {
      if (this.#defining === mine) this.#defining = undefined;
    });
    this.#defining = mine;
  }

  #run(message: Extract<ToWorker, { kind: 'run' }>): void {
    this.#results.begin();
    if (message.define.length > 0) this.#afterDefinitions(() => this.#callees.define(message.define));
    if (this.#defining === undefined) this.#enqueue(message);
    else this.#afterDefinitions(async () => this.#enqueue(message));
  }

  #enqueue(batch: Batch): void {
    eachJob(batch, this.#settings.name, (job, inputsAt) => {
      if (job.isTakenBack(this.#claims)) return;
      const { inputs } = job;
      let missing: Map<number, number[]> | undefined;
      for (let i = 0, at = inputsAt; i < inputs.length; i++, at += 2) {
        const input = batch.header[at]!;
        inputs[i] = input;
        if (!this.#results.has(input)) {
          missing ??= new Map();
          const holder = batch.header[at + 1]!;
          const wanted = missing.get(holder);
          if (wanted === undefined) missing.set(holder, [input]);
          else wanted.push(input);
        }
      }
      this.#jobs.set(job.row, job);
      if (missing === undefined) this.#queue.push(job);
      else void this.#bring(job, missing);
    });
    this.#pump();
  }

  /** Brings a job's missing inputs here; they stay, as replicas. */
  async #bring(job: Job, missing: ReadonlyMap<number, readonly number[]>): Promise<void> {
    const isCurrent = (): boolean => this.#jobs.get(job.row) === job;
    const gone: { readonly holder: number; readonly rows: readonly number[] }[] = [];
    try {
      await Promise.all(
        [...missing].map(async ([holder, rows]) => {
          const begun = this.#begun;
          const { results, lost, us } = await this.#peers.fetch(holder, rows);
          if (lost.length === 0 && begun === this.#begun) this.#reporter.moved(rows, us); // else it measures what ran here, too
          if (lost.length > 0) gone.push({ holder, rows: lost });
          if (!isCurrent()) return; // nobody would know of these copies, nor ever free them
          for (const [i, result] of results.entries()) {
            if (lost.includes(rows[i]!)) continue;
            this.#results.keep(rows[i]!, result);
          }
        }),
      );
    } catch (error) {
      if (isCurrent() && this.#claim(job)) this.#leaveUnmoved(job, error);
      return;
    }
    if (!isCurrent()) return;
    if (gone.length > 0) {
      if (this.#claim(job)) this.#giveBack(job, gone);
      return;
    }
    this.#queue.push(job);
    this.#pump();
  }

  /** Whether the job is this worker's to deal with; one that was taken back is another's by now. */
  #claim(job: Job): boolean {
    const isMine = job.claim(this.#claims);
    if (!isMine) this.#jobs.delete(job.row);
    return isMine;
  }

  /** Inputs that cannot come here: the task may run where they lie. */
  #leaveUnmoved(job: Job, error: unknown): void {
    if (!(error instanceof UnmovedError)) return this.#failed(job, error);
    this.#jobs.delete(job.row);
    this.#reporter.flush();
    this.#send({ kind: 'unmoved', row: job.row, inputs: error.rows, attempt: job.attempt, member: -1, error: packError(error.cause) });
  }

  #giveBack(job: Job, missing: Extract<FromWorker, { kind: 'returned' }>['missing'] = []): void {
    this.#jobs.delete(job.row);
    this.#reporter.flush();
    this.#send({ kind: 'returned', row: job.row, missing });
  }

  /** Runs what is queued, up to a few milliseconds a turn: finalisers and timers run between turns. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    const began = performance.now();
    let now = began;
    try {
      while (this.#head < this.#queue.length) {
        const job = this.#queue[this.#head]!;
        this.#queue[this.#head++] = undefined;
        now = this.#start(job, now);
        if (this.#reporter.isDue(now)) {
          this.#flush(now);
          this.#poll();
        }
        if (now - began > 8) break;
      }
    } finally {
      this.#pumping = false;
    }
    if (this.#head < this.#queue.length) {
      this.#later(() => this.#pump());
      return;
    }
    this.#queue.length = this.#head = 0;
    this.#flush(now);
  }

  #flush(now: number): void {
    this.#look(now);
    this.#reporter.flush();
  }

  #look(now: number | undefined): void {
    const figures = this.#results.look(now);
    if (figures !== undefined) this.#send({ kind: 'memory', figures });
  }

  /** Starts one job; the time when it was done or first waited. */
  #start(job: Job, began: number): number {
    if (this.#jobs.get(job.row) !== job || job.isStopped || !this.#claim(job)) return began;
    const inputs = job.inputs.length === 0 ? job.inputs : this.#results.useAll(job.inputs);
    if (typeof inputs === 'number') {
      this.#giveBack(job, [{ holder: this.#settings.index, rows: [inputs] }]);
      return performance.now();
    }
    job.isStarted = true;
    this.#begun++;
    job.executor = this.#executor?.();
    let isOver = true;
    try {
      const result = runningTask.run(job, this.#invoke, job, inputs);
      if (isThenable(result)) {
        isOver = false;
        void this.#await(job, result, began);
        return performance.now();
      }
      return this.#succeeded(job, result, began);
    } catch (error) {
      this.#failed(job, error);
      return performance.now();
    } finally {
      if (isOver) this.#results.done(job.inputs);
    }
  }

  readonly #invoke = (job: Job, inputs: readonly unknown[]): unknown => {
    const observer = observerOf(job, this.#settings.checkMutation);
    return interpret(job.tape, job.start, job.end, inputs, this.#callees.callee, this.#callees.data, observer);
  };

  async #await(job: Job, result: PromiseLike<unknown>, began: number): Promise<void> {
    try {
      this.#succeeded(job, await result, began);
    } catch (error) {
      this.#failed(job, error);
    } finally {
      this.#results.done(job.inputs);
    }
    if (!this.#pumping) this.#flush(performance.now());
  }

  #succeeded(job: Job, result: unknown, began: number): number {
    let kept = result;
    let nbytes = 8;
    if (typeof result === 'object' || typeof result === 'function') {
      kept = this.#settings.sharedMemory ? intoSharedMemory(result) : result;
      nbytes = sizeOf(kept);
    } else if (typeof result === 'string') nbytes = sizeOf(result);
    const now = performance.now();
    if (this.#jobs.get(job.row) !== job) return now;
    this.#results.set(job.row, kept, nbytes);
    if (this.#results.isTooMuch(job.row)) {
      void this.#results.roomFor(job.row).then((refusal) => {
        if (refusal !== undefined) return this.#failed(job, refusal);
        this.#finished(job, kept, nbytes, now - began);
        this.#flush(performance.now());
      });
      return now;
    }
    this.#finished(job, kept, nbytes, now - began);
    return now;
  }

  #finished(job: Job, kept: unknown, nbytes: number, milliseconds: number): void {
    if (this.#jobs.get(job.row) !== job) return;
    this.#jobs.delete(job.row);
    this.#reporter.finished(job.row, nbytes, milliseconds * 1000, (job.flags & TaskFlag.wanted) !== 0, kept);
  }

  #failed(job: Job, error: unknown): void {
    if (this.#jobs.get(job.row) !== job) return;
    this.#jobs.delete(job.row);
    this.#reporter.flush();
    const failure = error instanceof MemberFailure ? error : undefined;
    this.#send({
      kind: 'failed',
      row: job.row,
      attempt: job.attempt,
      member: failure?.member ?? (job.isFused ? job.keys.length - 1 : 0),
      error: packError(failure === undefined ? error : failure.thrown, this.#callees.describeClass),
    });
  }

  #stop(row: number, reason: unknown): void {
    const job = this.#jobs.get(row);
    // its batch may stand behind definitions; what has reported by now is not hit by this later either
    if (job === undefined && this.#defining !== undefined)
      return this.#afterDefinitions(async () => void (this.#jobs.has(row) && this.#stop(row, reason)));
    if (job?.isStarted !== true) return void this.#giveUp(row);
    job.controller ??= new AbortController();
    job.controller.abort(reason);
  }

  /** Gives a task back, unless it has begun. */
  #giveUp(row: number): boolean {
    const job = this.#jobs.get(row);
    if (job === undefined || job.isStarted || !job.claim(this.#claims)) return false;
    job.isStopped = true;
    this.#giveBack(job);
    return true;
  }

  #giveUpUnbegun(rows: readonly number[]): void {
    const kept = rows.filter((row) => !this.#giveUp(row));
    if (kept.length > 0) this.#send({ kind: 'kept', rows: kept });
  }

  /** A task is another worker's now. */
  #drop(row: number): void {
    const job = this.#jobs.get(row);
    if (job === undefined || job.isStarted || !job.isTakenBack(this.#claims)) return;
    job.isStopped = true;
    this.#jobs.delete(row);
  }

  /** An error that no running task will report: given to the task it came from, if that still runs. */
  stray(error: unknown): void {
    const task = runningTask.getStore();
    if (task instanceof Job && this.#jobs.get(task.row) === task) return this.#failed(task, error);
    const keys = task?.keys;
    this.#send({
      kind: 'stray',
      key: typeof keys === 'string' ? keys : keys?.at(-1),
      error: packError(error, this.#callees.describeClass),
    });
  }

  /** Answers peers that ask while a long batch runs here. */
  pollPeers(): void {
    this.#peers.poll();
  }

  /** A peer asks over a link that it opened itself. */
  receiveFromPeer(message: BetweenWorkers, link: Pick<PeerLink, 'post'>): void {
    this.#peers.receive(message, link);
  }

  /** Nobody waits for anything here any more: running tasks are told, where they outlive their worker. */
  close(): void {
    for (const job of this.#jobs.values()) job.controller?.abort(closedError());
    this.#peers.close();
  }
}

const noLink: OpenLink = () => {
  throw new Error('a worker that is alone was given a peer');
};
