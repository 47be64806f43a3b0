import { attachProgress, type TaskStep } from '../../../src/progress/attach-progress.ts';
import { FakeTerminal } from './terminal.ts';

/** An executor's `on`, and its events by hand. */
function source(): {
  on(event: 'task', listener: (step: TaskStep) => void): () => void;
  tell(key: string, ...states: string[]): void;
  listeners(): number;
} {
  const listeners = new Set<(step: TaskStep) => void>();
  return {
    on: (_, listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell: (key, ...states) => {
      for (const to of states) for (const listener of listeners) listener({ key, to });
    },
    listeners: () => listeners.size,
  };
}
const counts = (terminal: FakeTerminal): (string | undefined)[] => terminal.rows.map((row) => /\d+\/\d+(?: {2}\d+ failed)?/.exec(row)?.[0]);

describe('attachProgress', () => {
  it('counts what runs, what is done and what failed', () => {
    const executor = source();
    const terminal = new FakeTerminal();
    const detach = attachProgress(executor, terminal);
    executor.tell('a', 'waiting', 'processing', 'memory');
    executor.tell('b', 'queued', 'processing', 'erred');
    executor.tell('c', 'waiting');
    detach();
    expect(counts(terminal)).toEqual(['2/3  1 failed', undefined]);
    expect(executor.listeners()).toBe(0);
  });

  it('leaves out what is cancelled or was there already', () => {
    const executor = source();
    const terminal = new FakeTerminal();
    const detach = attachProgress(executor, terminal);
    executor.tell('a', 'waiting', 'processing', 'memory');
    executor.tell('b', 'waiting', 'released', 'forgotten');
    executor.tell('held', 'memory');
    executor.tell('a', 'released', 'forgotten');
    detach();
    expect(counts(terminal)).toEqual(['1/1', undefined]);
  });

  it('goes on with the same bar after a short pause, and begins a new one after a long one', async () => {
    const executor = source();
    const terminal = new FakeTerminal();
    const detach = attachProgress(executor, terminal);
    executor.tell('a', 'processing', 'memory');
    executor.tell('b', 'processing', 'memory');
    await new Promise((resolve) => setTimeout(resolve, 700));
    executor.tell('c', 'processing', 'memory');
    detach();
    expect(counts(terminal)).toEqual(['2/2', '1/1', undefined]);
  });

  it('draws nothing when nothing runs', () => {
    const terminal = new FakeTerminal();
    attachProgress(source(), terminal)();
    expect(terminal.writes).toBe(0);
  });
});
