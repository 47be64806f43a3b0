/** What every engine must do, in the words of the package's own contract. Each engine's test calls `testEngine` with a way to open an executor on it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { compute, currentTask, lazy, persist, value } from 'heddle';
import { testEngineDeaths } from './engine-deaths.ts';
import { testEngineErrors } from './engine-errors.ts';
import { testEngineLife } from './engine-life.ts';
import { testEngineResults } from './engine-results.ts';
import {
  type Case,
  type EngineName,
  type EngineSkips,
  fresh,
  type OpenExecutor,
  rejection,
  runCounter,
  until,
  withExecutor,
} from './engine-tools.ts';

const add = (a: number, b: number): number => a + b;
const double = (n: number): number => n * 2;
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const sleep = async (ms: number, result: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return result;
};
const fail = (message: string): never => {
  throw new RangeError(message);
};
async function noteRun(path: string, result: number): Promise<number> {
  const { appendFile } = await import('node:fs/promises');
  await appendFile(path, `${result}\n`);
  return result;
}
/** The suite. `name` is what `new Executor({ engine })` calls the engine; `address` is what programs are given in its place when it has one. */
export function testEngine(name: EngineName, open: OpenExecutor, skip: EngineSkips = {}, address: () => string = () => name): void {
  const test: Case = (title, run) => {
    if (Object.hasOwn(skip, title)) it.skip(`${title} (${skip[title]})`, run);
    else it(title, run);
  };

  describe(`${name}: submit and map`, () => {
    withExecutor(open, (executor) => {
      test('gives what the function gives', async () => {
        const future = executor().submit(add, 40, 2);
        expect(future.status).toBe('pending');
        expect(future.done()).toBe(false);
        expect(await future).toBe(42);
        expect([future.status, future.done()]).toEqual(['finished', true]);
        expect(inspect(future)).toBe(`<Future: status: finished, key: ${future.key}>`);
        expect(await future.exception()).toBe(null);
      });
      test('awaits what an async function gives', async () => {
        expect(await executor().submit(sleep, 1, 7)).toBe(7);
        expect(await Promise.all(executor().map(sleep, [3, 2, 1], [10, 20, 30]))).toEqual([10, 20, 30]);
      });
      test('takes Values and Futures for arguments, at any depth', async () => {
        const a = executor().submit(add, 1, 1);
        const b = lazy(double)(21);
        const shape = (parts: { list: number[]; map: Map<string, number>; set: Set<number> }): unknown => [
          parts.list,
          [...parts.map],
          [...parts.set],
        ];
        expect(await executor().submit(lazy(shape), { list: [a, b, 3], map: new Map([['b', b]]), set: new Set([a]) })).toEqual([
          [2, 42, 3],
          [['b', 42]],
          [2],
        ]);
        expect(await executor().submit(add, a, a)).toBe(4);
      });
      test('takes a lazy function with its options, and a function with constants', async () => {
        const factor = 3;
        expect(
          await executor().submit(
            lazy((n: number) => n * factor, { name: 'triple' }),
            5,
          ),
        ).toBe(15);
        expect(executor().submit(lazy(double, { name: 'twice' }), 1).key).toMatch(/^twice-[0-9a-f]{32}$/);
      });
      test('gives the keys that the same calls have as Values', async () => {
        expect(executor().submit(add, 1, 2).key).toBe(lazy(add)(1, 2).key);
        expect(executor().compute(lazy(add)(1, 2)).key).toBe(lazy(add)(1, 2).key);
      });
      test('runs the same call once', async () => {
        const runs = runCounter();
        try {
          const pure = lazy(noteRun, { pure: true });
          const [first, second] = [executor().submit(pure, runs.path, 1), executor().submit(pure, runs.path, 1)];
          expect(second.key).toBe(first.key);
          expect(await Promise.all([first, second, executor().compute(pure(runs.path, 1))])).toEqual([1, 1, 1]);
          expect(runs.count()).toBe(1);
          const impure = lazy(noteRun, { pure: false });
          const [third, fourth] = [executor().submit(impure, runs.path, 2), executor().submit(impure, runs.path, 2)];
          expect(third.key).not.toBe(fourth.key);
          await Promise.all([third, fourth]);
          expect(runs.count()).toBe(3);
        } finally {
          runs.remove();
        }
      });
      test('maps over iterables, the shortest first to end', async () => {
        const futures = executor().map(add, [1, 2, 3], new Set([10, 20]));
        expect(futures.length).toBe(2);
        expect(await Promise.all(futures)).toEqual([11, 22]);
        expect(executor().map(double, [])).toEqual([]);
      });
      test('maps over an AsyncIterable in order, and no faster than asked', async () => {
        let taken = 0;
        async function* numbers(): AsyncGenerator<number> {
          for (let i = 0; i < 200; i++) {
            taken++;
            yield i;
          }
        }
        const results: number[] = [];
        for await (const future of executor().map(double, numbers())) {
          results.push(await future.result());
          if (results.length === 3) {
            await new Promise((resolve) => setTimeout(resolve, 20));
            expect(taken).toBeLessThan(150);
          }
        }
        expect(results).toEqual(Array.from({ length: 200 }, (_, i) => i * 2));
      });
      test('refuses what is no function, at the call', async () => {
        for (const bad of [7, 'f', null, undefined, {}]) expect(() => executor().submit(bad as never)).toThrow(TypeError);
        expect(() => executor().map('f' as never, [])).toThrow(TypeError);
        expect(() => executor().submit(function* () {} as never)).toThrow(expect.objectContaining({ code: 'ERR_GENERATOR' }));
      });
      test('gives one object each time it is asked', async () => {
        const future = executor().submit(() => ({ list: [1] }));
        expect(await future).toBe(await future);
        expect(await future.result()).toBe(await future);
      });
      test('resolves a Future that an async function returns', async () => {
        const outer = async (): Promise<number> => executor().submit(add, 1, 2);
        expect(await outer()).toBe(3);
      });
      test('calls back when a Future is done, once and later', async () => {
        const future = executor().submit(add, fresh(), 1);
        const called: unknown[] = [];
        const takeBack = future.addDoneCallback(() => called.push('taken back'));
        future.addDoneCallback((done) => called.push(done.key));
        takeBack();
        await future;
        await until(() => called.length > 0, 'the callback was called');
        expect(called).toEqual([future.key]);
      });
      test('runs thousands of small tasks', async () => {
        const futures = executor().map(
          double,
          Array.from({ length: 5000 }, (_, i) => i),
        );
        const results = await executor().gather(futures);
        expect(results.length).toBe(5000);
        expect(sum(results)).toBe(4999 * 5000);
      });
      test('runs a chain of ten thousand tasks', async () => {
        const next = lazy(add);
        let chain = next(0, 1);
        for (let i = 1; i < 10_000; i++) chain = next(chain, 1);
        expect(await executor().compute(chain)).toBe(10_000);
      });
      test('retries as often as it is told', async () => {
        const runs = runCounter();
        try {
          const flaky = async (path: string): Promise<number> => {
            const { appendFile, readFile } = await import('node:fs/promises');
            await appendFile(path, 'run\n');
            const tries = (await readFile(path, 'utf8')).split('\n').length - 1;
            if (tries < 3 || currentTask().attempt !== tries) throw new Error(`attempt ${currentTask().attempt} of try ${tries}`);
            return tries;
          };
          expect(await executor().submit(lazy(flaky, { pure: true, retries: 2 }), runs.path)).toBe(3);
          const failing = executor().submit(lazy(flaky, { pure: true, name: 'once', retries: 0 }), `${runs.path}.other`);
          expect((await rejection(failing)).message).toBe('attempt 1 of try 1');
        } finally {
          runs.remove();
        }
      });
    });
  });

  describe(`${name}: compute, persist, gather, scatter`, () => {
    withExecutor(open, (executor) => {
      test('computes one Value, or each in an array or object', async () => {
        const one = lazy(double)(1);
        expect(await executor().compute(one)).toBe(2);
        const [a, b, three] = executor().compute([one, lazy(double)(2), 3]);
        expect([await a, await b, three]).toEqual([2, 4, 3]);
        const { x, y } = executor().compute({ x: one, y: 'as it is' });
        expect([await x, y]).toEqual([2, 'as it is']);
        expect(() => (executor().compute as (...args: unknown[]) => unknown)(one, one)).toThrow(TypeError);
      });
      test('computes what stands in containers of any depth, with compute()', async () => {
        const two = lazy(double)(1);
        expect(await compute(two, { deep: [{ two }], map: new Map([['k', two]]) }, 5)).toEqual([
          2,
          { deep: [{ two: 2 }], map: new Map([['k', 2]]) },
          5,
        ]);
        expect(await compute()).toEqual([]);
      });
      test('computes a graph with shared parts once', async () => {
        const runs = runCounter();
        try {
          const base = lazy(noteRun, { pure: true })(runs.path, 5);
          const total = lazy(sum)([lazy(double)(base), lazy(add)(base, 1), base]);
          expect(await executor().compute(total)).toBe(21);
          expect(runs.count()).toBe(1);
        } finally {
          runs.remove();
        }
      });
      test('gives data, attributes, methods and pipes of Values', async () => {
        const data = value({ list: [3, 1, 2], name: 'x' });
        expect(await executor().compute(data)).toEqual({ list: [3, 1, 2], name: 'x' });
        expect(await executor().compute(data.get('list').get(0))).toBe(3);
        expect(await executor().compute(value(new Map([['k', 5]])).call('get', 'k'))).toBe(5);
        expect(await executor().compute(data.get('list').pipe(sum))).toBe(6);
      });
      test('splits a Value with nout, and fails when the length is another', async () => {
        const [low, high] = lazy((n: number) => [n - 1, n + 1] as [number, number], { nout: 2 })(5);
        expect(await Promise.all([executor().compute(low!), executor().compute(high!)])).toEqual([4, 6]);
        const [wrong] = lazy((): number[] => [1, 2, 3], { nout: 2, name: 'three' })();
        expect((await rejection(executor().compute(wrong!))).code).toBe('ERR_NOUT');
      });
      test('keeps what is persisted, and computes it no more', async () => {
        const runs = runCounter();
        try {
          const base = lazy(noteRun, { pure: true })(runs.path, 6);
          const held = executor().persist(base);
          expect(held.key).toBe(base.key);
          expect(await executor().compute(lazy(double)(held))).toBe(12);
          expect(await executor().compute(lazy(add)(held, 1))).toBe(7);
          expect(runs.count()).toBe(1);
          const [again] = await persist(lazy(double)(8));
          expect(await executor().compute(again!)).toBe(16);
        } finally {
          runs.remove();
        }
      });
      test('gathers the same container back, with errors as it is told', async () => {
        const good = executor().submit(double, 2);
        const bad = executor().submit(fail, 'gathered');
        expect(await executor().gather({ list: [good], map: new Map([['k', good]]), text: 'x' })).toEqual({
          list: [4],
          map: new Map([['k', 4]]),
          text: 'x',
        });
        expect((await rejection(executor().gather([good, bad]))).message).toBe('gathered');
        expect(await executor().gather([good, bad, good], { errors: 'skip' })).toEqual([4, 4]);
        const [first, second] = await executor().gather([good, bad], { errors: 'settle' });
        expect(first).toEqual({ status: 'fulfilled', value: 4 });
        expect(second).toMatchObject({ status: 'rejected', reason: { message: 'gathered' } });
        expect(await rejection(executor().gather([lazy(double)(1)] as never))).toBeInstanceOf(TypeError);
      });
      test('scatters data: a container of Futures, or one; equal data, equal key', async () => {
        const [a, b] = executor().scatter([1, { x: 2 }]);
        expect([await a, await b]).toEqual([1, { x: 2 }]);
        const { list } = executor().scatter({ list: [1, 2, 3] });
        expect(await executor().submit(sum, list)).toBe(6);
        const map = executor().scatter(new Map([['k', 5]]));
        expect(await map.get('k')).toBe(5);
        const set = executor().scatter(new Set([7]));
        expect(await Promise.all(set)).toEqual([7]);
        const bytes = executor().scatter(new Uint8Array([1, 2, 3]));
        expect([...(await bytes)]).toEqual([1, 2, 3]);
        expect(executor().scatter('same').key).toBe(executor().scatter('same').key);
        expect(await executor().submit((all: Uint8Array) => all.length, bytes)).toBe(3);
      });
      test('runs a graph of plain objects', async () => {
        const graph = { x: 1, y: [add, 'x', 10], z: [sum, ['x', 'y', 100]] };
        expect(await executor().get<number>(graph, 'z')).toBe(112);
        expect(await Promise.all(executor().get<number>(graph, ['y', 'z']))).toEqual([11, 112]);
        expect(() => executor().get(graph, 'nope')).toThrow(expect.objectContaining({ code: 'ERR_UNKNOWN_KEY' }));
        expect(() => executor().get({ a: [double, 'b'], b: [double, 'a'] }, 'a')).toThrow(expect.objectContaining({ code: 'ERR_CYCLE' }));
      });
      test('refuses two different tasks under one key', async () => {
        const key = `mine-${fresh()}`;
        const first = executor().submit(lazy(double, { key }), 1);
        expect(await first).toBe(2);
        expect(() => executor().submit(lazy(add, { key }), 1, 2)).toThrow(expect.objectContaining({ code: 'ERR_KEY_CONFLICT' }));
      });
      test('forgets what is released, and makes it again when asked again', async () => {
        const runs = runCounter();
        try {
          const task = lazy(noteRun, { pure: true })(runs.path, 9);
          const future = executor().compute(task);
          expect(await future).toBe(9);
          future.release();
          expect((await rejection(future.result())).code).toBe('ERR_RELEASED');
          expect(await executor().compute(task)).toBe(9);
          expect(runs.count()).toBe(2);
        } finally {
          runs.remove();
        }
      });
      test('tells what it holds', async () => {
        const future = executor().submit(() => new Uint8Array(50_000));
        await future;
        const workers = await executor().workers();
        expect(workers.length).toBeGreaterThan(0);
        const holders = (await executor().whoHas([future])).get(future.key)!;
        expect(workers.map((worker) => worker.name)).toEqual(expect.arrayContaining(holders));
        expect((await executor().hasWhat()).get(holders[0]!)).toContain(future.key);
        expect((await executor().nbytes([future])).get(future.key)).toBeGreaterThanOrEqual(50_000);
      });
      test('runs a function on each worker, outside the scheduler', async () => {
        const results = await executor().run(() => 6 * 7);
        expect(new Set(results.keys())).toEqual(new Set((await executor().workers()).map((worker) => worker.name)));
        expect(new Set(results.values())).toEqual(new Set([42]));
      });
    });
  });

  describe(`${name}: arguments are shared`, () => {
    test('names a task that changes its argument, with checkMutation', async () => {
      const executor = open({ checkMutation: true });
      try {
        const list = executor.submit(() => [3, 1, 2]);
        const spoil = executor.submit(function spoil(numbers: number[]) {
          return numbers.sort()[0];
        }, list);
        const error = await rejection(spoil);
        expect(error.code).toBe('ERR_MUTATED_ARGUMENT');
        expect((error.task as { key: string }).key).toBe(spoil.key);
        expect(
          await executor.submit(
            (numbers: number[]) => [...numbers].sort()[0],
            executor.submit(() => [6, 5]),
          ),
        ).toBe(5);
      } finally {
        await executor.close();
      }
    });
  });

  describe(`${name}: a whole program`, () => {
    const run = promisify(execFile);
    const script = fileURLToPath(new URL('../fixtures/engine-script.mjs', import.meta.url));
    const program = async (what: string): Promise<{ stdout: string; stderr: string }> =>
      run(process.execPath, [script, address(), what], { timeout: 25_000 });

    test('ends by itself, without close, when its work is done', async () => {
      expect((await program('idle')).stdout).toBe('42\n');
    });
    test('lives as long as there is work', async () => {
      expect((await program('in-flight')).stdout).toBe('later\n');
    });
    test('warns once of failures that nobody looked at, and raises no unhandled rejection', async () => {
      const { stdout, stderr } = await program('unseen');
      expect(stdout).toBe('end\n');
      expect(stderr.match(/HEDDLE_UNSEEN/g)).toHaveLength(1);
      expect(stderr).toMatch(/unseen_one-[0-9a-f]{32}/);
      expect(stderr).not.toMatch(/UnhandledPromiseRejection/);
    });
    test('is not warned of failures that were looked at', async () => {
      expect((await program('seen')).stderr).not.toMatch(/HEDDLE_UNSEEN/);
    });
    test('finds the default executor, or makes one', async () => {
      expect((await program('default')).stdout).toBe('6 true\n');
    });
  });

  testEngineLife(name, open, test);
  testEngineResults(name, open, test);
  testEngineErrors(name, open, test);
  // The inline worker is the caller's own thread; those of a cluster have deaths of their own (test/runtime/dask/kills.test.ts).
  if (name === 'threads' || name === 'processes') testEngineDeaths(name, open, test);
}
