import type { AnyFuture, CompletionQueue, FutureHandle, Future as FutureType, ReturnWhen, WaitOptions } from '../graph/index.ts';
import { outputOf, outputsOf } from './future.ts';
import { waitFor } from './limits.ts';
import type { Output } from './output.ts';

/** Waits for Futures without fetching results; never rejects because a task failed. */
export async function wait<F extends AnyFuture>(
  futures: Iterable<F>,
  options: WaitOptions & {
    /** @default 'all' */
    readonly returnWhen?: ReturnWhen | undefined;
  } = {},
): Promise<{ readonly done: F[]; readonly notDone: F[] }> {
  const list = [...futures];
  const outputs = outputsOf(list);
  const { returnWhen = 'all' } = options;
  const { enough, stop } = waitForEnough(outputs, returnWhen);
  try {
    await waitFor(enough, options, `waiting for ${list.length} futures`);
  } finally {
    stop();
  }
  const isDone = (_: unknown, i: number): boolean => outputs[i]!.status !== 'pending';
  return { done: list.filter(isDone), notDone: list.filter((_, i) => !isDone(_, i)) };
}

/** Resolves when all, the first, or all up to the first failed one are done. */
export function whenEnough(outputs: readonly Output[], returnWhen: ReturnWhen): Promise<void> {
  const { enough, stop } = waitForEnough(outputs, returnWhen);
  return enough.finally(stop);
}

/** `stop` takes the callbacks back, so that waiting over and over for what takes long gathers nothing. */
function waitForEnough(outputs: readonly Output[], returnWhen: ReturnWhen): { readonly enough: Promise<void>; readonly stop: () => void } {
  let resolve!: () => void;
  const enough = new Promise<void>((done) => {
    resolve = done;
  });
  let left = outputs.length;
  const oneDone = (output: Output): void => {
    left--;
    if (left === 0 || returnWhen === 'first' || (returnWhen === 'first-error' && output.status !== 'finished')) resolve();
  };
  if (left === 0) resolve();
  for (const output of outputs) output.whenDone(oneDone);
  return {
    enough,
    stop: () => {
      if (left > 0) for (const output of outputs) output.forget(oneDone);
    },
  };
}

/** Yields Futures in the order in which they are done. */
export function asCompleted<T>(futures: Iterable<FutureHandle<T>>, options: WaitOptions = {}): CompletionQueue<T> {
  const queue = new Completions<T>(options);
  queue.add(...futures);
  return queue;
}

/** A hand-written iterator: an `async function*` would await the Futures that it yields. */
class Completions<T> implements CompletionQueue<T> {
  readonly #options: WaitOptions;
  readonly #done: FutureHandle<T>[] = [];
  #pending = 0;
  #wake: (() => void)[] = [];

  constructor(options: WaitOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending + this.#done.length;
  }

  add(...futures: FutureHandle<T>[]): void {
    for (const [i, output] of outputsOf(futures).entries()) {
      this.#pending++;
      output.whenDone(() => {
        this.#pending--;
        this.#done.push(futures[i]!);
        const wake = this.#wake;
        this.#wake = [];
        for (const tell of wake) tell();
      });
    }
  }

  /** Waits until one is done. False when none is left. */
  async #some(): Promise<boolean> {
    while (this.#done.length === 0) {
      if (this.#pending === 0) return false;
      await waitFor(new Promise<void>((resolve) => void this.#wake.push(resolve)), this.#options, `the next of ${this.size} futures`);
    }
    return true;
  }

  [Symbol.asyncIterator](): AsyncIterator<FutureHandle<T>> {
    // A result object may hold a thenable: only what a promise itself resolves to is awaited.
    return { next: async () => ((await this.#some()) ? { done: false, value: this.#done.shift()! } : { done: true, value: undefined }) };
  }

  batches(): AsyncIterable<FutureType<T>[]> {
    const next = async (): Promise<IteratorResult<FutureType<T>[]>> =>
      (await this.#some()) ? { done: false, value: this.#done.splice(0) as FutureType<T>[] } : { done: true, value: undefined };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  results(): AsyncIterable<T> {
    const next = async (): Promise<IteratorResult<T>> =>
      (await this.#some())
        ? { done: false, value: (await outputOf(this.#done.shift()!)!.promise()) as T }
        : { done: true, value: undefined };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }
}
