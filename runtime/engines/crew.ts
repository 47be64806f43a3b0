import { unpackError } from '../failure.ts';
import type { StartWorker, Transport } from '../pool/transport.ts';
import type { MemorySettings } from '../worker/accounts.ts';
import type { FromWorker, ToWorker, WorkerSettings } from '../worker/protocol.ts';
import type { Claims } from './claims.ts';
import { closedError, lostError } from './errors.ts';
import type { Memory } from './memory.ts';
import { Requests } from './requests.ts';

interface Member {
  transport: Transport;
  isReady: boolean;
  readonly memory: MemorySettings;
  /** Starts in a row that ended before the worker was ready. */
  falseStarts: number;
  readonly claims: SharedArrayBuffer | undefined;
  /** Hears it while another still has its place; without a message, it is gone. */
  overhear?: (message?: FromWorker) => void;
}

/** What the crew tells the shell. */
export interface CrewListener {
  joined(index: number): void;
  /** `wanted`: it was ended from here. `kept`: results that the next in its place has taken over. */
  left(index: number, cause: Error | undefined, wanted: boolean, kept: readonly number[]): void;
  /** No worker can be started any more. */
  broken(error: Error): void;
  message(index: number, message: FromWorker): void;
  executor(): unknown;
  warn(code: string, message: string): void;
}

/** Says what of that which the next worker has brought over still counts; `undefined` when the old one need not go. */
type Leave = (brought: readonly number[]) => readonly number[] | undefined;

/** So long a worker may take to answer before it counts as busy for good. */
const patienceMs = 100;
/** So long the next worker may take to bring over what the old one holds. */
const mostMs = 30_000;

/** The workers of an engine: starts them, makes them known to each other, puts a new one in the place of one that ended, and carries messages. */
export class Crew {
  readonly #names: readonly string[];
  readonly #start: StartWorker;
  readonly #settings: Omit<WorkerSettings, 'index' | 'name' | 'memory'>;
  readonly #memory: Pick<Memory, 'settings' | 'began' | 'ended' | 'rest'>;
  readonly #claims: Claims | undefined;
  readonly #listener: CrewListener;
  readonly #requests = new Requests();
  /** By worker: results it may drop, told at the end of the turn. */
  readonly #frees = new Map<number, number[]>();
  #members: Member[] = [];
  /** Workers on their way to the places of others, and when they will be there. */
  readonly #heirs = new Set<Member>();
  readonly #successions = new Map<number, Promise<void>>();
  #isBusy = false;
  #isClosed = false;

  constructor(options: {
    readonly names: readonly string[];
    readonly start: StartWorker;
    readonly settings: Omit<WorkerSettings, 'index' | 'name' | 'memory'>;
    readonly memory: Pick<Memory, 'settings' | 'began' | 'ended' | 'rest'>;
    readonly claims: Claims | undefined;
    readonly listener: CrewListener;
  }) {
    this.#names = options.names;
    this.#start = options.start;
    this.#settings = options.settings;
    this.#memory = options.memory;
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

  /** A way to answer the worker that is there now. The next in its place is not told: in its own numbers the answer would mean something else. */
  answer(index: number): (message: ToWorker, transfer?: readonly object[]) => void {
    const life = this.life(index);
    return (message, transfer) => {
      if (life === this.life(index)) this.post(index, message, transfer);
    };
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
    const member = this.#members[index]!;
    this.#gone(index, cause, cause === undefined);
    void this.#terminate(member);
  }

  /**
   * As `replace`, but as long as the old worker still answers, the new one first brings over what only the old one holds. `leave` is asked last.
   */
  async succeed(
    index: number,
    rows: readonly number[],
    leave: (brought: readonly number[]) => readonly number[] | undefined,
  ): Promise<void> {
    const old = this.#members[index]!;
    while (this.#successions.has(index)) await this.#successions.get(index);
    if (this.#members[index] !== old) return;
    const succession = this.#succeed(index, old, rows, leave).finally(() => this.#successions.delete(index));
    this.#successions.set(index, succession);
    await succession;
  }

  async #succeed(index: number, old: Member, rows: readonly number[], leave: Leave): Promise<void> {
    const answers = rows.length > 0 && old.transport.meet !== undefined && (await this.#answers(index));
    if (this.#members[index] !== old) return;
    if (!answers) return void (leave([]) && this.replace(index));
    const heir = this.#newMember(index, 0);
    this.#heirs.add(heir);
    heir.transport.setBusy(true); // the process may have nothing else to do
    const brought = await this.#bringOver(index, heir, old, rows);
    this.#heirs.delete(heir);
    const kept = this.#members[index] === old ? leave(brought ?? []) : undefined;
    if (kept === undefined || brought === undefined || !heir.isReady) {
      if (kept !== undefined) this.replace(index);
      return this.#terminate(heir);
    }
    this.#install(index, heir);
    heir.transport.setBusy(this.#isBusy);
    this.#frees.delete(index);
    const stale = brought.filter((row) => !kept.includes(row));
    if (stale.length > 0) heir.transport.post({ kind: 'free', rows: stale });
    void this.#terminate(old);
    this.#requests.fail(lostError('a result'), index);
    this.#listener.left(index, undefined, true, kept);
    this.#introduce(index);
    this.#listener.joined(index);
  }

  /** Whether a worker turns to its messages, or is busy for long. */
  async #answers(index: number): Promise<boolean> {
    const answer = this.ask(index, (request) => ({ kind: 'has', request, rows: [] })).then(
      () => true,
      () => false,
    );
    return within(patienceMs, answer, false);
  }

  /** What the heir has brought over; `undefined` when that took too long: then it holds what nobody knows of, and must not be used. */
  async #bringOver(index: number, heir: Member, old: Member, rows: readonly number[]): Promise<readonly number[] | undefined> {
    const inherited = new Promise<readonly number[] | undefined>((resolve) => {
      heir.overhear = (message) => {
        switch (message?.kind) {
          case 'ready':
            heir.isReady = true;
            old.transport.meet!(index, heir.transport, index);
            return heir.transport.post({ kind: 'inherit', rows });
          case 'inherited':
            return resolve(message.rows);
          case 'console': // its set-up may write
            return this.#listener.message(index, message);
          case 'unfit':
          case undefined:
            heir.isReady = false;
            return resolve([]);
        }
      };
    });
    return within(mostMs, inherited, undefined);
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
    this.#memory.rest();
    const ended = [...this.#members, ...this.#heirs];
    this.#heirs.clear();
    this.#members = [];
    this.#frees.clear();
    this.#requests.fail(reason);
    await Promise.all(ended.map((member) => this.#terminate(member)));
  }

  /** Its files go when it is gone: until then it may be writing. */
  async #terminate({ transport, memory }: Member): Promise<void> {
    await transport.terminate();
    this.#memory.ended(memory);
  }

  #startMember(index: number, falseStarts: number): void {
    const member = this.#newMember(index, falseStarts);
    this.#install(index, member);
    member.transport.setBusy(this.#isBusy);
  }

  #install(index: number, member: Member): void {
    this.#members[index] = member;
    this.#memory.began(index);
    if (member.claims !== undefined) this.#claims?.use(index, member.claims);
  }

  #newMember(index: number, falseStarts: number): Member {
    const memory = this.#memory.settings(index);
    const member: Member = { transport: undefined as never, isReady: false, memory, falseStarts, claims: this.#claims?.make() };
    const isCurrent = (): boolean => this.#members[index] === member;
    member.transport = this.#start(
      { ...this.#settings, memory, index, name: this.#names[index]!, claims: member.claims },
      (message) => (isCurrent() ? this.#receive(index, message) : member.overhear?.(message)),
      (cause) => {
        this.#memory.ended(memory);
        if (isCurrent()) this.#gone(index, cause, false);
        else member.overhear?.();
      },
      () => this.#listener.executor(),
    );
    return member;
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
      case 'stray':
        return this.#stray(index, message);
      default:
        return this.#listener.message(index, message);
    }
  }

  /** An error that no running task can be blamed for. One of no task at all leaves its worker in a state that nobody knows: it counts as dead. */
  #stray(index: number, { key, error }: Extract<FromWorker, { kind: 'stray' }>): void {
    const name = this.#names[index]!;
    if (key !== undefined)
      return this.#listener.warn('HEDDLE_LATE_ERROR', `task ${key} on ${name} threw after it had ended: ${error.text}`);
    this.#listener.warn('HEDDLE_LATE_ERROR', `something on ${name} threw outside any task, so that it is replaced: ${error.text}`);
    this.replace(index, new Error(`${error.text} was thrown outside any task`));
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
    if (member.isReady) this.#listener.left(index, cause, wanted, []);
  }
}

/** What a promise gives, or another value after so long. The clock keeps the process alive: somebody waits for this, and workers at rest do not. */
function within<T>(ms: number, promise: Promise<T>, otherwise: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const clock = setTimeout(() => resolve(otherwise), ms);
    void promise.then(resolve, reject).finally(() => clearTimeout(clock));
  });
}
