// Section 6 of the contract: what a failed task rejects with, and what heddle itself refuses.
import { readFileSync } from 'node:fs';
import { Executor, isHeddleError, isTaskFailure, lazy, tokenize } from 'heddle';
import { type Failure, failure, fixture, report } from '../fixtures/acceptance/helpers.ts';

let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: [{ name: 'one' }, { name: 'two' }] });
});
afterAll(() => executor.close());

/** What a task with this body rejects with. */
const rejected = (body: () => unknown): Promise<Failure> => failure(async () => await executor.submit(body));

describe('a failed task', () => {
  it('rejects with the original error: name, message, own fields and cause', async () => {
    const error = await rejected(() => {
      throw Object.assign(
        new RangeError('too far', { cause: Object.assign(new TypeError('the cause'), { deep: [1, new Map([['k', 2]])] }) }),
        {
          code: 'E_MINE',
          limit: 10,
          data: { at: new Date(5) },
        },
      );
    });
    expect([error.name, error.message, error.code, error.limit]).toEqual(['RangeError', 'too far', 'E_MINE', 10]);
    expect(error.data).toEqual({ at: new Date(5) });
    const cause = error.cause as Failure;
    expect([cause.name, cause.message]).toEqual(['TypeError', 'the cause']);
    expect(cause.deep).toEqual([1, new Map([['k', 2]])]);
  });

  it('keeps a name that was given to an Error', async () => {
    const error = await rejected(() => {
      const named = new Error('named');
      named.name = 'MyOwnError';
      throw named;
    });
    expect(error.name).toBe('MyOwnError');
  });

  it('keeps the errors of an AggregateError', async () => {
    const error = await rejected(() => Promise.any([Promise.reject(new Error('a')), Promise.reject(new TypeError('b'))]));
    expect(error.name).toBe('AggregateError');
    expect((error.errors as Failure[]).map((one) => `${one.name}: ${one.message}`)).toEqual(['Error: a', 'TypeError: b']);
  });

  it('keeps the code and fields of a system error', async () => {
    const error = await rejected(() => readFileSync('/no/such/file'));
    expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open', path: '/no/such/file', errno: -2 });
  });

  it('has task: key, name, worker and attempt', async () => {
    const future = executor.submit(function failing() {
      throw new Error('with task');
    });
    const error = await failure(() => future.result());
    expect(error.task).toEqual({ key: future.key, name: 'failing', worker: expect.stringMatching(/^(one|two)$/), attempt: 1 });
    expect(isTaskFailure(error)).toBe(true);
  });

  it('leaves task alone where the error has its own', async () => {
    const error = await rejected(() => {
      throw Object.assign(new Error('own task'), { task: 'mine' });
    });
    expect(error.task).toBe('mine');
  });

  it('rejects every dependant with that same error', async () => {
    const broken = lazy(function broken(): number {
      throw new TypeError('at the root');
    })();
    const next = lazy((x: number) => x + 1);
    const first = next(broken);
    const futures = executor.compute([broken, first, next(first), lazy((list: number[]) => list.length)([1, first])]);
    const errors = await Promise.all(futures.map((future) => failure(() => future.result())));
    for (const error of errors) {
      expect([error.name, error.message]).toEqual(['TypeError', 'at the root']);
      expect(error.task?.key).toBe(broken.key);
      expect(error.task?.name).toBe('broken');
    }
    expect(futures.map((future) => future.status)).toEqual(['error', 'error', 'error', 'error']);
  });

  it('names the task of a fused chain that failed, not its neighbour', async () => {
    const step = lazy((x: number, fails: boolean) => {
      if (fails) throw new Error(`step ${x}`);
      return x + 1;
    });
    const one = step(0, false);
    const two = step(one, true);
    const three = step(two, false);
    const error = await failure(async () => await executor.compute(three));
    expect(error.message).toBe('step 1');
    expect(error.task?.key).toBe(two.key);
  });

  it("has a stack with the user's own file and line", async () => {
    const error = await rejected(() => {
      throw new Error('find me'); // thrown here
    });
    const line = readFileSync(new URL(import.meta.url), 'utf8')
      .split('\n')
      .findIndex((text) => text.endsWith('// thrown here'));
    expect(error.stack).toContain('find me');
    expect(error.stack).toMatch(new RegExp(`errors\\.test\\.ts:${line + 1}\\b`));
  });

  interface Seen {
    readonly classes: Readonly<Record<string, boolean | string>>;
    readonly stack: string;
    readonly helper: string;
  }
  it.each([
    ['errors.mjs', [fixture('errors.mjs')]],
    ['errors-typed.ts', ['--import', 'tsx', fixture('errors-typed.ts')]],
  ])('has its class where that is builtin or can be imported, and a mapped stack: %s', async (file, args) => {
    const seen = await report<Seen>(args);
    expect(seen.classes).toEqual({
      TypeError: true,
      RangeError: true,
      AggregateError: true,
      imported: true,
      importedName: 'QuotaError',
      Error: true,
    });
    const source = readFileSync(fixture(file), 'utf8').split('\n');
    const lineOf = (mark: string) => source.findIndex((text) => text.endsWith(mark)) + 1;
    expect(seen.stack).toMatch(new RegExp(`${file.replace('.', '\\.')}:${lineOf('// thrown here')}\\b`));
    expect(seen.helper).toMatch(new RegExp(`${file.replace('.', '\\.')}:${lineOf('// thrown in the helper')}\\b`));
    expect(seen.helper).toMatch(new RegExp(`${file.replace('.', '\\.')}:${lineOf('// called here')}\\b`));
  });
});

describe('what heddle itself refuses', () => {
  it('is told by isHeddleError, by code', async () => {
    const error = await failure(() => executor.submit(() => new Promise((resolve) => setTimeout(resolve, 200))).result({ timeout: 1 }));
    expect(isHeddleError(error)).toBe(true);
    expect(isHeddleError(error, 'ERR_TIMEOUT')).toBe(true);
    expect(isHeddleError(error, 'ERR_CANCELLED')).toBe(false);
    expect(isTaskFailure(error)).toBe(false);
  });

  it('is not told of other errors', () => {
    expect(isHeddleError(new Error('plain'))).toBe(false);
    expect(isHeddleError(Object.assign(new Error('other'), { code: 'ENOENT' }))).toBe(false);
    expect(isHeddleError('ERR_TIMEOUT')).toBe(false);
    expect(isHeddleError(null)).toBe(false);
    expect(isTaskFailure(new Error('plain'))).toBe(false);
    expect(isTaskFailure(undefined)).toBe(false);
  });

  it('is told also of a copy from another thread', async () => {
    const error = await rejected(() => tokenize(new WeakMap()));
    expect(isHeddleError(error, 'ERR_UNTOKENIZABLE')).toBe(true);
    expect(error.path).toBe('args[0]');
    expect(isTaskFailure(error)).toBe(true);
  });
});
