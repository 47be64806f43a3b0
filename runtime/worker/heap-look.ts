import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Accounts, Figure, pauseAt } from './accounts.ts';

const everyMs = 20;
/** A worker's own code and what V8 makes of it: no doing of its tasks. */
const ownBytes = 8 * 2 ** 20;
/** Collecting may take one part in this many of a worker's time. */
const rarely = 20;

/**
 * Notes, between tasks, by how much a worker's heap and buffers have grown since it began. Garbage is not growth: what is beyond the results, once that
 * matters, is collected before it is told.
 */
export class HeapLook {
  readonly #accounts: Accounts;
  readonly #atStart: number;
  readonly #mark: number;
  #lastMs = 0;
  #collectAfterMs = 0;
  /** What the last collection left. */
  #left = 0;
  #collect: (() => void) | undefined;

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
    this.#atStart = bytesInUse() + ownBytes;
    this.#mark = (pauseAt * accounts.limit) / accounts.count;
  }

  /** Looks, unless it has just done so. */
  look(now: number, held: number): void {
    if (now - this.#lastMs >= everyMs) this.lookNow(held);
  }

  lookNow(held: number): void {
    let grown = bytesInUse() - this.#atStart;
    if (grown > this.#mark && grown > 1.1 * held) {
      const began = performance.now();
      // what is garbage of it nobody knows: the last figure stands, until there is much more
      if (began < this.#collectAfterMs && grown < 1.5 * this.#left) return;
      this.#collect ??= collector();
      this.#collect();
      if (bytesInUse() - this.#atStart > this.#mark) this.#collect(); // buffers of the first time are swept at the second
      this.#collectAfterMs = performance.now() + rarely * (performance.now() - began);
      grown = this.#left = bytesInUse() - this.#atStart;
    }
    this.#accounts.note(Figure.grown, Math.max(0, grown));
    this.#lastMs = performance.now();
  }
}

function bytesInUse(): number {
  const { used_heap_size, external_memory } = getHeapStatistics();
  return used_heap_size + external_memory;
}

/** V8's own `gc`, which a context made after the flag was set has. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
