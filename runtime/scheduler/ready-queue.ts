/**
 * Rows that could run now, the one to run first on top. Most come in the order in which they will run, so they stand in a sorted run;
 * what comes out of order goes into a binary heap beside it. Entries that are no longer meant are dropped when they come up.
 */
export class ReadyQueue {
  #run: number[] = [];
  /** Entries of the run before this one are gone. */
  #head = 0;
  readonly #heap: number[] = [];
  readonly #before: (a: number, b: number) => boolean;
  readonly #isLive: (row: number) => boolean;

  constructor(before: (a: number, b: number) => boolean, isLive: (row: number) => boolean) {
    this.#before = before;
    this.#isLive = isLive;
  }

  push(row: number): void {
    if (this.#head === this.#run.length) {
      this.#run.length = this.#head = 0;
      this.#run.push(row);
    } else if (this.#before(row, this.#run[this.#run.length - 1]!)) this.#pushHeap(row);
    else this.#run.push(row);
  }

  #pushHeap(row: number): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(row);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(row, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = row;
  }

  /** The first row, left in place. */
  peek(): number | undefined {
    while (this.#head < this.#run.length && !this.#isLive(this.#run[this.#head]!)) this.#head++;
    while (this.#heap.length > 0 && !this.#isLive(this.#heap[0]!)) this.#popHeap();
    return this.#isHeapFirst() ? this.#heap[0] : this.#run[this.#head];
  }

  /** The first row that is acceptable, left in place. */
  find(accepts: (row: number) => boolean): number | undefined {
    let found: number | undefined;
    for (let at = this.#head; at < this.#run.length && found === undefined; at++) {
      const row = this.#run[at]!;
      if (this.#isLive(row) && accepts(row)) found = row;
    }
    for (const row of this.#heap) if ((found === undefined || this.#before(row, found)) && this.#isLive(row) && accepts(row)) found = row;
    return found;
  }

  /** Takes the first row. */
  pop(): number | undefined {
    const row = this.peek();
    if (row === undefined) return undefined;
    if (this.#isHeapFirst()) this.#popHeap();
    else if (++this.#head > 4096 && this.#head * 2 > this.#run.length) {
      this.#run = this.#run.slice(this.#head); // what is gone is let go of, at a cost of O(1) a row
      this.#head = 0;
    }
    return row;
  }

  #isHeapFirst(): boolean {
    if (this.#heap.length === 0) return false;
    return this.#head === this.#run.length || this.#before(this.#heap[0]!, this.#run[this.#head]!);
  }

  #popHeap(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && this.#before(heap[child + 1]!, heap[child]!)) child++;
      if (!this.#before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}
