// Section 3 of the contract: "Same API, same results, same keys", and section 7, on every engine.
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asCompleted, currentTask, Executor, type ExecutorOptions, lazy, readBytes, type Value, value, wait, writeBytes } from 'heddle';
import { failure, temporaryFolder } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
const engines: [string, ExecutorOptions][] = [
  ['threads', { workers: 2, checkMutation: true }],
  ['threads with shared memory', { workers: 2, sharedMemory: true }],
  ['processes', { engine: 'processes', workers: 2 }],
  ['inline', { engine: 'inline', checkMutation: true }],
];

const keysByEngine = new Map<string, string[]>();

describe.each(engines)('on %s', (name, options) => {
  let executor: Executor;
  beforeAll(() => {
    executor = new Executor(options);
  });
  afterAll(() => executor.close());

  const increment = (x: number) => x + 1;
  const add = lazy((a: number, b: number) => a + b);

  it('a graph gives its result under its key', async () => {
    const graph = add(add(1, lazy(increment)(2)), lazy((list: number[]) => list.reduce((a, b) => a + b, 0))([value(3), add(4, 5)]));
    const future = executor.compute(graph);
    expect(future.key).toBe(graph.key);
    expect(await future).toBe(16);
    keysByEngine.set(name, [graph.key, executor.submit(increment, 1).key, executor.scatter({ a: 1 }).a.key]);
  });

  it('a word count over blocks is right', async () => {
    const place = mkdtempSync(join(folder, 'words-'));
    const words = Array.from({ length: 5_000 }, (_, i) => ['the', 'quick', 'brown', 'fox'][(i * i) % 4]!);
    writeFileSync(join(place, 'a.txt'), `${words.slice(0, 3_000).join(' ')}\n`.replaceAll('fox ', 'fox\n'));
    writeFileSync(join(place, 'b.txt'), `${words.slice(3_000).join('\n')}\n`);
    const expected = new Map<string, number>();
    for (const word of words) expected.set(word, (expected.get(word) ?? 0) + 1);
    const count = lazy(function count(bytes: Uint8Array) {
      const counts = new Map<string, number>();
      for (const word of new TextDecoder().decode(bytes).split(/\s+/)) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
      return counts;
    });
    const merge = lazy(function merge(parts: Map<string, number>[]) {
      const total = new Map<string, number>();
      for (const part of parts) for (const [word, n] of part) total.set(word, (total.get(word) ?? 0) + n);
      return total;
    });
    const blocks = await readBytes(join(place, '*.txt'), { blockSize: 1_000, delimiter: '\n', lazy: true });
    expect(blocks.length).toBeGreaterThan(10);
    const total = await executor.compute(merge(blocks.map((block) => count(block))));
    expect(new Map([...total].sort())).toEqual(new Map([...expected].sort()));
  });

  it('errors come back with name, message, fields and task', async () => {
    const future = executor.submit(function failing() {
      throw Object.assign(new RangeError('as thrown'), { limit: 3 });
    });
    const error = await failure(() => future.result());
    expect(error).toMatchObject({
      name: 'RangeError',
      message: 'as thrown',
      limit: 3,
      task: { key: future.key, name: 'failing', attempt: 1 },
    });
    expect(error.stack).toContain('engines.test.ts');
  });

  it('what was thrown and is no Error is a TaskError', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          throw 'text';
        }),
    );
    expect([error.code, error.cause]).toEqual(['ERR_TASK', 'text']);
  });

  it('class instances and functions are an ERR_UNSENDABLE', async () => {
    class Local {
      x = 1;
    }
    expect((await failure(async () => await executor.submit(() => new Local()))).code).toBe('ERR_UNSENDABLE');
    expect((await failure(async () => await executor.submit(() => () => 1))).code).toBe('ERR_UNSENDABLE');
  });

  it('what the caller does to a result does not reach the tasks', async () => {
    const made = executor.submit(() => ({ list: [1, 2, 3] }));
    const seen = await made;
    seen.list.push(4);
    expect(await executor.submit((x: { list: number[] }) => x.list.length, made)).toBe(3);
  });

  it('what the caller does to an argument after the call does not reach the task', async () => {
    const list = [1, 2, 3];
    const future = executor.submit((x: number[]) => x.length, list);
    list.push(4);
    expect(await future).toBe(3);
  });

  it('tasks see themselves and try again', async () => {
    const second = lazy(
      () => {
        const { attempt, key } = currentTask();
        if (attempt === 1) throw new Error('once more');
        return [attempt, key];
      },
      { retries: 1 },
    );
    const future = executor.compute(second());
    expect(await future).toEqual([2, future.key]);
  });

  it('gather, wait and asCompleted work', async () => {
    const futures = executor.map(increment, [1, 2, 3]);
    expect((await wait(futures)).done).toHaveLength(3);
    const keys = new Set<string>();
    for await (const future of asCompleted(futures)) keys.add(future.key);
    expect(keys.size).toBe(3);
    expect(await executor.gather({ futures })).toEqual({ futures: [2, 3, 4] });
  });

  it('parts are written', async () => {
    const place = mkdtempSync(join(folder, 'out-'));
    const futures = await writeBytes(`${place}/`, [new Uint8Array([65]), lazy(() => new Uint8Array([66, 67]))()], { executor });
    expect(await Promise.all(futures)).toEqual([1, 2]);
    expect(
      readdirSync(place)
        .sort()
        .map((file) => readFileSync(join(place, file), 'utf8')),
    ).toEqual(['A', 'BC']);
  });

  it('a long chain and a wide tree are computed', async () => {
    let chain: Value<number> = value(0);
    for (let i = 0; i < 3_000; i++) chain = add(chain, 1);
    const wide = lazy((list: number[]) => list.length)(Array.from({ length: 1_000 }, (_, i) => add(i, 1)));
    expect(await Promise.all([executor.compute(chain), executor.compute(wide)])).toEqual([3_000, 1_000]);
  });

  it('cancel and close give their codes', async () => {
    const own = new Executor(options);
    const endless = async () => {
      await new Promise((resolve) => setTimeout(resolve, 3_600_000).unref());
    };
    const [cancelled, dropped] = [own.submit(lazy(endless, { pure: false })), own.submit(lazy(endless, { pure: false }))];
    await own.cancel(cancelled, { force: true });
    expect((await failure(() => cancelled.result())).code).toBe('ERR_CANCELLED');
    await own.close();
    expect((await failure(() => dropped.result())).code).toBe('ERR_EXECUTOR_CLOSED');
  });
});

it('keys are the same on every engine', () => {
  expect(keysByEngine.size).toBe(engines.length);
  expect(new Set([...keysByEngine.values()].map((keys) => keys.join())).size).toBe(1);
});
