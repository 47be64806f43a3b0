import { readdirSync } from 'node:fs';
import { compute, currentTask, Executor, lazy, wait } from 'heddle';
import { node } from '../fixtures/acceptance/helpers.ts';
import { fresh, gate, open, rejection, runCounter, until, withOwn } from './tools.ts';

const increment = (x: number) => x + 1;
const waits = lazy(
  async (shut: Int32Array, n: number) => {
    while (Atomics.load(shut, 0) === 0 && !currentTask().signal.aborted) await new Promise((resolve) => setTimeout(resolve, 2));
    return n;
  },
  { pure: false },
);

describe('closing', () => {
  it('can be done again, and ends what is unfinished', async () => {
    const own = new Executor({ workers: 1 });
    const future = own.submit(waits, gate(), 1);
    const failed = rejection(future);
    await own.close();
    await own.close();
    await Promise.all([own.close(), own.close()]);
    expect([(await failed).code, future.status]).toEqual(['ERR_EXECUTOR_CLOSED', 'cancelled']);
  });

  it('forgets every result; what was fetched stays with its Future', async () => {
    const own = new Executor({ workers: 1 });
    const fetched = own.submit(increment, 1);
    expect(await fetched).toBe(2);
    await own.close();
    expect(await fetched).toBe(2);
  });

  it('refuses new work with a short message that says so', async () => {
    const own = new Executor({ workers: 1 });
    await own.close();
    const error = await rejection(Promise.resolve().then(() => own.submit(increment, 1)));
    expect(error.code).toBe('ERR_EXECUTOR_CLOSED');
    expect(error.message.length).toBeLessThan(200);
  });

  it('and opening again goes on for as long as one likes, and leaves no descriptor', async () => {
    await withOwn({ workers: 2 }, (own) => own.submit(increment, 1).result());
    const count = () => readdirSync('/proc/self/fd').length;
    const before = process.platform === 'linux' ? count() : 0;
    for (let i = 0; i < 4; i++) await withOwn({ workers: 2 }, async (own) => expect(await own.submit(increment, i)).toBe(i + 1));
    if (process.platform === 'linux') expect(count()).toBeLessThanOrEqual(before);
  });

  it('part-way through a thousand tasks is quiet', async () => {
    const warnings: unknown[] = [];
    const listen = (warning: unknown) => void warnings.push(warning);
    process.on('warning', listen);
    const slow = (x: number) => new Promise<number>((resolve) => setTimeout(resolve, 5, x));
    const own = new Executor({ workers: 2 });
    const futures = own.map(
      slow,
      Array.from({ length: 1000 }, (_, i) => i),
    );
    const asked = Promise.allSettled(futures);
    await wait(futures.slice(0, 20));
    await own.close();
    const outcomes = await asked;
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(20);
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('at the end of a block that throws does not wait for the work', async () => {
    const use = async () => {
      const own = new Executor({ workers: 1 });
      try {
        own.submit(waits, gate(), 1).addDoneCallback(() => undefined);
        throw new Error('in the block');
      } finally {
        await own[Symbol.asyncDispose]();
      }
    };
    expect((await rejection(use())).message).toBe('in the block');
  });
});

describe('restart', () => {
  it('cancels what was begun, forgets what was done, and goes on', async () => {
    await withOwn({ workers: 2 }, async (own) => {
      const done = own.submit((n: number) => ({ n }), 1);
      await done.exception();
      const running = own.submit(waits, gate(), 1);
      const asked = rejection(running);
      await own.restart();
      expect([(await asked).code, running.status]).toEqual(['ERR_CANCELLED', 'cancelled']);
      expect((await rejection(done)).code).toBe('ERR_CANCELLED');
      expect(await own.whoHas()).toEqual(new Map());
      expect(await own.submit(increment, 1)).toBe(2);
    });
  });

  it('makes the same call a new task', async () => {
    const runs = runCounter();
    await withOwn({ workers: 1 }, async (own) => {
      const noted = async (path: string) => {
        (await import('node:fs')).appendFileSync(path, 'ran\n');
        return 1;
      };
      const first = own.submit(noted, runs.path);
      await first;
      await own.restart();
      const second = own.submit(noted, runs.path);
      expect([second.key, await second]).toEqual([first.key, 1]);
      expect(runs.count()).toBe(2);
    });
    runs.remove();
  });

  it('gives fresh workers under the old names', async () => {
    await withOwn({ workers: [{ name: 'a' }, { name: 'b' }] }, async (own) => {
      const mark = () => {
        const marked = globalThis as { mark?: number };
        marked.mark = (marked.mark ?? 0) + 1;
        return marked.mark;
      };
      await own.run(mark);
      expect(Object.fromEntries(await own.run(mark))).toEqual({ a: 2, b: 2 });
      await own.restart();
      expect(Object.fromEntries(await own.run(mark))).toEqual({ a: 1, b: 1 });
    });
  });
});

describe('several executors', () => {
  it('keep their tasks apart, though the keys are the same', async () => {
    await withOwn({ workers: [{ name: 'a' }] }, async (one) => {
      await withOwn({ workers: [{ name: 'b' }] }, async (two) => {
        const n = fresh();
        const where = (_: number) => currentTask().worker;
        const [x, y] = [one.submit(where, n), two.submit(where, n)];
        expect(x.key).toBe(y.key);
        expect([await x, await y]).toEqual(['a', 'b']);
        x.release();
        expect(await two.submit((name: string) => name, y)).toBe('b');
        expect([...(await two.whoHas()).keys()]).toContain(y.key);
      });
    });
  });

  it('the newest open one is the default; when it closes, the one before', async () => {
    const where = lazy(() => currentTask().worker, { pure: false });
    await withOwn({ workers: [{ name: 'outer' }] }, async () => {
      expect(await compute(where())).toEqual(['outer']);
      await withOwn({ workers: [{ name: 'inner' }] }, async () => expect(await compute(where())).toEqual(['inner']));
      expect(await compute(where())).toEqual(['outer']);
      const failing = withOwn({ workers: [{ name: 'failing' }] }, async () => {
        expect(await compute(where())).toEqual(['failing']);
        throw new Error('left in a hurry');
      });
      expect((await rejection(failing)).message).toBe('left in a hurry');
      expect(await compute(where())).toEqual(['outer']);
    });
  });

  it('one that is named is taken instead', async () => {
    const where = lazy(() => currentTask().worker, { pure: false });
    await withOwn({ workers: [{ name: 'first' }] }, async (first) => {
      await withOwn({ workers: [{ name: 'second' }] }, async (second) => {
        expect([await where().compute({ executor: first }), await where().compute({ executor: second })]).toEqual(['first', 'second']);
      });
    });
  });

  it('inside a task the default is that of the task', async () => {
    await withOwn({ workers: [{ name: 'mine' }] }, async (own) => {
      const asks = lazy(
        async () => {
          const { compute: computeHere, lazy: lazyHere } = await import('heddle');
          return (await computeHere(lazyHere(() => currentTask().worker)()))[0];
        },
        { pure: false },
      );
      expect(await own.submit(asks)).toBe('mine');
    });
  });
});

describe('starting', () => {
  it('takes work before its workers are there', async () => {
    const own = new Executor({ workers: 2 });
    const futures = own.map(
      increment,
      Array.from({ length: 10 }, (_, i) => i),
    );
    expect(await own.gather(futures)).toEqual(Array.from({ length: 10 }, (_, i) => i + 1));
    await own.close();
  });

  it('refuses what is no executor option and what is no set of options', () => {
    expect(() => new Executor(Executor as never)).toThrow(TypeError);
    expect(() => new Executor({ threads_per_worker: 4 } as never)).toThrow(/threads_per_worker/);
  });

  it('fails the tasks with the error of a setup module that throws', async () => {
    const setup = 'data:text/javascript,throw new Error("Setup failed")';
    await withOwn({ workers: 1, setup }, async (own) => {
      expect((await rejection(own.submit(increment, 1))).message).toContain('Setup failed');
    });
  });

  it('and ending without a word: a program that opens an executor and ends prints nothing', async () => {
    const program = `import { Executor } from 'heddle'; const executor = new Executor({ workers: 1 }); await executor.submit((x) => x + 1, 1); if (CLOSE) await executor.close();`;
    for (const close of ['true', 'false']) {
      const ended = await node(['--input-type=module', '-e', program.replace('CLOSE', close)]);
      expect(ended).toMatchObject({ code: 0, late: false, stdout: '', stderr: '' });
    }
  });

  it('gives workers the environment they are told', async () => {
    await withOwn({ workers: 1, env: { FOO: '100' } }, async (own) => {
      expect(await own.submit(lazy(() => process.env.FOO, { pure: false }))).toBe('100');
    });
  });
});

describe('draining', () => {
  it('waits for all that was begun, also after some of it failed', async () => {
    await withOwn({ workers: 2 }, async (own) => {
      const closed = gate();
      const [slow, bad] = [
        own.submit(waits, closed, 5),
        own.submit(
          lazy(
            (): never => {
              throw new Error('no');
            },
            { pure: false },
          ),
        ),
      ];
      let drained = false;
      const end = own.drain().then(() => {
        drained = true;
      });
      await bad.exception();
      expect(drained).toBe(false);
      open(closed);
      await end;
      expect(slow.status).toBe('finished');
      await until(() => drained, 'it is over');
    });
  });
});
