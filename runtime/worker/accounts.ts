import { types } from 'node:util';

/** What a worker tells of its memory: three numbers a worker, in one row of shared memory where workers share any. */
export const Figure = {
  /** Bytes of results in memory. */
  held: 0,
  /** Bytes of results that lie in files only. */
  spilled: 1,
  /** Bytes by which its heap and buffers have grown since it began, as of the last look. */
  grown: 2,
} as const;
const figures = 3;

/** Shares of the limit: above the first results go to files, above the second a worker takes no new tasks, above the third it is replaced. */
export const spillAt = 0.6;
export const pauseAt = 0.8;
export const replaceAt = 0.95;

/** How a worker learns what it may hold. */
export interface MemorySettings {
  /** Bytes that all workers together may hold. */
  readonly limit: number;
  /** `undefined`: this worker knows only itself, and `limit` is its own share. */
  readonly figures: SharedArrayBuffer | undefined;
  /** Where its figures stand, and how many workers have some. */
  readonly index: number;
  readonly count: number;
  /** A folder of its own for what it spills; not there yet. */
  readonly folder: string;
  /** Whether its heap is its own, so that its growth is the tasks' doing. */
  readonly hasOwnHeap: boolean;
}

/** For a worker whose memory others look after. */
export const noLimit: MemorySettings = {
  limit: Number.POSITIVE_INFINITY,
  figures: undefined,
  index: 0,
  count: 1,
  folder: '',
  hasOwnHeap: false,
};

/** Shared memory for the figures of some workers. */
export function figuresOf(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(8 * figures * count);
}

/** The figures of all workers, as one of them or the shell sees them. Each worker writes its own only. */
export class Accounts {
  readonly limit: number;
  readonly count: number;
  readonly #cells: Float64Array;
  readonly #own: number;
  readonly #isShared: boolean;
  #told: readonly number[] = [];

  constructor(limit: number, buffer: ArrayBufferLike, index: number, count: number) {
    this.limit = limit;
    this.count = count;
    this.#cells = new Float64Array(buffer);
    this.#own = index * figures;
    this.#isShared = types.isSharedArrayBuffer(buffer);
  }

  /** The accounts as a worker keeps them. */
  static of({ limit, figures: shared, index, count }: MemorySettings): Accounts {
    return shared === undefined ? new Accounts(limit, new ArrayBuffer(8 * figures), 0, 1) : new Accounts(limit, shared, index, count);
  }

  /** Notes an own figure. */
  note(figure: number, bytes: number): void {
    this.#cells[this.#own + figure] = bytes;
  }

  /** The own figures, when there is news that nobody else can see. */
  news(): readonly number[] | undefined {
    if (this.#isShared) return undefined;
    const now = [...this.#cells];
    if (now.every((bytes, i) => Math.abs(bytes - (this.#told[i] ?? 0)) <= this.limit / 1000)) return undefined;
    this.#told = now;
    return now;
  }

  /** A figure of a worker. */
  of(index: number, figure: number): number {
    return this.#cells[index * figures + figure]!;
  }

  /** The shell's note of what a worker told, or that it is gone. */
  set(index: number, told: readonly number[]): void {
    this.#cells.set(told, index * figures);
  }

  /** Bytes of results in memory, of all workers. */
  held(): number {
    let sum = 0;
    for (let at = Figure.held; at < this.#cells.length; at += figures) sum += this.#cells[at]!;
    return sum;
  }

  /** What a worker uses: its results, or what it has grown by when that is more. */
  used(index: number): number {
    return Math.max(this.of(index, Figure.held), this.of(index, Figure.grown));
  }

  /** What all use. */
  usedByAll(): number {
    let sum = 0;
    for (let index = 0; index < this.count; index++) sum += this.used(index);
    return sum;
  }
}
