/**
 * Looking at many files. On a local disk a synchronous call takes 4 µs and one through the thread pool 10 to 15, so calls are synchronous, in bursts that leave the caller's thread free in between.
 * Where a burst shows that calls are slow (a network file system), the rest goes through the pool, several at a time.
 *
 *     64 calls ─ fast? ─▶ 64 more … (a turn of the event loop every 5 ms)
 *              └ slow? ─▶ the rest, 16 in flight
 */
import { type BigIntStats, statSync, stat as statWithCallback } from 'node:fs';
import { lanes } from './lanes.ts';
import { codeOf, storageError } from './storage-error.ts';

const burst = 64;
const slowCallMs = 0.1;
const turnEveryMs = 5;

/** Codes that say that a path leads to nothing. */
export const notThere: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR']);

/** The same where a listing came upon the path: a link to itself holds no bytes. */
export const holdsNothing: ReadonlySet<string | undefined> = new Set([...notThere, 'ELOOP']);

/** What lies at a path, links followed; `undefined` when nothing does. */
export function stat(path: string): Promise<BigIntStats | undefined> {
  return new Promise((resolve, reject) => {
    statWithCallback(path, { bigint: true }, (error, stats) => {
      if (error === null) resolve(stats);
      else if (notThere.has(error.code)) resolve(undefined);
      else reject(storageError('look at', path, error));
    });
  });
}

/** What lies at paths that a listing came upon. */
export async function statListed(paths: readonly string[], signal?: AbortSignal): Promise<(BigIntStats | undefined)[]> {
  const found: (BigIntStats | undefined)[] = new Array(paths.length);
  let lastTurn = performance.now();
  for (let i = 0; i < paths.length; ) {
    signal?.throwIfAborted();
    const began = performance.now();
    const end = Math.min(i + burst, paths.length);
    const calls = end - i;
    for (; i < end; i++) found[i] = statNow(paths[i]!);
    const now = performance.now();
    if ((now - began) / calls > slowCallMs) {
      await statRest(paths, i, found, signal);
      break;
    }
    if (now - lastTurn > turnEveryMs) {
      await new Promise((resolve) => setImmediate(resolve));
      lastTurn = performance.now();
    }
  }
  return found;
}

function statNow(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (cause) {
    if (holdsNothing.has(codeOf(cause))) return undefined;
    throw storageError('look at', path, cause);
  }
}

/** Through the pool, by callbacks: with thousands of files a promise each costs more than the call. */
export function statRest(paths: readonly string[], first: number, found: (BigIntStats | undefined)[], signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = first;
    let left = paths.length - first;
    if (left === 0) resolve();
    const fail = (error: unknown): void => {
      next = paths.length;
      reject(error);
    };
    const begin = (): void => {
      const i = next++;
      if (i >= paths.length) return;
      if (signal?.aborted === true) {
        fail(signal.reason);
        return;
      }
      statWithCallback(paths[i]!, { bigint: true }, (error, stats) => {
        if (error === null) found[i] = stats;
        else if (!holdsNothing.has(error.code)) fail(storageError('look at', paths[i]!, error));
        if (--left === 0) resolve();
        else begin();
      });
    };
    for (let lane = 0; lane < lanes; lane++) begin();
  });
}
