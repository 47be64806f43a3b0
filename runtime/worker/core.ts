import { closedError } from '../engines/errors.ts';
import { packError } from '../failure.ts';
import type { NestedReply } from '../nested/messages.ts';
import { Callees } from './callees.ts';
import { runningTask } from './context.ts';
import { decode, encode } from './encode.ts';
import { interpret, MemberFailure } from './interpret.ts';
import { type Batch, eachJob, Job } from './job.ts';
import type { OpenLink, PeerLink } from './links.ts';
import { observerOf } from './observe.ts';
import { intoSharedMemory, isThenable } from './outcome.ts';
import { Peers, UnmovedError } from './peers.ts';
import { type BetweenWorkers, type FromWorker, TaskFlag, type ToWorker, type WorkerSettings } from './protocol.ts';
import { Reporter } from './reporter.ts';
import { sizeOf } from './size-of.ts';

/**
 * A worker: takes batches of tasks, brings in what they need from its peers, runs them one after the other, keeps the results, and reports in batches.
 * It knows no transport: a thread (`main.ts`) or the caller's own thread (the inline engine) gives it messages and a way to answer.
 */
export class WorkerCore {
  readonly #settings: WorkerSettings;
  readonly #send: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void;
  readonly #results = new Map<number, unknown>();
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
    this.#peers = new Peers(this.#results, options.openLink ?? noLink);
  }

  /** Takes one message from the shell. */
  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'run':
        return this.#run(message);
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
          this.#afterDefinitions(async () => void this.#results.set(row, await this.#callees.load(captured)));
        } else this.#results.set(message.row, decode({ rich: message.rich, value: message.value }));
        return;
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
        return void this.#call(message);
      default:
        message satisfies never;
    }
  }

  /** Whether anything is queued, waiting or running here. */
  get isBusy(): boolean {
    return this.#jobs.size > 0;
  }

  #afterDefinitions(work: () => Promise<void>): void {
    const before = this.#defining ?? Promise.resolve();
    const mine = before.then(work).finally(() => {
      if (this.#defining === mine) this.#defining = undefined;
    });
    this.#defining = mine;
  }

  #run(message: Extract<ToWorker, { kind: 'run' }>): void {
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
        if (this.#results.has(input)) inputs[i] = this.#results.get(input);
        else {
          missing ??= new Map();
          const holder = batch.header[at + 1]!;
          const wanted = missing.get(holder);
          if (wanted === undefined) missing.set(holder, [i, input]);
          else wanted.push(i, input);
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
        [...missing].map(async ([holder, wanted]) => {
          const rows = wanted.filter((_, i) => i % 2 === 1);
          const begun = this.#begun;
          const { results, lost, us } = await this.#peers.fetch(holder, rows);
          if (lost.length === 0 && begun === this.#begun) this.#reporter.moved(rows, us); // else it measures what ran here, too
          if (lost.length > 0) gone.push({ holder, rows: lost });
          if (!isCurrent()) return; // nobody would know of these copies, nor ever free them
          for (const [i, result] of results.entries()) {
            if (lost.includes(rows[i]!)) continue;
            this.#results.set(rows[i]!, result);
            job.inputs[wanted[2 * i]!] = result;
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
          this.#reporter.flush();
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
    this.#reporter.flush();
  }

  /** Starts one job; the time when it was done or first waited. */
  #start(job: Job, began: number): number {
    if (this.#jobs.get(job.row) !== job || job.isStopped || !this.#claim(job)) return began;
    job.isStarted = true;
    this.#begun++;
    job.executor = this.#executor?.();
    try {
      const result = runningTask.run(job, this.#invoke, job);
      if (isThenable(result)) {
        void this.#await(job, result, began);
        return performance.now();
      }
      return this.#succeeded(job, result, began);
    } catch (error) {
      this.#failed(job, error);
      return performance.now();
    }
  }

  readonly #invoke = (job: Job): unknown => {
    const observer = observerOf(job, this.#settings.checkMutation);
    return interpret(job.tape, job.start, job.end, job.inputs, this.#callees.callee, this.#callees.data, observer);
  };

  async #await(job: Job, result: PromiseLike<unknown>, began: number): Promise<void> {
    try {
      this.#succeeded(job, await result, began);
    } catch (error) {
      this.#failed(job, error);
    }
    if (!this.#pumping) this.#reporter.flush();
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
    this.#jobs.delete(job.row);
    this.#results.set(job.row, kept);
    this.#reporter.finished(job.row, nbytes, (now - began) * 1000, (job.flags & TaskFlag.wanted) !== 0, kept);
    return now;
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

  async #call({ request, definition }: Extract<ToWorker, { kind: 'call' }>): Promise<void> {
    try {
      const fn = (await this.#callees.load(definition)) as () => unknown;
      const { rich, value, transfer } = encode(await fn(), 'result');
      this.#send({ kind: 'called', request, rich, value }, transfer);
    } catch (error) {
      this.#send({ kind: 'called', request, rich: false, value: undefined, error: packError(error, this.#callees.describeClass) });
    }
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
