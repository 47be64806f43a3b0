import { parseDuration, TimeoutError, type WaitOptions } from '../graph/index.ts';

/** A promise that is waited for no longer than the options say. `what` names it in the error. */
export async function waitFor<T>(promise: Promise<T>, options: WaitOptions | undefined, what: string): Promise<T> {
  const { timeout, signal } = options ?? {};
  if (timeout === undefined && signal === undefined) return promise;
  const timeoutMs = timeout === undefined ? Number.POSITIVE_INFINITY : parseDuration(timeout, 'timeout');
  signal?.throwIfAborted();
  promise.catch(() => {}); // it may fail after nobody waits for it any more
  let timer: NodeJS.Timeout | undefined;
  let stopListening: (() => void) | undefined;
  const limit = new Promise<never>((_, reject) => {
    // Beyond 2^31 ms Node would fire at once; nobody waits 24 days.
    if (timeoutMs < 2 ** 31) timer = setTimeout(() => reject(new TimeoutError(what, timeoutMs)), timeoutMs);
    stopListening = signal && onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
    stopListening?.();
  }
}

const listening = new WeakMap<AbortSignal, { readonly listener: () => void; readonly callbacks: Set<() => void> }>();

/** Calls back when a signal fires; returns a function that ends it. However many listen, the signal has one listener: Node warns of more than ten. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let known = listening.get(signal);
  if (known === undefined) {
    const callbacks = new Set<() => void>();
    known = {
      callbacks,
      listener: () => {
        for (const call of [...callbacks]) call();
      },
    };
    listening.set(signal, known);
    signal.addEventListener('abort', known.listener, { once: true });
  }
  const { listener, callbacks } = known;
  const own = (): void => callback(); // the same callback may be given twice
  callbacks.add(own);
  return () => {
    callbacks.delete(own);
    if (callbacks.size > 0 || listening.get(signal)?.callbacks !== callbacks) return;
    signal.removeEventListener('abort', listener);
    listening.delete(signal);
  };
}
