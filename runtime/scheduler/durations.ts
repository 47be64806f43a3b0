/**
 * How long tasks take, by name: Dask's `TaskPrefix.duration_average`. A moving average in which the newest counts a quarter,
 * so that a function that turns slow is noticed within a few tasks.
 */
export class DurationGroups {
  readonly #index = new Map<string, number>();
  readonly #averageUs: number[] = [];

  /** The group of a name; made when new. */
  of(name: string): number {
    let group = this.#index.get(name);
    if (group === undefined) {
      group = this.#averageUs.length;
      this.#index.set(name, group);
      this.#averageUs.push(Number.NaN);
    }
    return group;
  }

  /** Microseconds a task of the group is expected to take; NaN when none has finished. */
  expectUs(group: number): number {
    return this.#averageUs[group]!;
  }

  /** A task of the group took this long. */
  record(group: number, us: number): void {
    const average = this.#averageUs[group]!;
    this.#averageUs[group] = Number.isNaN(average) ? us : average * 0.75 + us * 0.25;
  }
}
