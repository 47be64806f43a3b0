/**
 * Fills memory from the bodies of ranged requests. What arrives goes straight to its place in the block. A body that breaks off is asked for again from the byte where it broke off:
 *
 *     0 ────────────── 31 MB ✂            received, kept
 *                      31 MB ──────── 64  asked for with the same ETag, so it is the same file
 */
import type { Readable } from 'node:stream';
import { backOff } from './backoff.ts';
import { BrokenBodyError, DirectBody, OverlongBodyError } from './direct/direct-body.ts';
import { lanes } from './lanes.ts';

/** How broken bodies are met. */
export interface FillPolicy {
  /** How often in a row a request may break off without getting on. */
  readonly retries: number;
  readonly signal: AbortSignal | undefined;
  /** Whether a request that failed before its body may be tried again; bodies always may. */
  readonly isTransient: (error: unknown) => boolean;
}

/** Bytes that count as getting on. */
const progressBytes = 64 * 1024;

/** Fills `into`; `request` asks for what is left, from the place `done` on. */
export async function fill(into: Uint8Array, request: (done: number) => Promise<Readable>, policy: FillPolicy): Promise<void> {
  const { retries, signal, isTransient } = policy;
  let failures = 0;
  let lastFailure = 0;
  for (let done = 0; done < into.length; ) {
    let body: Readable | undefined;
    try {
      body = await request(done);
      await drain(body, into, signal, done, (place) => {
        done = place;
      });
      if (done < into.length) throw new BrokenBodyError(`the server closed the connection after ${done} of ${into.length} bytes`);
    } catch (error) {
      body?.destroy();
      signal?.throwIfAborted();
      if (done - lastFailure >= progressBytes) failures = 0;
      lastFailure = done;
      // What a server sends that sends too much may be anything.
      if (error instanceof OverlongBodyError || (body === undefined && !isTransient(error))) throw error;
      if (++failures > retries) throw error;
      await backOff(failures, signal);
    }
  }
}

/** Copies a body to its place. Resolves at its end, rejects where it breaks off; `onBytes` is told how far it came either way. */
function drain(
  body: Readable,
  into: Uint8Array,
  signal: AbortSignal | undefined,
  from: number,
  onBytes: (place: number) => void,
): Promise<void> {
  if (body instanceof DirectBody) return body.fill(into, from, onBytes, signal);
  return new Promise((resolve, reject) => {
    let place = from;
    const settle = (error?: unknown): void => {
      signal?.removeEventListener('abort', onAbort);
      body.off('data', onData).off('end', onEnd).off('close', onClose).off('error', settle);
      // A destroyed body may still fail: nobody is left to hear of it.
      body.on('error', () => {});
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Uint8Array): void => {
      if (place + chunk.length > into.length)
        return settle(new OverlongBodyError(`the server sent more than the ${into.length} bytes asked for`));
      into.set(chunk, place);
      place += chunk.length;
      onBytes(place);
    };
    const onEnd = (): void => settle();
    const onClose = (): void => settle(new BrokenBodyError('the connection was closed in the middle of a body'));
    const onAbort = (): void => settle(signal!.reason ?? new Error('aborted'));
    if (signal?.aborted === true) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    body.on('data', onData).on('end', onEnd).on('close', onClose).on('error', settle);
  });
}

/** One stream of a remote storage rarely fills the line: a large read is made of several at a time. */
const partBytes = 32 * 1024 * 1024;
const partsAtOnce = Math.min(4, lanes);

/** Reads `into` in equal parts, some at a time. */
export async function inParts(
  into: Uint8Array,
  readPart: (offset: number, into: Uint8Array, signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const count = Math.max(1, Math.floor(into.length / partBytes));
  // The others stop when one has failed.
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal!.reason);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const part = next++;
      const start = Math.floor((into.length * part) / count);
      await readPart(start, into.subarray(start, Math.floor((into.length * (part + 1)) / count)), stop.signal);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(partsAtOnce, count) }, lane));
  } catch (error) {
    next = count;
    stop.abort(error);
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
