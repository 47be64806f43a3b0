import { State, Why } from './transitions.ts';

/** Records that the log keeps: 1 MiB of 16 bytes each. Then the oldest go. */
const capacity = 65_536;
const fields = 4;
/** Beside the reasons of `transitions.ts`: who could have run it, and that a result was there for one more that asked. */
export const Note = { candidate: 254, reused: 255 } as const;

/** One record, read back. */
export interface LogRecord {
  readonly row: number;
  /** A reason of `transitions.ts`, or a `Note`. */
  readonly what: number;
  readonly from: State;
  readonly worker: number;
  /** What the reason needs: bytes, microseconds, a count, another row. */
  readonly detail: number;
  /** Milliseconds since the epoch; of a candidate the microseconds of work it had. */
  readonly time: number;
}

/**
 * What was decided, and why: a ring of small records in one piece of memory, always on.
 *
 *     row · what, from, worker · detail · time        what: a reason, a candidate that was weighed, or a reuse
 *
 * Rows are used again for other tasks, so a record that a row is forgotten has its keys beside it. Read backwards, the ring tells which task a row was.
 */
export class DecisionLog {
  readonly #ints = new Int32Array(capacity * fields);
  readonly #floats = new Float32Array(this.#ints.buffer);
  /** Keys of what was forgotten, by place in the ring. */
  readonly #keys: (string | readonly string[] | undefined)[] = [];
  #written = 0;
  #now = 0;

  /** The time of the stimulus at hand. It counts in 32 bits: what is older than 49 days is said to be younger. */
  setTime(now: number): void {
    this.#now = now;
  }

  #write(row: number, what: number, from: number, worker: number, detail: number): number {
    const at = this.#written++ & (capacity - 1);
    const place = at * fields;
    this.#ints[place] = row;
    this.#ints[place + 1] = what | (from << 8) | (worker << 16);
    this.#floats[place + 2] = detail;
    this.#ints[place + 3] = this.#now | 0;
    return at;
  }

  /** A row went from one state to another. */
  moved(row: number, why: number, from: State, worker: number, detail: number): void {
    this.#write(row, why, from, worker, detail);
  }

  /** A row is free for another task; the keys are those it had, its own last. */
  forgot(row: number, keys: string | readonly string[]): void {
    this.#keys[this.#write(row, Why.forgotten, State.released, -1, 0)] = keys;
  }

  /** A worker that could run a row: bytes it lacks, and microseconds of work it has. The one that was chosen comes first. */
  weighed(row: number, worker: number, bytes: number, occupancyUs: number): void {
    this.#floats[this.#write(row, Note.candidate, 0, worker, bytes) * fields + 3] = occupancyUs;
  }

  /** A row that was here is asked for once more. */
  reused(row: number, from: State): void {
    this.#write(row, Note.reused, from, -1, 0);
  }

  /**
   * Visits what is kept of one task, the newest first. `rowsNow`: the rows that are this task now; `isKey`: whether keys of a forgotten row are its.
   * `visit` gets a way to tell which task another row was at that time; `undefined`: the one it is now.
   */
  backwards(
    rowsNow: Iterable<number>,
    isKey: (keys: string | readonly string[]) => boolean,
    visit: (record: LogRecord, keyThen: (row: number) => string | undefined) => void,
  ): void {
    const mine = new Set(rowsNow);
    const keyOfRow = new Map<number, string>();
    const keyThen = (row: number): string | undefined => keyOfRow.get(row);
    for (let n = this.#written - 1; n >= Math.max(0, this.#written - capacity); n--) {
      const at = n & (capacity - 1);
      const place = at * fields;
      const row = this.#ints[place]!;
      const head = this.#ints[place + 1]!;
      const what = head & 0xff;
      if (what === Why.forgotten) {
        const keys = this.#keys[at]!;
        keyOfRow.set(row, typeof keys === 'string' ? keys : keys.at(-1)!);
        if (isKey(keys)) mine.add(row);
        else mine.delete(row);
      }
      if (mine.has(row)) {
        const detail = this.#floats[place + 2]!;
        const time = what === Note.candidate ? this.#floats[place + 3]! : this.#now - ((this.#now - this.#ints[place + 3]!) >>> 0);
        visit({ row, what, from: ((head >> 8) & 0xf) as State, worker: head >> 16, detail, time }, keyThen);
      }
      if (what !== Why.submitted) continue;
      mine.delete(row); // before that it was another task
      keyOfRow.set(row, '(an earlier task)');
    }
  }
}
