import type { FutureStatus } from '../../../runtime/index.ts';
import { progress } from '../../../src/progress/progress.ts';
import { FakeTerminal } from './terminal.ts';

/** A Future's public face, settled by hand. */
class HandFuture {
  readonly key: string;
  status: FutureStatus = 'pending';
  readonly #callbacks: ((future: HandFuture) => void)[] = [];
  constructor(key: string) {
    this.key = key;
  }
  done(): boolean {
    return this.status !== 'pending';
  }
  addDoneCallback(callback: (future: HandFuture) => void): () => void {
    this.#callbacks.push(callback);
    return () => void this.#callbacks.splice(this.#callbacks.indexOf(callback), 1);
  }
  release(): void {}
  settle(status: FutureStatus): void {
    this.status = status;
    for (const callback of this.#callbacks) setImmediate(callback, this);
  }
}
const futures = (count: number): HandFuture[] => Array.from({ length: count }, (_, i) => new HandFuture(`k${i}`));
const writable = (terminal: object): NodeJS.WritableStream => terminal as NodeJS.WritableStream;
const plain = (): { stream: NodeJS.WritableStream; text(): string } => {
  let written = '';
  return { stream: writable({ write: (text: string) => (written += text) }), text: () => written };
};

describe('progress', () => {
  it('resolves when all are done, also when some failed, and says how many', async () => {
    const list = futures(4);
    const { stream, text } = plain();
    let ended = false;
    const waiting = progress(list, { stream }).then(() => {
      ended = true;
    });
    list[0]?.settle('finished');
    list[1]?.settle('error');
    list[2]?.settle('cancelled');
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(ended).toBe(false);
    list[3]?.settle('finished');
    await waiting;
    expect(text().trimEnd().split('\n').at(-1)).toMatch(/^100 % \(4 of 4\), 2 failed in /);
  });

  it('takes one Future, an iterable, and Futures that are done already', async () => {
    const [one = new HandFuture('k'), two = new HandFuture('k')] = futures(2);
    one.settle('finished');
    two.settle('finished');
    const { stream, text } = plain();
    await progress(one, { stream });
    await progress(new Set([one, two]), { stream });
    await progress([], { stream });
    expect(text()).toMatch(/^100 % \(1 of 1\) in .*\n100 % \(2 of 2\) in .*\n100 % \(0 of 0\) in .*\n$/);
  });

  it('refuses what is no Future, by position', async () => {
    await expect(progress([new HandFuture('k'), { key: 'v' } as never])).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('item 1'),
    });
    await expect(progress(7 as never)).rejects.toThrow(TypeError);
  });

  it('draws one line on a terminal, over and over, and leaves the last', async () => {
    const terminal = new FakeTerminal(60);
    const list = futures(50);
    const waiting = progress(list, { stream: writable(terminal) });
    for (const future of list) {
      future.settle('finished');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await waiting;
    expect(terminal.rows).toHaveLength(2);
    expect(terminal.rows[0]).toMatch(/^█+ 100 % {2}50\/50/);
    expect(terminal.rows[1]).toBe('');
    // frames, not a write a Future
    expect(terminal.writes).toBeLessThan(50);
  });

  it('keeps two bars apart on one terminal', async () => {
    const terminal = new FakeTerminal();
    const [first, second] = [futures(3), futures(5)];
    const both = [progress(first, { stream: writable(terminal) }), progress(second, { stream: writable(terminal) })];
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(terminal.rows.map((row) => /\d+\/\d+/.exec(row)?.[0])).toEqual(['0/3', '0/5']);
    for (const future of second) future.settle('finished');
    await both[1];
    expect(terminal.rows.map((row) => /\d+\/\d+/.exec(row)?.[0])).toEqual(['5/5', '0/3']);
    for (const future of first) future.settle('error');
    await both[0];
    expect(terminal.rows.map((row) => /\d+\/\d+/.exec(row)?.[0])).toEqual(['5/5', '3/3', undefined]);
  });
});
