import type { FromWorker, Move } from './protocol.ts';

/** Reports finished tasks in batches: when 256 have gathered, a millisecond has passed, or there is nothing more to run. */
export class Reporter {
  readonly #send: (message: FromWorker) => void;
  #reports: Float64Array = new Float64Array(3 * mostTasks);
  #used = 0;
  #rows: number[] = [];
  #values: unknown[] = [];
  #moves: Move[] | undefined;
  #lastFlush = 0;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  finished(row: number, nbytes: number, durationUs: number, isWanted: boolean, result: unknown): void {
    if (this.#used === this.#reports.length) this.flush();
    this.#reports[this.#used++] = row;
    this.#reports[this.#used++] = nbytes;
    this.#reports[this.#used++] = durationUs;
    if (isWanted && isSmall(result)) {
      this.#rows.push(row);
      this.#values.push(result);
    }
  }

  /** Results were brought in; said with the next report. */
  moved(rows: readonly number[], us: number): void {
    this.#moves ??= [];
    this.#moves.push({ rows, us });
  }

  isDue(now: number): boolean {
    return this.#used === this.#reports.length || now - this.#lastFlush > 1;
  }

  flush(): void {
    if (this.#used === 0) return;
    this.#lastFlush = performance.now();
    const reports = this.#reports.slice(0, this.#used);
    const moves = this.#moves === undefined ? {} : { moves: this.#moves };
    this.#send({ kind: 'finished', reports, rows: this.#rows, values: this.#values, ...moves });
    this.#used = 0;
    this.#moves = undefined;
    this.#rows = [];
    this.#values = [];
  }
}

/** Tasks of one report at most. */
const mostTasks = 256;

/** Results that cost nothing to send along. */
function isSmall(result: unknown): boolean {
  switch (typeof result) {
    case 'object':
      return result === null;
    case 'string':
      return result.length <= 64;
    case 'function':
    case 'symbol':
      return false;
    default:
      return true;
  }
}
