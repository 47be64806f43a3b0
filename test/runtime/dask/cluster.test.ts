/** What a real cluster adds: places, other clients, code that has to travel, amounts. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { currentTask, Executor, lazy, readBytes, registerStorage, type Storage } from 'heddle';
import { rejection, runCounter } from '../../conformance/engine-tools.ts';
import { DaskCluster, daskPythonOrReason, daskVersions, processesWith, until } from '../../services/dask.ts';

const version = daskVersions.newest;
const { python, reason } = await daskPythonOrReason(version);
const suite = python === undefined ? describe.skip : describe;
const run = promisify(execFile);
const example = fileURLToPath(new URL('../../../examples/word-count.mjs', import.meta.url));

const where = (): string => currentTask().worker;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

suite(`a cluster${reason === undefined ? '' : ` (${reason})`}`, () => {
  let cluster: DaskCluster;
  let executor: Executor;
  const open = (options: object = {}): Executor => new Executor(cluster.address as 'tcp://', { python, ...options });
  beforeAll(async () => {
    cluster = await DaskCluster.start(version, { workers: [{ resources: 'gpu=1', env: { HEDDLE_TEST_SECRET: 'x' } }, {}] });
    executor = open();
  }, 120_000);
  afterAll(async () => {
    await executor?.close();
    expect(await cluster?.stop()).toEqual([]); // all of it ends when it is asked to
    expect(await processesWith(cluster.folder)).toEqual([]);
  }, 60_000);

  it('gives the keys and results of threads', async () => {
    const threads = new Executor({ workers: 1 });
    try {
      const graph = lazy((parts: number[][]) => parts.flat().length)(upTo(5).map((i) => lazy((n: number) => upTo(n))(i)));
      const [here, there] = [threads.compute(graph), executor.compute(graph)];
      expect(there.key).toBe(here.key);
      expect(await there).toBe(await here);
    } finally {
      await threads.close();
    }
  });

  it('gives the demo the answer and keys that threads give', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-demo-'));
    try {
      for (const i of upTo(30)) writeFileSync(join(folder, `${i}.log`), 'many words are few words said often\n'.repeat(20 + i));
      const demo = async (...options: readonly string[]): Promise<string> => {
        const { stdout } = await run(process.execPath, [example, join(folder, '*.log'), '--keys', ...options], {
          cwd: folder,
          timeout: 60_000,
        });
        return stdout.slice(stdout.indexOf('most frequent'));
      };
      const there = await demo(`--scheduler=${cluster.address}`, `--python=${python}`);
      expect(there).toContain('words');
      expect(there).toBe(await demo());
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 120_000);

  it('runs tasks where they are told to: by name, by host, by address, by resources', async () => {
    const [first] = await executor.workers();
    expect(first!.host).toMatch(/^127\.0\.0\.[23]$/);
    for (const [workers, name] of [
      ['w3', 'w3'],
      ['127.0.0.2', 'w2'],
      [['w2', 'nobody'], 'w2'],
    ] as const)
      expect(await executor.submit(lazy(where, { workers, pure: false }))).toBe(name);
    expect(await executor.submit(lazy(where, { resources: { gpu: 1 }, pure: false }))).toBe('w2');
    expect(await executor.submit(lazy(where, { workers: 'nobody', allowOtherWorkers: true, pure: false }))).toMatch(/^w[23]$/);
    const named = await executor.run(() => 7, { workers: 'w3' });
    expect([...named]).toEqual([['w3', 7]]);
    const held = executor.scatter(new Uint8Array(10), { workers: 'w3' });
    await held;
    expect((await executor.whoHas([held])).get(held.key)).toEqual(['w3']);
    const everywhere = executor.scatter(new Uint8Array(11), { broadcast: true });
    await everywhere;
    expect((await executor.whoHas([everywhere])).get(everywhere.key)!.sort()).toEqual(['w2', 'w3']);
  });

  it('fails a task that no worker may run, after the time it is given', async () => {
    const impatient = open({ noWorkerTimeout: 200 });
    try {
      const error = await rejection(impatient.submit(lazy(where, { resources: { tpu: 1 }, pure: false })));
      expect(error.code).toBe('ERR_NO_WORKER');
      expect(error.message).toContain('tpu');
    } finally {
      await impatient.close();
    }
  });

  it('runs tasks of higher priority first', async () => {
    const runs = runCounter();
    try {
      const note = async (path: string, text: string): Promise<void> => {
        const { appendFileSync } = await import('node:fs');
        appendFileSync(path, `${text}\n`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      };
      const one = { resources: { gpu: 1 }, pure: false };
      const low = upTo(6).map(() => lazy(note, { ...one, priority: -1 })(runs.path, 'low'));
      const high = upTo(6).map(() => lazy(note, { ...one, priority: 5 })(runs.path, 'high'));
      await executor.gather(executor.compute([...low, ...high]));
      expect(runs.lines().slice(-4)).toEqual(['low', 'low', 'low', 'low']);
    } finally {
      runs.remove();
    }
  });

  it('reads blocks where they lie, and elsewhere when no worker is there', async () => {
    const { storage } = (await import('../../fixtures/dask/placed-storage.mjs' as string)) as { storage: Storage };
    registerStorage(storage);
    const text = lazy((bytes: Uint8Array) => new TextDecoder().decode(bytes).trim());
    const readers = async (host: string): Promise<string[]> => {
      const names: string[] = [];
      // one after the other, so that workers are free: from a busy one, Dask lets an idle one steal
      for (const block of await readBytes(`placed://there/${host}/10`, { lazy: true, executor }))
        names.push(await executor.compute(text(block)));
      return names;
    };
    expect(new Set(await readers('127.0.0.2'))).toEqual(new Set(['w2']));
    expect(new Set(await readers('127.0.0.3'))).toEqual(new Set(['w3']));
    const together = await readBytes(['placed://there/127.0.0.2/30', 'placed://there/127.0.0.3/30'], { lazy: true, executor });
    expect((await executor.gather(executor.compute(together.map((block) => text(block))))).length).toBe(60);
    expect((await readers('nowhere.example')).every((name) => /^w[23]$/.test(name))).toBe(true);
  });

  it('stops a task that spins, and goes on with its thread', async () => {
    const quick = open({ cancelGrace: 50 });
    const runs = runCounter();
    try {
      const spin = async (path: string): Promise<void> => {
        const { appendFileSync } = await import('node:fs');
        appendFileSync(path, 'spinning\n');
        for (;;);
      };
      const stuck = upTo(4).map((i) => quick.submit(lazy(spin, { pure: false }), runs.path + (i < 0 ? i : '')));
      await until(() => runs.count() === 4, 'all threads spin');
      await quick.cancel(stuck);
      for (const one of stuck) expect((await rejection(one)).code).toBe('ERR_CANCELLED');
      expect(await quick.gather(quick.map((n: number) => n + 1, upTo(10)))).toEqual(upTo(11).slice(1));
    } finally {
      await quick.close();
      runs.remove();
    }
  });

  it('runs ten thousand tasks', async () => {
    const results = await executor.gather(executor.map((n: number) => n * 2, upTo(10_000)));
    expect(results.reduce((a, b) => a + b, 0)).toBe(9999 * 10_000);
  }, 120_000);

  it('reduces many blocks of bytes that never come to the client', async () => {
    const megabytes = Number(process.env.HEDDLE_TEST_MEGABYTES ?? 128);
    const block = lazy(function block(i: number): Uint8Array {
      return new Uint8Array(4 << 20).fill(i % 251);
    });
    const join = lazy(function join(a: Uint8Array, b: Uint8Array): Uint8Array {
      return a.map((byte, i) => (byte + b[i]!) % 251);
    });
    let level = upTo(megabytes / 4).map((i) => block(i));
    while (level.length > 1) level = upTo(level.length / 2).map((i) => join(level[2 * i]!, level[2 * i + 1]!));
    const first = lazy((bytes: Uint8Array) => [bytes.length, bytes[0], bytes.at(-1)])(level[0]!);
    const expected = upTo(megabytes / 4).reduce((a, b) => (a + (b % 251)) % 251, 0);
    expect(await executor.compute(first)).toEqual([4 << 20, expected, expected]);
  }, 600_000);

  it('serves two clients at once, which need not agree on keys', async () => {
    const other = open();
    try {
      const mine = executor.submit(
        lazy((n: number) => n + 1, { key: 'same' }),
        1,
      );
      const theirs = other.submit(
        lazy((n: number) => n * 100, { key: 'same' }),
        1,
      );
      expect([await mine, await theirs]).toEqual([2, 100]);
      const shared = (n: number): number => n * 7;
      const [a, b] = [executor.map(shared, upTo(50)), other.map(shared, upTo(50))];
      await other.cancel(b);
      expect(await executor.gather(a)).toEqual(upTo(50).map((n) => n * 7));
    } finally {
      await other.close();
    }
    expect(await executor.submit((n: number) => n - 1, 8)).toBe(7);
  });

  it('leaves a Python client on the same scheduler alone', async () => {
    const script =
      'import sys; from distributed import Client; c = Client(sys.argv[1]); print(sum(c.gather(c.map(lambda x: x * 2, range(200)))))';
    const [{ stdout }, results] = await Promise.all([
      run(python!, ['-c', script, cluster.address], { timeout: 60_000 }),
      executor.gather(executor.map((n: number) => n + 0.5, upTo(200))),
    ]);
    expect(stdout.trim()).toBe('39800');
    expect(results.length).toBe(200);
    await executor.restart();
    expect(await executor.submit((n: number) => n + 2, 8)).toBe(10);
    expect((await run(python!, ['-c', script, cluster.address], { timeout: 60_000 })).stdout.trim()).toBe('39800');
  }, 120_000);

  it("takes the user's own files along where a worker has not got them", async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-own-'));
    writeFileSync(join(folder, 'deep.mjs'), 'export const factor = 6;\n');
    writeFileSync(
      join(folder, 'lib.mjs'),
      "import { factor } from './deep.mjs';\nexport const times = (n) => n * factor;\nexport class Odd extends Error {}\n",
    );
    const { times } = (await import(pathToFileURL(join(folder, 'lib.mjs')).href)) as { times: (n: number) => number };
    const future = executor.submit((n: number) => times(n), 7); // its files are read now
    const last = executor.submit(lazy(times), 2);
    await new Promise((resolve) => setImmediate(resolve));
    rmSync(folder, { recursive: true });
    expect([await future, await last]).toEqual([42, 12]);
  });

  it('says which package a worker lacks', async () => {
    const error = await rejection(executor.submit(async () => (await import('no-such-package-here' as string)).default));
    expect(error.message).toContain('no-such-package-here');
  });

  it('keeps credentials and the environment of the client out of graphs', async () => {
    process.env.HEDDLE_CLIENT_SECRET = 'hush-hush-7431';
    await executor.submit((n: number) => n, 99);
    expect(cluster.scheduler.log() + [...cluster.workers.values()].map((worker) => worker.log()).join('')).not.toContain('hush-hush-7431');
    expect([...(await executor.run(() => process.env.HEDDLE_CLIENT_SECRET ?? 'unset')).values()]).toEqual(['unset', 'unset']);
  });

  it('refuses data that cannot leave this machine', async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(8));
    expect((await rejection(executor.submit((bytes: Uint8Array) => bytes.length, shared))).code).toBe('ERR_UNSENDABLE');
    expect(
      (
        await rejection(
          executor.submit(
            lazy((n: number) => n, { concurrency: 1 }),
            1,
          ),
        )
      ).code,
    ).toBe('ERR_UNSUPPORTED');
  });

  it('draws results from tasks that submit tasks on several workers', async () => {
    const tree = async (depth: number): Promise<number> => {
      const grow = async (left: number): Promise<number> => {
        if (left === 0) return 1;
        const { submit } = currentTask();
        return (await submit(grow, left - 1)) + (await submit(lazy(grow, { pure: false }), left - 1));
      };
      return grow(depth);
    };
    expect(await executor.submit(tree, 4)).toBe(16);
  }, 60_000);
});
