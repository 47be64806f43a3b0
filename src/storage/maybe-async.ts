/** Work that yields what may be promises, and gets back what they resolve to. */
export type MaybeAsync<T> = Generator<unknown, T, unknown>;

/** Runs work at once as far as it goes without a promise; all of it, where none comes up. So one piece of code serves synchronous and asynchronous storages. */
export function settle<T>(work: MaybeAsync<T>): T | Promise<T> {
  let next = work.next();
  while (next.done !== true) {
    if (isThenable(next.value)) return settleLater(work, next.value);
    next = work.next(next.value);
  }
  return next.value;
}

async function settleLater<T>(work: MaybeAsync<T>, first: PromiseLike<unknown>): Promise<T> {
  let pending: unknown = first;
  for (;;) {
    let settled: unknown;
    let failed = false;
    try {
      settled = await pending;
    } catch (error) {
      settled = error;
      failed = true;
    }
    const next: IteratorResult<unknown, T> = failed ? work.throw(settled) : work.next(settled);
    if (next.done === true) return next.value;
    pending = next.value;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
