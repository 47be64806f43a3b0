import { HeddleError } from '../../graph/index.ts';
import { Accounts, Figure, type MemorySettings, spillAt } from './accounts.ts';
import { HeapLook } from './heap-look.ts';
import { sizeOf } from './size-of.ts';
import { type Spilled, SpillFiles } from './spill.ts';

/** Results below this many bytes stay in memory: a file each would cost more than it frees. */
const smallest = 1024;
/** A worker above its share spills first; past this share of the limit whoever adds something does. */
const urgentAt = 0.7;
/** After a failure, how long no file is written. */
const pauseMs = 200;

/** What `use` gives for a result that is not here. */
export const gone: unique symbol = Symbol('gone');

/**
 * The results that a worker holds. When all workers together hold more than 60 % of the limit, those of this one that were used longest ago go to files, one
 * each, and come back when a task takes them.
 *
 *     longest ago  [ r7 r2 r9 | r4 r8 ]  just now       above 60 %:  r7, r2, r9 → files, until this worker holds no more than its share
 *
 * A worker decides by itself, at once, from the figures that all share: no message, no wait. What has been read back keeps its file, so to spill it
 * again costs nothing. What cannot be made again from bytes (functions, instances, memory that the user shares) stays.
 */
export class Store {
  readonly #values = new Map<number, unknown>();
  /** By row, of what is here. */
  #sizes = new Float64Array(256);
  /** Rows in memory that may be spilled, the one used longest ago first. */
  readonly #idle = new Set<number>();
  /** How many running tasks read a row: to write it would free nothing. */
  readonly #readers = new Map<number, number>();
  readonly #files = new Map<number, Spilled>();
  /** Rows that cannot lie in a file. */
  readonly #fixed = new Set<number>();
  readonly #accounts: Accounts;
  readonly #spill: SpillFiles;
  readonly #failed: (error: unknown) => void;
  readonly #hasOwnHeap: boolean;
  /** From the first task on: what set-up loaded is nobody's growth. */
  #heap: HeapLook | undefined;
  /** Growth after which the figures are looked at. */
  readonly #grain: number;
  #held = 0;
  #spilled = 0;
  #lookedAt = 0;
  #brokenUntil = 0;
  #trouble: unknown;

  /** `failed` is told when a file cannot be written. */
  constructor(settings: MemorySettings, failed: (error: unknown) => void) {
    this.#hasOwnHeap = settings.hasOwnHeap;
    this.#accounts = Accounts.of(settings);
    this.#spill = new SpillFiles(settings.folder);
    this.#failed = failed;
    this.#grain = Math.min(65_536, settings.limit / 1000);
    this.#note();
  }

  /** Tasks come in. */
  begin(): void {
    if (this.#hasOwnHeap) this.#heap ??= new HeapLook(this.#accounts);
  }

  /** Looks at the heap, now or when it is time again; the figures, when there is news that nobody else can see. */
  look(now: number | undefined): readonly number[] | undefined {
    if (now === undefined) this.#heap?.lookNow(this.#held);
    else this.#heap?.look(now, this.#held);
    return this.#accounts.news();
  }

  get accounts(): Accounts {
    return this.#accounts;
  }

  /** Bytes of results in memory. */
  get held(): number {
    return this.#held;
  }

  has(row: number): boolean {
    return this.#values.has(row) || this.#files.has(row);
  }

  /** Keeps a result. */
  set(row: number, value: unknown, nbytes: number): void {
    this.delete(row);
    if (row >= this.#sizes.length) this.#grow(row);
    this.#sizes[row] = nbytes;
    this.#values.set(row, value);
    this.#held += nbytes;
    if (nbytes >= smallest) this.#idle.add(row);
    this.#accounts.note(Figure.held, this.#held);
    this.check();
  }

  /** Keeps what was made elsewhere. */
  keep(row: number, value: unknown): void {
    this.set(row, value, sizeOf(value));
  }

  /** Whether a result that was just kept cannot stay: no file takes it or others, and all are more than the limit. */
  isTooMuch(row: number): boolean {
    return this.#brokenUntil !== 0 && this.#values.has(row) && this.#accounts.held() > this.#accounts.limit;
  }

  /** Waits a moment for room, since others may be letting go; the error of a result that found none, and is dropped. */
  async roomFor(row: number): Promise<HeddleError | undefined> {
    for (let i = 0; i < 50; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      this.settle();
      if (!this.isTooMuch(row)) return undefined;
    }
    const { limit } = this.#accounts;
    const nbytes = this.#sizes[row]!;
    this.delete(row);
    return new HeddleError(
      'ERR_SPILL',
      `a result of ${nbytes} bytes does not fit into the memoryLimit of ${limit} bytes, and no more files can be written: ${String(this.#trouble)}; free space there, name another spillDirectory, or raise memoryLimit`,
      { cause: this.#trouble },
    );
  }

  /** A result for a task, read back from its file if need be; `gone` when it is not here. It counts as in use until `done`. */
  use(row: number): unknown {
    let value = this.#values.get(row);
    if (value === undefined && !this.#values.has(row)) {
      value = this.#readBack(row);
      if (value === gone) return gone;
    }
    if (this.#sizes[row]! >= smallest) {
      this.#readers.set(row, (this.#readers.get(row) ?? 0) + 1);
      this.#idle.delete(row);
    }
    return value;
  }

  #readBack(row: number): unknown {
    const value = this.read(row);
    if (value === gone) return gone;
    const nbytes = this.#sizes[row]!;
    this.#values.set(row, value);
    this.#held += nbytes;
    this.#spilled -= nbytes;
    this.#note();
    return value;
  }

  /** All that a task takes; or the row that is gone, and then none is in use. */
  useAll(rows: readonly number[]): unknown[] | number {
    const values = new Array<unknown>(rows.length);
    for (let i = 0; i < rows.length; i++) {
      values[i] = this.use(rows[i]!);
      if (values[i] !== gone) continue;
      this.done(rows.slice(0, i));
      return rows[i]!;
    }
    this.check();
    return values;
  }

  /** Tasks that used these are over. */
  done(rows: readonly number[]): void {
    if (this.#readers.size === 0) return;
    for (const row of rows) {
      const readers = this.#readers.get(row);
      if (readers === undefined) continue;
      if (readers > 1) this.#readers.set(row, readers - 1);
      else {
        this.#readers.delete(row);
        if (this.#values.has(row) && !this.#fixed.has(row)) this.#idle.add(row);
      }
    }
  }

  /** A result to look at or send on; what lies in a file stays there. `gone` when it is not here, or its file is not. */
  read(row: number): unknown {
    if (this.#values.has(row)) return this.#values.get(row);
    const file = this.#files.get(row);
    if (file === undefined) return gone;
    try {
      return this.#spill.read(file);
    } catch {
      this.delete(row);
      return gone;
    }
  }

  delete(row: number): void {
    const isHere = this.#values.delete(row);
    const file = this.#files.get(row);
    if (file !== undefined) {
      this.#files.delete(row);
      this.#spill.remove(file);
      this.#brokenUntil = 0; // there is room again
    }
    if (!isHere && file === undefined) return;
    const nbytes = this.#sizes[row]!;
    if (isHere) this.#held -= nbytes;
    else this.#spilled -= nbytes;
    if (nbytes >= smallest) {
      this.#idle.delete(row);
      this.#readers.delete(row);
      this.#fixed.delete(row);
    }
    if (file !== undefined) this.#accounts.note(Figure.spilled, this.#spilled);
    this.#accounts.note(Figure.held, this.#held);
    this.#lookedAt = Math.min(this.#lookedAt, this.#held + this.#grain);
  }

  /** As `settle`, where enough has come in since. */
  check(): void {
    if (this.#held > this.#lookedAt) this.settle();
  }

  /** Looks at what all hold, and spills as far as it is this worker's turn. */
  settle(): void {
    const { limit, count } = this.#accounts;
    const all = this.#accounts.held();
    const over = all - spillAt * limit;
    if (over > 0) {
      const share = (spillAt * limit) / count;
      const mine = Math.max(0, this.#held - share);
      const urgent = all - mine - urgentAt * limit;
      this.#free(Math.max(Math.min(over, mine), urgent));
    }
    this.#lookedAt = this.#held + this.#grain;
  }

  /** Takes so many bytes out of memory, what was used longest ago first. */
  #free(bytes: number): void {
    if (bytes <= 0) return;
    const enough = this.#held - bytes;
    for (const row of this.#idle) {
      if (this.#held <= enough) break;
      if (!this.#files.has(row) && !this.#write(row)) continue;
      this.#idle.delete(row);
      this.#values.delete(row);
      this.#held -= this.#sizes[row]!;
      this.#spilled += this.#sizes[row]!;
    }
    this.#note();
  }

  /** Puts a result into a file as well. False when that cannot be, now or ever. */
  #write(row: number): boolean {
    if (this.#brokenUntil > performance.now()) return false;
    this.#brokenUntil = 0;
    try {
      const file = this.#spill.write(this.#values.get(row));
      if (file !== undefined) this.#files.set(row, file);
      else {
        this.#idle.delete(row);
        this.#fixed.add(row);
      }
      return file !== undefined;
    } catch (error) {
      this.#brokenUntil = performance.now() + pauseMs;
      this.#trouble = error;
      this.#failed(error);
      return false;
    }
  }

  #note(): void {
    this.#accounts.note(Figure.held, this.#held);
    this.#accounts.note(Figure.spilled, this.#spilled);
  }

  #grow(row: number): void {
    const larger = new Float64Array(2 ** Math.ceil(Math.log2(row + 1)));
    larger.set(this.#sizes);
    this.#sizes = larger;
  }
}
