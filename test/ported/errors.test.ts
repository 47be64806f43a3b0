import { currentTask, Executor, lazy, wait } from 'heddle';
import { fresh, gate, open, rejection, runCounter, sharedExecutor, until, withOwn } from './tools.ts';

const executor = sharedExecutor();
const increment = (x: number) => x + 1;
const divide = (a: number, b: number) => {
  if (b === 0) throw new RangeError('division by zero');
  return a / b;
};
/** Throws or gives what stands at the place of the attempt. */
const varying = (outcomes: (string | number)[]) => {
  const now = outcomes[currentTask().attempt - 1]!;
  if (typeof now === 'string') throw new RangeError(now);
  return now;
};

describe('an error of a task', () => {
  it('is what exception() gives, and null where there is none', async () => {
    expect(await executor().submit(divide, 1, 0).exception()).toMatchObject({ name: 'RangeError', message: 'division by zero' });
    expect(await executor().submit(divide, 1, 1).exception()).toBeNull();
  });

  it('rejects the Future; the executor goes on', async () => {
    expect(await executor().submit(divide, 1, 2)).toBe(0.5);
    expect((await rejection(executor().submit(divide, 1, 0))).name).toBe('RangeError');
    expect(await executor().submit(divide, 10, 2)).toBe(5);
  });

  it('does not stand in the way of other tasks on the only worker', async () => {
    await withOwn({ workers: 1 }, async (own) => {
      const [a, , b] = [own.submit(increment, 1), own.submit(divide, 1, 0), own.submit(increment, 2), own.submit(divide, 2, 0)];
      expect(await own.gather([a, b])).toEqual([2, 3]);
    });
  });

  it('reaches what depends on it, and what depends on that', async () => {
    const x = executor().submit(() => {
      throw new SyntaxError('first');
    });
    const y = executor().submit((one: number) => one, x);
    expect((await rejection(y)).message).toBe('first');
    const z = executor().submit((one: number) => one, y);
    expect(await rejection(z)).toMatchObject({ name: 'SyntaxError', message: 'first' });
    expect((await rejection(z)).task).toMatchObject({ key: x.key });
  });

  it('has a stack with the line of the function, and no line of heddle above it', async () => {
    const broken = executor().submit(function broken() {
      throw new Error('here');
    });
    for (const error of [await rejection(broken), await rejection(executor().gather(broken)), (await broken.exception())!]) {
      expect(error.stack!.split('\n')[1]).toMatch(/errors\.test\.ts:\d+:\d+/);
      expect(error.stack).toMatch(/at (Object\.)?broken/);
    }
    const dependant = executor().submit((x: never) => x, broken);
    expect((await rejection(dependant)).stack!.split('\n')[1]).toMatch(/errors\.test\.ts:\d+:\d+/);
  });

  it('through get has the same stack', async () => {
    const breaks = function breaks() {
      throw new Error('in a graph');
    };
    expect((await rejection(executor().get({ breaks: [breaks] }, 'breaks'))).stack).toMatch(/errors\.test\.ts/);
  });

  it('has a short stack, also when it comes from deep down', async () => {
    const deep = (n: number): number => {
      if (n === 0) throw new RangeError('bottom');
      return deep(n - 1) + 1;
    };
    const error = await rejection(executor().submit(deep, 200));
    expect(error.message).toBe('bottom');
    expect(error.stack!.length).toBeLessThan(10_000);
  });

  it('comes with its message whole up to a megabyte, and cut with a note above', async () => {
    const says = (length: number) => {
      throw new Error('a'.repeat(length));
    };
    expect((await rejection(executor().submit(says, 100_000))).message).toBe('a'.repeat(100_000));
    const long = await rejection(executor().submit(says, 3_000_000));
    expect(long.message.length).toBeLessThan(1_100_000);
    expect(long.message.slice(-200)).not.toMatch(/^a+$/);
  });

  it('arrives though a field of it cannot travel', async () => {
    const error = await rejection(
      executor().submit(() => {
        throw Object.assign(new Error('hello world'), { socket: () => 1, code: 'E_MINE' });
      }),
    );
    expect(error).toMatchObject({ message: 'hello world', code: 'E_MINE' });
  });

  it('names the task: key, name, worker, attempt', async () => {
    const future = executor().submit(lazy(divide, { name: 'halve', workers: 'bob' }), 123, 0);
    expect((await rejection(future)).task).toEqual({ key: future.key, name: 'halve', worker: 'bob', attempt: 1 });
  });

  it('lets go of the intermediate results it made useless', async () => {
    const x = lazy(divide)(1, 0);
    const y = lazy((n: number) => ({ n }))(fresh());
    const z = lazy((a: number, b: { n: number }) => a + b.n)(x, y);
    expect((await rejection(executor().compute(z))).message).toBe('division by zero');
    await untilUnheld(executor(), y.key);
  });

  it('stays with whoever holds a Future of it, until that is let go', async () => {
    const x = executor().submit(lazy(divide, { pure: false }), 1, 0);
    const y = executor().submit(increment, x);
    const z = executor().submit(increment, y);
    await wait([z]);
    z.release();
    expect([(await x.exception())?.message, (await y.exception())?.message]).toEqual(['division by zero', 'division by zero']);
    x.release();
    expect((await rejection(y)).message).toBe('division by zero');
  });
});

describe('what cannot travel', () => {
  it('is refused at the call when it is an argument, and the executor goes on', async () => {
    class Secret {
      readonly #inside = 1;
      see() {
        return this.#inside;
      }
    }
    expect(() => executor().submit((x: object) => Object.keys(x).length, new Secret())).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }),
    );
    expect(await executor().gather(executor().map(increment, [0, 1, 2]))).toEqual([1, 2, 3]);
  });

  it('is refused at the call when the function captures it', async () => {
    const waits = new Promise(() => undefined);
    expect(() => executor().submit(() => String(waits))).toThrow(expect.objectContaining({ code: 'ERR_CAPTURE' }));
    expect(await executor().gather(executor().map(increment, [3, 4]))).toEqual([4, 5]);
  });

  it('fails the task whose module cannot be loaded in a worker, and no other', async () => {
    const loads = async () => (await import('a-package-that-is-not-there' as string)) as unknown;
    const future = executor().submit(loads);
    await wait([future]);
    expect(future.status).toBe('error');
    expect((await rejection(future)).message).toMatch(/a-package-that-is-not-there/);
    expect(await executor().gather(executor().map(increment, [5, 6]))).toEqual([6, 7]);
  });

  it('fails the task that gives it as a result', async () => {
    const future = executor().submit(() => () => 1);
    expect((await rejection(future)).code).toBe('ERR_UNSENDABLE');
  });
});

describe('retries', () => {
  it('of one task', async () => {
    const run = (retries: number, outcomes: (string | number)[]) => executor().compute(lazy(varying, { retries, pure: false })(outcomes));
    expect((await rejection(run(0, ['one', 'two', 3]))).message).toBe('one');
    expect((await rejection(run(1, ['one', 'two', 3]))).message).toBe('two');
    expect(await run(2, ['one', 'two', 3])).toBe(3);
    expect(await run(2, ['one', 'two', 3, 4])).toBe(3);
  });

  it('of some tasks of a graph and not of others', async () => {
    const [x, y, z] = [
      lazy(varying, { retries: 2, pure: false }),
      lazy(varying, { pure: false }),
      lazy(varying, { retries: 2, pure: false }),
    ];
    const futures = executor().compute([x(['one', 'two', 30, 40]), y(['five', 'six', 70]), z([80, 90])]);
    expect(await futures[0]!).toBe(30);
    expect((await rejection(futures[1]!)).message).toBe('five');
    expect(await futures[2]!).toBe(80);
  });

  it('of persisted tasks', async () => {
    const kept = executor().persist(lazy(varying, { retries: 2, pure: false })(['one', 'two', 3]));
    expect(await executor().compute(kept)).toBe(3);
    const lost = executor().persist(lazy(varying, { retries: 1, pure: false })(['one', 'two', 3]));
    expect((await rejection(executor().compute(lost))).message).toBe('two');
  });

  it('as the executor sets them for all', async () => {
    await withOwn({ workers: 1, retries: 5 }, async (own) => {
      expect(await lazy(varying)(['one', 'two', 3]).compute({ executor: own })).toBe(3);
    });
  });

  it('of an inner task do not become those of the outer, nor the other way round', async () => {
    const inner = lazy(varying, { retries: 2, pure: false })(['one', 'two', 2]);
    const outer = lazy((x: number) => 2 * x, { retries: 0 })(inner);
    expect(await executor().compute(outer)).toBe(4);
  });

  it('do not bring back a task that was cancelled', async () => {
    const runs = runCounter();
    const listens = async (path: string) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
      await new Promise((_, reject) => currentTask().signal.addEventListener('abort', () => reject(new Error('stopped'))));
    };
    const future = executor().submit(lazy(listens, { retries: 3, pure: false }), runs.path);
    await until(() => runs.count() === 1, 'it runs');
    await future.cancel();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([future.status, runs.count()]).toEqual(['cancelled', 1]);
    runs.remove();
  });
});

describe('retry', () => {
  /** Fails until the gate is open. */
  const needs = (closed: Int32Array) => {
    if (Atomics.load(closed, 0) === 0) throw new Error('not yet');
    return 100;
  };

  it('runs a failed task again', async () => {
    const closed = gate();
    const future = executor().submit(lazy(needs, { pure: false }), closed);
    expect((await rejection(future)).message).toBe('not yet');
    open(closed);
    await future.retry();
    expect(await future).toBe(100);
  });

  it('runs what it depends on again where that failed, and again without harm', async () => {
    const closed = gate();
    const x = executor().submit(lazy(needs, { pure: false }), closed);
    const y = executor().submit(increment, x);
    expect((await rejection(y)).message).toBe('not yet');
    open(closed);
    await y.retry();
    expect(await y).toBe(101);
    expect(x.status).toBe('finished');
    await y.retry();
    await executor().retry([x]);
    expect([await x, await y]).toEqual([100, 101]);
  });

  it('makes what was let go anew', async () => {
    const closed = gate();
    const x = executor().submit(increment, fresh() + 5000);
    const y = executor().submit(
      lazy(
        (shut: Int32Array, n: number) => {
          if (Atomics.load(shut, 0) === 0) throw new Error('not yet');
          return n;
        },
        { pure: false },
      ),
      closed,
      x,
    );
    const expected = await x;
    x.release();
    expect((await rejection(y)).message).toBe('not yet');
    open(closed);
    await y.retry();
    expect(await y).toBe(expected);
  });
});

describe('an error does not stop', () => {
  it('what runs beside it: the other Futures of the graph go on until they are cancelled', async () => {
    const closed = gate();
    const waits = async (shut: Int32Array) => {
      while (Atomics.load(shut, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      return 'done';
    };
    const futures = executor().get({ bad: [divide, 1, 0], slow: [waits, closed] }, ['bad', 'slow']);
    expect((await rejection(executor().gather(futures))).message).toBe('division by zero');
    expect(futures[1]!.status).toBe('pending');
    open(closed);
    expect(await futures[1]!).toBe('done');
  });

  it('what a Future that is held elsewhere stands for', async () => {
    const x = executor().submit(increment, 31_000);
    expect(await x).toBe(31_001);
    const graph = { worse: [divide, 1, 0], held: x };
    expect((await rejection(executor().gather(executor().get(graph, ['worse', 'held'])))).message).toBe('division by zero');
    expect(await x).toBe(31_001);
    expect(x.status).toBe('finished');
  });
});

describe('fireAndForget', () => {
  it('lets a task run that nobody holds', async () => {
    const runs = runCounter();
    const slow = executor().submit((ms: number) => new Promise((resolve) => setTimeout(resolve, ms, ms)), 60);
    const notes = async (path: string, _: unknown) => {
      (await import('node:fs')).appendFileSync(path, 'ran\n');
    };
    const last = executor().submit(notes, runs.path, slow);
    const { key } = last;
    executor().fireAndForget(last);
    last.release();
    await until(() => runs.count() === 1, 'it ran');
    await untilUnheld(executor(), key);
    expect(slow.status).toBe('finished');
    runs.remove();
  });

  it('lets a failed one go', async () => {
    const future = executor().submit(lazy(divide, { pure: false }), 1, 0);
    executor().fireAndForget(future);
    await future.exception();
    future.release();
    await until(() => true, 'the turn has passed');
    expect([...(await executor().processing()).values()].flat()).not.toContain(future.key);
  });
});

describe('the inline engine', () => {
  it('runs a failed call again in the thread of the caller, for a debugger', async () => {
    const path: (string | undefined)[] = [];
    const deep = (a: number, b: number) => {
      path.push(new Error('where').stack);
      return divide(a, b);
    };
    const inline = new Executor({ engine: 'inline' });
    try {
      expect(
        (
          await rejection(
            inline.submit(
              divide,
              1,
              inline.submit((x: number) => x - 1, 1),
            ),
          )
        ).message,
      ).toBe('division by zero');
      expect(
        await inline.submit(
          divide,
          1,
          inline.submit((x: number) => x - 1, 2),
        ),
      ).toBe(1);
      await inline.submit(deep, 4, 2);
    } finally {
      await inline.close();
    }
  });
});

describe('a task that ends its worker', () => {
  it('fails when it has done so too often, with its key and the worker, and harms no other', async () => {
    await withOwn({ workers: [{ name: 'victim' }], allowedFailures: 1 }, async (own) => {
      const deadly = own.submit(lazy(() => (process as unknown as { reallyExit(code: number): void }).reallyExit(9), { pure: false }));
      const others = own.map(increment, [1, 2, 3]);
      const error = await rejection(deadly);
      expect(error.code).toBe('ERR_KILLED_WORKER');
      expect(error.message).toContain(deadly.key);
      expect(error.message).toContain('victim');
      expect(await own.gather(others)).toEqual([2, 3, 4]);
    });
  });
});

async function untilUnheld(own: Executor, key: string): Promise<void> {
  for (const end = Date.now() + 10_000; (await own.whoHas()).has(key); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`${key} is still held`);
}
