// Section 3 of the contract, "Inside a task": tasks that submit and compute others.
import { currentTask, Executor, type ExecutorOptions, lazy } from 'heddle';

const engines: [string, ExecutorOptions][] = [
  ['threads', { workers: [{ name: 'outer' }] }],
  ['inline', { engine: 'inline' }],
];

describe.each(engines)('on %s, with one worker', (_, options) => {
  let executor: Executor;
  beforeAll(() => {
    executor = new Executor(options);
  });
  afterAll(() => executor.close());

  it('a task submits others and waits for them, and there is no deadlock', async () => {
    const fibonacci = lazy(async function fibonacci(n: number): Promise<number> {
      if (n < 2) return n;
      const { submit } = currentTask();
      const half = (m: number): Promise<number> => Promise.resolve(submit(fibonacci, m));
      const [a, b] = await Promise.all([half(n - 1), half(n - 2)]);
      return a + b;
    });
    expect(await executor.compute(fibonacci(8))).toBe(21);
  });

  it('a task computes Values', async () => {
    const computes = lazy(async (n: number) => {
      const { compute } = currentTask();
      const parts: number[] = await Promise.all(compute([1, 2, 3].map((i) => lazy((x: number) => x * 10)(i + n))));
      return parts.join();
    });
    expect(await executor.compute(computes(1))).toBe('20,30,40');
  });

  it('a task that returns a Future gives its result', async () => {
    const outer = () => currentTask().submit((x: number) => x * 3, 5);
    expect(await executor.submit(outer)).toBe(15);
  });

  it('the error of a child reaches the task that awaits it, and its dependants', async () => {
    const outer = async () => {
      try {
        await currentTask().submit(() => {
          throw new RangeError('in the child');
        });
      } catch (error) {
        return `${(error as Error).name}: ${(error as Error).message}`;
      }
      return 'nothing';
    };
    expect(await executor.submit(outer)).toBe('RangeError: in the child');
  });

  it("the default executor is, inside a task, that task's own", async () => {
    const newest = new Executor({ workers: [{ name: 'newest' }] });
    try {
      const here = await executor.submit(() => currentTask().worker);
      const outer = lazy(async () => await lazy(() => currentTask().worker)().compute());
      expect(await executor.compute(outer())).toBe(here);
    } finally {
      await newest.close();
    }
  });
});

describe('a task whose worker died while it waited for another', () => {
  it('is not told of what the first worker asked for', async () => {
    const executor = new Executor({ engine: 'processes', workers: [{ name: 'a' }, { name: 'b' }] });
    try {
      const first = lazy(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 1500));
          return 'first';
        },
        { name: 'first', pure: true, workers: 'b' },
      );
      const second = lazy(
        async () => {
          await new Promise((resolve) => setTimeout(resolve, 1500));
          return 'second';
        },
        { name: 'second', pure: true, workers: 'b', priority: 1 },
      );
      const held = executor.compute(first()); // it goes on when the task that asked for it is gone
      const outer = lazy(
        async () => {
          const { attempt, submit } = currentTask();
          if (attempt > 1) return await submit(second);
          const child = submit(first);
          setTimeout(() => process.kill(process.pid, 'SIGKILL'), 50);
          return await child;
        },
        { name: 'outer', pure: true, workers: 'a' },
      );
      expect(await executor.compute(outer())).toBe('second');
      expect(await held).toBe('first');
    } finally {
      await executor.close();
    }
  });
});
