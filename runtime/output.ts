import { type FutureStatus, HeddleError, isHeddleError, keyOf, type Task, withParts } from '../graph/index.ts';
import type { Sink } from './engine.ts';

/** What an Output asks of its executor. */
export interface OutputOwner {
  /** The result of a finished output; equal calls of one turn travel together. */
  fetch(output: Output): Promise<unknown>;
  /** The last Future let go. */
  release(output: Output): void;
  cancel(outputs: readonly Output[], options: { readonly reason: unknown; readonly force: boolean }): Promise<void>;
  retry(outputs: readonly Output[]): void;
}

type Callback = (output: Output) => void;

/** What all Futures of one key in one executor share: where the task stands, and its result once somebody asked. */
export class Output implements Sink {
  handle = -1;
  readonly task: Task;
  readonly owner: OutputOwner;
  status: FutureStatus = 'pending';
  /** Futures that hold it. */
  holds = 0;
  /** Futures that have not been collected, those that let go among them: never fewer than hold it. */
  futures = 0;
  /** Whether the last of them let go. */
  isReleased = false;
  /** Whether anybody looked at it. */
  isSeen = false;
  error: Error | undefined;
  hasValue = false;
  value: unknown;
  #callbacks: Callback | Callback[] | undefined;
  #promise: Promise<unknown> | undefined;

  constructor(task: Task, owner: OutputOwner) {
    this.task = task;
    this.owner = owner;
  }

  get key(): string {
    return keyOf(this.task);
  }

  finished(hasValue: boolean, value: unknown): void {
    if (this.status === 'error')
      this.reset(); // it was retried for the sake of a dependant
    else if (this.status !== 'pending') return; // made again after its worker was lost
    this.status = 'finished';
    if (hasValue) {
      this.hasValue = true;
      this.value = value;
    }
    this.#settle();
  }

  failed(error: Error | Promise<Error>): void {
    if (error instanceof Promise) return void error.then((one) => this.failed(one));
    if (this.status !== 'pending' && this.status !== 'finished') return;
    this.error = error;
    this.status =
      isHeddleError(error, 'ERR_CANCELLED') || isHeddleError(error, 'ERR_EXECUTOR_CLOSED') || isHeddleError(error, 'ERR_RELEASED')
        ? 'cancelled'
        : isHeddleError(error, 'ERR_LOST')
          ? 'lost'
          : 'error';
    this.#settle();
  }

  /** The last Future let go: nobody will say how it went, so whoever still waits is told that. */
  released(): void {
    this.isReleased = true;
    if (this.status === 'pending') this.failed(releasedError(this.key));
  }

  /**
   * A Future was collected. When it had not let go, its hold ends here: at once, or, where somebody still waits for the result, when they have it.
   * With other Futures about nobody knows whether it had; the last one to be collected settles that.
   */
  collected(): void {
    if (--this.futures >= this.holds) return;
    this.holds = this.futures;
    if (this.holds > 0) return;
    const drop = (): void => {
      if (this.holds === 0 && !this.isReleased) this.owner.release(this);
    };
    if (this.#promise !== undefined) this.#promise.then(drop, drop);
    else if (this.#callbacks !== undefined) this.#callbacks = withCallback(this.#callbacks, drop);
    else drop();
  }

  /** It is being tried again. */
  reset(): void {
    this.status = 'pending';
    this.error = undefined;
    this.#promise = undefined;
  }

  #settle(): void {
    const callbacks = this.#callbacks;
    if (callbacks === undefined) return;
    this.#callbacks = undefined;
    if (typeof callbacks === 'function') callbacks(this);
    else for (const callback of callbacks) callback(this);
  }

  /** Calls back when it is done, at once when it is. */
  whenDone(callback: (output: Output) => void): void {
    this.isSeen = true;
    if (this.status !== 'pending') callback(this);
    else this.#callbacks = this.#callbacks === undefined ? callback : withCallback(this.#callbacks, callback);
  }

  /** A callback is not wanted any more; one that was given twice is wanted once less. */
  forget(callback: (output: Output) => void): void {
    if (this.#callbacks === callback) this.#callbacks = undefined;
    else if (typeof this.#callbacks === 'object') {
      const at = this.#callbacks.indexOf(callback);
      if (at >= 0) this.#callbacks.splice(at, 1);
    }
  }

  /** One promise for all who ask; it raises no unhandled rejection by itself. */
  promise(): Promise<unknown> {
    this.isSeen = true;
    if (this.#promise === undefined) {
      this.#promise = new Promise((resolve, reject) => {
        this.whenDone(() => {
          if (this.status !== 'finished') reject(this.error);
          else if (this.hasValue) resolve(this.value);
          else if (this.isReleased) reject(releasedError(this.key));
          else resolve(this.owner.fetch(this));
        });
      });
      this.#promise.catch(() => {});
    }
    return this.#promise;
  }
}

/** Tasks of Futures that were cancelled, and what with. */
const cancelled = new WeakMap<Task, Error>();

/** What an Output's Futures stand for among arguments: its call, or, when it was cancelled, a task that only says so. */
export function taskAsArgument({ task, status, error }: Output): Task {
  if (status !== 'cancelled' || !isHeddleError(error, 'ERR_CANCELLED')) return task;
  const mark = withParts(task, {});
  cancelled.set(mark, error);
  return mark;
}

/** What a task was cancelled with that came as a Future's; `undefined`: it is an ordinary one. */
export function cancelledAs(task: Task): Error | undefined {
  return cancelled.get(task);
}

function withCallback(callbacks: Callback | Callback[], callback: Callback): Callback[] {
  if (typeof callbacks === 'function') return [callbacks, callback];
  callbacks.push(callback);
  return callbacks;
}

/** A Future is used that was let go. */
export function releasedError(key: string): HeddleError {
  return new HeddleError('ERR_RELEASED', `this Future of ${key} was released; compute its Value again, or keep the Future`);
}
