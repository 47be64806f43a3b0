import { type Bar, startBar } from './bar.ts';
import type { BoardStream } from './board.ts';

/** A task's step, as an executor tells it. */
export interface TaskStep {
  readonly key: string;
  readonly to: string;
}

/** What a bar needs of an executor. */
export interface ProgressSource {
  on(event: 'task', listener: (step: TaskStep) => void): () => void;
}

/** A pause shorter than this goes on with the same bar. */
const pauseMs = 400;

/**
 * Draws a bar while an executor has work: what the executor's option `progress` does. Returns a function that ends it.
 *
 *     waiting, queued, processing ─▶ in the bar      memory, erred ─▶ done      released, forgotten before that ─▶ out of the bar
 */
export function attachProgress(executor: ProgressSource, stream: BoardStream = process.stderr): () => void {
  const running = new Set<string>();
  let bar: Bar | undefined;
  let pause: NodeJS.Timeout | undefined;
  let tick: NodeJS.Timeout | undefined;
  let done = 0;
  let failed = 0;
  const count = (): { done: number; failed: number; total: number } => ({ done, failed, total: done + running.size });
  const end = (): void => {
    clearTimeout(pause);
    clearInterval(tick);
    process.off('exit', end);
    if (done > 0 || running.size > 0) bar?.end(count());
    bar = tick = pause = undefined;
    done = failed = 0;
    running.clear();
  };
  const detach = executor.on('task', ({ key, to }) => {
    switch (to) {
      case 'waiting':
      case 'no-worker':
      case 'queued':
      case 'processing':
        running.add(key);
        break;
      case 'memory':
      case 'erred':
        // a result may come back from where it was kept without any work
        if (!running.delete(key)) return;
        done += 1;
        if (to === 'erred') failed += 1;
        break;
      default:
        if (!running.delete(key)) return;
    }
    if (bar === undefined) {
      bar = startBar(stream);
      tick = setInterval(() => bar?.show(count()), 500).unref();
      process.once('exit', end);
    }
    bar.show(count());
    clearTimeout(pause);
    pause = running.size === 0 ? setTimeout(end, pauseMs).unref() : undefined;
  });
  return () => {
    detach();
    end();
  };
}
