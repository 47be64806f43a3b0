import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { deserialize, serialize } from 'node:v8';
import { createContext, runInContext } from 'node:vm';
import { CaptureError, CycleError, HeddleError, TaskError, typeError } from '../../graph/index.ts';
import { failureOf, type PackedError, packError, unpackError } from '../../runtime/failure.ts';

const task = { key: 'count-0123', name: 'count', worker: 'worker-1', attempt: 2 };
const fixture = new URL('../fixtures/failing-classes.mjs', import.meta.url).href;

/** What the caller gets for something thrown in a worker. */
function cross(thrown: unknown): Error & Record<string, unknown> {
  return unpackError(structuredClone(packError(thrown)), task) as Error & Record<string, unknown>;
}

describe('an error that crosses a thread', () => {
  it.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])('keeps its builtin class: %p', (Class) => {
    const error = new Class('what happened', { cause: 7 });
    const got = cross(error);
    expect(got).toBeInstanceOf(Class);
    expect(Object.getPrototypeOf(got)).toBe(Class.prototype);
    expect([got.name, got.message, got.cause]).toEqual([Class.name, 'what happened', 7]);
    expect(got.stack).toMatch(/^\w+: what happened\n.*failure\.test\.ts:\d+:\d+/s);
  });

  it('says which task failed, unless it says something of that name itself', () => {
    expect(cross(new Error('x')).task).toEqual(task);
    expect(cross(Object.assign(new Error('x'), { task: 'mine' })).task).toBe('mine');
    expect('task' in unpackError(packError(new Error('x')))).toBe(false);
  });

  it('keeps own fields of every kind, with what is enumerable and what is not', () => {
    const error = Object.assign(new Error('x'), {
      code: 'E_X',
      status: 404,
      when: new Date(3),
      body: Buffer.from('hi'),
      url: new URL('x:y'),
      list: [undefined, -0, 1n],
    });
    Object.defineProperty(error, 'hidden', { value: new Map([[1, 2]]), enumerable: false });
    const got = cross(error);
    expect([got.code, got.status, (got.when as Date).getTime(), (got.url as URL).href]).toEqual(['E_X', 404, 3, 'x:y']);
    expect(Buffer.isBuffer(got.body) && got.body.toString()).toBe('hi');
    expect(got.list).toEqual([undefined, -0, 1n]);
    expect([...(got.hidden as Map<number, number>)]).toEqual([[1, 2]]);
    expect(Object.keys(got)).toEqual(['code', 'status', 'when', 'body', 'url', 'list', 'task']);
  });

  it('keeps causes, also when they go round, and 10,000 of them', () => {
    const inner = new TypeError('inner');
    const outer = new Error('outer', { cause: inner });
    inner.cause = outer;
    const got = cross(outer);
    expect(got.cause).toBeInstanceOf(TypeError);
    expect((got.cause as Error).cause).toBe(got);
    let chain = new Error('first');
    for (let i = 0; i < 10_000; i++) chain = new Error(`after ${i}`, { cause: chain });
    let length = 0;
    for (let at: unknown = cross(chain); at instanceof Error; at = at.cause) length++;
    expect(length).toBe(10_001);
  });

  it('keeps the errors of an AggregateError', () => {
    const got = cross(new AggregateError([new RangeError('a'), 'b'], 'both')) as unknown as AggregateError;
    expect(got).toBeInstanceOf(AggregateError);
    expect(got.errors[0]).toBeInstanceOf(RangeError);
    expect(got.errors[1]).toBe('b');
  });

  it("keeps heddle's own classes with code and fields", () => {
    const cycle = cross(new CycleError(['a', 'b', 'a'])) as unknown as CycleError;
    expect(cycle).toBeInstanceOf(CycleError);
    expect([cycle.code, cycle.name, cycle.cycle]).toEqual(['ERR_CYCLE', 'CycleError', ['a', 'b', 'a']]);
    expect(cross(new CaptureError('f → g', 'no'))).toBeInstanceOf(CaptureError);
    const plain = cross(new HeddleError('ERR_UNSENDABLE', 'no'));
    expect([plain instanceof HeddleError, plain.code]).toEqual([true, 'ERR_UNSENDABLE']);
    expect(cross(typeError('ERR_INVALID_ARGUMENT', 'x'))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' });
  });

  it("keeps Node's own errors: files, arguments, assertions, aborts", () => {
    const caught = (fail: () => unknown): unknown => {
      try {
        return fail();
      } catch (error) {
        return error;
      }
    };
    expect(cross(caught(() => readFileSync('/no/such/file')))).toMatchObject({
      code: 'ENOENT',
      syscall: 'open',
      path: '/no/such/file',
      errno: -2,
    });
    expect(cross(caught(() => Buffer.alloc(-1)))).toMatchObject({ name: 'RangeError', code: 'ERR_OUT_OF_RANGE' });
    const failed = cross(caught(() => assert.deepStrictEqual({ a: 1 }, { a: 2 })));
    expect(failed).toBeInstanceOf(assert.AssertionError);
    expect(failed).toMatchObject({ name: 'AssertionError', code: 'ERR_ASSERTION', actual: { a: 1 }, expected: { a: 2 } });
    const aborted = cross(AbortSignal.abort().reason);
    expect(aborted).toBeInstanceOf(DOMException);
    expect([aborted.name, aborted.task]).toEqual(['AbortError', task]);
  });

  it('takes errors of another realm for errors, and gives those of the caller', () => {
    const there = runInContext('Object.assign(new TypeError("far"), { n: 1, cause: new RangeError("inner") })', createContext({}));
    const got = cross(there);
    expect(got).toBeInstanceOf(TypeError);
    expect(got.cause).toBeInstanceOf(RangeError);
    expect(got.n).toBe(1);
  });

  it('takes an object with an error class, made the old way, for an error', () => {
    function OldError(this: { message: string }): void {
      this.message = 'old';
    }
    OldError.prototype = Object.create(Error.prototype, { constructor: { value: OldError }, name: { value: 'OldError' } });
    const got = cross(new (OldError as unknown as new () => Error)());
    expect([got instanceof Error, got.name, got.message, got.constructor.name]).toEqual([true, 'OldError', 'old', 'OldError']);
  });

  it('maps the stacks of an error and its causes to the sources', () => {
    const cause = Object.assign(new Error('inner'), { stack: 'Error: inner\n    at g (file:///app/dist/mapped.js:2:3)' });
    const error = Object.assign(new Error('outer', { cause }), { stack: 'Error: outer\n    at f (file:///app/dist/mapped.js:1:1)' });
    const got = cross(error);
    expect(got.stack).toContain('    at f (file:///app/');
    expect((got.cause as Error).stack).toContain('Error: inner\n    at g (file:///app/');
  });

  it('survives v8.serialize, for engines without threads', () => {
    const packed = deserialize(serialize(packError(new RangeError('far', { cause: [1, { a: 2 }] })))) as PackedError;
    const got = unpackError(packed, task) as Error;
    expect(got).toBeInstanceOf(RangeError);
    expect(got.cause).toEqual([1, { a: 2 }]);
  });
});

describe('classes of the user', () => {
  const describeClass = (ctor: object): { module: string; export: string } => ({
    module: fixture,
    export: (ctor as { name: string }).name,
  });
  const open = async (): Promise<{
    QuotaError: new (message: string, used: number, options?: ErrorOptions) => Error;
    NotAnError: new () => object;
  }> => import(fixture);

  it('are imported where they can be found', async () => {
    const { QuotaError } = await open();
    const packed = structuredClone(packError(new QuotaError('too much', 11, { cause: new QuotaError('inner', 1) }), describeClass));
    const got = (await unpackError(packed, task)) as Error & { over: boolean; used: number; task: unknown };
    expect(got).toBeInstanceOf(QuotaError);
    expect(got.cause).toBeInstanceOf(QuotaError);
    expect([got.used, got.over, got.message, got.task]).toEqual([11, true, 'too much', task]);
  });

  it('are found by the caller, at once or later', async () => {
    const { QuotaError } = await open();
    const packed = structuredClone(packError(new QuotaError('x', 1), () => ({ capture: 'p1', node: 3 })));
    const asked: unknown[] = [];
    const now = unpackError(packed, task, (place) => {
      asked.push(place);
      return QuotaError;
    });
    expect(now).toBeInstanceOf(QuotaError);
    expect(asked).toEqual([{ capture: 'p1', node: 3 }]);
    expect(await unpackError(packed, task, async () => QuotaError)).toBeInstanceOf(QuotaError);
  });

  it.each<[string, (() => unknown) | undefined]>([
    ['nobody described it', undefined],
    ['its module is gone', () => ({ module: 'file:///no/such/module.mjs', export: 'QuotaError' })],
    ['its module has another class now', () => ({ module: fixture, export: 'NotAnError' })],
    [
      'describing it throws',
      () => {
        throw new Error('x');
      },
    ],
  ])('have a stand-in of the same name where they cannot be found: %s', async (_, describeIt) => {
    const { QuotaError } = await open();
    const got = (await unpackError(structuredClone(packError(new QuotaError('x', 12), describeIt)), task)) as Error & { used: number };
    expect(got).not.toBeInstanceOf(QuotaError);
    expect(got).toBeInstanceOf(RangeError);
    expect([got.constructor.name, got.name, got.message, got.used]).toEqual(['QuotaError', 'RangeError', 'x', 12]);
  });

  it('have a stand-in also when looking for them fails', async () => {
    const { QuotaError } = await open();
    const packed = structuredClone(packError(new QuotaError('x', 12), () => ({ id: 1 })));
    for (const resolve of [
      () => {
        throw new Error('x');
      },
      async () => {
        throw new Error('x');
      },
      () => undefined,
      async () => undefined,
    ])
      expect((await unpackError(packed, task, resolve)).constructor.name).toBe('QuotaError');
  });
});

describe('what is hard to carry', () => {
  it.each<[string, unknown, unknown]>([
    ['text', 'just text', 'just text'],
    ['null', null, null],
    ['undefined', undefined, undefined],
    ['a number', 7, 7],
    ['an object', { status: 500, at: [1] }, { status: 500, at: [1] }],
  ])('comes as the cause of a TaskError: thrown %s', (_, thrown, cause) => {
    const got = cross(thrown);
    expect(got).toBeInstanceOf(TaskError);
    expect([got.code, got.task]).toEqual(['ERR_TASK', task]);
    expect(got.cause).toEqual(cause);
    expect('cause' in got).toBe(true);
  });

  it('describes what was thrown and cannot travel', () => {
    class Fault {
      status = 404;
    }
    expect(cross(new Fault()).cause).toBe('Fault { status: 404 }');
    expect(cross(Symbol('s')).cause).toBe('Symbol(s)');
    expect(cross(() => 1).cause).toMatch(/Function/);
    expect(
      cross(
        new Proxy(new Error('x'), {
          get: () => {
            throw new Error('trap');
          },
        }),
      ).code,
    ).toBe('ERR_TASK');
  });

  it('describes fields that cannot travel, and keeps the others', () => {
    class Socket {
      open = true;
    }
    const error = Object.assign(new Error('x'), {
      retry: () => 1,
      socket: new Socket(),
      deep: { list: [new WeakMap(), 1] },
      [Symbol('s')]: 1,
      soon: Promise.resolve(),
      fine: 1,
    });
    const got = cross(error);
    expect(got).toMatchObject({ socket: 'Socket { open: true }', fine: 1, message: 'x' });
    expect(got.retry).toMatch(/Function/);
    expect((got.deep as { list: unknown[] }).list).toEqual([expect.stringMatching(/WeakMap/), 1]);
  });

  it('notes getters that throw', () => {
    const error = new Error('x');
    Object.defineProperty(error, 'status', {
      enumerable: true,
      get: () => {
        throw new Error('lost');
      },
    });
    Object.defineProperty(error, 'stack', {
      get: () => {
        throw new Error('no stack');
      },
    });
    Object.defineProperty(error, 'computed', { enumerable: true, get: () => 5 });
    const got = cross(error);
    expect(got.status).toMatch(/getter of status threw.*lost/s);
    expect([got.message, got.computed]).toEqual(['x', 5]);
  });

  it('carries messages whole up to 1 MiB, and cuts longer ones with a note', () => {
    const hundredKilobytes = 'm'.repeat(100_000);
    expect(cross(new Error(hundredKilobytes)).message === hundredKilobytes).toBe(true);
    const got = cross(new Error('n'.repeat(5_000_000)));
    expect(got.message.slice(-50)).toMatch(/^n+… \[cut by heddle: 5000000 characters in all\]$/);
    expect(got.message.length).toBeLessThan((1 << 20) + 100);
    expect(got.stack!.length).toBeLessThan((1 << 20) + 70_000);
    expect(/\n {4}at /.test(got.stack!)).toBe(true);
  });

  it('never throws, and says so when nothing can be read', () => {
    const nasty = new Error('x');
    Object.setPrototypeOf(
      nasty,
      new Proxy(Error.prototype, {
        getPrototypeOf: () => {
          throw new Error('trap');
        },
      }),
    );
    for (const thrown of [nasty, Object.create(null), new Proxy(() => {}, {}), Object.freeze(new Error('frozen'))]) {
      const got = unpackError(structuredClone(packError(thrown)), task) as Error;
      expect(got instanceof Error || (got as { code?: string }).code === 'ERR_TASK').toBe(true);
    }
    expect(cross(Object.freeze(new Error('frozen')))).toMatchObject({ message: 'frozen', task });
  });

  it('keeps one line of text for logs', () => {
    expect(packError(new TypeError('x is not a function')).text).toBe('TypeError: x is not a function');
    expect(packError('thrown text').text).toBe('"thrown text"');
    expect(packError(new Error('y'.repeat(1000))).text.length).toBeLessThan(250);
  });
});

describe('failureOf, within one thread', () => {
  it('gives the very error, marked with its task', () => {
    const error = new RangeError('x');
    expect(failureOf(error, task)).toBe(error);
    expect(error).toMatchObject({ task });
    expect(failureOf(Object.freeze(new Error('f')), task)).toBeInstanceOf(Error);
    const other = failureOf('text', task);
    expect(other).toBeInstanceOf(TaskError);
    expect([other.cause, (other as TaskError).task]).toEqual(['text', task]);
  });
});
