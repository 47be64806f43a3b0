import { getHeapStatistics } from 'node:v8';
import type { ResourceLimits, Worker } from 'node:worker_threads';

/**
 * Ends a thread before its heap is full: V8 often aborts the whole process then, whatever the thread's limit says.
 *
 *     0 ──────── limit ──────── cap ──────── fence
 *       tasks may    what is beyond   V8's own limit: the process may abort
 *       use this     may be garbage
 *
 * V8 begins to collect at the latest when a heap has grown half way from what lives in it to the fence. So a heap that is beyond the cap, a little farther,
 * has more than the limit alive in it, and nothing is ended that V8 would have let live. The fence is far out because a look may have to wait for a
 * collection. Node 20 cannot tell the heap of a busy thread: there V8's limit is all there is.
 */
const mebibyte = 2 ** 20;
const shortestMs = 10;
const longestMs = 100;
/** Faster than this no heap is known to grow; bytes a millisecond. */
const fastest = 4 * mebibyte;

/** What Node's threads have since 22.16. */
interface Watchable {
  getHeapStatistics?(): Promise<{ readonly used_heap_size: number }>;
}

/** Whether heaps of busy threads can be looked at. */
export function canWatch(prototype: object): boolean {
  return typeof (prototype as Watchable).getHeapStatistics === 'function';
}

/** The heap limit of a worker in MiB: what was asked for, or V8's default. */
export function heapLimitMb(limits: ResourceLimits | undefined): number {
  return limits?.maxOldGenerationSizeMb ?? Math.floor(getHeapStatistics().heap_size_limit / mebibyte);
}

/** Where V8 has its own limit while the heap is watched. */
export function fenceMb(limitMb: number): number {
  return limitMb + Math.max(limitMb / 4, 1024);
}

/** What is said of a worker whose heap was full. */
export function outOfMemory(limitMb: number, detail: string, cause?: unknown): Error {
  const error = new Error(
    `the worker ran out of memory: ${detail} (heap limit ${limitMb} MiB)`,
    cause === undefined ? undefined : { cause },
  );
  return Object.assign(error, { code: 'ERR_WORKER_OUT_OF_MEMORY' });
}

/** Looks at one thread's heap while it is busy, the more often the fuller it is. */
export class HeapWatch {
  readonly #worker: Watchable;
  readonly #capBytes: number;
  readonly #full: (bytes: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #isOn = false;
  #isAsking = false;

  constructor(worker: Worker, limitMb: number, full: (bytes: number) => void) {
    this.#worker = worker as unknown as Watchable;
    this.#capBytes = (limitMb + 0.6 * (fenceMb(limitMb) - limitMb)) * mebibyte;
    this.#full = full;
  }

  set(isOn: boolean): void {
    if (isOn === this.#isOn) return;
    this.#isOn = isOn;
    clearTimeout(this.#timer);
    if (isOn && !this.#isAsking) this.#wait(shortestMs);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => void this.#look(), ms);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#isAsking = true;
    let used = 0;
    try {
      used = (await this.#worker.getHeapStatistics!()).used_heap_size;
    } catch {
      this.#isOn = false; // it is gone
    }
    this.#isAsking = false;
    if (!this.#isOn) return;
    if (used > this.#capBytes) return this.#full(used);
    this.#wait(Math.min(longestMs, Math.max(shortestMs, (this.#capBytes - used) / fastest)));
  }
}
