/** Names after which those that no task in the table has are forgotten; more when more are in use. */
const mostIdle = 4096;

/**
 * How long tasks take, by name: Dask's `TaskPrefix.duration_average`. A moving average in which the newest counts a quarter,
 * so that a function that turns slow is noticed within a few tasks. Names come and go, so the table forgets the oldest that no task has.
 */
export class DurationGroups {
  readonly #index = new Map<string, number>();
  readonly #averageUs: number[] = [];
  readonly #averageBytes: number[] = [];
  readonly #free: number[] = [];
  #most = mostIdle;

  /** The group of a name; made when new. */
  of(name: string): number {
    let group = this.#index.get(name);
    if (group === undefined) {
      group = this.#free.pop() ?? this.#averageUs.length;
      this.#index.set(name, group);
      this.#averageUs[group] = Number.NaN;
      this.#averageBytes[group] = 0;
    }
    return group;
  }

  get size(): number {
    return this.#index.size;
  }

  /** Whether there are so many names that `keep` is worth its while. */
  get isGrown(): boolean {
    return this.#index.size >= this.#most;
  }

  /** Forgets the older half of the groups that are not in use. */
  keep(used: ReadonlySet<number>): void {
    let idle = Math.ceil((this.#index.size - used.size) / 2);
    for (const [name, group] of this.#index) {
      if (idle <= 0) break;
      if (used.has(group)) continue;
      this.#index.delete(name);
      this.#free.push(group);
      idle--;
    }
    this.#most = Math.max(mostIdle, 2 * this.#index.size);
  }

  /** Microseconds a task of the group is expected to take; NaN when none has finished. */
  expectUs(group: number): number {
    return this.#averageUs[group]!;
  }

  /** Bytes that a result of the group is expected to have; 0 when none has finished. */
  expectBytes(group: number): number {
    return this.#averageBytes[group]!;
  }

  /** A task of the group took this long, and made so much. */
  record(group: number, us: number, nbytes = 0): void {
    this.#averageBytes[group] = this.#averageBytes[group]! * 0.75 + nbytes * 0.25;
    const average = this.#averageUs[group]!;
    this.#averageUs[group] = Number.isNaN(average) ? us : average * 0.75 + us * 0.25;
  }
}
