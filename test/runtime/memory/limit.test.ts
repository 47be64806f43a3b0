import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Executor, type ExecutorOptions, lazy, type Value } from 'heddle';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'heddle-test-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const executors: Executor[] = [];
const folders: string[] = [];
let count = 0;
const freshFolder = (): string => {
  const folder = join(root, String(count++));
  mkdirSync(folder);
  folders.push(folder);
  return folder;
};
const open = (options: ExecutorOptions = {}): [Executor, string] => {
  const spillDirectory = options.spillDirectory ?? freshFolder();
  const executor = new Executor({ workers: 2, memoryLimit: '8 MiB', ...options, spillDirectory });
  executors.push(executor);
  return [executor, spillDirectory];
};
afterEach(async () => {
  await Promise.all(executors.splice(0).map((executor) => executor.close()));
  for (const folder of folders.splice(0)) expect(readdirSync(folder)).toEqual([]);
});

const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
const until = async (isTrue: () => boolean | Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it did not become true');
};
const mib = 2 ** 20;
const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

const make = lazy((i: number) => new Uint8Array(2 ** 20).fill(i));
const records = lazy((i: number) => Array.from({ length: 4000 }, (_, n) => ({ id: n, name: `record ${i} ${n}`, half: n / 2 })));
const ends = lazy((parts: readonly Uint8Array[]) => parts.map((part) => part[0]! + part[part.length - 1]!));

describe.each(['threads', 'processes', 'inline'] as const)('a memory limit on %s', (engine) => {
  const options: ExecutorOptions = engine === 'inline' ? { engine, workers: undefined } : { engine };

  it('lets a data set of four times its size be computed, held, used and fetched', async () => {
    const [executor, folder] = open(options);
    let most = 0;
    const watch = setInterval(async () => {
      const inMemory = (await executor.workers()).reduce((sum, { nbytes, spilled }) => sum + nbytes - spilled, 0);
      most = Math.max(most, inMemory);
    }, 2);
    const values = numbers(32).map((i) => make(i));
    const futures = executor.compute(values);
    await Promise.all(futures.map((future) => future.exception()));
    expect(files(folder).length).toBeGreaterThan(20);
    const workers = await executor.workers();
    const [nbytes, spilled] = workers.reduce(([n, s], worker) => [n + worker.nbytes, s + worker.spilled], [0, 0]);
    expect(nbytes).toBeGreaterThan(32 * mib);
    expect(nbytes - spilled).toBeLessThanOrEqual(0.7 * 8 * mib);
    expect([...(await executor.whoHas()).keys()].length).toBe(32); // spilled is not forgotten
    // across the workers, so that spilled results travel between them
    const sums = executor.compute(numbers(8).map((i) => ends([values[i]!, values[i + 8]!, values[i + 16]!, values[i + 24]!])));
    expect(await executor.gather(sums)).toEqual(numbers(8).map((i) => [2 * i, 2 * i + 16, 2 * i + 32, 2 * i + 48]));
    const fetched = await executor.gather(futures);
    expect(fetched.map((bytes) => [bytes.length, bytes[77]])).toEqual(numbers(32).map((i) => [mib, i]));
    clearInterval(watch);
    expect(most).toBeLessThan((0.7 * 8 + 2 * 4 + 1) * mib); // the four inputs of the task that each worker has in hand come on top of what is held
  });

  it('spills records and texts as it does bytes', async () => {
    const [executor, folder] = open({ ...options, memoryLimit: '2 MiB' });
    const futures = executor.compute(numbers(12).map((i) => records(i)));
    await Promise.all(futures.map((future) => future.exception()));
    expect(files(folder).length).toBeGreaterThan(5);
    const count = lazy((lists: readonly (readonly { name: string }[])[]) => lists.map((list) => list.at(-1)!.name));
    expect(await executor.compute(count(numbers(12).map((i) => records(i))))).toEqual(numbers(12).map((i) => `record ${i} 3999`));
  });

  it('removes files as their keys are released, and all at restart', async () => {
    const [executor, folder] = open(options);
    const futures = executor.compute(numbers(24).map((i) => make(i)));
    await Promise.all(futures.map((future) => future.exception()));
    const before = files(folder).length;
    for (const future of futures.slice(0, 12)) future.release();
    await until(() => files(folder).length < before);
    for (const future of futures.slice(12)) future.release();
    await until(() => files(folder).length === 0);
    const again = executor.compute(numbers(24).map((i) => make(i)));
    await Promise.all(again.map((future) => future.exception()));
    expect(files(folder).length).toBeGreaterThan(0);
    await executor.restart();
    await until(() => files(folder).length === 0);
    expect((await executor.compute(make(9)))[5]).toBe(9);
  });

  it('makes a result again whose file was taken away', async () => {
    const [executor, folder] = open(options);
    const values = numbers(24).map((i) => make(i));
    const futures = executor.compute(values);
    await Promise.all(futures.map((future) => future.exception()));
    let lost = 0;
    executor.on('task', ({ from, to }) => (lost += from === 'memory' && to === 'released' ? 1 : 0));
    // a worker may still be writing there, as it was asked to a moment ago
    for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true, maxRetries: 20 });
    expect((await executor.gather(futures)).map((bytes) => bytes[3])).toEqual(numbers(24));
    expect(lost).toBeGreaterThan(0);
    expect(await executor.compute(ends(values))).toEqual(numbers(24).map((i) => 2 * i));
  });

  it('lets what cannot be spilled stay, and goes on above the limit', async () => {
    const [executor] = open({ ...options, memoryLimit: '4 MiB' });
    const box = lazy((i: number) => {
      class Box {
        readonly bytes = new Uint8Array(2 ** 20).fill(i);
      }
      return new Box();
    });
    const open1 = lazy((it: { bytes: Uint8Array }) => it.bytes[9]!);
    const boxes = numbers(12).map((i) => box(i));
    const held = executor.compute(boxes);
    await Promise.all(held.map((future) => future.exception()));
    expect(await executor.gather(executor.compute(boxes.map((one) => open1(one))))).toEqual(numbers(12));
    for (const future of held) future.release();
  });

  it('cancels what has spilled inputs, and is as it was', async () => {
    const [executor] = open(options);
    const values = numbers(24).map((i) => make(i));
    const futures = executor.compute(values);
    await Promise.all(futures.map((future) => future.exception()));
    const slow = lazy(async (parts: readonly Uint8Array[]) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return parts.length;
    });
    const doomed = executor.compute(slow(values));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await doomed.cancel({ force: true });
    await expect(doomed.result()).rejects.toMatchObject({ code: 'ERR_CANCELLED' });
    expect((await executor.gather(futures)).map((bytes) => bytes[3])).toEqual(numbers(24));
  });
});

describe('a memory limit', () => {
  it('gives random graphs the same results as without one', async () => {
    const combine = lazy((seed: number, parts: readonly Float64Array[]) => {
      const sum = new Float64Array(3000);
      for (const part of parts) for (let i = 0; i < sum.length; i++) sum[i]! += part[i]! * 0.5;
      for (let i = 0; i < sum.length; i++) sum[i]! += (seed * 31 + i) % 101;
      return sum;
    });
    const [executor] = open({ memoryLimit: '100 KiB' });
    const node = fc.record({ seed: fc.nat(1000), inputs: fc.array(fc.nat(1000), { maxLength: 4 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(node, { minLength: 1, maxLength: 40 }), async (nodes) => {
        const values: Value<Float64Array>[] = [];
        const expected: Float64Array[] = [];
        for (const { seed, inputs } of nodes) {
          const from = values.length === 0 ? [] : inputs.map((input) => input % values.length);
          values.push(
            combine(
              seed,
              from.map((at) => values[at]!),
            ),
          );
          expected.push(
            plain(
              seed,
              from.map((at) => expected[at]!),
            ),
          );
        }
        const held = executor.compute(values.filter((_, i) => i % 3 === 0));
        const all = executor.compute(values);
        expect(await executor.gather(all)).toEqual(expected);
        for (const future of [...held, ...all]) future.release();
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  it('loses with a worker that dies only what can be made again, and its files', async () => {
    const [executor, folder] = open();
    const on = [make.with({ workers: 'worker-0' }), make.with({ workers: 'worker-1' })] as const;
    const values = numbers(24).map((i) => on[i % 2]!(i));
    const futures = executor.compute(values);
    await Promise.all(futures.map((future) => future.exception()));
    const lives = (): string[] => readdirSync(join(folder, readdirSync(folder)[0]!));
    const before = lives();
    expect(before.length).toBe(2);
    await expect(
      executor
        .run(() => void setImmediate(() => (process as unknown as { reallyExit(code: number): void }).reallyExit(1)), {
          workers: 'worker-0',
        })
        .then(() => executor.drain()),
    ).resolves.toBeUndefined();
    await until(async () => before.some((name) => !lives().includes(name)));
    expect((await executor.gather(futures)).map((bytes) => bytes[3])).toEqual(numbers(24));
  });

  it('spills scattered data, broadcast too', async () => {
    const [executor, folder] = open();
    const scattered = executor.scatter(
      numbers(16).map((i) => new Uint8Array(mib).fill(i)),
      { broadcast: true },
    );
    await until(() => files(folder).length > 8);
    expect((await executor.gather(scattered)).map((bytes) => bytes[1])).toEqual(numbers(16));
    const first = lazy((bytes: Uint8Array) => bytes[0]!);
    expect(await executor.gather(scattered.map((future) => executor.submit(first, future as never)))).toEqual(numbers(16));
  });

  it('keeps shared memory that tasks speak through in memory, and spills what heddle shares', async () => {
    const [executor, folder] = open({ sharedMemory: true });
    const cells = lazy((i: number) => new Int32Array(new SharedArrayBuffer(2 ** 20)).fill(i));
    const futures = executor.compute(numbers(6).map((i) => cells(i)));
    await Promise.all(futures.map((future) => future.exception()));
    expect(files(folder)).toEqual([]);
    const bump = lazy((shared: Int32Array) => Atomics.add(shared, 0, 100));
    await executor.gather(executor.compute(numbers(6).map((i) => bump(cells(i)))));
    expect((await executor.gather(futures)).map((shared) => shared[0])).toEqual(numbers(6).map((i) => i + 100));
    for (const future of futures) future.release();
    const blocks = executor.compute(numbers(16).map((i) => make(i)));
    await Promise.all(blocks.map((future) => future.exception()));
    expect(files(folder).length).toBeGreaterThan(5);
    const fetched = await executor.gather(blocks);
    expect(fetched.map((bytes) => [bytes[3], Object.prototype.toString.call(bytes.buffer)])).toEqual(
      numbers(16).map((i) => [i, '[object SharedArrayBuffer]']),
    );
  });

  it('pauses a worker that holds too much of what cannot be spilled, and says so', async () => {
    const [executor] = open({ memoryLimit: '4 MiB' });
    const changes: string[] = [];
    executor.on('worker', ({ change }) => changes.push(change));
    const box = lazy((i: number) => ({ i, bytes: new Uint8Array(2 ** 20), run: () => i }));
    const futures = executor.compute(numbers(8).map((i) => box(i)));
    await Promise.all(futures.map((future) => future.exception()));
    expect(changes).toContain('paused');
    for (const future of futures) future.release();
    const after = executor.compute(numbers(4).map((i) => make(i)));
    expect((await executor.gather(after)).map((bytes) => bytes[0])).toEqual(numbers(4));
    await until(async () => (await executor.workers()).every(({ status }) => status === 'running'));
    expect(changes).toContain('resumed');
  });

  it('holds up no task that waits for tasks of its own', async () => {
    const [executor] = open({ memoryLimit: '4 MiB' });
    const box = lazy((i: number) => ({ i, bytes: new Uint8Array(2 ** 20), run: () => i }));
    const held = executor.compute(numbers(8).map((i) => box(i)));
    await Promise.all(held.map((future) => future.exception()));
    await until(async () => (await executor.workers()).some(({ status }) => status === 'paused'));
    const parent = async (n: number): Promise<number> => {
      const { currentTask } = await import('heddle');
      const { submit } = currentTask();
      const parts = await Promise.all([1, 2, 3].map((i) => submit((x: number) => x + 1, n + i)));
      return parts.reduce((sum, part) => sum + part, 0);
    };
    expect(await executor.gather(numbers(4).map((n) => executor.submit(parent, 10 * n)))).toEqual(numbers(4).map((n) => 30 * n + 9));
    for (const future of held) future.release();
  });

  it('replaces a worker that grows by other things than results, and makes its results again', async () => {
    const [executor] = open({ workers: 1, memoryLimit: '64 MiB' });
    const warnings: string[] = [];
    let left = 0;
    executor.on('warning', ({ code }) => warnings.push(code));
    executor.on('worker', ({ change }) => (left += change === 'left' ? 1 : 0));
    const leak = lazy(async (i: number) => {
      const kept = ((globalThis as { kept?: unknown[] }).kept ??= []);
      kept.push(new Uint8Array(8 * 2 ** 20).fill(1));
      await new Promise((resolve) => setTimeout(resolve, 60));
      return i;
    });
    const futures = executor.compute(numbers(40).map((i) => leak(i)));
    expect(await executor.gather(futures)).toEqual(numbers(40));
    expect(left).toBeGreaterThan(0);
    expect(warnings).toContain('HEDDLE_MEMORY');
  }, 60_000);

  it('takes sizes with units, and refuses what is none', () => {
    expect(() => new Executor({ memoryLimit: '12 parsecs' as never })).toThrow(TypeError);
    expect(() => new Executor({ memoryLimit: 0 })).toThrow(RangeError);
    expect(() => new Executor({ spillDirectory: 7 as never })).toThrow(TypeError);
    expect(() => new Executor({ spillDirectory: '' })).toThrow(TypeError);
  });
});

function plain(seed: number, parts: readonly Float64Array[]): Float64Array {
  const sum = new Float64Array(3000);
  for (const part of parts) for (let i = 0; i < sum.length; i++) sum[i]! += part[i]! * 0.5;
  for (let i = 0; i < sum.length; i++) sum[i]! += (seed * 31 + i) % 101;
  return sum;
}

describe('what a process leaves behind', () => {
  const program = fileURLToPath(new URL('../../fixtures/memory/crashes.mjs', import.meta.url));
  const start = async (folder: string, how: string): Promise<ChildProcess> => {
    const child = spawn(process.execPath, ['--no-warnings', program, folder, how], { stdio: ['ignore', 'pipe', 'inherit'] });
    const deadline = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.once('exit', () => clearTimeout(deadline));
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    return child;
  };
  const end = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.once('exit', resolve));

  it('is removed at the next start once it was killed, and never while it lives', async () => {
    const folder = freshFolder();
    const child = await start(folder, 'waits');
    const [left] = readdirSync(folder) as [string];
    expect(files(folder).length).toBeGreaterThan(3);
    const [first] = open({ spillDirectory: folder });
    await first.close();
    expect(readdirSync(folder)).toEqual([left]);
    const ended = end(child);
    child.kill('SIGKILL');
    await ended;
    expect(existsSync(join(folder, left))).toBe(true);
    open({ spillDirectory: folder });
    await until(() => !existsSync(join(folder, left)));
  });

  it('is nothing after process.exit()', async () => {
    const folder = freshFolder();
    const child = await start(folder, 'exits');
    if (child.exitCode === null) await end(child);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a full disk', () => {
  const folder = join(tmpdir(), `heddle-test-full-${process.pid}`);
  const mount = (): void => {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'pipe' });
  };
  const unmount = (): void => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  };
  let trouble = '';
  try {
    mount();
    unmount();
  } catch (error) {
    trouble = String(error).split('\n')[0]!;
    rmSync(folder, { recursive: true, force: true });
    console.warn(`skipped: no small disk can be mounted here (${trouble})`);
  }
  if (trouble === '') {
    beforeAll(mount);
    afterAll(unmount);
  }

  (trouble === '' ? it : it.skip)('is a warning and a clear error, and loses nothing that fits', async () => {
    const [executor] = open({ memoryLimit: '8 MiB', spillDirectory: folder });
    const warnings: { code: string; message: string }[] = [];
    executor.on('warning', (warning) => warnings.push(warning));
    const futures = executor.compute(numbers(30).map((i) => make(i)));
    const settled = await executor.gather(futures, { errors: 'settle' });
    const kept = settled.filter(({ status }) => status === 'fulfilled').length;
    expect(kept).toBeGreaterThanOrEqual(8); // some 8 in memory, 2 on the disk
    expect(kept).toBeLessThanOrEqual(13);
    for (const [i, one] of settled.entries()) {
      if (one.status === 'fulfilled') expect([one.value[0], one.value.length]).toEqual([i, mib]);
      else expect(one.reason).toMatchObject({ code: 'ERR_SPILL', message: expect.stringContaining('ENOSPC') });
    }
    expect(warnings.filter(({ code }) => code === 'HEDDLE_SPILL').length).toBe(1);
    // room again: the same work is done
    for (const future of futures) future.release();
    const again = executor.compute(numbers(8).map((i) => make(i)));
    expect((await executor.gather(again)).map((bytes) => bytes[0])).toEqual(numbers(8));
  });
});
