import type { RunningTask } from './context.ts';
import { claimSlots, headerLength, type ToWorker } from './protocol.ts';

/** Tasks as they came, in one message. */
export type Batch = Extract<ToWorker, { kind: 'run' }>;

const tokenLength = 32;

/** A task on a worker, from its batch to its end: its place in the batch, its inputs as they arrive, and what it may know of itself while it runs. */
export class Job implements RunningTask {
  readonly row: number;
  readonly attempt: number;
  readonly flags: number;
  /** What it claims its place with when it begins; -1: nobody can take it back. */
  readonly ticket: number;
  /** Its part of the batch's tape. */
  readonly tape: readonly unknown[];
  readonly start: number;
  readonly end: number;
  readonly inputs: unknown[];
  readonly nouts: ReadonlyMap<number, number> | undefined;
  executor: unknown = undefined;
  readonly worker: string;
  /** Which of the fused tasks runs. */
  member: number;
  controller: AbortController | undefined = undefined;
  isStarted = false;
  isStopped = false;
  readonly #batch: Batch;
  /** Index into the batch's names, and where its token stands; or -1 and the index into its keys. */
  readonly #name: number;
  readonly #keyAt: number;

  constructor(batch: Batch, at: number, start: number, keyAt: number, nouts: ReadonlyMap<number, number> | undefined, worker: string) {
    const { header } = batch;
    this.row = header[at]!;
    this.attempt = header[at + 1]!;
    this.flags = header[at + 2]!;
    this.tape = batch.tape;
    this.start = start;
    this.end = header[at + 3]!;
    this.inputs = new Array(header[at + 4]!);
    this.nouts = nouts;
    this.worker = worker;
    this.#batch = batch;
    this.#name = header[at + 5]!;
    this.ticket = header[at + 6]!;
    this.#keyAt = keyAt;
    this.member = this.isFused ? -1 : 0;
  }

  /** Begins, unless it was taken back. */
  claim(claims: Int32Array | undefined): boolean {
    if (claims === undefined || this.ticket < 0) return true;
    const open = 2 * this.ticket;
    return Atomics.compareExchange(claims, this.ticket % claimSlots, open, open + 1) === open;
  }

  /** Whether it was taken back before it was looked at. */
  isTakenBack(claims: Int32Array | undefined): boolean {
    return claims !== undefined && this.ticket >= 0 && Atomics.load(claims, this.ticket % claimSlots) !== 2 * this.ticket;
  }

  /** Whether it is more than one task. */
  get isFused(): boolean {
    return this.#name < 0 && typeof this.#batch.keys[this.#keyAt] !== 'string';
  }

  /** Its key, or those of the tasks fused into it, the outlet last. Most tasks never look at theirs: it is put together when asked for. */
  get keys(): string | readonly string[] {
    if (this.#name < 0) return this.#batch.keys[this.#keyAt]!;
    return `${this.#batch.names[this.#name]}-${this.#batch.tokens.slice(this.#keyAt, this.#keyAt + tokenLength)}`;
  }
}

/** The jobs of a batch, in their order; each with the place of its inputs in the header. */
export function eachJob(batch: Batch, worker: string, visit: (job: Job, inputsAt: number) => void): void {
  const { header, nouts } = batch;
  let start = 0;
  let tokenAt = 0;
  let keyAt = 0;
  for (let at = 0; at < header.length; at += headerLength + 2 * header[at + 4]!) {
    const row = header[at]!;
    const own = nouts.length === 0 ? undefined : noutsOf(nouts, row);
    const isNamed = header[at + 5]! >= 0;
    const job = new Job(batch, at, start, isNamed ? tokenAt : keyAt, own, worker);
    if (isNamed) tokenAt += tokenLength;
    else keyAt++;
    start = job.end;
    visit(job, at + headerLength);
  }
}

function noutsOf(nouts: Batch['nouts'], row: number): ReadonlyMap<number, number> | undefined {
  const own = nouts.filter((one) => one[0] === row).map(([, member, nout]) => [member, nout] as const);
  return own.length === 0 ? undefined : new Map(own);
}
