import { type FailedTask, isHeddleError, KilledWorkerError } from '../../graph/index.ts';
import type { Outcome } from '../engine.ts';
import { unpackError } from '../failure.ts';
import { type SchedulerState, State } from '../scheduler/state.ts';
import { decode } from '../worker/decode.ts';
import type { FromWorker } from '../worker/protocol.ts';
import type { Crew } from './crew.ts';
import { closedError } from './errors.ts';

/** A result that ends its worker whenever it is asked for would be made for ever. */
const mostDeaths = 10;

/** What fetching needs to know of the shell. */
export interface ResultSource {
  readonly crew: Crew;
  state(): SchedulerState;
  /** What a row failed with. */
  errorOf(row: number): Error | Promise<Error>;
  taskOf(row: number): FailedTask;
  /** A worker has not got what the table said it held when it was asked. */
  missing(worker: number, rows: readonly number[], asked: number): void;
}

/** Brings results to the caller, from whoever holds them; what is lost on the way is waited for while it is made again. */
export class Results {
  readonly #source: ResultSource;
  readonly #awaited = new Map<number, { readonly resolve: () => void; readonly reject: (error: Error) => void }[]>();

  constructor(source: ResultSource) {
    this.#source = source;
  }

  async fetch(handles: readonly number[]): Promise<Outcome[]> {
    const outcomes = new Array<Outcome>(handles.length);
    let places = [...handles.keys()];
    /** How often the worker ended that was asked for a result. */
    const deaths = new Map<number, number>();
    while (places.length > 0) {
      const byWorker = new Map<number, number[]>();
      for (const place of places) {
        const row = handles[place]!;
        const isDone = (): boolean => this.#source.state().state[row] === State.memory || this.#source.state().state[row] === State.erred;
        while (!isDone()) await this.#remade(row);
        const state = this.#source.state();
        if (state.state[row] === State.erred) outcomes[place] = { kind: 'error', error: await this.#source.errorOf(row) };
        else {
          const worker = state.worker[row]!;
          const some = byWorker.get(worker);
          if (some === undefined) byWorker.set(worker, [place]);
          else some.push(place);
        }
      }
      const again = await Promise.all([...byWorker].map(([worker, some]) => this.#fetchFrom(worker, some, handles, outcomes, deaths)));
      places = again.flat();
    }
    return outcomes;
  }

  /** Fetches from one worker; the places of what was gone by then, and is being made again. */
  async #fetchFrom(
    worker: number,
    places: readonly number[],
    handles: readonly number[],
    outcomes: Outcome[],
    deaths: Map<number, number>,
  ): Promise<number[]> {
    const rows = places.map((place) => handles[place]!);
    const asked = this.#source.state().steps;
    let answer: Extract<FromWorker, { kind: 'fetched' }>;
    try {
      answer = (await this.#source.crew.ask(worker, (request) => ({ kind: 'fetch', request, rows }))) as typeof answer;
    } catch (error) {
      if (!isHeddleError(error, 'ERR_LOST')) throw error;
      return places.filter((place) => {
        const times = (deaths.get(place) ?? 0) + 1;
        deaths.set(place, times);
        if (times < mostDeaths) return true; // its worker is gone: it is being made again
        const { key } = this.#source.taskOf(rows[places.indexOf(place)]!);
        const message = `the worker that held ${key} ended ${times} times while it was asked for it; see how large it is`;
        outcomes[place] = { kind: 'error', error: new KilledWorkerError(message, { cause: error.cause }) };
        return false;
      });
    }
    const again: number[] = [];
    for (const [n, result] of answer.results.entries()) {
      const place = places[n]!;
      if (result.kind === 'value') outcomes[place] = { kind: 'value', value: decode(result) };
      else if (result.kind === 'unsendable')
        outcomes[place] = { kind: 'error', error: await unpackError(result.error, this.#source.taskOf(rows[n]!)) };
      else again.push(place);
    }
    if (again.length > 0)
      this.#source.missing(
        worker,
        again.map((place) => handles[place]!),
        asked,
      );
    return again;
  }

  /** A peer may have been asked for what it is only about to get, so each holder itself is asked what is missing. */
  async confirm(missing: readonly { readonly holder: number; readonly rows: readonly number[] }[]): Promise<void> {
    const { crew } = this.#source;
    const state = this.#source.state();
    const since = state.steps;
    const asked = missing.map(async ({ holder, rows }) => {
      const answer = await crew.ask(holder, (request) => ({ kind: 'has', request, rows })).catch(() => undefined); // one that is gone has left with all
      const lost = answer?.kind === 'held' ? rows.filter((row) => !answer.rows.includes(row)) : [];
      if (lost.length > 0 && state === this.#source.state()) this.#source.missing(holder, lost, since);
    });
    await Promise.all(asked);
  }

  /** Resolves when a held row that was lost has been made again, or has failed. */
  #remade(row: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.#awaited.get(row);
      if (waiting === undefined) this.#awaited.set(row, [{ resolve, reject }]);
      else waiting.push({ resolve, reject });
    });
  }

  /** A row is done, or gone for good. */
  tell(row: number): void {
    if (this.#awaited.size === 0) return;
    const waiting = this.#awaited.get(row) ?? [];
    this.#awaited.delete(row);
    for (const { resolve } of waiting) resolve();
  }

  /** Nothing will be made again. */
  close(reason: Error = closedError()): void {
    for (const waiting of this.#awaited.values()) for (const { reject } of waiting) reject(reason);
    this.#awaited.clear();
  }
}
