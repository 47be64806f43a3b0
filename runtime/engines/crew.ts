import { unpackError } from '../failure.ts';
import type { StartWorker, Transport } from '../pool/transport.ts';
import type { FromWorker, ToWorker, WorkerSettings } from '../worker/protocol.ts';
import type { Claims } from './claims.ts';
import { closedError, lostError } from './errors.ts';
import { Requests } from './requests.ts';

interface Member {
  transport: Transport;
  isReady: boolean;
  /** Starts in a row that ended before the worker was ready. */
  falseStarts: number;
}

/** What the crew tells the shell. */
export interface CrewListener {
  joined(index: number): void;
  /** `wanted`: it was ended from here. */
  left(index: number, cause: Error | undefined, wanted: boolean): void;
  /** No worker can be started any more. */
  broken(error: Error): void;
  message(index: number, message: FromWorker): void;
  executor(): unknown;
}

/** The workers of an engine: starts them, makes them known to each other, puts a new one in the place of one that ended, and carries messages. */
export class Crew {
  readonly #names: readonly string[];
  readonly #start: StartWorker;
  readonly #settings: Omit<WorkerSettings, 'index' | 'name'>;
  readonly #claims: Claims | undefined;
  readonly #listener: CrewListener;
  readonly #requests = new Requests();
  /** By worker: results it may drop, told at the end of the turn. */
  readonly #frees = new Map<number, number[]>();
  #members: Member[] = [];
  #isBusy = false;
  #isClosed = false;

  constructor(options: {
    readonly names: readonly string[];
    readonly start: StartWorker;
    readonly settings: Omit<WorkerSettings, 'index' | 'name'>;
    readonly claims: Claims | undefined;
    readonly listener: CrewListener;
  }) {
    this.#names = options.names;
    this.#start = options.start;
    this.#settings = options.settings;
    this.#claims = options.claims;
    this.#listener = options.listener;
    this.#startAll();
  }

  #startAll(): void {
    for (let index = 0; index < this.#names.length; index++) this.#startMember(index, 0);
  }

  /** Whether answers are waited for. */
  get isAsked(): boolean {
    return this.#requests.size > 0;
  }

  isReady(index: number): boolean {
    return this.#members[index]?.isReady === true;
  }

  /** What tells one worker from the next in its place. */
  life(index: number): object | undefined {
    return this.#members[index];
  }

  post(index: number, message: ToWorker, transfer?: readonly object[]): void {
    if (this.#frees.size > 0) this.#sendFrees(); // before a freed row's number is used again
    this.#members[index]?.transport.post(message, transfer);
  }

  /** Asks a worker and waits for its answer. Rejects with ERR_LOST when the worker ends first. */
  ask(index: number, make: (request: number) => ToWorker): Promise<FromWorker> {
    if (this.#isClosed) return Promise.reject(closedError());
    return this.#requests.ask(index, (request) => this.post(index, make(request)));
  }

  /** Gathers what one turn frees, so that a loop of releases is one message. */
  free(index: number, rows: readonly number[]): void {
    if (this.#frees.size === 0) queueMicrotask(() => this.#sendFrees());
    const gathered = this.#frees.get(index);
    if (gathered === undefined) this.#frees.set(index, [...rows]);
    else for (const row of rows) gathered.push(row);
  }

  #sendFrees(): void {
    for (const [index, rows] of this.#frees) this.#members[index]?.transport.post({ kind: 'free', rows });
    this.#frees.clear();
  }

  /** One place owns ref and unref: workers keep the process alive while anything is to be done. */
  setBusy(isBusy: boolean): void {
    if (isBusy === this.#isBusy) return;
    this.#isBusy = isBusy;
    for (const member of this.#members) member.transport.setBusy(isBusy);
  }

  /** Ends a worker, whatever it does, and starts another in its place. With a `cause` it counts as having died of that. */
  replace(index: number, cause?: Error): void {
    const { transport } = this.#members[index]!;
    this.#gone(index, cause, cause === undefined);
    void transport.terminate();
  }

  /** Ends all workers and starts new ones; nobody is told of the old ones any more. */
  async restart(reason: Error): Promise<void> {
    await this.#end(reason);
    this.#startAll();
  }

  /** Ends all workers for good. */
  async close(reason: Error): Promise<void> {
    this.#isClosed = true;
    await this.#end(reason);
  }

  async #end(reason: Error): Promise<void> {
    const ended = this.#members;
    this.#members = [];
    this.#frees.clear();
    this.#requests.fail(reason);
    await Promise.all(ended.map((member) => member.transport.terminate()));
  }

  #startMember(index: number, falseStarts: number): void {
    const member: Member = { transport: undefined as never, isReady: false, falseStarts };
    this.#members[index] = member;
    const isCurrent = (): boolean => this.#members[index] === member;
    member.transport = this.#start(
      { ...this.#settings, index, name: this.#names[index]!, claims: this.#claims?.open(index) },
      (message) => isCurrent() && this.#receive(index, message),
      (cause) => isCurrent() && this.#gone(index, cause, false),
      () => this.#listener.executor(),
    );
    member.transport.setBusy(this.#isBusy);
  }

  #receive(index: number, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#introduce(index);
        return this.#listener.joined(index);
      case 'unfit': {
        const error = unpackError(message.error, { key: 'set-up', name: 'set-up', worker: this.#names[index]!, attempt: 1 });
        return void Promise.resolve(error).then((unfit) => this.#listener.broken(unfit));
      }
      case 'fetched':
      case 'held':
      case 'called':
        return this.#requests.answer(message.request, message);
      default:
        return this.#listener.message(index, message);
    }
  }

  /** Gives a new worker a way to each other one. */
  #introduce(index: number): void {
    const member = this.#members[index]!;
    member.isReady = true;
    member.falseStarts = 0;
    for (const [other, { transport, isReady }] of this.#members.entries())
      if (other !== index && isReady) member.transport.meet?.(index, transport, other);
  }

  #gone(index: number, cause: Error | undefined, wanted: boolean): void {
    const member = this.#members[index]!;
    this.#frees.delete(index);
    if (!member.isReady && member.falseStarts >= 2) return this.#listener.broken(cause ?? new Error('a worker ended before it was ready'));
    this.#startMember(index, member.isReady ? 0 : member.falseStarts + 1);
    this.#requests.fail(lostError('a result', cause), index);
    if (member.isReady) this.#listener.left(index, cause, wanted);
  }
}
