// The engine `processes` as a whole program sees it: workers end with their caller however that ends, and leave nothing behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Executor, lazy } from 'heddle';
import { ownName } from '../../runtime/own-name.ts';
import { failure, fixture, lines, node, packageFolder, temporaryFolder } from '../fixtures/acceptance/helpers.ts';
import { nodeBinariesOrReason } from '../services/node-versions.ts';

const folder = temporaryFolder();
const { nodes, reason } = await nodeBinariesOrReason();
if (reason !== undefined) process.stderr.write(`skipped: versions of Node: ${reason}\n`);
const program = fixture('processes.mjs');
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A folder for temporary files that a program has for itself. */
const ownFolder = (): string => mkdtempSync(join(folder, 'tmp-'));

interface Begun {
  readonly pid: number;
  readonly pids: readonly number[];
  readonly met: number;
}
const begun = (stdout: string): Begun => JSON.parse(stdout.split('\n')[0]!) as Begun;

/** Nothing is left of a program: no worker, no socket, no folder. */
async function expectNothingLeft({ pids }: Begun, tmp: string): Promise<void> {
  for (const end = Date.now() + 10_000; pids.some(isAlive) && Date.now() < end; ) await sleep(20);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(readdirSync(tmp).filter((name) => name.startsWith('heddle-'))).toEqual([]);
}

/** Starts a program and waits until it has said a line. */
async function start(
  args: readonly string[],
  tmp: string,
  line: string,
): Promise<{ child: ChildProcess; stdout: () => string; ended: Promise<[number | null, string | null]> }> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [program, ...args], {
    cwd: packageFolder,
    env: { ...env, TMPDIR: tmp },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  const ended = new Promise<[number | null, string | null]>((resolve) => child.once('exit', (code, signal) => resolve([code, signal])));
  for (const end = Date.now() + 20_000; !said.includes(`${line}\n`); await sleep(10)) {
    if (Date.now() < end) continue;
    child.kill('SIGKILL');
    throw new Error(`the program did not say ${line}: ${said}`);
  }
  return { child, stdout: () => said, ended };
}

describe('worker processes end with their caller', () => {
  it.each([
    ['idle', 0],
    ['closed', 0],
    ['exit', 5],
    ['throw', 1],
  ])('when it is %s', async (what, code) => {
    const tmp = ownFolder();
    const ended = await node([program, what], { env: { TMPDIR: tmp } });
    expect([ended.late, ended.code]).toEqual([false, code]);
    expect(begun(ended.stdout)).toMatchObject({ met: 200, pids: [expect.any(Number), expect.any(Number)] });
    await expectNothingLeft(begun(ended.stdout), tmp);
  });

  it.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'when it gets %s while they are busy, even one that hears nothing',
    async (signal) => {
      const tmp = ownFolder();
      const { child, stdout, ended } = await start(['busy'], tmp, 'busy');
      child.kill(signal);
      expect(await ended).toEqual([null, signal]);
      await expectNothingLeft(begun(stdout()), tmp);
    },
    40_000,
  );

  it('and not before: an interrupt for all of them is for the caller to answer', async () => {
    const tmp = ownFolder();
    const marker = join(tmp, 'marker');
    const { child, stdout, ended } = await start(['handles-sigint', marker], tmp, 'busy');
    for (const pid of [child.pid!, ...begun(stdout()).pids]) process.kill(pid, 'SIGINT'); // as a terminal does
    expect(await ended).toEqual([0, null]);
    expect(stdout()).toContain('interrupted\n');
    expect(lines(marker)).toEqual(['7']);
    await expectNothingLeft(begun(stdout()), tmp);
  }, 40_000);

  it('and what a crash of all of them left behind is removed by the next', async () => {
    const tmp = ownFolder();
    const gone = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => gone.once('exit', resolve));
    const left = join(tmp, `${ownName('heddle-sockets-').replace(`-${process.pid}-`, `-${gone.pid}-`)}abc`);
    mkdirSync(left);
    writeFileSync(join(left, '0'), '');
    const ended = await node([program, 'idle'], { env: { TMPDIR: tmp } });
    expect(ended.code).toBe(0);
    await expectNothingLeft(begun(ended.stdout), tmp);
  });
});

describe('on every line of Node', () => {
  const table = nodes.map(({ version, path }) => [version, path] as const);
  (table.length > 0 ? it.each(table) : it.skip.each([['none', '']]))(
    '%s: a program ends with its worker processes, and node --test passes and ends',
    async (_, execPath) => {
      const tmp = ownFolder();
      const ended = await node([program, 'idle'], { env: { TMPDIR: tmp }, execPath });
      expect([ended.late, ended.code, begun(ended.stdout).met]).toEqual([false, 0, 200]);
      await expectNothingLeft(begun(ended.stdout), tmp);
      const tested = await node(['--test', '--test-reporter=tap', fixture('processes.spec.mjs')], { env: { TMPDIR: tmp }, execPath });
      expect([tested.late, tested.code]).toEqual([false, 0]);
      expect(tested.stdout).toMatch(/^# pass 2$/m);
    },
    60_000,
  );
});

describe('a worker process', () => {
  it('is all that an abort, a signal or a native crash takes', async () => {
    const executor = new Executor({ engine: 'processes', workers: 2, allowedFailures: 0 });
    try {
      const neighbours = executor.map(
        (n: number) => new Promise<number>((resolve) => setTimeout(resolve, 20, n)),
        Array.from({ length: 20 }, (_, i) => i),
      );
      const ends: [() => unknown, RegExp][] = [
        [() => process.abort(), /SIGABRT/],
        [() => process.kill(process.pid, 'SIGKILL'), /SIGKILL/],
        [() => process.kill(process.pid, 'SIGSEGV'), /SIGSEGV/],
      ];
      for (const [end, signal] of ends) {
        const error = await failure(() => executor.submit(lazy(end, { pure: false })).result());
        expect(error.code).toBe('ERR_KILLED_WORKER');
        expect(error.message).toMatch(signal);
      }
      expect(await executor.gather(neighbours)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    } finally {
      await executor.close();
    }
  });

  it('has a process of its own: its directory, its memory, its environment, its flags', async () => {
    const executor = new Executor({
      engine: 'processes',
      workers: 2,
      env: { ...process.env, HEDDLE_TEST: 'here' },
      resourceLimits: { maxOldGenerationSizeMb: 123, stackSizeMb: 2 },
    });
    try {
      const own = await executor.run(() => [process.pid, process.env.HEDDLE_TEST, process.execArgv.filter((flag) => /size/.test(flag))]);
      expect(new Set([...own.values()].map(([pid]) => pid)).size).toBe(2);
      for (const [pid, word, flags] of own.values() as Iterable<[number, string, string[]]>) {
        expect(pid).not.toBe(process.pid);
        expect(word).toBe('here');
        expect(flags).toEqual(['--max-old-space-size=123', '--stack-size=1856']);
      }
      const cwd = await executor.run(async () => {
        process.chdir('/');
        return process.cwd();
      });
      expect([...cwd.values()]).toEqual(['/', '/']);
      expect(process.cwd()).not.toBe('/');
    } finally {
      await executor.close();
    }
  });

  it('runs a set-up module first', async () => {
    const setup = join(folder, 'setup.mjs');
    writeFileSync(setup, 'globalThis.wasSetUp = process.pid;');
    const executor = new Executor({ engine: 'processes', workers: 1, setup });
    try {
      expect(await executor.submit(() => (globalThis as { wasSetUp?: number }).wasSetUp === process.pid)).toBe(true);
    } finally {
      await executor.close();
    }
    const broken = join(folder, 'broken.mjs');
    writeFileSync(broken, "throw new TypeError('set-up went wrong');");
    const unfit = new Executor({ engine: 'processes', workers: 1, setup: broken });
    try {
      expect(await failure(() => unfit.submit(() => 1).result())).toMatchObject({ name: 'TypeError', message: 'set-up went wrong' });
    } finally {
      await unfit.close();
    }
  });

  it('takes no shared memory', async () => {
    expect(() => new Executor({ engine: 'processes', sharedMemory: true })).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }));
    const executor = new Executor({ engine: 'processes', workers: 1 });
    try {
      const shared = new Uint8Array(new SharedArrayBuffer(8));
      const error = await failure(() => executor.submit((bytes: Uint8Array) => bytes.length, shared).result());
      expect([error.code, error.message]).toEqual(['ERR_UNSENDABLE', expect.stringMatching(/SharedArrayBuffer.*slice/)]);
      expect(await executor.submit((bytes: Uint8Array) => bytes.length, new Uint8Array(8).fill(1))).toBe(8);
      expect((await failure(() => executor.submit(() => [new Uint8Array(new SharedArrayBuffer(8))]).result())).message).toMatch(
        /result\[0\] is memory in a SharedArrayBuffer/,
      );
      expect(await executor.submit(() => 5)).toBe(5);
    } finally {
      await executor.close();
    }
  });

  it('carries bytes of 8 MiB both ways, and between workers, in buffers of their own', async () => {
    const executor = new Executor({ engine: 'processes', workers: 2 });
    try {
      const bytes = new Uint8Array(8 << 20).map((_, i) => i * 31);
      const there = executor.submit(
        lazy((given: Uint8Array) => given.slice().reverse(), { workers: 'worker-0' }),
        bytes,
      );
      const back = executor.submit(
        lazy((given: Uint8Array) => ({ given, own: given.byteLength === given.buffer.byteLength }), { workers: 'worker-1' }),
        there,
      );
      const { given, own } = await back;
      expect(own).toBe(true);
      expect(given.buffer.byteLength).toBe(bytes.length);
      expect(Buffer.compare(given, bytes.slice().reverse())).toBe(0);
      const two = await executor.submit(() => {
        const buffer = new ArrayBuffer(100_000);
        return [new Uint8Array(buffer, 0, 10), new Uint8Array(buffer, 5, 99_000)];
      });
      expect(two[0]!.buffer).toBe(two[1]!.buffer); // views that share stay views that share
    } finally {
      await executor.close();
    }
  });

  it('runs TypeScript under tsx', async () => {
    const ended = await node(['--import', 'tsx', fixture('processes-typed.ts')]);
    expect([ended.late, ended.code, ended.stderr, ended.stdout]).toEqual([false, 0, '', '42\n']);
  });
});
