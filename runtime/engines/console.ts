import type { EngineListener } from '../engine.ts';
import type { FromWorker } from '../worker/protocol.ts';

type Written = Extract<FromWorker, { kind: 'console' }>;
/** Of each worker so many characters and lines are kept. */
const mostKept = 16_384;
const mostLines = 10;
/** Lines of V8's own report of a crash, which would crowd out what tasks said; its first, `FATAL ERROR`, stays. */
const ofCrash = /^(?: *\d+: |-----|<---|\[\d+:0x[0-9a-f]+\])/;

/** What workers write to the console: shown with the key of the task that wrote it. The last lines of each worker are kept, in case it dies. */
export class TaskConsole {
  readonly #last = new Map<number, string>();
  /** The key whose line is not at its end, by stream. */
  readonly #open = new Map<string, string>();

  /** Takes what a worker wrote: for whoever listens, else for the caller's own console. */
  write(index: number, worker: string, written: Written, listener: EngineListener): void {
    const { key, stream, text } = written;
    const last = (this.#last.get(index) ?? '') + text;
    this.#last.set(index, last.length > 2 * mostKept ? last.slice(-mostKept) : last);
    if (key === undefined || listener.console === undefined) this.#print(written);
    else listener.console({ time: Date.now(), key, worker, level: stream === 'stdout' ? 'log' : 'error', stream, text });
  }

  #print({ key, stream, text }: Written): void {
    if (key === undefined) return void process[stream].write(text);
    const open = this.#open.get(stream);
    const isWhole = text.endsWith('\n');
    const lines = (isWhole ? text.slice(0, -1) : text).split('\n');
    const label = `[${shortKey(key)}] `;
    const first = open === key ? '' : open === undefined ? label : `\n${label}`;
    process[stream].write(`${first}${lines.join(`\n${label}`)}${isWhole ? '\n' : ''}`);
    if (isWhole) this.#open.delete(stream);
    else this.#open.set(stream, key);
  }

  /** The last lines of a worker, which is gone. */
  take(worker: number): string[] {
    const lines = (this.#last.get(worker) ?? '').split('\n');
    this.#last.delete(worker);
    return lines.filter((line) => line !== '' && !ofCrash.test(line)).slice(-mostLines);
  }
}

/** Enough of a key to tell tasks apart: `count-2576405b`. */
function shortKey(key: string): string {
  const hash = /-[0-9a-f]{32}$/.exec(key);
  return hash === null ? key : key.slice(0, hash.index + 9);
}

/** What is said of an error that no running task can be blamed for. */
export function lateError(
  { key, error }: Extract<FromWorker, { kind: 'stray' }>,
  worker: string,
): Parameters<EngineListener['warning']>[0] {
  const message =
    key === undefined
      ? `something on ${worker} threw outside any task, so that it is replaced: ${error.text}`
      : `task ${key} on ${worker} threw after it had ended: ${error.text}`;
  return { time: Date.now(), code: 'HEDDLE_LATE_ERROR', message };
}
