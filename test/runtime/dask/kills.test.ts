/** Deaths on a real cluster, in the middle of work: the right answer, or the right error, and nothing left behind. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Executor, lazy } from 'heddle';
import { rejection, runCounter } from '../../conformance/engine-tools.ts';
import { DaskCluster, daskPythonOrReason, daskVersions, processesWith, until } from '../../services/dask.ts';

const version = daskVersions.newest;
const { python, reason } = await daskPythonOrReason(version);
const suite = python === undefined ? describe.skip : describe;
const children = fileURLToPath(new URL('../../fixtures/dask/client.mjs', import.meta.url));

const slowly = async (ms: number, n: number): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return n;
};
const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** A reduction that takes a while. */
const work = (n: number, ms: number): ReturnType<typeof total> => total(upTo(n).map((i) => lazy(slowly)(ms, i)));
const total = lazy(sum);

suite(`deaths on a cluster${reason === undefined ? '' : ` (${reason})`}`, () => {
  let cluster: DaskCluster;
  let executor: Executor;
  const open = (options: object = {}): Executor => new Executor(cluster.address as 'tcp://', { python, timeout: '5 s', ...options });

  beforeEach(async () => {
    cluster = await DaskCluster.start(version);
    executor = open();
  }, 60_000);
  afterEach(async () => {
    await executor.close();
    expect(await cluster.stop()).toEqual([]);
    expect(existsSync(cluster.folder)).toBe(false);
    expect(await processesWith(cluster.folder)).toEqual([]);
    expect(await processesWith('bridge.py', cluster.address)).toEqual([]);
  }, 60_000);

  it('gives the right answer when a Node process dies in mid-run, and it starts again', async () => {
    const future = executor.compute(work(40, 100));
    await until(async () => (await cluster.sidecars()).length === 2, 'both workers have a Node process');
    const [first] = await cluster.sidecars();
    process.kill(first!, 'SIGKILL');
    expect(await future).toBe(sum(upTo(40)));
    await until(async () => (await cluster.sidecars()).length === 2, 'the dead one has a successor');
  }, 60_000);

  it('fails a task that ends its Node process more often than allowed, and no other', async () => {
    await executor.close();
    executor = open({ allowedFailures: 1 });
    const others = executor.map(slowly, new Array<number>(10).fill(50), upTo(10));
    const poison = executor.submit(function poison() {
      process.kill(process.pid, 'SIGKILL');
    });
    const error = await rejection(poison);
    expect([error.name, error.code]).toEqual(['KilledWorkerError', 'ERR_KILLED_WORKER']);
    expect(error.message).toContain('2 times');
    expect((error.task as { key: string }).key).toBe(poison.key);
    expect(await executor.gather(others)).toEqual(upTo(10));
  }, 60_000);

  it('gives the right answer when a worker is killed in mid-run, and ends its Node process with it', async () => {
    const future = executor.compute(work(40, 100));
    await until(async () => (await cluster.sidecars()).length === 2, 'both workers run');
    const worker = cluster.workers.get('w3')!;
    worker.child.kill('SIGKILL');
    await worker.ended;
    await until(async () => (await cluster.sidecars()).length === 1, 'its Node process is gone');
    expect(await future).toBe(sum(upTo(40)));
  }, 60_000);

  it('makes results again that were lost with a worker', async () => {
    const parts = upTo(10).map((i) => executor.submit(slowly, 20, i));
    expect(await executor.gather(parts)).toEqual(upTo(10));
    cluster.workers.get('w2')!.child.kill('SIGKILL');
    expect(await executor.submit(total, parts)).toBe(45);
  }, 60_000);

  it('says that scattered data is lost with the only worker that held it', async () => {
    const data = executor.scatter(new Uint8Array(100_000), { workers: 'w2' });
    expect(await executor.submit((bytes: Uint8Array) => bytes.length, data)).toBe(100_000);
    cluster.workers.get('w2')!.child.kill('SIGKILL');
    await until(() => data.status === 'lost', 'the loss is known');
    expect((await rejection(executor.submit((bytes: Uint8Array) => bytes[0], data))).code).toMatch(/ERR_LOST|ERR_CANCELLED/);
  }, 60_000);

  it('fails what is unfinished, and what comes after, when the scheduler dies', async () => {
    const future = executor.compute(work(20, 500));
    await until(async () => (await cluster.sidecars()).length === 2, 'it has begun');
    cluster.scheduler.child.kill('SIGKILL');
    const error = await rejection(future);
    expect(error.code).toBe('ERR_CLUSTER');
    expect(error.message).toContain(cluster.address);
    expect((await rejection(executor.submit(slowly, 1, 1))).code).toBe('ERR_CLUSTER');
  }, 60_000);

  it('fails within its time limit when the scheduler hangs', async () => {
    expect(await executor.submit(slowly, 1, 1)).toBe(1);
    process.kill(cluster.scheduler.child.pid!, 'SIGSTOP');
    try {
      const error = await rejection(executor.submit(slowly, 1, 2));
      expect(error.code).toBe('ERR_CLUSTER');
      await executor.close();
    } finally {
      process.kill(cluster.scheduler.child.pid!, 'SIGCONT');
    }
  }, 60_000);

  it('fails what is unfinished when its bridge dies', async () => {
    const future = executor.compute(work(20, 500));
    await until(async () => (await cluster.sidecars()).length === 2, 'it has begun');
    const [bridge] = await processesWith('bridge.py', cluster.address);
    process.kill(bridge!, 'SIGKILL');
    const error = await rejection(future);
    expect(error.code).toBe('ERR_CLUSTER');
    expect(error.message).toContain('SIGKILL');
  }, 60_000);

  it('ends the bridge of a client that was killed, and its tasks, and leaves other clients alone', async () => {
    const other = spawn(process.execPath, [children, cluster.address, cluster.python], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    other.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await until(() => said.includes('begun'), 'the other client has begun');
    const mine = executor.compute(work(20, 50));
    other.kill('SIGKILL');
    expect(await mine).toBe(sum(upTo(20)));
    await until(async () => (await processesWith('bridge.py', cluster.address)).length === 1, 'only our bridge is left');
    await until(async () => [...(await executor.processing()).values()].flat().length === 0, 'its tasks have stopped');
  }, 60_000);

  it('ends workers and their Node processes on SIGTERM, also while a task spins, with a nanny and without', async () => {
    await cluster.addWorker('n4', { host: '127.0.0.4', nanny: true });
    const runs = runCounter();
    const spin = async (path: string): Promise<void> => {
      const { appendFileSync } = await import('node:fs');
      appendFileSync(path, 'spinning\n');
      for (;;);
    };
    const busy = ['w2', 'w3', 'n4'].map((workers) => executor.submit(lazy(spin, { workers, pure: false }), runs.path));
    await until(() => runs.count() === 3, 'all spin');
    for (const { child } of cluster.workers.values()) child.kill('SIGTERM');
    const ends = [...cluster.workers.values()].map(({ ended }) => ended);
    const late = new Promise((resolve) => setTimeout(resolve, 20_000, 'late').unref());
    expect(await Promise.race([Promise.all(ends).then(() => 'ended'), late])).toBe('ended');
    await until(async () => (await cluster.sidecars()).length === 0, 'no Node process is left');
    for (const future of busy) future.release();
    runs.remove();
  }, 60_000);

  it('uses a worker that joins late', async () => {
    expect(await executor.submit(slowly, 1, 5)).toBe(5);
    await cluster.addWorker('late', { host: '127.0.0.5' });
    expect(await executor.submit(lazy(slowly, { workers: 'late' }), 1, 6)).toBe(6);
    await until(async () => (await executor.workers()).some(({ name }) => name === 'late'), 'the executor knows of it');
  }, 60_000);
});
