import { type BoardLine, type BoardStream, boardLine } from './board.ts';

/** How far a piece of work is. */
export interface Count {
  readonly done: number;
  readonly failed: number;
  readonly total: number;
}

/** Shows a Count: a bar on a terminal, elsewhere a plain line each 10 %. */
export interface Bar {
  show(count: Count): void;
  /** Shows it a last time. */
  end(count: Count): void;
}

/** Starts a bar on a stream. */
export function startBar(stream: BoardStream, now: () => number = () => performance.now()): Bar {
  const started = now();
  return isTerminal(stream) ? terminalBar(stream, started, now) : plainBar(stream, started, now);
}

function isTerminal(stream: BoardStream): boolean {
  return stream.isTTY === true && process.env.TERM !== 'dumb';
}

function terminalBar(stream: BoardStream, started: number, now: () => number): Bar {
  let line: BoardLine | undefined;
  const draw = (count: Count): string => barText(count, now() - started, stream.columns ?? 80, hasColors());
  return {
    show(count) {
      line ??= boardLine(stream);
      line.set(() => draw(count));
    },
    end(count) {
      line ??= boardLine(stream);
      line.end(draw(count));
    },
  };
}

function plainBar(stream: BoardStream, started: number, now: () => number): Bar {
  let tenths = 0;
  let written = '';
  const write = (count: Count): void => {
    const text = `${share(count).percent} % (${count.done} of ${count.total})${failures(count)} in ${seconds(now() - started)}`;
    if (text !== written) stream.write(`${text}\n`);
    written = text;
  };
  return {
    show(count) {
      const reached = Math.floor(share(count).percent / 10);
      if (reached <= tenths || count.done >= count.total) return; // the last line is `end`'s
      tenths = reached;
      write(count);
    },
    end: write,
  };
}

/** One frame: `██████░░░░  60 %  600/1000  2 failed  1.2 s  500/s`, never wider than the terminal. */
export function barText(count: Count, milliseconds: number, columns: number, colors: boolean): string {
  const { percent, part } = share(count);
  const rate = milliseconds >= 100 && count.done > 0 ? `  ${rateText(count.done / (milliseconds / 1000))}` : '';
  const full = ` ${String(percent).padStart(3)} %  ${count.done}/${count.total}${failures(count, '  ')}  ${seconds(milliseconds)}${rate}`;
  const room = Math.max(8, columns - 1); // the last column stays free: writing it wraps on some terminals
  const width = Math.min(40, room - full.length);
  if (width < 5) return full.trimStart().slice(0, room);
  const filled = Math.floor(part * width);
  const done = '█'.repeat(filled);
  const rest = '░'.repeat(width - filled);
  if (!colors) return `${done}${rest}${full}`;
  return `\x1b[${count.failed > 0 ? 33 : 32}m${done}\x1b[39m\x1b[2m${rest}\x1b[22m${full}`;
}

function share({ done, total }: Count): { part: number; percent: number } {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  return { part, percent: Math.floor(part * 100) };
}

function failures({ failed }: Count, before = ', '): string {
  return failed === 0 ? '' : `${before}${failed} failed`;
}

function seconds(milliseconds: number): string {
  const whole = milliseconds / 1000;
  if (whole < 100) return `${whole.toFixed(1)} s`;
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${Math.floor(whole % 60)} s`
    : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

function rateText(rate: number): string {
  if (rate >= 1000) return `${(rate / 1000).toFixed(1)}k/s`;
  return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`;
}

/** https://no-color.org: any text but an empty one says no. */
function hasColors(): boolean {
  return (process.env.NO_COLOR ?? '') === '';
}
