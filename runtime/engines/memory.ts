import type { EngineListener } from '../engine.ts';
import { type SchedulerState, State } from '../scheduler/state.ts';
import type { Stimulus } from '../scheduler/stimulus.ts';
import { Accounts, Figure, figuresOf, type MemorySettings, pauseAt, replaceAt, spillAt } from '../worker/accounts.ts';
import type { FromWorker } from '../worker/protocol.ts';
import type { Crew } from './crew.ts';
import type { LocalOptions } from './local-options.ts';
import { SpillFolders } from './spill-folders.ts';

/** What watching memory needs to know of the shell. */
export interface MemorySource {
  readonly options: LocalOptions;
  crew(): Crew;
  state(): SchedulerState;
  step(stimulus: Stimulus): void;
  listener(): EngineListener;
}

/** How often is looked while somebody is paused, and how often a worker is asked to spill. */
const everyMs = 20;
/** After so long without work a paused worker is given some: what holds the memory may be waiting for it. */
const patienceMs = 1000;
/** The same for one at work: its tasks may never end. */
const longPatienceMs = 10_000;
/** A worker must have lived so long to be replaced, and twice as long after each time. */
const firstLifeMs = 1000;
/** Below this share of the limit who was paused goes on. */
const resumeAt = 0.75;

/**
 * Keeps the results of all workers, and what they grow by, within a limit.
 *
 *     0 ─────────────── 60 % ──────────── 80 % ──────── 95 % ── limit
 *          in memory      │ those used      │ who has more   │ who grew by other things than results is replaced,
 *                         │ longest ago     │ than its share │ and its results are made again
 *                         │ go to files     │ takes no tasks │
 *
 * Workers spill by themselves (`worker/store.ts`); one that is idle while others fill the limit is asked to. Whoever is paused goes on below 75 %, or when
 * nothing else could ever free memory. Results that can neither be spilled nor be made without more memory are kept, and warned of.
 */
export class Memory {
  readonly #source: MemorySource;
  readonly #accounts: Accounts;
  readonly #figures: SharedArrayBuffer | undefined;
  readonly #folders: SpillFolders;
  /** By worker: since when it is paused; `undefined`: it is not. */
  readonly #paused: (number | undefined)[] = [];
  readonly #asked: number[] = [];
  readonly #began: number[] = [];
  readonly #life: number[] = [];
  readonly #warned = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isResting = false;

  constructor(source: MemorySource) {
    const { workers, memoryLimit, spillDirectory, name } = source.options;
    this.#source = source;
    const figures = figuresOf(workers.length);
    this.#figures = name === 'processes' ? undefined : figures;
    this.#accounts = new Accounts(memoryLimit, figures, 0, workers.length);
    this.#folders = new SpillFolders(spillDirectory);
  }

  /** What a worker is told at its start. */
  settings(index: number): MemorySettings {
    const { limit, count } = this.#accounts;
    this.#accounts.set(index, [0, 0, 0]);
    return {
      limit: this.#figures === undefined ? limit / count : limit,
      figures: this.#figures,
      index,
      count,
      folder: this.#folders.next(index),
      hasOwnHeap: !this.#source.options.isLive,
    };
  }

  /** A worker takes its place: whether another was paused there is past. One that is only on its way changes nothing, for it may never come. */
  began(index: number): void {
    this.#isResting = false;
    this.#paused[index] = undefined;
    this.#began[index] = performance.now();
  }

  /** All workers are being ended: nothing is asked of them. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isResting = true;
  }

  /** A worker has ended: its files go. */
  ended({ folder }: MemorySettings): void {
    this.#folders.drop(folder);
  }

  isPaused(index: number): boolean {
    return this.#paused[index] !== undefined;
  }

  /** Bytes of a worker's results that lie in files. */
  spilled(index: number): number {
    return this.#accounts.of(index, Figure.spilled);
  }

  /** A worker that shares no memory tells its figures; or a file could not be written. */
  told(index: number, message: Extract<FromWorker, { kind: 'memory' | 'unspilled' }>): void {
    if (message.kind === 'memory') {
      this.#accounts.set(index, message.figures);
      this.weigh();
    } else
      this.#warn(
        'HEDDLE_SPILL',
        `results cannot be spilled: ${message.text}; what fits into memory stays, what does not fails with ERR_SPILL. Free space there, or name another spillDirectory`,
      );
  }

  #warn(code: string, message: string): void {
    if (this.#warned.has(code)) return;
    this.#warned.add(code);
    this.#source.listener().warning({ time: Date.now(), code, message });
  }

  /** Looks at all figures and does what they call for. */
  weigh(): void {
    if (this.#isResting) return;
    const { limit } = this.#accounts;
    const isPaused = this.#paused.some((since) => since !== undefined);
    const held = this.#accounts.held();
    if (held > spillAt * limit) this.#askToSpill();
    const used = Math.max(held, this.#accounts.usedByAll());
    if (used > pauseAt * limit) this.#pause();
    if (used > replaceAt * limit) this.#replace();
    if (isPaused) this.#resume(used);
    if (this.#timer === undefined && this.#paused.some((since) => since !== undefined)) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        for (const [index, since] of this.#paused.entries()) if (since !== undefined) this.#ask(index);
        this.weigh();
      }, everyMs);
      this.#timer.unref();
    }
  }

  /** Workers that hold more than their share may be idle, and so not know that others need room. */
  #askToSpill(): void {
    const { limit, count } = this.#accounts;
    for (let index = 0; index < count; index++) if (this.#accounts.of(index, Figure.held) > (spillAt * limit) / count) this.#ask(index);
  }

  #ask(index: number): void {
    const now = performance.now();
    if (now - (this.#asked[index] ?? Number.NEGATIVE_INFINITY) < everyMs) return;
    this.#asked[index] = now;
    this.#source.crew().post(index, { kind: 'settle' });
  }

  #pause(): void {
    const { limit, count } = this.#accounts;
    for (let index = 0; index < count; index++) {
      if (this.isPaused(index) || this.#accounts.used(index) <= (pauseAt * limit) / count) continue;
      this.#paused[index] = performance.now();
      this.tell(index, 'paused', { kind: 'paused', worker: index, isPaused: true });
    }
  }

  #resume(used: number): void {
    const { limit, count } = this.#accounts;
    const state = this.#source.state();
    // what waits for tasks of its own is at work nowhere
    const atWork = (index: number): number => state.workers[index]!.inFlight.size - state.workers[index]!.seceded.size;
    const isStuck = state.counts[State.queued]! > 0 && state.workers.every((_, index) => atWork(index) === 0);
    let least = -1;
    for (let index = 0; index < count; index++) {
      const since = this.#paused[index];
      if (since === undefined) continue;
      if (used <= resumeAt * limit || this.#accounts.used(index) <= (resumeAt * limit) / count) this.#goOn(index);
      else if (performance.now() - since > (atWork(index) === 0 ? patienceMs : longPatienceMs)) this.#goOn(index);
      else if (least < 0 || this.#accounts.used(index) < this.#accounts.used(least)) least = index;
    }
    // all that could run is held up by what only running it would free
    if (isStuck && least >= 0) this.#goOn(least);
  }

  #goOn(index: number): void {
    this.#paused[index] = undefined;
    this.tell(index, 'resumed', { kind: 'paused', worker: index, isPaused: false });
  }

  /** Tells listeners of a change, and then the scheduler. */
  tell(index: number, change: 'joined' | 'paused' | 'resumed', stimulus: Stimulus): void {
    const { name } = this.#source.options.workers[index]!;
    this.#source.listener().worker?.({ time: Date.now(), worker: name, change });
    this.#source.step(stimulus);
  }

  /** Ends the worker that has grown most, when most of that is no results: what a new one would not have. */
  #replace(): void {
    const { count } = this.#accounts;
    let most = -1;
    let mostBytes = 0;
    for (let index = 0; index < count; index++) {
      const other = this.#accounts.of(index, Figure.grown) - this.#accounts.of(index, Figure.held);
      if (other <= this.#accounts.used(index) / 2 || other <= mostBytes) continue;
      most = index;
      mostBytes = other;
    }
    if (most < 0 || performance.now() - this.#began[most]! < (this.#life[most] ?? firstLifeMs)) return;
    this.#life[most] = 2 * (this.#life[most] ?? firstLifeMs);
    this.#warn(
      'HEDDLE_MEMORY',
      `${this.#source.options.workers[most]!.name} grew by ${Math.round(mostBytes)} bytes beside its results, and was replaced; what it held is made again. Look for what its tasks keep in variables of modules`,
    );
    this.#source.crew().replace(most);
  }

  /** All workers are gone. */
  async close(): Promise<void> {
    await this.#folders.close();
  }
}
