import { StringDecoder } from 'node:string_decoder';
import { runningKey, runningTask } from './context.ts';
import type { FromWorker } from './protocol.ts';

type Stream = 'stdout' | 'stderr';

/**
 * From here on what this worker writes goes to the caller as messages, each with the key of the task that wrote it, also from its timers. All of it
 * takes that one way, so that its order stays. Nothing here costs anything while nothing is written.
 */
export function captureConsole(send: (message: FromWorker) => void): void {
  for (const stream of ['stdout', 'stderr'] as const) process[stream].write = writer(stream, send);
}

function writer(stream: Stream, send: (message: FromWorker) => void): typeof process.stdout.write {
  const decoder = new StringDecoder('utf8');
  return ((chunk: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean => {
    const task = runningTask.getStore();
    const isPlain = typeof chunk === 'string' && (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding));
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.from(chunk);
    const text = isPlain ? chunk : decoder.write(bytes);
    if (text !== '') send({ kind: 'console', key: task && runningKey(task), stream, text });
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') process.nextTick(done as () => void);
    return true;
  }) as typeof process.stdout.write;
}
