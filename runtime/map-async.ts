import type { Future } from './future.ts';

type AnyIterator = Iterator<unknown> | AsyncIterator<unknown>;

/**
 * `map` over streams: begins a task for each round of items, and yields the Futures in the order of the input.
 * It asks for items only while fewer than `ahead` Futures wait for the consumer. Hand-written: an `async function*` would await what it yields.
 */
export function mapAsync(
  iterables: readonly (Iterable<unknown> | AsyncIterable<unknown>)[],
  begin: (args: unknown[]) => Future<unknown>,
  ahead: number,
): AsyncIterable<Future<unknown>> {
  return { [Symbol.asyncIterator]: () => new MapAsync(iterables.map(iteratorOf), begin, ahead) };
}

function iteratorOf(iterable: Iterable<unknown> | AsyncIterable<unknown>): AnyIterator {
  return Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
}

class MapAsync implements AsyncIterator<Future<unknown>> {
  readonly #inputs: readonly AnyIterator[];
  readonly #begin: (args: unknown[]) => Future<unknown>;
  readonly #ahead: number;
  readonly #begun: Future<unknown>[] = [];
  #isOver = false;
  #error: { readonly thrown: unknown } | undefined;
  #filling: Promise<void> | undefined;
  #woken: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(inputs: readonly AnyIterator[], begin: (args: unknown[]) => Future<unknown>, ahead: number) {
    this.#inputs = inputs;
    this.#begin = begin;
    this.#ahead = ahead;
  }

  async next(): Promise<IteratorResult<Future<unknown>>> {
    while (this.#begun.length === 0) {
      if (this.#error !== undefined) {
        const { thrown } = this.#error;
        this.#error = undefined;
        throw thrown;
      }
      if (this.#isOver) return { done: true, value: undefined };
      // one promise for all who wait: `next` may be called again before it has answered
      this.#woken ??= new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      const woken = this.#woken;
      this.#fill();
      await woken;
    }
    const value = this.#begun.shift()!;
    this.#fill();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<Future<unknown>>> {
    await this.#end(undefined);
    for (const future of this.#begun.splice(0)) future.release();
    return { done: true, value: undefined };
  }

  #fill(): void {
    if (this.#filling !== undefined || this.#isOver) return;
    this.#filling = this.#pull().finally(() => {
      this.#filling = undefined;
      this.#tell();
    });
  }

  #tell(): void {
    this.#wake?.();
    this.#woken = this.#wake = undefined;
  }

  async #pull(): Promise<void> {
    try {
      while (!this.#isOver && this.#begun.length < this.#ahead) {
        const round = await Promise.all(this.#inputs.map((input) => input.next()));
        const ended = round.findIndex((item) => item.done);
        if (ended >= 0) return await this.#end(this.#inputs[ended]);
        if (this.#isOver) return;
        this.#begun.push(this.#begin(round.map((item) => item.value)));
        this.#tell();
      }
    } catch (thrown) {
      this.#error = { thrown };
      await this.#end(undefined);
    }
  }

  /** No more items: every input but the one that ended by itself is told. */
  async #end(ended: AnyIterator | undefined): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await Promise.all(this.#inputs.map((input) => (input === ended ? undefined : input.return?.())));
  }
}
