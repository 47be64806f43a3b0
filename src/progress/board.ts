/**
 * The lines at the bottom of a terminal where bars stand, one board a stream, so that two bars do not write over each other.
 * A frame is one write that overwrites in place: nothing flickers, and the cursor is never hidden, so nothing needs to be put back.
 */

/** What a board needs of a stream; stderr has it all. */
export interface BoardStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** A line that stays while it is being changed. */
export interface BoardLine {
  /** Draws at the next frame what `text` gives then. */
  set(text: () => string): void;
  /** Draws a last time and leaves it above. */
  end(text: string): void;
}

const frameMs = 80;
const boards = new WeakMap<BoardStream, Board>();

/** A new line at the bottom of a terminal. */
export function boardLine(stream: BoardStream): BoardLine {
  const board = boards.get(stream) ?? new Board(stream);
  boards.set(stream, board);
  return board.add();
}

class Board {
  readonly #stream: BoardStream;
  #lines: { text: () => string }[] = [];
  /** Lines of the last frame, the cursor at the end of the last. */
  #drawn = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #leave = (): void => this.#leaveLine();

  constructor(stream: BoardStream) {
    this.#stream = stream;
  }

  add(): BoardLine {
    const line = { text: () => '' };
    if (this.#lines.length === 0) process.once('exit', this.#leave);
    this.#lines.push(line);
    return {
      set: (text) => {
        line.text = text;
        // work in flight keeps the process alive, never its picture
        this.#timer ??= setTimeout(() => this.#draw([]), frameMs).unref();
      },
      end: (text) => {
        const at = this.#lines.indexOf(line);
        if (at < 0) return;
        this.#lines.splice(at, 1);
        this.#draw([text]);
        if (this.#lines.length === 0) process.off('exit', this.#leave);
      },
    };
  }

  /** `above`: lines that stay behind. */
  #draw(above: readonly string[]): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const up = this.#drawn > 1 ? `\x1b[${this.#drawn - 1}A` : '';
    const start = this.#drawn > 0 ? `${up}\r` : '';
    const kept = above.map((text) => `${text}\x1b[K\n`).join('');
    const live = this.#lines.map(({ text }) => `${text()}\x1b[K`).join('\n');
    this.#stream.write(`${start}${kept}${live}${this.#drawn > 0 ? '\x1b[J' : ''}`);
    this.#drawn = this.#lines.length;
  }

  /** The process ends in the middle: what comes next on the terminal begins on a line of its own. */
  #leaveLine(): void {
    if (this.#drawn > 0) this.#stream.write('\n');
    this.#drawn = 0;
  }
}
