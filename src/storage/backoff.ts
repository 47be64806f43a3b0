import { setTimeout as sleepFor } from 'node:timers/promises';

const firstMs = 100;
const mostMs = 10_000;

/** Waits before a request is tried again: twice as long each time, by chance up to a half less, so that many workers do not come back at once. Rejects with the signal's reason. */
export async function backOff(failures: number, signal?: AbortSignal, leastMs = 0): Promise<void> {
  const ms = Math.min(mostMs, firstMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);
  try {
    await sleepFor(Math.max(ms, leastMs), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
