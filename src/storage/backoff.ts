import { setTimeout as sleepFor } from 'node:timers/promises';
import { describeWrong, typeError } from '../../graph/index.ts';

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

/** The option `retries`, checked. @default 5 */
export function retriesOf(retries: unknown = 5): number {
  if (typeof retries !== 'number' || !Number.isInteger(retries) || retries < 0)
    throw typeError('ERR_INVALID_OPTION', `option retries must be a whole number from 0; it is ${describeWrong(retries)}`);
  return retries;
}
