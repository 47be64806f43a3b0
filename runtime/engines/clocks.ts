/**
 * Times of tasks that must end: a limit for an attempt, a grace for one that was told to stop, a wait for a worker.
 * A row has one clock at a time; all stop when it leaves its worker.
 */
export class Clocks {
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #stops = new Map<number, { readonly gone: Promise<void>; readonly resolve: () => void }>();
  /** Attempts that ran out of time: whatever they report counts as this error. */
  readonly #overdue = new Map<number, Error>();

  /** Whether any row is on a clock: nothing else need be asked about reports. */
  get isQuiet(): boolean {
    return this.#timers.size === 0 && this.#stops.size === 0 && this.#overdue.size === 0;
  }

  /** Starts a row's clock over. Nothing rings after more than 24 days, the longest a timer can run. */
  start(row: number, ms: number, ring: () => void): void {
    clearTimeout(this.#timers.get(row));
    this.#timers.delete(row);
    if (ms >= 2 ** 31) return;
    this.#timers.set(
      row,
      setTimeout(() => {
        this.#timers.delete(row);
        ring();
      }, ms),
    );
  }

  /** As `start`, for what keeps no process alive: if nobody waits for the row any more, nobody need hear the clock. */
  wait(row: number, ms: number, ring: () => void): void {
    this.start(row, ms, ring);
    this.#timers.get(row)?.unref();
  }

  /** Resolves when a row that was told to stop has left its worker; `isNew` the first time. */
  stopping(row: number): { readonly gone: Promise<void>; readonly isNew: boolean } {
    const known = this.#stops.get(row);
    if (known !== undefined) return { gone: known.gone, isNew: false };
    let resolve!: () => void;
    const gone = new Promise<void>((done) => {
      resolve = done;
    });
    this.#stops.set(row, { gone, resolve });
    return { gone, isNew: true };
  }

  /** A row's attempt has run out of time. */
  setOverdue(row: number, error: Error): void {
    this.#overdue.set(row, error);
  }

  /** A row has left its worker; the error it counts with when it was overdue. */
  left(row: number): Error | undefined {
    const late = this.#overdue.get(row);
    this.#overdue.delete(row);
    clearTimeout(this.#timers.get(row));
    this.#timers.delete(row);
    this.#stops.get(row)?.resolve();
    this.#stops.delete(row);
    return late;
  }

  clear(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const { resolve } of this.#stops.values()) resolve();
    this.#timers.clear();
    this.#stops.clear();
    this.#overdue.clear();
  }
}
