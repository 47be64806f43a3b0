import type { Duration } from './options.ts';

/** What every waiting call takes. */
export interface WaitOptions {
  /** Rejects with `ERR_TIMEOUT` when it takes longer; the work itself goes on. @default no limit */
  readonly timeout?: Duration | undefined;
  /** Rejects with the signal's reason; the work itself goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a Future stands. `lost`: its result is gone and cannot be made again (scattered data). */
export type FutureStatus = 'pending' | 'finished' | 'error' | 'cancelled' | 'lost';

/** A Future of whatever. */
export interface AnyFuture {
  readonly key: string;
  readonly status: FutureStatus;
  done(): boolean;
  release(): void;
}

/** What `cancel` takes. */
export interface CancelOptions extends WaitOptions {
  /** Becomes the `cause` of the `ERR_CANCELLED`, and the reason of the task's `signal`. */
  readonly reason?: unknown;
  /** Ends the thread of a running task at once, without `cancelGrace`. @default false */
  readonly force?: boolean | undefined;
}

/** A Future without `then` in its type: what `for await` yields, because TypeScript would take a thenable there for its result. Read it with `result()`. */
export interface FutureHandle<out T> extends AnyFuture, Disposable {
  /** The result; rejects with the task's own error, `ERR_CANCELLED`, `ERR_LOST`, `ERR_RELEASED` or `ERR_TIMEOUT`. */
  result(options?: WaitOptions): Promise<T>;
  /** What the task threw, or `null` when it succeeded. */
  exception(options?: WaitOptions): Promise<Error | null>;
  /** `true` when it has finished, failed, been cancelled or lost. */
  done(): boolean;
  /** Stops it and what depends on it; resolves when it is stopped. */
  cancel(options?: CancelOptions): Promise<void>;
  /** Runs it again after an error, with those of its ancestors that failed. */
  retry(): Promise<void>;
  /** Gives up this hold. The last hold gone, the key is forgotten and its memory freed. */
  release(): void;
  /** Called once, in a later turn; returns a function that takes the callback back. */
  addDoneCallback(callback: (future: FutureHandle<T>) => void): () => void;
}

/**
 * A result that is being made, and a hold on it. Awaitable: an `async` function that returns one waits for it, and so does `Promise.all`.
 * One that nobody awaits raises no unhandled rejection. `util.inspect` gives `<Future: status: finished, key: …>`.
 */
export interface Future<out T> extends FutureHandle<T>, PromiseLike<T> {
  catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B>;
  finally(onFinally?: (() => void) | null): Promise<T>;
}

/** What `asCompleted` gives. `for await` over it yields each Future as it is done, failed ones too, as often as it was added. */
export interface CompletionQueue<T> extends AsyncIterable<FutureHandle<T>> {
  add(...futures: FutureHandle<T>[]): void;
  /** Futures still to be yielded. */
  readonly size: number;
  /** All that are done, at least one at a time. */
  batches(): AsyncIterable<Future<T>[]>;
  /** Results instead of Futures; throws the first error. */
  results(): AsyncIterable<T>;
}

/** When `wait` returns. */
export type ReturnWhen = 'all' | 'first' | 'first-error';
