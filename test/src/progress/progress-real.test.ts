import { Executor, lazy, progress } from 'heddle';
import { attachProgress } from '../../../src/progress/attach-progress.ts';
import { FakeTerminal } from './terminal.ts';

const half = lazy(function half(n: number): number {
  if (n % 4 === 3) throw new Error(`no half of ${n}`);
  return n / 2;
});

describe('progress of an executor', () => {
  let executor: Executor;
  beforeEach(() => {
    executor = new Executor({ engine: 'inline' });
  });
  afterEach(() => executor.close());

  it('resolves when all Futures are done, also failed ones', async () => {
    let written = '';
    const stream = { write: (text: string) => (written += text) } as unknown as NodeJS.WritableStream;
    const futures = executor.map(half, [0, 1, 2, 3, 4, 5, 6, 7]);
    await progress(futures, { stream });
    expect(futures.map(({ status }) => status)).toEqual([
      'finished',
      'finished',
      'finished',
      'error',
      'finished',
      'finished',
      'finished',
      'error',
    ]);
    expect(written.trimEnd().split('\n').at(-1)).toMatch(/^100 % \(8 of 8\), 2 failed in /);
  });

  it('draws what the executor tells of its tasks', async () => {
    const terminal = new FakeTerminal();
    const detach = attachProgress(executor, terminal);
    await executor.gather(executor.map(half, [0, 1, 2, 3]), { errors: 'settle' });
    detach();
    expect(terminal.rows[0]).toMatch(/100 % {2}4\/4 {2}1 failed/);
  });
});
