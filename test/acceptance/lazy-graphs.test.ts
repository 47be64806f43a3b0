// Section 2 of the contract: lazy functions, Values and their options.
import { appendFileSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { annotate, currentTask, Executor, lazy, type Value, value } from 'heddle';
import { failure, fixture, lines, report, temporaryFolder, thrown } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

const increment = lazy(function increment(x: number) {
  return x + 1;
});
const add = lazy(function add(a: number, b: number) {
  return a + b;
});
const total = lazy(function total(numbers: number[]) {
  return numbers.reduce((sum, number) => sum + number, 0);
});

/** Takes what the types would refuse. */
const untyped = (fn: unknown): ((...args: unknown[]) => unknown) => fn as (...args: unknown[]) => unknown;

describe('a lazy function', () => {
  it('makes a Value and runs nothing', async () => {
    const marker = join(folder, 'ran');
    const mark = lazy(() => {
      writeFileSync(marker, 'yes');
      return 1;
    });
    const marked = mark();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(existsSync(marker)).toBe(false);
    expect(await marked.compute()).toBe(1);
    expect(existsSync(marker)).toBe(true);
  });

  it('takes an async function and gives what it resolves to', async () => {
    const later = lazy(async (x: number) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return x * 2;
    });
    expect(await increment(later(4)).compute()).toBe(9);
  });

  it('takes Values and Futures for its arguments', async () => {
    const two = executor.submit((x: number) => x, 2);
    expect(await add(increment(4), two).compute()).toBe(7);
  });

  it('finds Values in arrays, tuples, plain objects, Maps and Sets', async () => {
    const show = lazy(
      (
        array: number[],
        tuple: [string, number],
        object: { a: number; b: { c: number } },
        map: Map<string, number>,
        keys: Map<number, string>,
        set: Set<number>,
      ) => [array.join(), tuple.join(), `${object.a},${object.b.c}`, [...map].join(), [...keys].join(), [...set].join()],
    );
    const one = value(1);
    const result = await show(
      [one, 2, increment(2)],
      ['t', increment(9)],
      { a: one, b: { c: increment(1) } },
      new Map([['m', increment(4)]]),
      new Map([[increment(6), 'k']]),
      new Set([increment(7)]),
    ).compute();
    expect(result).toEqual(['1,2,3', 't,10', '1,2', 'm,5', '7,k', '8']);
  });

  it('finds a Value below thousands of containers', async () => {
    const depth = lazy((nested: unknown) => {
      let levels = 0;
      let at = nested;
      while (Array.isArray(at)) {
        at = at[0];
        levels++;
      }
      return [levels, at];
    });
    let nested: unknown = increment(41);
    for (let level = 0; level < 3_000; level++) nested = [nested];
    expect(await (untyped(depth)(nested) as Value<unknown>).compute()).toEqual([3_000, 42]);
  });

  it('leaves containers alone with traverse: false', async () => {
    const inline = new Executor({ engine: 'inline' });
    const kinds = (items: unknown[]) => items.map((item) => typeof item);
    try {
      expect(await lazy(kinds)([increment(1), 2]).compute({ executor: inline })).toEqual(['number', 'number']);
      expect(await lazy(kinds, { traverse: false })([increment(1), 2]).compute({ executor: inline })).toEqual(['object', 'number']);
    } finally {
      await inline.close();
    }
  });

  it('still takes a Value as a whole argument with traverse: false', async () => {
    const twice = lazy((x: number) => x * 2, { traverse: false });
    expect(await twice(increment(1)).compute()).toBe(4);
  });

  it('refuses a generator function with ERR_GENERATOR', () => {
    const sync = thrown(() =>
      untyped(lazy)(function* numbers() {
        yield 1;
      }),
    );
    expect(sync.name).toBe('TypeError');
    expect(sync.code).toBe('ERR_GENERATOR');
    const asynchronous = thrown(() =>
      untyped(lazy)(async function* numbers() {
        yield 1;
      }),
    );
    expect(asynchronous.name).toBe('TypeError');
    expect(asynchronous.code).toBe('ERR_GENERATOR');
  });

  it('refuses a LazyFunction and what is no function with a TypeError that has a code', () => {
    for (const wrong of [increment, 5, 'name', null, undefined, {}]) {
      const error = thrown(() => untyped(lazy)(wrong));
      expect(error.name).toBe('TypeError');
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it('fails a task whose result is a Value, naming currentTask().compute', async () => {
    const wraps = lazy(() => lazy((x: number) => x + 1)(1));
    const error = await failure(() => wraps().compute());
    expect(error.message).toContain('currentTask().compute');
  });

  it('fails a task whose result holds a Value, naming currentTask().compute', async () => {
    const wraps = lazy(() => ({ deep: [value(1)] }));
    const error = await failure(() => wraps().compute());
    expect(error.message).toContain('currentTask().compute');
  });

  it('takes the first argument only when array.map calls it and it declares one parameter', async () => {
    expect(await executor.gather(executor.compute([1, 2, 3].map(increment)))).toEqual([2, 3, 4]);
    const none = lazy(() => 7);
    expect(await (untyped(none)(1, 0, [1]) as Value<number>).compute()).toBe(7);
  });

  it('refuses to be called by array.map when it declares two parameters, saying x => f(x)', () => {
    const error = thrown(() => [1, 2, 3].map(untyped(add)));
    expect(error.name).toBe('TypeError');
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toMatch(/x => \w+\(x\)/);
  });

  it('is not taken for a call by array.map when the third argument is another array', async () => {
    const three = lazy((a: number, b: number, c: number[]) => a + b + c.length);
    expect(await three(5, 0, [9, 9]).compute()).toBe(7);
  });

  it('shows its name and its frozen options', () => {
    const named = lazy((x: number) => x, { name: 'same', retries: 2 });
    expect(named.name).toBe('same');
    expect(named.options.retries).toBe(2);
    expect(Object.isFrozen(named.options)).toBe(true);
    expect(increment.name).toBe('increment');
    const more = named.with({ priority: 3 });
    expect(more.options).toMatchObject({ name: 'same', retries: 2, priority: 3 });
    expect(named.options.priority).toBeUndefined();
  });

  it('is one task for the same call twice', async () => {
    const log = join(folder, 'once');
    const once = lazy(
      (x: number) => {
        appendFileSync(log, 'ran\n');
        return x;
      },
      { pure: true },
    );
    expect(await add(once(1), once(1)).compute()).toBe(2);
    expect(lines(log)).toHaveLength(1);
  });
});

describe('value()', () => {
  it('wraps data as a Value', async () => {
    expect(await value({ a: [1, new Map([['k', 2]])] }).compute()).toEqual({ a: [1, new Map([['k', 2]])] });
  });

  it('takes a name and a key', () => {
    expect(value(1, { name: 'one' }).key).toMatch(/^one-[0-9a-f]{32}$/);
    expect(value(1, { key: 'my key' }).key).toBe('my key');
  });
});

describe('TaskOptions', () => {
  it('lets only name, key, pure and version take part in the key', () => {
    const base = (x: number) => x;
    const key = lazy(base)(1).key;
    const kept = [
      { retries: 2 },
      { timeout: '10 s' },
      { timeout: 50 },
      { priority: 4 },
      { workers: 'a' },
      { workers: ['a', 'b:80'], allowOtherWorkers: true },
      { resources: { gpu: 1 } },
      { concurrency: 2 },
      { traverse: true },
    ] as const;
    for (const options of kept) expect(lazy(base, options)(1).key).toBe(key);
    expect(lazy(base, { name: 'other' })(1).key).toMatch(/^other-/);
    expect(lazy(base, { key: 'whole' })(1).key).toBe('whole');
    expect(lazy(base, { version: 2 })(1).key).not.toBe(key);
    expect(lazy(base, { version: 2 })(1).key).not.toBe(lazy(base, { version: 3 })(1).key);
    expect(lazy(base, { pure: false })(1).key).not.toBe(key);
  });

  it('gives every call a random key with pure: false', () => {
    const impure = lazy((x: number) => x, { pure: false });
    expect(impure(1).key).not.toBe(impure(1).key);
  });

  it('tries again as often as retries says', async () => {
    const flaky = (log: string) => {
      appendFileSync(log, 'try\n');
      const { attempt } = currentTask();
      if (attempt < 3) throw new Error(`attempt ${attempt}`);
      return attempt;
    };
    expect(await lazy(flaky, { retries: 2, pure: false })(join(folder, 'retry-enough')).compute()).toBe(3);
    expect(lines(join(folder, 'retry-enough'))).toHaveLength(3);
    const error = await failure(() => lazy(flaky, { retries: 1, pure: false })(join(folder, 'retry-few')).compute());
    expect(error.message).toBe('attempt 2');
    expect(error.task?.attempt).toBe(2);
    expect(lines(join(folder, 'retry-few'))).toHaveLength(2);
  });

  it('takes the retries of the executor where the function sets none', async () => {
    const own = new Executor({ workers: 1, retries: 1 });
    try {
      const second = lazy(() => {
        if (currentTask().attempt === 1) throw new Error('first');
        return 'second';
      });
      expect(await second().compute({ executor: own })).toBe('second');
      expect((await failure(() => second.with({ retries: 0, name: 'none' })().compute({ executor: own }))).message).toBe('first');
    } finally {
      await own.close();
    }
  });

  it('stops an attempt that takes longer than its timeout', async () => {
    const sleepy = lazy(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      },
      { timeout: '100 ms' },
    );
    expect((await failure(() => sleepy().compute())).code).toBe('ERR_TIMEOUT');
  });

  it('stops an attempt that never gives up its thread', async () => {
    const own = new Executor({ workers: 1, cancelGrace: 50 });
    try {
      const spin = lazy(
        () => {
          for (;;);
        },
        { timeout: 100 },
      );
      expect((await failure(() => spin().compute({ executor: own }))).code).toBe('ERR_TIMEOUT');
      expect(await increment(1).compute({ executor: own })).toBe(2);
    } finally {
      await own.close();
    }
  });

  it('runs no more of a function at once than concurrency says', async () => {
    const running = join(folder, 'running');
    const most = lazy(
      async (i: number, at: string) => {
        writeFileSync(`${at}-${i}`, '');
        const now = readdirSync(at.slice(0, at.lastIndexOf('/'))).filter((name) => name.startsWith('running-')).length;
        await new Promise((resolve) => setTimeout(resolve, 10));
        rmSync(`${at}-${i}`);
        return now;
      },
      { concurrency: 1, pure: true },
    );
    const counts = await executor.gather(executor.compute([1, 2, 3, 4, 5, 6].map((i) => most(i, running))));
    expect(counts).toEqual([1, 1, 1, 1, 1, 1]);
  });

  it('runs a higher priority first', async () => {
    const own = new Executor({ workers: 1 });
    const log = join(folder, 'priority');
    const note = (label: string, i: number) => {
      appendFileSync(log, `${label}\n`);
      return i;
    };
    try {
      const low = Array.from({ length: 20 }, (_, i) => lazy(note, { priority: -1, pure: true })('low', i));
      const high = Array.from({ length: 20 }, (_, i) => lazy(note, { priority: 5, pure: true })('high', i));
      await own.gather(own.compute([...low, ...high]));
      expect(lines(log)).toEqual([...Array(20).fill('high'), ...Array(20).fill('low')]);
    } finally {
      await own.close();
    }
  });

  it('runs only on the workers it names, and on those with its resources', async () => {
    const own = new Executor({ workers: [{ name: 'plain' }, { name: 'graphics', resources: { gpu: 1 } }] });
    try {
      const where = (_: number) => currentTask().worker;
      const indexes = [1, 2, 3, 4, 5];
      const named = await own.gather(own.compute(indexes.map((i) => lazy(where, { workers: 'plain', name: 'a' })(i))));
      expect(new Set(named)).toEqual(new Set(['plain']));
      const needy = await own.gather(own.compute(indexes.map((i) => lazy(where, { resources: { gpu: 1 }, name: 'b' })(i))));
      expect(new Set(needy)).toEqual(new Set(['graphics']));
      expect(await lazy(where, { workers: 'nowhere', allowOtherWorkers: true, name: 'c' })(1).compute({ executor: own })).toMatch(
        /^(plain|graphics)$/,
      );
    } finally {
      await own.close();
    }
  });

  it('refuses allowOtherWorkers without workers', () => {
    expect(thrown(() => lazy((x: number) => x, { allowOtherWorkers: true })(1)).code).toMatch(/^ERR_/);
  });

  it('refuses options of a wrong type or range', () => {
    const wrong = [
      [{ retries: -1 }, 'RangeError'],
      [{ retries: 'two' }, 'TypeError'],
      [{ timeout: '12 parsecs' }, /^(TypeError|RangeError)$/],
      [{ concurrency: 0 }, 'RangeError'],
      [{ name: 5 }, 'TypeError'],
    ] as const;
    for (const [options, name] of wrong) {
      const error = thrown(() => (untyped(lazy)((x: number) => x, options) as (x: number) => unknown)(1));
      expect(error.name).toMatch(name);
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it('warns of a surplus last argument that has only names of TaskOptions', async () => {
    const warnings = await report<string[]>([fixture('warnings.mjs'), 'surplus']);
    expect(warnings.filter((text) => /retries/.test(text))).toHaveLength(1);
  });

  it('warns once of a function that visibly reads a clock, unless pure is set', async () => {
    const warnings = await report<string[]>([fixture('warnings.mjs'), 'clock']);
    expect(warnings.filter((text) => /readsClock/.test(text))).toHaveLength(1);
    expect(warnings.filter((text) => /saidSo/.test(text))).toHaveLength(0);
    expect(warnings.filter((text) => /plainSum/.test(text))).toHaveLength(0);
  });

  it('warns once of the same function written in a loop', async () => {
    const warnings = await report<string[]>([fixture('warnings.mjs'), 'loop']);
    expect(warnings).toHaveLength(1);
  });
});

describe('a Value', () => {
  const five = value(5);

  it("is shown as exactly Value('<the full key>')", () => {
    const sum = add(1, five);
    expect(inspect(sum)).toBe(`Value('${sum.key}')`);
    expect(sum.key).toMatch(/^add-[0-9a-f]{32}$/);
    expect(inspect([sum], { breakLength: Number.POSITIVE_INFINITY })).toBe(`[ Value('${sum.key}') ]`);
    expect(inspect(value(1, { key: 'my key' }))).toBe("Value('my key')");
  });

  it('is its inspect text in a template literal', () => {
    expect(`${five}`).toBe(inspect(five));
  });

  it('is not thenable', async () => {
    expect('then' in five).toBe(false);
    expect(await five).toBe(five);
  });

  it('is not iterable: for..of, spreading and destructuring are TypeErrors that name the way out', () => {
    const some = untyped((x: unknown) => x)(value([1, 2])) as number[];
    const uses: (() => unknown)[] = [
      () => {
        for (const _ of some) break;
      },
      () => [...some],
      () => {
        const [first] = some;
        return first;
      },
    ];
    for (const use of uses) {
      const error = thrown(use);
      expect(error.name).toBe('TypeError');
      expect(error.code).toMatch(/^ERR_/);
      expect(error.message).toMatch(/nout/);
    }
  });

  it('refuses arithmetic, comparison, JSON and writing with TypeErrors that name the way out', () => {
    const number = five as unknown as number;
    const object = five as unknown as { field: number; key: string };
    const uses: (() => unknown)[] = [
      () => number + 1,
      () => number * 2,
      () => number < 6,
      () => -number,
      () => JSON.stringify({ five }),
      () => {
        object.field = 1;
      },
      () => {
        object.key = 'other';
      },
    ];
    for (const use of uses) {
      const error = thrown(use);
      expect(error.name).toBe('TypeError');
      expect(error.code).toMatch(/^ERR_/);
      expect(error.message).toMatch(/lazy|compute|pipe|get|call|with|value\(/);
    }
  });

  it('gives a property with get', async () => {
    const point = value({ at: { x: 3 }, names: ['a', 'b'] });
    expect(await point.get('at').get('x').compute()).toBe(3);
    expect(await point.get('names').get(1).compute()).toBe('b');
  });

  it('gives what a method returns with call', async () => {
    expect(await value('abc').call('toUpperCase').compute()).toBe('ABC');
    expect(
      await value(new Map([['k', 9]]))
        .call('get', 'k')
        .compute(),
    ).toBe(9);
    expect(await value('abcdef').call('slice', increment(0), increment(2)).compute()).toBe('bc');
  });

  it('fails the task when the method is not there', async () => {
    const error = await failure(() => (value('abc') as unknown as { call(method: string): Value<unknown> }).call('nothing').compute());
    expect(error.name).toBe('TypeError');
    expect(error.message).toContain('nothing');
  });

  it('goes through plain and lazy functions with pipe', async () => {
    const scaled = value(4).pipe((x: number, by: number) => x * by, increment(9));
    expect(await scaled.pipe(increment).compute()).toBe(41);
    expect(value(4).pipe(increment).key).toBe(increment(value(4)).key);
  });

  it('takes other options with with', () => {
    const one = increment(1);
    expect(one.with({ retries: 4 }).key).toBe(one.key);
    expect(one.with({ name: 'renamed' }).key).toMatch(/^renamed-[0-9a-f]{32}$/);
    expect(one.with({ key: 'mine' }).key).toBe('mine');
    expect(one.with({ version: 'b' }).key).not.toBe(one.key);
    expect(one.with({ pure: false }).key).not.toBe(one.key);
    expect(one.key).toBe(increment(1).key);
  });

  it('is computed by its own compute and kept by its own persist', async () => {
    expect(await increment(1).compute({ executor })).toBe(2);
    const log = join(folder, 'persisted');
    const costly = lazy(
      () => {
        appendFileSync(log, 'ran\n');
        return 'kept';
      },
      { pure: true },
    )();
    const kept = costly.persist({ executor });
    expect(kept.key).toBe(costly.key);
    expect(inspect(kept)).toBe(`Value('${costly.key}')`);
    expect(await kept.compute({ executor })).toBe('kept');
    expect(await kept.compute({ executor })).toBe('kept');
    expect(lines(log)).toHaveLength(1);
  });
});

describe('nout', () => {
  const divide = lazy((a: number, b: number): [number, number] => [Math.floor(a / b), a % b], { nout: 2 });

  it('gives length, indexes and iteration over Values', async () => {
    const both = divide(17, 5);
    expect(both.length).toBe(2);
    const [quotient, rest] = both;
    expect(await quotient.compute()).toBe(3);
    expect(await rest.compute()).toBe(2);
    expect(await both[1].compute()).toBe(2);
    expect(both[0].key).toBe(quotient.key);
    expect([...both]).toHaveLength(2);
    expect(await both.compute()).toEqual([3, 2]);
  });

  it('can be set by with, and be 0', async () => {
    const pair = lazy((x: number): [number, number] => [x, -x]).with({ nout: 2 });
    const [plus, minus] = pair(3);
    expect(await add(plus, minus).compute()).toBe(0);
    const none = lazy((): [] => [], { nout: 0 })();
    expect(none.length).toBe(0);
    expect([...none]).toEqual([]);
  });

  it('is a RangeError when negative or no integer', () => {
    for (const nout of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      const error = thrown(() => untyped(lazy)((x: number) => [x], { nout }));
      expect(error.name).toBe('RangeError');
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it('fails the task when the result has another length', async () => {
    const wrong = lazy(((): number[] => [1, 2, 3]) as unknown as () => [number, number], { nout: 2 });
    const [first] = wrong();
    const error = await failure(() => first.compute());
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain('2');
  });
});

describe('annotate', () => {
  it('gives its options to every Value made inside, and to none outside', () => {
    const inside = annotate({ name: 'inside' }, () => [increment(1), value(2), increment(increment(1))]);
    for (const made of inside) expect(made.key).toMatch(/^inside-/);
    expect(increment(1).key).toMatch(/^increment-/);
  });

  it('leaves an option that the function sets itself', () => {
    const named = lazy((x: number) => x, { name: 'own' });
    expect(annotate({ name: 'outer' }, () => named(1)).key).toMatch(/^own-/);
    expect(annotate({ name: 'outer' }, () => annotate({ name: 'inner' }, () => increment(1))).key).toMatch(/^inner-/);
  });

  it('ends when its body throws', () => {
    expect(
      thrown(() =>
        annotate({ name: 'inside' }, () => {
          throw new Error('from the body');
        }),
      ).message,
    ).toBe('from the body');
    expect(increment(1).key).toMatch(/^increment-/);
  });

  it('gives tasks their workers', async () => {
    const own = new Executor({ workers: [{ name: 'left' }, { name: 'right' }] });
    try {
      const where = lazy((_: number) => currentTask().worker);
      const made = annotate({ workers: 'right' }, () => [1, 2, 3, 4].map((i) => where(i)));
      expect(await own.gather(own.compute(made))).toEqual(['right', 'right', 'right', 'right']);
    } finally {
      await own.close();
    }
  });

  it('refuses a body that is asynchronous', () => {
    const error = thrown(() => annotate({ retries: 1 }, async () => increment(1)));
    expect(error.name).toBe('TypeError');
    expect(error.code).toMatch(/^ERR_/);
  });
});

describe('a large graph', () => {
  it('computes a chain of 20,000 tasks', async () => {
    let chain: Value<number> = increment(0);
    for (let i = 1; i < 20_000; i++) chain = increment(chain);
    expect(await chain.compute()).toBe(20_000);
  });

  it('computes a tree of 4,096 leaves', async () => {
    let level: Value<number>[] = Array.from({ length: 4_096 }, (_, i) => value(i));
    while (level.length > 1) {
      const next: Value<number>[] = [];
      for (let i = 0; i < level.length; i += 2) next.push(add(level[i]!, level[i + 1]!));
      level = next;
    }
    expect(await level[0]!.compute()).toBe((4_095 * 4_096) / 2);
  });

  it('computes a task of 10,000 arguments in one array', async () => {
    expect(await total(Array.from({ length: 10_000 }, (_, i) => increment(i))).compute()).toBe((10_000 * 10_001) / 2);
  });
});
