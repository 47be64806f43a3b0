import type { EngineListener } from '../engine.ts';
import { MemoryPolicy } from '../scheduler/memory-policy.ts';
import type { SchedulerState } from '../scheduler/state.ts';
import type { Stimulus } from '../scheduler/stimulus.ts';
import { Accounts, Figure, figuresOf, type MemorySettings } from '../worker/accounts.ts';
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

/**
 * Keeps the results of all workers, and what they grow by, within a limit: carries out what `scheduler/memory-policy.ts` decides.
 * Results that can neither be spilled nor be made without more memory are kept, and warned of.
 */
export class Memory {
  readonly #source: MemorySource;
  readonly #accounts: Accounts;
  readonly #figures: SharedArrayBuffer | undefined;
  readonly #folders: SpillFolders;
  readonly #policy: MemoryPolicy;
  readonly #asked: number[] = [];
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
    this.#policy = new MemoryPolicy(this.#accounts, {
      settle: (index) => this.#ask(index),
      pause: (index, isPaused) => this.tell(index, isPaused ? 'paused' : 'resumed', { kind: 'paused', worker: index, isPaused }),
      replace: (index, bytes) => this.#replace(index, bytes),
    });
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
    this.#policy.began(index, performance.now());
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
    return this.#policy.isPaused(index);
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

  /** Looks at all figures and does what they call for; again soon while somebody is paused. */
  weigh(): void {
    if (this.#isResting) return;
    this.#policy.weigh(this.#source.state(), performance.now());
    if (this.#timer !== undefined || this.#policy.paused().length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const index of this.#policy.paused()) this.#ask(index);
      this.weigh();
    }, everyMs);
    this.#timer.unref();
  }

  #ask(index: number): void {
    const now = performance.now();
    if (now - (this.#asked[index] ?? Number.NEGATIVE_INFINITY) < everyMs) return;
    this.#asked[index] = now;
    this.#source.crew().post(index, { kind: 'settle' });
  }

  /** Tells listeners of a change, and then the scheduler. */
  tell(index: number, change: 'joined' | 'paused' | 'resumed', stimulus: Stimulus): void {
    const { name } = this.#source.options.workers[index]!;
    this.#source.listener().worker?.({ time: Date.now(), worker: name, change });
    this.#source.step(stimulus);
  }

  #replace(index: number, bytes: number): void {
    this.#warn(
      'HEDDLE_MEMORY',
      `${this.#source.options.workers[index]!.name} grew by ${Math.round(bytes)} bytes beside its results, and was replaced; what it held is made again. Look for what its tasks keep in variables of modules`,
    );
    this.#source.crew().replace(index);
  }

  /** All workers are gone. */
  async close(): Promise<void> {
    await this.#folders.close();
  }
}
