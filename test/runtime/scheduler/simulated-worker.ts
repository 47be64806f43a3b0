import { type Accounts, spillAt } from '../../../runtime/worker/accounts.ts';
import type { Hold } from './simulated-shell.ts';

/** A task in a worker's hands. */
export interface Job {
  readonly row: number;
  /** Its inputs, and who was said to hold each. */
  readonly inputs: readonly (readonly [row: number, holder: number])[];
  /** Inputs that are on their way. */
  readonly missing: Set<number>;
  readonly gone: { readonly holder: number; readonly rows: readonly number[] }[];
  phase: 'bringing' | 'queued' | 'running';
  /** What it submitted. */
  readonly children: Hold[];
  isStopped: boolean;
  /** Who has it, where both sides share memory: its worker, once it has begun it or given it back, or the shell, once it took it back. */
  owner: 'nobody' | 'worker' | 'shell';
}

interface Returned {
  readonly kind: 'returned';
  readonly row: number;
  readonly missing: readonly { readonly holder: number; readonly rows: readonly number[] }[];
}
/** Who waits for a holder to say what it has not got: a worker whose message stands behind the answer, or somebody who wanted the result itself. */
export interface Asks {
  /** Steps of the table at that time. */
  readonly asked: number;
  readonly waiting?: { readonly worker: SimulatedWorker; readonly life: number; readonly message: Returned };
}

type Incoming =
  | { readonly kind: 'run'; readonly jobs: readonly Job[] }
  | { readonly kind: 'free' | 'steal' | 'drop' | 'stop'; readonly rows: readonly number[] }
  | { readonly kind: 'put'; readonly rows: readonly number[]; readonly nbytes: number }
  | { readonly kind: 'has'; readonly rows: readonly number[]; readonly asks: Asks }
  | { readonly kind: 'settle' };

type Outgoing =
  | { readonly kind: 'finished'; readonly reports: readonly number[]; readonly moved: readonly number[] }
  | { readonly kind: 'failed'; readonly row: number }
  | { readonly kind: 'kept'; readonly rows: readonly number[] }
  | { readonly kind: 'unmoved'; readonly row: number; readonly rows: readonly number[] }
  | Returned
  | { readonly kind: 'held'; readonly lost: readonly number[]; readonly asks: Asks };

/** A worker as the shell and its peers see it: takes messages in order, brings in what it lacks, runs up to two tasks at a time, says how they went. */
export class SimulatedWorker {
  readonly index: number;
  readonly resources: Readonly<Record<string, number>>;
  isAlive = false;
  /** It is there, and has not joined. */
  isComing = false;
  /** Which life it is: answers for an earlier one reach nobody. */
  life = 0;
  inbox: Incoming[] = [];
  outbox: Outgoing[] = [];
  /** Results here, and their bytes. */
  stored = new Map<number, number>();
  /** Those of them that lie in files only. */
  spilled = new Set<number>();
  /** Results whose files were taken away, which the scheduler has not heard of. */
  spoilt = new Set<number>();
  /** A worker on its way to the place of this one, for the sake of a row that does not stop: what it has brought over, and which task that was. */
  heir: { readonly row: number; readonly brought: ReadonlyMap<number, readonly [task: unknown, nbytes: number]> } | undefined;
  jobs = new Map<number, Job>();
  running: Job[] = [];
  #moved: number[] = [];
  #held = 0;
  #onDisk = 0;
  #leaked = 0;
  /** Where memory is limited. */
  readonly #accounts: Accounts | undefined;

  constructor(index: number, resources: Readonly<Record<string, number>>, accounts?: Accounts) {
    this.index = index;
    this.resources = resources;
    this.#accounts = accounts;
  }

  get isQuiet(): boolean {
    return this.inbox.length === 0 && this.outbox.length === 0 && this.jobs.size === 0;
  }

  start(): void {
    this.isAlive = true;
    this.life++;
  }

  end(): void {
    this.isAlive = false;
    this.inbox = [];
    this.outbox = [];
    this.stored = new Map();
    this.spilled = new Set();
    this.spoilt = new Set();
    this.heir = undefined;
    this.jobs = new Map();
    this.running = [];
    this.#moved = [];
    this.#held = this.#onDisk = this.#leaked = 0;
    this.#note();
  }

  #note(): void {
    this.#accounts?.set(this.index, [this.#held, this.#onDisk, this.#held + this.#leaked]);
  }

  keep(row: number, nbytes: number): void {
    this.drop(row);
    this.spoilt.delete(row);
    this.stored.set(row, nbytes);
    this.#held += nbytes;
    this.#note();
    this.#spill();
  }

  drop(row: number): void {
    const nbytes = this.stored.get(row);
    if (nbytes === undefined) return;
    this.stored.delete(row);
    if (this.spilled.delete(row)) this.#onDisk -= nbytes;
    else this.#held -= nbytes;
    this.#note();
  }

  /** Writes to files what may lie there, as long as this worker holds more than its share; nobody is told. */
  #spill(): void {
    const accounts = this.#accounts;
    if (accounts === undefined || accounts.held() <= spillAt * accounts.limit) return;
    const share = (spillAt * accounts.limit) / accounts.count;
    for (const [row, nbytes] of this.stored) {
      if (this.#held <= share) break;
      if (nbytes % 3 === 0 || this.spilled.has(row)) continue; // a third of all results cannot be made again from bytes
      this.spilled.add(row);
      this.#held -= nbytes;
      this.#onDisk += nbytes;
    }
    this.#note();
  }

  /** Memory that is no result's. */
  leak(bytes: number): void {
    this.#leaked += bytes;
    this.#note();
  }

  /** Somebody takes a file away. */
  spoil(pick: number): void {
    const row = [...this.spilled][pick % Math.max(1, this.spilled.size)];
    if (row === undefined) return;
    this.drop(row);
    this.spoilt.add(row);
  }

  /** What a task takes is in memory again; the row that is gone, or -1. */
  #use(inputs: Job['inputs']): number {
    for (const [row] of inputs) {
      const nbytes = this.stored.get(row);
      if (nbytes === undefined) return row;
      if (!this.spilled.delete(row)) continue;
      this.#held += nbytes;
      this.#onDisk -= nbytes;
    }
    this.#note();
    this.#spill();
    return -1;
  }

  /** Reads one message. */
  deliver(): void {
    const message = this.inbox.shift();
    switch (message?.kind) {
      case 'run':
        for (const job of message.jobs) {
          if (job.owner === 'shell') continue;
          this.jobs.set(job.row, job);
          for (const [row] of job.inputs) if (!this.stored.has(row)) job.missing.add(row);
          if (job.missing.size === 0) job.phase = 'queued';
        }
        return;
      case 'free':
        for (const row of message.rows) {
          this.drop(row);
          this.spoilt.delete(row);
        }
        return;
      case 'put':
        for (const row of message.rows) this.keep(row, message.nbytes);
        return;
      case 'settle':
        return this.#spill();
      case 'has':
        this.outbox.push({ kind: 'held', lost: message.rows.filter((row) => !this.stored.has(row)), asks: message.asks });
        return;
      case 'drop':
        for (const row of message.rows) if (this.jobs.get(row)?.owner === 'shell') this.jobs.delete(row);
        return;
      case 'stop':
      case 'steal':
        for (const row of message.rows) {
          const job = this.jobs.get(row);
          if (job !== undefined && job.phase !== 'running') this.#giveBack(job);
          else if (message.kind === 'steal') this.outbox.push({ kind: 'kept', rows: [row] });
          else if (job !== undefined) job.isStopped = true;
        }
    }
  }

  /** Whether it may deal with a job, which it then has. */
  #claim(job: Job): boolean {
    if (job.owner === 'shell') this.jobs.delete(job.row);
    else job.owner = 'worker';
    return job.owner === 'worker';
  }

  #giveBack(job: Job): void {
    if (!this.#claim(job)) return;
    this.jobs.delete(job.row);
    this.outbox.push({ kind: 'returned', row: job.row, missing: job.gone });
  }

  /** One input arrives from a peer, or turns out to be gone or to be unable to leave. */
  bring(pick: number, workers: readonly SimulatedWorker[], isImmovable: (row: number) => boolean): void {
    const bringing = [...this.jobs.values()].filter((job) => job.phase === 'bringing');
    const job = bringing[pick % Math.max(1, bringing.length)];
    if (job === undefined) return;
    const [row] = job.missing;
    const holder = job.inputs.find(([input]) => input === row)![1];
    job.missing.delete(row!);
    const nbytes = workers[holder]!.stored.get(row!);
    if (nbytes === undefined) job.gone.push({ holder, rows: [row!] });
    else if (isImmovable(row!)) {
      if (!this.#claim(job)) return;
      this.jobs.delete(job.row);
      this.outbox.push({ kind: 'unmoved', row: job.row, rows: [row!] });
      return;
    } else {
      this.keep(row!, nbytes);
      this.#moved.push(row!);
    }
    if (job.missing.size > 0) return;
    if (job.gone.length > 0) this.#giveBack(job);
    else job.phase = 'queued';
  }

  /** Begins a task; two at most run at a time, those beside that wait for their children. */
  begin(pick: number, check: (row: number) => void): void {
    if (this.running.filter((job) => job.children.length === 0).length > pick % 2) return;
    for (const job of this.jobs.values()) {
      if (job.phase !== 'queued' || !this.#claim(job)) continue;
      const missing = this.#use(job.inputs);
      if (missing >= 0) {
        job.gone.push({ holder: this.index, rows: [missing] });
        return this.#giveBack(job);
      }
      check(job.row);
      job.phase = 'running';
      this.running.push(job);
      return;
    }
  }

  /** A task ends. Half of the time its report joins the one before it. */
  finish(job: Job, isFailing: boolean, nbytes: number, us: number): void {
    this.running.splice(this.running.indexOf(job), 1);
    this.jobs.delete(job.row);
    if (isFailing) {
      this.outbox.push({ kind: 'failed', row: job.row });
      return;
    }
    this.keep(job.row, nbytes);
    const moved = this.#moved;
    this.#moved = [];
    const last = this.outbox.at(-1);
    if (last?.kind === 'finished' && nbytes % 2 === 0)
      this.outbox[this.outbox.length - 1] = { ...last, reports: [...last.reports, job.row, nbytes, us], moved: [...last.moved, ...moved] };
    else this.outbox.push({ kind: 'finished', reports: [job.row, nbytes, us], moved });
  }
}
