import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { annotate, currentAnnotations } from '../../graph/annotate.ts';
import { isLazyFunction, lazy, makeData, makeTask, ownFunction, sameTask, value } from '../../graph/lazy.ts';
import { functionName, keyName, typeName } from '../../graph/names.ts';
import type { TaskOptions } from '../../graph/options.ts';
import { keyOf } from '../../graph/task.ts';
import { taskOf } from '../../graph/value.ts';

const nameOf = (key: string): string => key.slice(0, -33);
const untyped = lazy as unknown as (fn: unknown, options?: unknown) => (...args: unknown[]) => { key: string };
const failure = (run: () => unknown): Error & { code: string } => {
  try {
    run();
  } catch (error) {
    return error as Error & { code: string };
  }
  throw new Error('nothing was thrown');
};
/** The warnings that `run` gives. */
const warnings = (run: () => unknown): string[] => {
  const seen: string[] = [];
  const { emitWarning } = process;
  process.emitWarning = ((message: string, { code }: { code: string }) => void seen.push(`${code}: ${message}`)) as typeof emitWarning;
  try {
    run();
  } finally {
    process.emitWarning = emitWarning;
  }
  return seen;
};

describe('lazy', () => {
  it('makes a function that makes Values and runs nothing', () => {
    let ran = 0;
    const count = lazy(function count(x: number) {
      return x + 1;
    });
    const spy = (): void => void ran++;
    const made = count(1);
    lazy(spy, { pure: true })();
    expect(ran).toBe(0);
    expect(made.key).toMatch(/^count-[0-9a-f]{32}$/);
    expect(count(1).key).toBe(made.key);
    expect(count(2).key).not.toBe(made.key);
    expect(count.name).toBe('count');
    expect(typeof count).toBe('function');
    expect(count).toBeInstanceOf(Function);
    expect(inspect(count)).toBe('LazyFunction(count)');
    expect(isLazyFunction(count)).toBe(true);
    expect(isLazyFunction(spy)).toBe(false);
  });

  it('carries frozen options and takes others on top', () => {
    const base = lazy((x: number) => x, { name: 'n', retries: 2 });
    expect(base.options).toEqual({ name: 'n', retries: 2 });
    expect(Object.isFrozen(base.options)).toBe(true);
    const other = base.with({ retries: 5, priority: 1 });
    expect(other.options).toEqual({ name: 'n', retries: 5, priority: 1 });
    expect(base.options).toEqual({ name: 'n', retries: 2 });
    expect(taskOf(other(1))!.options).toEqual({ name: 'n', retries: 5, priority: 1 });
    expect(other(1).key).toBe(base(1).key);
  });

  it('lets only name, key, pure and version into the key', () => {
    const fn = (x: number): number => x;
    const key = (options?: TaskOptions): string => untyped(fn, options)(1).key;
    const plain = key();
    for (const options of [
      { retries: 1 },
      { timeout: '1 s' },
      { priority: 3 },
      { workers: 'a' },
      { workers: ['a'], allowOtherWorkers: true },
      { resources: { gpu: 1 } },
      { concurrency: 1 },
      { nout: 2 },
      { traverse: false },
    ] as const)
      expect(key(options)).toBe(plain);
    expect(
      new Set([
        plain,
        key({ name: 'x' }),
        key({ version: 1 }),
        key({ version: '1' }),
        key({ version: 2 }),
        key({ key: 'k' }),
        key({ pure: false }),
        key({ pure: false }),
      ]).size,
    ).toBe(8);
    expect(key({ pure: true })).toBe(plain);
    expect(key({ key: 'any <text>' })).toBe('any <text>');
  });

  it('refuses what can be no task', () => {
    expect(failure(() => untyped(5))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' });
    expect(failure(() => untyped(function* () {}))).toMatchObject({ name: 'TypeError', code: 'ERR_GENERATOR' });
    expect(failure(() => untyped(async function* () {}))).toMatchObject({ code: 'ERR_GENERATOR' });
    expect(failure(() => untyped(class A {}))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' });
    expect(failure(() => untyped(lazy((x: number) => x)))).toMatchObject({ name: 'TypeError' });
    expect(failure(() => untyped(lazy((x: number) => x))).message).toContain('.with(options)');
    expect(failure(() => untyped(() => 1, { retry: 1 })).code).toBe('ERR_INVALID_OPTION');
  });

  it('takes the item alone when array.map calls it', () => {
    const one = lazy((x: string) => x.length);
    const defaulted = lazy((x: string, base: number = 10) => x.length + base);
    const list = ['a', 'b'];
    expect(list.map(one as never).map((v) => (v as { key: string }).key)).toEqual(list.map((x) => one(x).key));
    expect(list.map(defaulted as never).map((v) => (v as { key: string }).key)).toEqual(list.map((x) => defaulted(x).key));
    expect([...new Uint8Array([1])].map(one as never)).toHaveLength(1);
    const two = lazy(function two(a: number, b: number) {
      return a + b;
    });
    expect(failure(() => [1, 2].map(two as never))).toMatchObject({ name: 'TypeError' });
    expect(failure(() => [1, 2].map(two as never)).message).toContain('x => two(x)');
    const three = lazy((a: number, b: number, c: number[]) => a + b + c.length);
    expect(three(9, 0, [1]).key).not.toBe(three(9, 0, [2]).key); // not map's way: list[0] is another
  });

  it('warns of options that ride among arguments', () => {
    const one = untyped(function one(x: number) {
      return x;
    });
    expect(warnings(() => one(1, { retries: 2 }))).toEqual([
      expect.stringMatching(/^HEDDLE_OPTIONS: the last argument of one looks like options \(retries\)/),
    ]);
    expect(warnings(() => makeTask((x: number) => x, [1, { retries: 2 }]))).toHaveLength(1);
    const withDefault = untyped((x: number, options = {}) => [x, options]);
    const rest = untyped((...people: unknown[]) => people);
    expect(
      warnings(() => {
        one(1);
        one(1, {});
        one(1, { retries: 2, other: 1 });
        one(1, value(1));
        withDefault(1, { name: 'a' });
        rest({ name: 'a' }, { name: 'b' });
        one(1, Object.assign(Object.create({ inherited: 1, more: {} }), { name: 'a' }));
        one(
          1,
          new (class Options {
            name = 'a';
          })(),
        );
        one(1, new Uint8Array(8));
      }),
    ).toEqual([]);
  });

  it('warns once of a function that reaches what differs from call to call, unless told', () => {
    const now = lazy(function now() {
      return Date.now();
    });
    const seen = warnings(() => {
      now();
      now();
      now.with({ retries: 1 })();
    });
    expect(seen).toEqual([expect.stringMatching(/^HEDDLE_IMPURE: now reaches a clock/)]);
    const quiet = warnings(() => {
      lazy(() => Date.now(), { pure: true })();
      lazy(() => Date.now(), { pure: false })();
      lazy((x: number) => x * 2)(1);
    });
    expect(quiet).toEqual([]);
    expect(warnings(() => lazy((path: string) => readFileSync(path))('x'))).toEqual([expect.stringContaining('files')]);
  });

  it('refuses allowOtherWorkers where no workers are named, once all options are known', () => {
    const open = lazy((x: number) => x, { allowOtherWorkers: true });
    expect(failure(() => open(1)).code).toBe('ERR_INVALID_OPTION');
    expect(annotate({ workers: 'a' }, () => taskOf(open(1))!.options)).toEqual({ workers: 'a', allowOtherWorkers: true });
  });

  it('sees a captured variable that changed', () => {
    let factor = 2;
    const scale = lazy((x: number) => x * factor);
    const before = scale(1).key;
    expect(scale(1).key).toBe(before);
    factor = 3;
    const after = scale(1).key;
    expect(after).not.toBe(before);
    factor = 2;
    expect(scale(1).key).toBe(before);
  });

  it('refuses a captured Value', () => {
    const other = value(1);
    expect(failure(() => lazy(() => other)()).message).toMatch(/Value/);
  });

  it('does not hash the arguments of an impure task', () => {
    const use = lazy((x: WeakMap<object, number>) => x instanceof WeakMap, { pure: false });
    expect(use(new WeakMap()).key).toMatch(/-[0-9a-f]{32}$/);
    expect(failure(() => use.with({ pure: true })(new WeakMap()))).toMatchObject({ code: 'ERR_UNTOKENIZABLE', path: 'args[0]' });
  });

  it('makes tasks of plain functions and LazyFunctions alike', () => {
    const fn = (a: number, b: number): number => a + b;
    const task = makeTask(fn, [1, value(2)]);
    expect(keyOf(task)).toBe(lazy(fn)(1, value(2)).key);
    expect(keyOf(makeTask(lazy(fn, { name: 'x' }), [1, 2]))).toBe(lazy(fn, { name: 'x' })(1, 2).key);
    expect(task).toMatchObject({ argc: 2, bytesToRead: 0, scattered: false, hosts: undefined, givenKey: undefined });
    expect(task.id).toBe(task.token);
    expect(failure(() => makeTask('no', []))).toMatchObject({ name: 'TypeError' });
    expect(sameTask(task, makeTask(fn, [1, value(2)]))).toBe(true);
    expect(sameTask(makeTask(lazy(fn, { key: 'k' }), [1, 2]), makeTask(lazy(fn, { key: 'k' }), [1, 3]))).toBe(false);
  });

  it('gives a task with a given key that key as its id, unless it is its own key anyway', () => {
    expect(makeData(1, { key: 'plain' })).toMatchObject({ id: 'plain', givenKey: 'plain' });
    expect(makeData(1, { key: keyOf(makeData(1)) })).toMatchObject({ ...makeData(1), options: expect.anything() });
  });

  it('names own functions by module, name and version, wherever they lie', () => {
    const own = ownFunction('src/a.js', 'read', 1);
    expect(own.identity).toBe(ownFunction('src/a.js', 'read', 1).identity);
    expect(
      new Set(
        [own, ownFunction('src/b.js', 'read', 1), ownFunction('src/a.js', 'write', 1), ownFunction('src/a.js', 'read', 2)].map(
          ({ identity }) => identity,
        ),
      ).size,
    ).toBe(4);
  });
});

describe('names in keys', () => {
  it('are the function’s own, without what JavaScript adds', () => {
    const object = {
      get width() {
        return 1;
      },
      'a b': () => 1,
    };
    expect(functionName(Object.getOwnPropertyDescriptor(object, 'width')!.get!)).toBe('width');
    expect(functionName(object['a b'])).toBe('a_b');
    function scale(this: void): void {}
    expect(functionName(scale.bind(undefined).bind(undefined))).toBe('scale');
    expect(
      functionName(
        (
          () => () =>
            1
        )(),
      ),
    ).toBe('lambda');
    expect(functionName(Object.defineProperty(() => 1, 'name', { value: '#secret' }))).toBe('secret');
    expect(functionName(Object.defineProperty(() => 1, 'name', { value: 5 }))).toBe('lambda');
    expect(functionName((() => 1).bind(undefined))).toBe('lambda');
  });

  it('have _ for other characters, and at most 100', () => {
    expect(keyName('a b-c/d.e_f$')).toBe('a_b_c_d.e_f_');
    expect(keyName('größe名前')).toBe('größe名前');
    expect(keyName('n'.repeat(250))).toHaveLength(100);
    expect(Array.from(keyName('𝒳'.repeat(150)))).toHaveLength(100);
    expect(nameOf(lazy((x: number) => x, { name: 'a b' })(1).key)).toBe('a_b');
  });

  it('are the type’s for data', () => {
    class Point {}
    const cases: [unknown, string][] = [
      [1, 'number'],
      ['x', 'string'],
      [[1], 'array'],
      [{}, 'object'],
      [null, 'null'],
      [undefined, 'undefined'],
      [1n, 'bigint'],
      [new Point(), 'Point'],
      [new Map(), 'Map'],
      [new Uint8Array(1), 'Uint8Array'],
      [Object.create(null), 'object'],
      [() => 1, 'function'],
      [new Date(), 'Date'],
    ];
    for (const [data, name] of cases) {
      expect(typeName(data)).toBe(name);
      expect(nameOf(value(data).key)).toBe(name);
    }
  });
});

describe('value', () => {
  it('wraps data, with Values in it too', () => {
    const inner = value(1);
    const outer = value([inner, 2]);
    expect(taskOf(outer)).toMatchObject({ callee: undefined, argc: 1, dependencies: [taskOf(inner)] });
    expect(value(1).key).toBe(inner.key);
    expect(value(inner).key).toBe(inner.key);
    expect(value(1, { name: 'one' }).key).toMatch(/^one-/);
    expect(value(1, { key: 'k' }).key).toBe('k');
    expect(failure(() => value(1, { retries: 1 } as never)).code).toBe('ERR_INVALID_OPTION');
  });
});

describe('annotate', () => {
  const inc = lazy(function inc(x: number) {
    return x + 1;
  });
  const options = (v: unknown): TaskOptions => taskOf(v)!.options;

  it('gives its options to what is made inside, inner ones first, own ones before all', () => {
    const own = lazy((x: number) => x, { retries: 9 });
    const [a, b, c, d] = annotate(
      { retries: 1, priority: 1 },
      () => [inc(1), annotate({ retries: 2 }, () => inc(1)), own(1), value(1).get('toFixed')] as const,
    );
    expect(options(a)).toEqual({ retries: 1, priority: 1 });
    expect(options(b)).toEqual({ retries: 2, priority: 1 });
    expect(options(c)).toEqual({ retries: 9, priority: 1 });
    expect(options(d)).toMatchObject({ priority: 1 });
    expect(options(inc(1))).toEqual({});
    expect(a.key).toBe(inc(1).key);
    expect(annotate({ name: 'inside' }, () => [inc(1), value(1)].map((v) => nameOf(v.key)))).toEqual(['inside', 'inside']);
  });

  it('ends when its body throws', () => {
    expect(
      failure(() =>
        annotate({ retries: 1 }, () => {
          throw new Error('mine');
        }),
      ).message,
    ).toBe('mine');
    expect(currentAnnotations()).toEqual({});
  });

  it('refuses an asynchronous body, key and nout', async () => {
    let ran = false;
    expect(
      failure(() =>
        annotate({}, async () => {
          ran = true;
        }),
      ),
    ).toMatchObject({ name: 'TypeError' });
    expect(ran).toBe(false);
    expect(failure(() => annotate({}, () => Promise.reject(new Error('late'))))).toMatchObject({ name: 'TypeError' });
    await new Promise((resolve) => setImmediate(resolve)); // no unhandled rejection
    expect(failure(() => annotate({ key: 'k' } as never, () => 1)).code).toBe('ERR_INVALID_OPTION');
    expect(failure(() => annotate({ nout: 1 } as never, () => 1)).code).toBe('ERR_INVALID_OPTION');
    expect(failure(() => annotate({}, 5 as never)).name).toBe('TypeError');
    expect(annotate({}, () => 7)).toBe(7);
  });
});
