/** Rows that could run now, the one to run first on top: a binary heap. Entries that are no longer meant are dropped when they come up. */
export class ReadyQueue {
  readonly #heap: number[] = [];
  readonly #before: (a: number, b: number) => boolean;
  readonly #isLive: (row: number) => boolean;

  constructor(before: (a: number, b: number) => boolean, isLive: (row: number) => boolean) {
    this.#before = before;
    this.#isLive = isLive;
  }

  /** Entries, among them perhaps some that are no longer meant. */
  get length(): number {
    return this.#heap.length;
  }

  push(row: number): void {
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
    while (this.#heap.length > 0 && !this.#isLive(this.#heap[0]!)) this.#removeTop();
    return this.#heap[0];
  }

  /** Takes the first row. */
  pop(): number | undefined {
    const row = this.peek();
    if (row !== undefined) this.#removeTop();
    return row;
  }

  #removeTop(): void {
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
