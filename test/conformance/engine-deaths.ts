/** What every engine whose workers can die must do then: put a new one in its place, run again what was lost, blame the guilty, spare the others. */
import { fileURLToPath } from 'node:url';
import { currentTask, lazy } from 'heddle';
import { type Case, fresh, type OpenExecutor, rejection, runCounter, until } from './engine-tools.ts';

/** What `process.exit` ends with, and a worker does not replace. */
interface Ends {
  reallyExit(code: number): never;
}
/** Ends the worker on the spot, as a crash would. */
const die = (): never => (process as unknown as Ends).reallyExit(7);
const sleep = async (ms: number, result: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return result;
};
async function noteRun(path: string, result: unknown): Promise<unknown> {
  const { appendFile } = await import('node:fs/promises');
  await appendFile(path, `${JSON.stringify(result)}\n`);
  return result;
}
const first = { workers: 'worker-0', pure: true } as const;
const second = { workers: 'worker-1', pure: true } as const;

export function testEngineDeaths(name: 'threads' | 'processes', open: OpenExecutor, test: Case): void {
  describe(`${name}: workers that die`, () => {
    test('fails a task that ends its worker too often, says what of, and spares its neighbours', async () => {
      const executor = open({ workers: 2, allowedFailures: 2 });
      try {
        const neighbours = executor.map(
          sleep,
          Array.from({ length: 30 }, () => 10),
          Array.from({ length: 30 }, (_, i) => i),
        );
        const poison = executor.submit(
          lazy(
            () => {
              console.error('about to die');
              (process as unknown as Ends).reallyExit(7);
            },
            { pure: true, name: 'poison', retries: 5 },
          ),
        );
        const after = executor.submit((n: unknown) => n, poison);
        const error = await rejection(poison);
        expect(error.code).toBe('ERR_KILLED_WORKER');
        expect(error.message).toContain(poison.key);
        expect(error.message).toMatch(/ended its worker 3 times, last worker-[01]: .*exit code 7/);
        expect(error.message).toContain('about to die');
        expect((error.cause as Error).message).toMatch(/exit code 7/);
        expect(error.task).toMatchObject({ key: poison.key, name: 'poison' });
        expect(await rejection(after)).toBe(error);
        expect(await executor.gather(neighbours)).toEqual(Array.from({ length: 30 }, (_, i) => i));
      } finally {
        await executor.close();
      }
    });

    test('counts deaths apart from errors: retries are for errors only', async () => {
      const executor = open({ workers: 1 });
      const runs = runCounter();
      try {
        const flaky = async (path: string): Promise<number> => {
          const { appendFile, readFile } = await import('node:fs/promises');
          await appendFile(path, 'run\n');
          const tries = (await readFile(path, 'utf8')).split('\n').length - 1;
          if (tries === 1 || tries === 3) (process as unknown as Ends).reallyExit(7);
          if (tries === 2) throw new Error('an error');
          return tries;
        };
        expect(await executor.submit(lazy(flaky, { pure: true, retries: 1 }), runs.path)).toBe(4);
        expect(await executor.submit(lazy(flaky, { pure: true, retries: 0 }), `${runs.path}.other`).exception()).toMatchObject({
          message: 'an error',
        });
      } finally {
        await executor.close();
        runs.remove();
      }
    });

    test('computes lost results again along their lineage, and no further', async () => {
      const executor = open({ workers: 2 });
      const runs = runCounter();
      try {
        const kept = executor.submit(lazy(noteRun, { ...second, name: 'kept' }), runs.path, 'kept');
        const lost = executor.submit(
          lazy(async (path: string, _: unknown) => {
            const { appendFile } = await import('node:fs/promises');
            await appendFile(path, '"lost"\n');
            return ['lost', 'x'.repeat(100)];
          }, first),
          runs.path,
          kept,
        );
        await lost.exception();
        expect(runs.lines().sort()).toEqual(['"kept"', '"lost"']);
        await executor.submit(lazy(die, { ...first, name: 'once', pure: false })).exception();
        await until(() => runs.lines().length >= 3, 'the lost result is made again');
        expect(await lost).toEqual(['lost', 'x'.repeat(100)]);
        expect(new Set(runs.lines())).toEqual(new Set(['"kept"', '"lost"']));
        expect(runs.lines().filter((line) => line === '"kept"')).toHaveLength(1);
      } finally {
        await executor.close();
        runs.remove();
      }
    });

    test('says that scattered data is lost, and keeps what was broadcast', async () => {
      const executor = open({ workers: 2, allowedFailures: 0 });
      try {
        const { data } = executor.scatter({ data: [1, 2, 3] }, { workers: 'worker-0' });
        const { everywhere } = executor.scatter({ everywhere: [4, 5] }, { broadcast: true });
        // on the worker that holds it: elsewhere it would leave a copy
        expect(
          await executor.submit(
            lazy((list: number[]) => list.length, first),
            data,
          ),
        ).toBe(3);
        await rejection(executor.submit(lazy(die, first)));
        const late = executor.submit((list: number[]) => list.length + 1, data);
        expect((await rejection(late)).code).toBe('ERR_LOST');
        expect(data.status).toBe('lost');
        expect((await rejection(data)).code).toBe('ERR_LOST');
        expect(await executor.submit((list: number[]) => list[1], everywhere)).toBe(5);
        const { data: again } = executor.scatter({ data: [1, 2, 3] });
        expect(await executor.submit((list: number[]) => list.length + 2, again)).toBe(5);
      } finally {
        await executor.close();
      }
    });

    test('retries a failed task with its failed ancestors, and with nothing else', async () => {
      const executor = open({ workers: 2 });
      const runs = runCounter();
      try {
        const good = executor.submit(lazy(noteRun, { pure: true }), runs.path, 'good');
        const secondTime = async (path: string, _: unknown): Promise<string> => {
          const { appendFile, readFile } = await import('node:fs/promises');
          await appendFile(path, '"ancestor"\n');
          if ((await readFile(path, 'utf8')).split('ancestor').length === 2) throw new Error('the first time');
          return 'made';
        };
        const ancestor = lazy(secondTime, { pure: true })(runs.path, good);
        const outcome = executor.submit(
          lazy((text: string) => `${text} it`, { pure: true }),
          ancestor,
        );
        expect((await rejection(outcome)).message).toBe('the first time');
        await outcome.retry();
        expect(await outcome).toBe('made it');
        expect(runs.lines().sort()).toEqual(['"ancestor"', '"ancestor"', '"good"']);
      } finally {
        await executor.close();
        runs.remove();
      }
    });
  });

  describe(`${name}: errors that no call throws`, () => {
    const warned = (executor: ReturnType<OpenExecutor>): { code: string; message: string }[] => {
      const warnings: { code: string; message: string }[] = [];
      executor.on('warning', (warning) => warnings.push(warning));
      return warnings;
    };

    test('fail the task that they come from while it runs', async () => {
      const executor = open({ workers: 1 });
      try {
        const fromTimer = executor.submit(
          () =>
            new Promise<never>(
              () =>
                void setTimeout(() => {
                  throw new RangeError('from its timer');
                }, 5),
            ),
        );
        const rejected = executor.submit(() => {
          void Promise.reject(new TypeError('nobody caught it'));
          return new Promise<never>(() => {});
        });
        const exits = executor.submit(() => new Promise<never>(() => void setTimeout(() => process.exit(1), 5)));
        const other = executor.submit(sleep, 60, fresh());
        expect(await rejection(fromTimer)).toMatchObject({ message: 'from its timer', task: { key: fromTimer.key } });
        expect(await rejection(rejected)).toMatchObject({ message: 'nobody caught it', task: { key: rejected.key } });
        expect(await rejection(exits)).toMatchObject({ code: 'ERR_TASK', task: { key: exits.key } });
        expect(typeof (await other)).toBe('number');
      } finally {
        await executor.close();
      }
    });

    test('name their task when it has ended', async () => {
      const executor = open({ workers: 1 });
      try {
        const warnings = warned(executor);
        const future = executor.submit(() => {
          setTimeout(() => {
            throw new Error('too late');
          }, 10);
          return 'fine';
        });
        expect(await future).toBe('fine');
        await until(() => warnings.length > 0, 'the warning came');
        expect(warnings[0]).toMatchObject({ code: 'HEDDLE_LATE_ERROR' });
        expect(warnings[0]!.message).toContain(future.key);
        expect(warnings[0]!.message).toContain('too late');
        expect(await executor.submit(() => currentTask().worker)).toBe('worker-0');
      } finally {
        await executor.close();
      }
    });

    test('of no task at all have their worker replaced, and its tasks run again', async () => {
      const setup = fileURLToPath(new URL('../fixtures/stray-setup.mjs', import.meta.url));
      const executor = open({ workers: 1, setup });
      try {
        const warnings = warned(executor);
        const changes: string[] = [];
        executor.on('worker', ({ change }) => changes.push(change));
        const attempt = lazy(
          async (n: number) => {
            const { attempt } = currentTask();
            if (attempt > 1) return [n, attempt];
            (globalThis as { throwsOutside?: boolean }).throwsOutside = true;
            return new Promise<never>(() => {});
          },
          { pure: true },
        );
        expect(await executor.submit(attempt, fresh())).toEqual([expect.any(Number), 2]);
        expect(warnings.map(({ code }) => code)).toContain('HEDDLE_LATE_ERROR');
        expect(warnings.find(({ code }) => code === 'HEDDLE_LATE_ERROR')!.message).toMatch(/outside any task.*from outside any task/);
        expect(changes).toContain('left');
      } finally {
        await executor.close();
      }
    });
  });

  describe(`${name}: what tasks write to the console`, () => {
    test('is an event with its key, in order', async () => {
      const executor = open({ workers: 1 });
      try {
        const seen: { key: string; level: string; stream: string; text: string; worker: string }[] = [];
        const stop = executor.on('console', (event) => seen.push(event));
        const future = executor.submit(async (n: number) => {
          console.log('one %d', n);
          console.error('two');
          await new Promise((resolve) => setTimeout(resolve, 5));
          process.stdout.write('three');
          process.stdout.write(new Uint8Array([0xe2, 0x82]));
          process.stdout.write(new Uint8Array([0xac, 0x0a]));
          return n;
        }, 7);
        await future;
        stop();
        expect(seen.map(({ level, stream, text }) => [level, stream, text])).toEqual([
          ['log', 'stdout', 'one 7\n'],
          ['error', 'stderr', 'two\n'],
          ['log', 'stdout', 'three'],
          ['log', 'stdout', '€\n'],
        ]);
        expect(new Set(seen.map(({ key, worker }) => `${key} ${worker}`))).toEqual(new Set([`${future.key} worker-0`]));
      } finally {
        await executor.close();
      }
    });
  });
}
