/** What becomes of errors on every engine: the caller gets the original, with the task it came from. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { lazy } from 'heddle';
import { QuotaError } from '../fixtures/failing-classes.mjs';
import { type Case, type OpenExecutor, rejection, withExecutor } from './engine-tools.ts';

export function testEngineErrors(name: string, open: OpenExecutor, test: Case): void {
  describe(`${name}: errors`, () => {
    withExecutor(open, (executor) => {
      test('keeps builtin class, name, message, own fields and cause, and says which task failed', async () => {
        const future = executor().submit(function load(path: string) {
          throw Object.assign(new TypeError(`cannot load ${path}`, { cause: new RangeError('inner') }), { path, tries: [1, 2] });
        }, 'a.txt');
        const error = await rejection(future);
        expect(error).toBeInstanceOf(TypeError);
        expect([error.name, error.message, error.path, error.tries]).toEqual(['TypeError', 'cannot load a.txt', 'a.txt', [1, 2]]);
        expect(error.cause).toBeInstanceOf(RangeError);
        const { key, name: taskName, worker, attempt } = error.task as { key: string; name: string; worker: string; attempt: number };
        expect([key, taskName, attempt]).toEqual([future.key, 'load', 1]);
        expect((await executor().workers()).map((one) => one.name)).toContain(worker);
        expect(future.status).toBe('error');
        expect(await future.exception()).toBe(error);
      });

      test('gives the same error object to the Future and to all that depend on it', async () => {
        const bad = executor().submit(() => {
          throw new Error('shared');
        });
        const next = executor().submit((n: unknown) => n, bad);
        const last = executor().submit((n: unknown) => [n], next);
        const error = await rejection(bad);
        for (const future of [bad, next, last]) {
          expect(await rejection(future)).toBe(error);
          expect(future.status).toBe('error');
        }
        expect((error.task as { key: string }).key).toBe(bad.key);
      });

      test('names the task of a fused chain that failed, not the last', async () => {
        const bad = lazy(function inner(): number {
          throw new Error('inside');
        })();
        const chain = lazy(function outer(n: number): number {
          return n + 1;
        })(bad);
        const error = await rejection(executor().compute(chain));
        expect(error.message).toBe('inside');
        expect(error.task).toMatchObject({ key: bad.key, name: 'inner' });
      });

      test("shows the user's own file and line in the stack", async () => {
        const source = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n');
        const line = 1 + source.findLastIndex((text) => text.includes("new Error('the marked"));
        const error = await rejection(
          executor().submit(() => {
            throw new Error('the marked line');
          }),
        );
        expect(error.stack).toContain(`engine-errors.ts:${line}`);
      });

      test('gives the class of an error where it can be imported', async () => {
        const error = await rejection(
          executor().submit((used: number) => {
            throw new QuotaError('too much', used);
          }, 11),
        );
        expect(error).toBeInstanceOf(RangeError);
        expect([error.constructor.name, error.message, error.used]).toEqual(['QuotaError', 'too much', 11]);
        expect(error).toBeInstanceOf(QuotaError);
        expect(error.over).toBe(true);
      });

      test('keeps the task that an error names itself', async () => {
        expect((await rejection(executor().submit(() => Promise.reject(Object.assign(new Error('x'), { task: 'mine' }))))).task).toBe(
          'mine',
        );
      });

      const thrown: readonly (readonly [what: string, run: () => unknown, cause: unknown])[] = [
        [
          'text',
          () => {
            throw 'just text';
          },
          'just text',
        ],
        [
          'null',
          () => {
            throw null;
          },
          null,
        ],
        ['undefined', () => Promise.reject(undefined), undefined],
        [
          'an object',
          () => {
            throw { status: 404 };
          },
          { status: 404 },
        ],
      ];
      for (const [what, run, cause] of thrown) {
        test(`gives ${what} that was thrown as the cause of a TaskError`, async () => {
          const future = executor().submit(run);
          const error = await rejection(future);
          expect([error.name, error.code]).toEqual(['TaskError', 'ERR_TASK']);
          expect(error.cause).toEqual(cause);
          expect((error.task as { key: string }).key).toBe(future.key);
        });
      }

      test('carries an Error that is its own cause', async () => {
        const error = await rejection(
          executor().submit(() => {
            const round: Error & { self?: unknown } = new Error('round');
            round.cause = round;
            round.self = { deep: [round] };
            throw round;
          }),
        );
        expect(error.cause).toBe(error);
        expect((error.self as { deep: unknown[] }).deep[0]).toBe(error);
      });

      test('carries a message of 100 kB whole, and cuts one of 5 MB with a note', async () => {
        const fail = (size: number): never => {
          throw new Error('m'.repeat(size));
        };
        expect((await rejection(executor().submit(fail, 100_000))).message === 'm'.repeat(100_000)).toBe(true);
        expect((await rejection(executor().submit(fail, 5_000_000))).message.slice(-60)).toMatch(/cut/);
      });

      test('keeps an error whose fields cannot travel', async () => {
        const error = await rejection(
          executor().submit(() => {
            throw Object.assign(new Error('x'), { retry: () => 1, fine: 1, soon: Promise.resolve() });
          }),
        );
        expect([error.message, error.fine]).toEqual(['x', 1]);
      });

      test("keeps Node's own errors and aborts", async () => {
        const missing = await rejection(executor().submit(async () => (await import('node:fs/promises')).readFile('/no/such/file')));
        expect(missing).toMatchObject({ code: 'ENOENT', path: '/no/such/file' });
        expect((await rejection(executor().submit(() => AbortSignal.abort().throwIfAborted()))).name).toBe('AbortError');
      });

      test('runs a failed task again when told to', async () => {
        const future = executor().submit(() => {
          throw new Error('always');
        });
        await rejection(future);
        await future.retry();
        expect((await rejection(future)).message).toBe('always');
      });

      test('goes on after failures', async () => {
        const futures = executor().map(
          (i: number) => {
            if (i % 3 === 0) throw new Error(`no ${i}`);
            return i;
          },
          Array.from({ length: 300 }, (_, i) => i),
        );
        const settled = await executor().gather(futures, { errors: 'settle' });
        expect(settled.filter((one) => one.status === 'rejected').length).toBe(100);
        expect(await executor().gather(futures, { errors: 'skip' })).toEqual(
          Array.from({ length: 300 }, (_, i) => i).filter((i) => i % 3 !== 0),
        );
      });
    });
  });
}
