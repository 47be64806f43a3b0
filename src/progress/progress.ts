import { type AnyFuture, typeError } from '../../graph/index.ts';
import { type WaitOptions, waitFor } from '../../runtime/index.ts';
import { startBar } from './bar.ts';
import type { BoardStream } from './board.ts';

/** What progress looks at of a Future. */
interface ProgressFuture {
  readonly status: string;
  done(): boolean;
  addDoneCallback(callback: (future: ProgressFuture) => void): () => void;
}

/** Options of `progress`. */
export interface ProgressOptions extends WaitOptions {
  /** Where to draw. @default process.stderr */
  readonly stream?: NodeJS.WritableStream | undefined;
}

/** Draws a progress bar on stderr (a plain line each 10 % where it is no terminal) until all are done; resolves then, also when some failed. */
export async function progress(futures: Iterable<AnyFuture> | AnyFuture, options: ProgressOptions = {}): Promise<void> {
  const list = listOf(futures);
  const stream: BoardStream = options.stream ?? process.stderr;
  let done = 0;
  let failed = 0;
  const settled = (future: ProgressFuture): void => {
    done += 1;
    if (future.status !== 'finished') failed += 1;
  };
  const open: ProgressFuture[] = [];
  for (const future of list) {
    if (future.done()) settled(future);
    else open.push(future);
  }
  const bar = startBar(stream);
  const count = (): { done: number; failed: number; total: number } => ({ done, failed, total: list.length });
  const takenBack: (() => void)[] = [];
  const tick = setInterval(() => bar.show(count()), 500).unref(); // so that the clock runs on while nothing ends
  try {
    if (open.length > 0) bar.show(count());
    const all = new Promise<void>((resolve) => {
      if (open.length === 0) resolve();
      for (const future of open) {
        const takeBack = future.addDoneCallback((one) => {
          settled(one);
          bar.show(count());
          if (done === list.length) resolve();
        });
        takenBack.push(takeBack);
      }
    });
    await waitFor(all, options, `${list.length} futures`);
  } finally {
    clearInterval(tick);
    for (const takeBack of takenBack) takeBack();
    bar.end(count());
  }
}

function listOf(futures: unknown): ProgressFuture[] {
  if (isFuture(futures)) return [futures];
  if (typeof futures !== 'object' || futures === null || !(Symbol.iterator in futures))
    throw typeError('ERR_INVALID_ARGUMENT', 'progress takes a Future or an iterable of Futures');
  return Array.from(futures as Iterable<unknown>, (one, i) => {
    if (isFuture(one)) return one;
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `progress takes a Future or an iterable of Futures; item ${i} is none (a Value has not begun: compute() it first)`,
    );
  });
}

function isFuture(value: unknown): value is ProgressFuture {
  return (
    typeof value === 'object' &&
    value !== null &&
    'addDoneCallback' in value &&
    'done' in value &&
    typeof value.addDoneCallback === 'function'
  );
}
