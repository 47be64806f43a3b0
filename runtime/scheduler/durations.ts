/**
 * How long tasks take, by name: Dask's `TaskPrefix.duration_average`. A moving average in which the newest counts a quarter,
 * so that a function that turns slow is noticed within a few tasks.
 */
export class DurationGroups {
  readonly #index = new Map<string, number>();
  readonly #averageUs: number[] = [];
  readonly #averageBytes: number[] = [];

  /** The group of a name; made when new. */
  of(name: string): number {
    let group = this.#index.get(name);
    if (group === undefined) {
      group = this.#averageUs.length;
      this.#index.set(name, group);
      this.#averageUs.push(Number.NaN);
      this.#averageBytes.push(0);
    }
    return group;
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
