import { inspect } from 'node:util';
import {
  brandSymbol,
  type CancelOptions,
  type FutureHandle,
  type FutureStatus,
  type Future as FutureType,
  type Task,
  taskOf,
  taskSymbol,
  typeError,
  type WaitOptions,
} from '../graph/index.ts';
import { waitFor } from './limits.ts';
import { type Output, releasedError, taskAsArgument } from './output.ts';

/** The backstop for Futures that nobody released. Only what outlives its Future is registered, so a Future costs no closure. */
const collected = new FinalizationRegistry<Output>((output) => output.collected());
/** To be watched costs the collector more than all else about a Future; most are let go, or done with, before it would be their turn. */
let young: (Future<unknown> | undefined)[] = [];
const youthMs = 1000;

/** The place of a new Future among the young. */
function watchLater(future: Future<unknown>): number {
  if (young.push(future) === 1) setTimeout(watchYoung, youthMs).unref();
  return young.length - 1;
}

function watchYoung(): void {
  const grown = young;
  young = [];
  for (const future of grown) if (future !== undefined) watch(future);
}

// Set by the class's static block, which alone sees its private fields.
let outputOfFuture: (future: object) => Output | undefined = () => undefined;
let watch: (future: Future<unknown>) => void = () => {};

/** A result that is being made, and a hold on it. Awaitable. */
export class Future<out T> implements FutureType<T> {
  readonly #output: Output;
  #isReleased = false;
  readonly #youngAt: number;

  /** Made by an Executor only. */
  constructor(output: Output) {
    this.#output = output;
    output.holds++;
    output.futures++;
    this.#youngAt = watchLater(this);
  }

  static {
    Object.defineProperty(Future.prototype, brandSymbol, { value: 'Future' });
    outputOfFuture = (future) => (#output in future ? future.#output : undefined);
    watch = (future) => collected.register(future, future.#output);
  }

  get [taskSymbol](): Task {
    return taskAsArgument(this.#output);
  }

  get key(): string {
    return this.#output.key;
  }

  get status(): FutureStatus {
    return this.#output.status;
  }

  done(): boolean {
    return this.#output.status !== 'pending';
  }

  async result(options?: WaitOptions): Promise<T> {
    return (await waitFor(this.#promise(), options, `the result of ${this.key}`)) as T;
  }

  async exception(options?: WaitOptions): Promise<Error | null> {
    if (this.#isReleased) throw releasedError(this.key);
    let tell!: () => void;
    const done = new Promise<void>((resolve) => {
      tell = () => resolve();
    });
    this.#output.whenDone(tell);
    try {
      await waitFor(done, options, `task ${this.key}`);
    } finally {
      this.#output.forget(tell);
    }
    return this.#output.error ?? null;
  }

  // biome-ignore lint/suspicious/noThenProperty: a Future is awaitable by contract
  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return (this.#promise() as Promise<T>).then(onFulfilled, onRejected);
  }

  /** As a Promise's: for what asks a thenable for it. */
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onRejected);
  }

  /** As a Promise's. */
  finally(onFinally?: (() => void) | null): Promise<T> {
    return (this.#promise() as Promise<T>).finally(onFinally);
  }

  #promise(): Promise<unknown> {
    return this.#isReleased ? Promise.reject(releasedError(this.key)) : this.#output.promise();
  }

  async cancel(options: CancelOptions = {}): Promise<void> {
    const cancelled = this.#output.owner.cancel([this.#output], { reason: options.reason, force: options.force === true });
    await waitFor(cancelled, options, `the end of ${this.key}`);
  }

  async retry(): Promise<void> {
    this.#output.owner.retry([this.#output]);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (young[this.#youngAt] === this) {
      young[this.#youngAt] = undefined; // what it holds is not to stay for a second
      this.#output.futures--;
    }
    if (--this.#output.holds === 0) this.#output.owner.release(this.#output);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  addDoneCallback(callback: (future: FutureHandle<T>) => void): () => void {
    if (typeof callback !== 'function') throw typeError('ERR_INVALID_ARGUMENT', 'addDoneCallback takes a function');
    let isWanted = true;
    this.#output.whenDone(() => void setImmediate(() => isWanted && callback(this)));
    return () => {
      isWanted = false;
    };
  }

  [inspect.custom](): string {
    return `<Future: status: ${this.status}, key: ${this.key}>`;
  }
}

/** The Output behind a Future of this copy of the package; `undefined` for anything else. A Future of another copy is ERR_FOREIGN_VALUE. */
export function outputOf(thing: unknown): Output | undefined {
  if (typeof thing !== 'object' || thing === null) return undefined;
  const output = outputOfFuture(thing);
  if (output === undefined) taskOf(thing); // throws for another copy's
  return output;
}

/** The Outputs behind some Futures. Throws TypeError for what is no Future. */
export function outputsOf(futures: unknown): Output[] {
  const list: unknown[] = outputOf(futures) !== undefined ? [futures] : isIterable(futures) ? [...futures] : [futures];
  return list.map((future) => {
    const output = outputOf(future);
    if (output === undefined)
      throw typeError(
        'ERR_INVALID_ARGUMENT',
        `expected a Future or an iterable of Futures; got ${inspect(future, { depth: 0 }).slice(0, 100)}`,
      );
    return output;
  });
}

function isIterable(thing: unknown): thing is Iterable<unknown> {
  return typeof thing === 'object' && thing !== null && Symbol.iterator in thing;
}
