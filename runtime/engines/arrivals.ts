import type { Sink } from '../engine.ts';

/** Stands for the result `undefined`. */
const nothing = Symbol('undefined');

/** Small results that came with the report now looked at, by row. */
export class Arrivals {
  readonly #values: unknown[] = [];

  /** Has these results at hand while `look` looks at the report. */
  during(rows: readonly number[], values: readonly unknown[], look: () => void): void {
    for (let i = 0; i < rows.length; i++) this.#values[rows[i]!] = values[i] === undefined ? nothing : values[i];
    look();
    for (let i = 0; i < rows.length; i++) this.#values[rows[i]!] = undefined;
  }

  /** Tells whoever asked that the row is done, with its result if that came along. */
  tell(row: number, sink: Sink | undefined): void {
    const value = this.#values[row];
    sink?.finished(value !== undefined, value === nothing ? undefined : value);
  }
}
