// Section 3 of the contract: the Executor.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { threadId } from 'node:worker_threads';
import fc from 'fast-check';
import { compute, currentTask, Executor, type ExecutorOptions, type Future, lazy, persist, readBytes, type Value, value } from 'heddle';
import { failure, fixture, lines, report, temporaryFolder, thrown } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: [{ name: 'one' }, { name: 'two' }] });
});
afterAll(() => executor.close());

const increment = (x: number) => x + 1;
const add = (a: number, b: number) => a + b;
const sleep = async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return ms;
};
/** Takes what the types would refuse. */
const untyped = (fn: unknown): ((...args: unknown[]) => unknown) => fn as (...args: unknown[]) => unknown;

/** Runs `use` with an executor of its own, and closes it. */
async function withExecutor<T>(options: ExecutorOptions, use: (own: Executor) => Promise<T>): Promise<T> {
  const own = new Executor(options);
  try {
    return await use(own);
  } finally {
    await own.close();
  }
}

describe('submit', () => {
  it('gives a Future at once', async () => {
    const future = executor.submit(increment, 1);
    expect(future.key).toMatch(/^increment-[0-9a-f]{32}$/);
    expect(future.status).toBe('pending');
    expect(await future).toBe(2);
  });

  it('takes plain and lazy functions under one key', () => {
    expect(executor.submit(lazy(increment), 1).key).toBe(executor.submit(increment, 1).key);
    expect(lazy(increment)(1).key).toBe(executor.submit(increment, 1).key);
  });

  it('takes Values and Futures, also inside containers', async () => {
    const two = executor.submit(increment, 1);
    const sum = (parts: { a: number; rest: number[] }) => parts.rest.reduce((all, one) => all + one, parts.a);
    expect(await executor.submit(add, two, lazy(increment)(4))).toBe(7);
    expect(await executor.submit(sum, { a: two, rest: [lazy(increment)(2), two, 10] })).toBe(17);
  });

  it('runs the same call once', async () => {
    const log = join(folder, 'same');
    const once = (x: number) => {
      appendFileSync(log, 'ran\n');
      return x;
    };
    const [first, second] = [executor.submit(once, 1), executor.submit(once, 1)];
    expect(first.key).toBe(second.key);
    expect([await first, await second, await executor.submit(once, 1)]).toEqual([1, 1, 1]);
    expect(lines(log)).toHaveLength(1);
  });

  it('takes options with the function', async () => {
    const fails = () => {
      if (currentTask().attempt < 2) throw new Error('once more');
      return 'done';
    };
    expect(await executor.submit(lazy(fails, { retries: 1 }))).toBe('done');
  });

  it('gives undefined and null as ordinary results', async () => {
    expect(await executor.submit(() => undefined)).toBeUndefined();
    expect(await executor.submit(() => null)).toBeNull();
    expect(await executor.submit((x: undefined | number) => x === undefined, undefined)).toBe(true);
  });
});

describe('map', () => {
  it('gives a Future an item', async () => {
    const futures = executor.map(increment, [1, 2, 3]);
    expect(futures).toHaveLength(3);
    expect(await executor.gather(futures)).toEqual([2, 3, 4]);
  });

  it('goes through several iterables and ends with the shortest', async () => {
    let returned = false;
    function* endless(): Generator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        returned = true;
      }
    }
    expect(await executor.gather(executor.map(add, endless(), [10, 20, 30]))).toEqual([10, 21, 32]);
    expect(returned).toBe(true);
    expect(executor.map(add, [1, 2], [])).toEqual([]);
  });

  it('takes Sets, Map entries, Values and Futures as items', async () => {
    expect(await executor.gather(executor.map(increment, new Set([5, 6])))).toEqual([6, 7]);
    expect(await executor.gather(executor.map((entry: [string, number]) => entry[0] + entry[1], new Map([['a', 1]])))).toEqual(['a1']);
    expect(await executor.gather(executor.map(increment, [value(1), executor.submit(increment, 1), 3]))).toEqual([2, 3, 4]);
  });

  it('gives for an AsyncIterable an AsyncIterable in the order of the input', async () => {
    async function* delays() {
      for (const ms of [60, 1, 30, 5]) yield ms;
    }
    const results: number[] = [];
    for await (const future of executor.map(sleep, delays())) results.push(await future.result());
    expect(results).toEqual([60, 1, 30, 5]);
  });

  it('is never more than two items a worker ahead of the consumer of an AsyncIterable', async () => {
    let made = 0;
    async function* items() {
      for (; made < 40; ) yield made++;
    }
    let taken = 0;
    let ahead = 0;
    for await (const future of executor.map(increment, items())) {
      taken++;
      await future.result();
      await new Promise((resolve) => setTimeout(resolve, 2));
      ahead = Math.max(ahead, made - taken);
    }
    expect(taken).toBe(40);
    expect(ahead).toBeLessThanOrEqual(4);
  });

  it('takes AsyncIterables beside other iterables, and ends with the shortest', async () => {
    async function* tens() {
      for (let i = 1; ; i++) yield i * 10;
    }
    const results: number[] = [];
    for await (const future of executor.map(add, tens(), [1, 2, 3])) results.push(await future.result());
    expect(results).toEqual([11, 22, 33]);
  });

  it('throws the error of an AsyncIterable where it comes', async () => {
    async function* breaks() {
      yield 1;
      throw new Error('no more input');
    }
    const results: number[] = [];
    const error = await failure(async () => {
      for await (const future of executor.map(increment, breaks())) results.push(await future.result());
    });
    expect(error.message).toBe('no more input');
    expect(results).toEqual([2]);
  });

  it('ends the AsyncIterable when the consumer leaves', async () => {
    let returned = false;
    async function* items() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        returned = true;
      }
    }
    for await (const future of executor.map(increment, items())) {
      if ((await future.result()) === 3) break;
    }
    expect(returned).toBe(true);
  });
});

describe('compute', () => {
  const three = () => lazy(add)(1, 2);

  it('gives a Future of a Value', async () => {
    const future = executor.compute(three());
    expect(future.key).toBe(three().key);
    expect(await future).toBe(3);
  });

  it('gives a Future for each Value of an array or plain object and leaves the rest', async () => {
    const [first, second, constant] = executor.compute([three(), lazy(increment)(9), 3]);
    expect([await first, await second, constant]).toEqual([3, 10, 3]);
    const object = executor.compute({ sum: three(), unit: 'kB' });
    expect([await object.sum, object.unit]).toEqual([3, 'kB']);
  });

  it('goes one level deep', () => {
    const inner = [three()];
    const [seen] = untyped(executor.compute.bind(executor))([inner]) as [Value<number>[]];
    expect(inspect(seen[0])).toBe(inspect(inner[0]));
  });

  it('refuses a second argument with a TypeError', () => {
    const error = thrown(() => untyped(executor.compute.bind(executor))(three(), three()));
    expect(error.name).toBe('TypeError');
    expect(error.code).toMatch(/^ERR_/);
  });

  it('runs a shared task once', async () => {
    const log = join(folder, 'shared');
    const shared = lazy(
      () => {
        appendFileSync(log, 'ran\n');
        return 1;
      },
      { pure: true },
    )();
    expect(await executor.gather(executor.compute([lazy(add)(shared, 1), lazy(add)(shared, 2), shared]))).toEqual([2, 3, 1]);
    expect(lines(log)).toHaveLength(1);
  });

  it('computes a result again after it was released', async () => {
    const log = join(folder, 'again');
    const task = lazy(
      () => {
        appendFileSync(log, 'ran\n');
        return 1;
      },
      { pure: true },
    );
    const first = executor.compute(task());
    expect(await first).toBe(1);
    first.release();
    await executor.drain();
    expect(await executor.compute(task())).toBe(1);
    expect(lines(log)).toHaveLength(2);
  });
});

describe('persist', () => {
  it('gives Values of the same keys, whose results are kept', async () => {
    const log = join(folder, 'kept');
    const costly = lazy(
      (x: number) => {
        appendFileSync(log, `${x}\n`);
        return x * 10;
      },
      { pure: true },
    );
    const [a, b] = executor.persist([costly(1), costly(2)]) as [Value<number>, Value<number>];
    expect([a.key, b.key]).toEqual([costly(1).key, costly(2).key]);
    expect(await executor.compute(lazy(add)(a, b))).toBe(30);
    expect(await executor.compute(lazy(add)(a, a))).toBe(20);
    expect(lines(log).sort()).toEqual(['1', '2']);
  });

  it('is there as a function of the module', async () => {
    const [kept, constant] = await persist(lazy(increment)(40), 'same');
    expect(await kept.compute()).toBe(41);
    expect(constant).toBe('same');
  });
});

describe('get', () => {
  it('runs a graph of plain objects', async () => {
    const graph = { x: 1, y: [increment, 'x'], z: [add, 'y', 10] };
    expect(await executor.get<number>(graph, 'z')).toBe(12);
    expect(await executor.gather(executor.get(graph, ['z', 'y', 'x']))).toEqual([12, 2, 1]);
  });

  it('takes nested tasks, lists of keys and other keys as values', async () => {
    const sum = (numbers: number[]) => numbers.reduce(add, 0);
    const graph = { a1: 1, b1: [add, [increment, 'a1'], [increment, 20]], c1: [sum, ['a1', 'b1', 5]], d1: 'c1' };
    expect(await executor.get<number>(graph, 'b1')).toBe(23);
    expect(await executor.get<number>(graph, 'd1')).toBe(29);
  });

  it('takes text that is no key for text', async () => {
    const join2 = (a: string, b: string) => `${a}-${b}`;
    expect(await executor.get<string>({ left: 'some text', both: [join2, 'left', 'right'] }, 'both')).toBe('some text-right');
  });

  it('keeps the shape of nested lists of keys', async () => {
    const graph = { p: 1, q: [increment, 'p'] };
    const nested = untyped(executor.get.bind(executor))(graph, ['p', ['q', ['p']]]) as [Future<number>, [Future<number>, [Future<number>]]];
    expect([await nested[0], await nested[1][0], await nested[1][1][0]]).toEqual([1, 2, 1]);
  });

  it('takes a Map, and keys that are names of properties of every object', async () => {
    const graph = new Map<string, unknown>([
      ['constructor', 4],
      ['__proto__', [increment, 'constructor']],
      ['toString', [add, '__proto__', 'constructor']],
    ]);
    expect(await executor.get<number>(graph, 'toString')).toBe(9);
  });

  it('refuses a key that is not there with ERR_UNKNOWN_KEY', async () => {
    const error = await failure(async () => await executor.get({ x: 1 }, 'elsewhere'));
    expect(error.code).toBe('ERR_UNKNOWN_KEY');
    expect(error.message).toContain('elsewhere');
    expect((await failure(async () => await executor.get({ x: 1 }, 'toString'))).code).toBe('ERR_UNKNOWN_KEY');
  });

  it('refuses a graph that goes round with a CycleError that has the path', async () => {
    const graph = { start: [increment, 'a2'], a2: [increment, 'b2'], b2: [increment, 'c2'], c2: [increment, 'a2'] };
    const error = await failure(async () => await executor.get(graph, 'start'));
    expect(error.name).toBe('CycleError');
    expect(error.code).toBe('ERR_CYCLE');
    expect(new Set(error.cycle)).toEqual(new Set(['a2', 'b2', 'c2']));
    expect(error.message).toMatch(/a2.*b2.*c2|b2.*c2.*a2|c2.*a2.*b2/s);
    expect((await failure(async () => await executor.get({ me: [increment, 'me'] }, 'me'))).code).toBe('ERR_CYCLE');
  });

  it('runs a chain of 20,000 keys', async () => {
    const graph = new Map<string, unknown>([['n0', 0]]);
    for (let i = 1; i <= 20_000; i++) graph.set(`n${i}`, [increment, `n${i - 1}`]);
    expect(await executor.get<number>(graph, 'n20000')).toBe(20_000);
  });
});

describe('gather', () => {
  const fail = (text: string) => {
    throw new RangeError(text);
  };

  it('gives the same container back', async () => {
    const [a, b] = executor.map(increment, [1, 2]) as [Future<number>, Future<number>];
    expect(await executor.gather(a)).toBe(2);
    expect(await executor.gather([a, b])).toEqual([2, 3]);
    expect(await executor.gather({ a, b, unit: 'kB' })).toEqual({ a: 2, b: 3, unit: 'kB' });
    expect(await executor.gather(new Map([['a', a]]))).toEqual(new Map([['a', 2]]));
    expect(await executor.gather(new Set([a, b]))).toEqual(new Set([2, 3]));
    expect(await executor.gather({ deep: [{ a }, [b]] })).toEqual({ deep: [{ a: 2 }, [3]] });
    expect(await executor.gather([])).toEqual([]);
  });

  it('rejects with the first error', async () => {
    const error = await failure(() => executor.gather([executor.submit(increment, 1), executor.submit(fail, 'first')]));
    expect(error.name).toBe('RangeError');
    expect(error.message).toBe('first');
  });

  it('drops failed items with skip', async () => {
    const [good, bad] = [executor.submit(increment, 1), executor.submit(fail, 'dropped')];
    expect(await executor.gather([bad, good, bad], { errors: 'skip' })).toEqual([2]);
    expect(await executor.gather({ good, bad }, { errors: 'skip' })).toEqual({ good: 2 });
    expect(await executor.gather(new Map([['bad', bad]]), { errors: 'skip' })).toEqual(new Map());
    expect(await executor.gather(new Set([good, bad]), { errors: 'skip' })).toEqual(new Set([2]));
  });

  it('gives settled results with settle', async () => {
    const settled = await executor.gather([executor.submit(increment, 1), executor.submit(fail, 'settled')], { errors: 'settle' });
    expect(settled[0]).toEqual({ status: 'fulfilled', value: 2 });
    expect(settled[1]).toMatchObject({ status: 'rejected', reason: { name: 'RangeError', message: 'settled' } });
  });

  it('refuses a Value in it with a TypeError', async () => {
    const error = await failure(() => executor.gather([value(1)]));
    expect(error.name).toBe('TypeError');
    expect(error.code).toMatch(/^ERR_/);
  });

  it('ends its waiting, and not the work, at a timeout', async () => {
    const slow = executor.submit(sleep, 301);
    expect((await failure(() => executor.gather([slow], { timeout: 20 }))).code).toBe('ERR_TIMEOUT');
    expect(await slow).toBe(301);
  });
});

describe('scatter', () => {
  it('gives a container of Futures for a container, and one Future for anything else', async () => {
    const [one, two] = executor.scatter([1, 'two']);
    expect([await one, await two]).toEqual([1, 'two']);
    const map = executor.scatter(new Map([['k', { a: 1 }]]));
    expect(await map.get('k')).toEqual({ a: 1 });
    const object = executor.scatter({ x: 5 });
    expect(await object.x).toBe(5);
    const set = executor.scatter(new Set(['s']));
    expect(await executor.gather(set)).toEqual(new Set(['s']));
    const bytes = executor.scatter(new Uint8Array([1, 2, 3]));
    expect(await executor.submit((data: Uint8Array) => data.length, bytes)).toBe(3);
    expect(await executor.scatter('text')).toBe('text');
  });

  it('gives equal data an equal key', () => {
    const [a, b] = [executor.scatter(new Uint8Array([1, 2])), executor.scatter(new Uint8Array([1, 2]))];
    expect(a.key).toBe(b.key);
    expect(executor.scatter(new Uint8Array([1, 3])).key).not.toBe(a.key);
  });

  it('puts data on every worker with broadcast, and on those it names', async () => {
    const everywhere = executor.scatter(new Uint8Array(10), { broadcast: true });
    await everywhere.result();
    expect((await executor.whoHas([everywhere])).get(everywhere.key)?.sort()).toEqual(['one', 'two']);
    const somewhere = executor.scatter(new Uint8Array(11), { workers: 'two' });
    await somewhere.result();
    expect((await executor.whoHas([somewhere])).get(somewhere.key)).toContain('two');
  });
});

describe('cancel', () => {
  it('stops a Future and what depends on it, with the reason as cause', async () => {
    const slow = executor.submit(sleep, 60_001);
    const after = executor.submit(increment, slow);
    const other = executor.submit(increment, 77);
    await executor.cancel(slow, { reason: 'not needed' });
    expect([slow.status, after.status]).toEqual(['cancelled', 'cancelled']);
    const error = await failure(() => slow.result());
    expect(error.name).toBe('CancelledError');
    expect(error.code).toBe('ERR_CANCELLED');
    expect(error.cause).toBe('not needed');
    expect((await failure(() => after.result())).code).toBe('ERR_CANCELLED');
    expect(await other).toBe(78);
  });

  it('fires the signal of a running task, with the reason', async () => {
    const log = join(folder, 'signal');
    const listens = lazy(
      async () => {
        const { signal } = currentTask();
        appendFileSync(log, `${signal.aborted}\n`);
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
        appendFileSync(log, `${signal.aborted} ${signal.reason?.cause ?? signal.reason}\n`);
      },
      { pure: false },
    );
    const future = executor.submit(listens);
    while (lines(log).length === 0) await sleep(5);
    await executor.cancel([future], { reason: 'stop now' });
    while (lines(log).length < 2) await sleep(5);
    expect(lines(log)[0]).toBe('false');
    expect(lines(log)[1]).toMatch(/^true .*stop now/);
  });

  it('replaces the thread of a task that does not stop, and loses no other task by it', async () => {
    await withExecutor({ workers: 1, cancelGrace: 50 }, async (own) => {
      const kept = own.submit(increment, 1);
      await kept.result();
      const marker = join(folder, 'spinning');
      const spin = own.submit((at: string) => {
        writeFileSync(at, '');
        for (;;);
      }, marker);
      const queued = own.submit(increment, 10);
      while (!existsSync(marker)) await sleep(5);
      await own.cancel(spin);
      expect(spin.status).toBe('cancelled');
      expect(await queued).toBe(11);
      expect(await own.submit(add, kept, 1)).toBe(3);
      expect(await kept).toBe(2);
    });
  });

  it('skips the grace with force', async () => {
    await withExecutor({ workers: 1, cancelGrace: '10 min' }, async (own) => {
      const marker = join(folder, 'forced');
      const spin = own.submit((at: string) => {
        writeFileSync(at, '');
        for (;;);
      }, marker);
      while (!existsSync(marker)) await sleep(5);
      await own.cancel(spin, { force: true });
      expect(await own.submit(increment, 1)).toBe(2);
    });
  });

  it('does nothing to what is already finished', async () => {
    const done = executor.submit(increment, 123);
    await done.result();
    await executor.cancel(done);
    expect(done.status).toMatch(/^(finished|cancelled)$/);
    expect(await executor.submit(increment, 124)).toBe(125);
  });
});

describe('run', () => {
  it('runs a function once on each worker', async () => {
    const results = await executor.run(() => 40 + 2);
    expect(new Map([...results].sort())).toEqual(
      new Map([
        ['one', 42],
        ['two', 42],
      ]),
    );
  });

  it('runs it on the workers that are named', async () => {
    expect(await executor.run(async () => 'here', { workers: 'two' })).toEqual(new Map([['two', 'here']]));
    expect(await executor.run(() => 'here', { workers: ['one'] })).toEqual(new Map([['one', 'here']]));
  });
});

describe('drain and close', () => {
  it('drain waits for everything that was begun, also when some of it fails', async () => {
    await withExecutor({ workers: 2 }, async (own) => {
      const futures = own.map(sleep, [50, 10, 80]);
      const bad = own.submit(() => {
        throw new Error('looked at later');
      });
      await own.drain();
      expect(futures.map((future) => future.status)).toEqual(['finished', 'finished', 'finished']);
      expect(bad.status).toBe('error');
      expect((await bad.exception())?.message).toBe('looked at later');
    });
  });

  it('close rejects unfinished Futures with ERR_EXECUTOR_CLOSED', async () => {
    const own = new Executor({ workers: 1 });
    const running = own.submit(sleep, 60_000);
    const waiting = own.submit(increment, running);
    await own.close();
    expect([running.status, waiting.status]).toEqual(['cancelled', 'cancelled']);
    expect((await failure(() => running.result())).code).toBe('ERR_EXECUTOR_CLOSED');
    expect((await failure(async () => await waiting)).code).toBe('ERR_EXECUTOR_CLOSED');
  });

  it('close stops a task that never gives up its thread', async () => {
    const own = new Executor({ workers: 1 });
    const spin = own.submit(() => {
      for (;;);
    });
    await sleep(100);
    await own.close();
    expect((await failure(() => spin.result())).code).toBe('ERR_EXECUTOR_CLOSED');
  });

  it('close with drain waits for the work', async () => {
    const own = new Executor({ workers: 1 });
    const future = own.submit(sleep, 60);
    const result = future.result();
    await own.close({ drain: true });
    expect(future.status).toBe('finished');
    expect(await result).toBe(60);
  });

  it('refuses work after close with ERR_EXECUTOR_CLOSED', async () => {
    const own = new Executor({ workers: 1 });
    await own.close();
    expect((await failure(async () => await own.submit(increment, 1))).code).toBe('ERR_EXECUTOR_CLOSED');
    expect((await failure(async () => await own.compute(value(1)))).code).toBe('ERR_EXECUTOR_CLOSED');
  });

  it('can be closed twice, and while it closes', async () => {
    const own = new Executor({ workers: 1 });
    await Promise.all([own.close(), own.close()]);
    await own.close();
  });

  it('is closed by its signal', async () => {
    const controller = new AbortController();
    const own = new Executor({ workers: 1, signal: controller.signal });
    const future = own.submit(sleep, 60_000);
    controller.abort();
    expect((await failure(() => future.result())).code).toBe('ERR_EXECUTOR_CLOSED');
    await own.close();
  });
});

describe('the default executor', () => {
  const where = lazy((_: string) => currentTask().worker, { pure: false });

  it('is the newest open one', async () => {
    const first = new Executor({ workers: [{ name: 'older' }] });
    const second = new Executor({ workers: [{ name: 'newer' }] });
    try {
      expect(await where('a').compute()).toBe('newer');
      expect(await compute(where('b'))).toEqual(['newer']);
      await second.close();
      expect(await where('c').compute()).toBe('older');
    } finally {
      await second.close();
      await first.close();
    }
    expect(await where('d').compute()).toMatch(/^(one|two)$/);
  });

  it('is not asked when another is named', async () => {
    await withExecutor({ workers: [{ name: 'newest' }] }, async () => {
      expect(await where('e').compute({ executor })).toMatch(/^(one|two)$/);
      const file = join(folder, 'default');
      writeFileSync(file, 'abc');
      const [block] = await readBytes(file, { executor });
      expect((await executor.whoHas([block!])).size).toBe(1);
      expect((await block)?.length).toBe(3);
    });
  });

  it('is made by the first call that needs one', async () => {
    expect(await report<unknown>([fixture('default-executor.mjs')])).toEqual([[3, { deep: [[6]] }]]);
  });
});

describe('options', () => {
  it('refuses what is wrong at the constructor', () => {
    const wrong: [unknown, RegExp][] = [
      [{ workers: 0 }, /^RangeError$/],
      [{ workers: -1 }, /^RangeError$/],
      [{ workers: 1.5 }, /^RangeError$/],
      [{ workers: 'two' }, /^TypeError$/],
      [{ memoryLimit: '12 parsecs' }, /^(RangeError|TypeError)$/],
      [{ retries: -1 }, /^RangeError$/],
      [{ cancelGrace: 'soon' }, /^(RangeError|TypeError)$/],
      [{ engine: 'steam' }, /^(RangeError|TypeError)$/],
      [{ workers: [{ name: 'same' }, { name: 'same' }] }, /Error$/],
    ];
    for (const [options, name] of wrong) {
      const error = thrown(() => new Executor(options as ExecutorOptions));
      expect(error.name).toMatch(name);
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it('refuses what an engine cannot honour', () => {
    const error = thrown(() => new Executor({ engine: 'inline', resourceLimits: { maxOldGenerationSizeMb: 64 } }));
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain('resourceLimits');
  });

  it('gives workers their environment', async () => {
    await withExecutor({ workers: 1, env: { ONLY_HERE: 'yes' } }, async (own) => {
      expect(await own.submit(lazy(() => process.env.ONLY_HERE, { pure: false }))).toBe('yes');
    });
    expect(process.env.ONLY_HERE).toBeUndefined();
  });

  it('imports the setup module once in each worker, before its first task', async () => {
    const log = join(folder, 'setup');
    await withExecutor({ workers: 2, setup: fixture('setup.mjs'), env: { ...process.env, SETUP_LOG: log } }, async (own) => {
      const flags = await own.gather(own.map((_: number) => (globalThis as { heddleSetup?: string }).heddleSetup, [1, 2, 3, 4, 5, 6]));
      expect(new Set(flags)).toEqual(new Set(['ready']));
      expect((await own.run(() => 1)).size).toBe(2);
    });
    expect(lines(log)).toHaveLength(2);
  });

  it('starts a worker for each core where nothing is said', async () => {
    await withExecutor({}, async (own) => {
      expect(await own.workers()).toHaveLength(availableParallelism());
    });
  });

  it('starts as many workers as it is told', async () => {
    await withExecutor({ workers: 3 }, async (own) => {
      expect(await own.workers()).toHaveLength(3);
      expect((await own.run(() => 1)).size).toBe(3);
    });
  });

  it('rejects with ERR_MUTATED_ARGUMENT under checkMutation', async () => {
    for (const engine of ['threads', 'inline'] as const) {
      const options: ExecutorOptions = engine === 'inline' ? { engine, checkMutation: true } : { workers: 1, checkMutation: true };
      await withExecutor(options, async (own) => {
        const reads = (list: number[]) => list.length;
        const writes = (list: number[]) => list.push(4);
        expect(await own.submit(reads, [1, 2, 3])).toBe(3);
        const list = own.submit(() => [1, 2, 3]);
        expect((await failure(async () => await own.submit(writes, list))).code).toBe('ERR_MUTATED_ARGUMENT');
        const table = own.submit(() => new Map([['a', 1]]));
        const writesMap = (map: Map<string, number>) => map.set('a', 2).size;
        expect((await failure(async () => await own.submit(writesMap, table))).code).toBe('ERR_MUTATED_ARGUMENT');
      });
    }
  });

  it('rejects with ERR_NO_WORKER after noWorkerTimeout', async () => {
    await withExecutor({ workers: 1, noWorkerTimeout: 50 }, async (own) => {
      expect((await own.run(() => 1)).size).toBe(1);
      const error = await failure(async () => await own.submit(lazy(increment, { workers: 'nobody' }), 1));
      expect(error.code).toBe('ERR_NO_WORKER');
      expect(await own.submit(increment, 2)).toBe(3);
    });
  });

  it('does not take a worker that is still starting for none', async () => {
    await withExecutor({ workers: 1, noWorkerTimeout: 1 }, async (own) => {
      expect(await own.submit(increment, 3)).toBe(4);
    });
  });

  it('lets a task that no worker may run wait, with a warning at once', async () => {
    const warnings = await report<string[]>([fixture('warnings.mjs'), 'nowhere']);
    expect(warnings.filter((text) => text.includes('stranded'))).toHaveLength(1);
    expect(warnings).toContain('status: pending');
  });
});

describe('inside a task', () => {
  it('currentTask tells key, worker, attempt and signal', async () => {
    const look = lazy((_: number) => {
      const { key, worker, attempt, signal } = currentTask();
      return { key, worker, attempt, aborted: signal.aborted };
    });
    const future = executor.compute(look(1));
    const seen = await future;
    expect(seen).toEqual({ key: future.key, worker: expect.stringMatching(/^(one|two)$/), attempt: 1, aborted: false });
  });

  it('currentTask is right after an await, beside other tasks on the same thread', async () => {
    await withExecutor({ workers: 1 }, async (own) => {
      const late = async (ms: number) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        return currentTask().key;
      };
      const futures = own.map(late, [30, 1, 20, 5]);
      expect(await own.gather(futures)).toEqual(futures.map((future) => future.key));
    });
  });

  it('currentTask is an ERR_NO_TASK outside', () => {
    expect(thrown(() => currentTask()).code).toBe('ERR_NO_TASK');
  });

  it('a task of a fused chain sees its own key', async () => {
    const mine = (before: string[]) => [...before, currentTask().key];
    const link = lazy(mine);
    const first = link([]);
    const second = link(first);
    const third = link(second);
    expect(await executor.compute(third)).toEqual([first.key, second.key, third.key]);
  });
});

describe('the inline engine', () => {
  it('runs in the thread of the caller with the same results and keys', async () => {
    const graph = (): Value<number> => lazy(add)(lazy(increment)(1), lazy(add)(lazy(increment)(1), 5));
    await withExecutor({ engine: 'inline' }, async (inline) => {
      const futures = [inline.compute(graph()), executor.compute(graph())];
      expect(futures[0]!.key).toBe(futures[1]!.key);
      expect(await Promise.all(futures)).toEqual([9, 9]);
      expect(await inline.submit(() => threadId)).toBe(threadId);
      expect(await executor.submit(() => threadId)).not.toBe(threadId);
      const error = await failure(async () => await inline.submit(() => (undefined as unknown as string).length));
      expect(error.name).toBe('TypeError');
      expect(await inline.gather(inline.map(increment, [1, 2]))).toEqual([2, 3]);
    });
  });
});

describe('compute, the function of the module', () => {
  it('gives a tuple, always', async () => {
    expect(await compute(lazy(increment)(1))).toEqual([2]);
    expect(await compute(lazy(increment)(1), 'text', lazy(add)(1, 2))).toEqual([2, 'text', 3]);
    expect(await compute()).toEqual([]);
  });

  it('replaces Values inside containers at any depth', async () => {
    const one = lazy(increment)(0);
    const [deep] = await compute({
      list: [one, { map: new Map([['k', [one]]]) }],
      set: new Set([one]),
      future: executor.submit(increment, 4),
      keep: 'x',
    });
    expect(deep).toEqual({ list: [1, { map: new Map([['k', [1]]]) }], set: new Set([1]), future: 5, keep: 'x' });
  });

  it('runs a task that two of them share once', async () => {
    const log = join(folder, 'module-shared');
    const shared = lazy(
      () => {
        appendFileSync(log, 'ran\n');
        return 2;
      },
      { pure: true },
    )();
    expect(await compute(lazy(add)(shared, 1), [lazy(add)(shared, 2)])).toEqual([3, [4]]);
    expect(lines(log)).toHaveLength(1);
  });

  it('rejects with the original error', async () => {
    const error = await failure(() =>
      compute(
        lazy(() => {
          throw new TypeError('as it was');
        })(),
      ),
    );
    expect([error.name, error.message]).toEqual(['TypeError', 'as it was']);
  });
});

describe('many tasks', () => {
  it('gives 20,000 results in order', async () => {
    const futures = executor.map(
      increment,
      Array.from({ length: 20_000 }, (_, i) => i),
    );
    const results = await executor.gather(futures);
    expect(results).toHaveLength(20_000);
    expect(results.every((result, i) => result === i + 1)).toBe(true);
  });

  it('uses every worker, however short other functions without a name were before', async () => {
    await withExecutor({ workers: [{ name: 'left' }, { name: 'right' }] }, async (own) => {
      expect((await own.run(() => 1)).size).toBe(2);
      for (let i = 0; i < 10; i++) expect(await own.submit((x: number) => x + i, i)).toBe(2 * i);
      const who = await own.gather(
        own.map(
          (_: number) => {
            for (let spin = 0; spin < 50_000_000; spin++);
            return currentTask().worker;
          },
          [1, 2, 3, 4, 5, 6, 7, 8],
        ),
      );
      expect(new Set(who)).toEqual(new Set(['left', 'right']));
    });
  });
});

describe('random graphs', () => {
  /** A task: how it runs, and which earlier ones it adds up. */
  interface Node {
    readonly kind: 'plain' | 'later' | 'nested' | 'flaky' | 'bad' | 'pinned';
    readonly dependencies: readonly number[];
  }
  const node: fc.Arbitrary<Node> = fc.record({
    kind: fc.constantFrom('plain', 'plain', 'later', 'nested', 'flaky', 'bad', 'pinned'),
    dependencies: fc.array(fc.nat(1_000), { maxLength: 4 }),
  });

  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 1);
  const later = async (numbers: number[]) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return sum(numbers);
  };
  const flaky = (numbers: number[]) => {
    if (currentTask().attempt === 1) throw new Error('only once');
    return sum(numbers);
  };
  const bad = (_: number[]): number => {
    throw new Error('bad');
  };

  it('give what a plain evaluation gives, and errors where they belong', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 40 }), async (nodes) => {
        run++;
        const values: Value<number>[] = [];
        const expected: (number | 'bad')[] = [];
        for (const [i, { kind, dependencies }] of nodes.entries()) {
          const from = i === 0 ? [] : dependencies.map((dependency) => dependency % i);
          const given = [run, ...from.map((dependency) => values[dependency]!)];
          const options = { name: `${kind}${i}` };
          const make = {
            plain: () => lazy((...numbers: number[]) => sum(numbers), options)(...given),
            later: () => lazy(later, options)(given),
            nested: () => lazy((x: { list: number[] }) => sum(x.list), options)({ list: given }),
            flaky: () => lazy(flaky, { ...options, retries: 1 })(given),
            bad: () => lazy(bad, options)(given),
            pinned: () => lazy((numbers: number[]) => sum(numbers), { ...options, workers: i % 2 === 0 ? 'one' : 'two' })(given),
          };
          values.push(make[kind]());
          const known = from.map((dependency) => expected[dependency]!);
          expected.push(kind === 'bad' || known.includes('bad') ? 'bad' : sum([run, ...(known as number[])]));
        }
        const settled = await executor.gather(executor.compute(values), { errors: 'settle', timeout: '20 s' });
        expect(settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message))).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});
