import type { Hold } from './world.ts';

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
/** Who waits for a holder to say what it has not got. */
export interface Asks {
  readonly worker: SimulatedWorker;
  readonly life: number;
  /** Steps of the table at that time. */
  readonly asked: number;
  readonly message: Returned;
}

type Incoming =
  | { readonly kind: 'run'; readonly jobs: readonly Job[] }
  | { readonly kind: 'free' | 'steal' | 'drop' | 'stop' | 'put'; readonly rows: readonly number[] }
  | { readonly kind: 'has'; readonly rows: readonly number[]; readonly asks: Asks };

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
  /** Which life it is: answers for an earlier one reach nobody. */
  life = 0;
  inbox: Incoming[] = [];
  outbox: Outgoing[] = [];
  stored = new Set<number>();
  jobs = new Map<number, Job>();
  running: Job[] = [];
  #moved: number[] = [];

  constructor(index: number, resources: Readonly<Record<string, number>>) {
    this.index = index;
    this.resources = resources;
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
    this.stored = new Set();
    this.jobs = new Map();
    this.running = [];
    this.#moved = [];
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
        for (const row of message.rows) this.stored.delete(row);
        return;
      case 'put':
        for (const row of message.rows) this.stored.add(row);
        return;
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
    if (!workers[holder]!.stored.has(row!)) job.gone.push({ holder, rows: [row!] });
    else if (isImmovable(row!)) {
      if (!this.#claim(job)) return;
      this.jobs.delete(job.row);
      this.outbox.push({ kind: 'unmoved', row: job.row, rows: [row!] });
      return;
    } else {
      this.stored.add(row!);
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
    this.stored.add(job.row);
    const moved = this.#moved;
    this.#moved = [];
    const last = this.outbox.at(-1);
    if (last?.kind === 'finished' && nbytes % 2 === 0)
      this.outbox[this.outbox.length - 1] = { ...last, reports: [...last.reports, job.row, nbytes, us], moved: [...last.moved, ...moved] };
    else this.outbox.push({ kind: 'finished', reports: [job.row, nbytes, us], moved });
  }
}
