import type { Sink } from '../engine.ts';
import { type SchedulerState, State } from '../scheduler/state.ts';

/** Stands for the small result `undefined`. */
const nothing = Symbol('undefined');

/** Who is told how rows went, and the small results that came with the report now looked at; both by row. */
export class Sinks {
  #sinks: (Sink | undefined)[] = [];
  readonly #arrived: unknown[] = [];

  attach(row: number, sink: Sink): void {
    sink.handle = row;
    this.#sinks[row] = sink;
  }

  forget(row: number): void {
    this.#sinks[row] = undefined;
  }

  /** Small results came along with a report: `handle` takes it in. */
  withArrived(rows: readonly number[], values: readonly unknown[], handle: () => void): void {
    for (let i = 0; i < rows.length; i++) this.#arrived[rows[i]!] = values[i] === undefined ? nothing : values[i];
    handle();
    for (let i = 0; i < rows.length; i++) this.#arrived[rows[i]!] = undefined;
  }

  finished(row: number): void {
    const value = this.#arrived[row];
    this.#sinks[row]?.finished(value !== undefined, value === nothing ? undefined : value);
  }

  failed(row: number, error: Error | Promise<Error>): void {
    this.#sinks[row]?.failed(error);
  }

  /** Nothing that is not done will be. */
  failAll(state: SchedulerState, errorFor: (key: string) => Error): void {
    for (const [row, sink] of this.#sinks.entries())
      if (sink !== undefined && state.state[row] !== State.memory && state.state[row] !== State.erred)
        sink.failed(errorFor(state.key(row)));
    this.#sinks = [];
  }
}
