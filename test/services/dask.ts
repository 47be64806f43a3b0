import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The versions of distributed that heddle is tried on: the oldest that the docs name, and the newest. */
export const daskVersions = { oldest: '2023.10.0', newest: 'newest' } as const;
export type DaskVersion = (typeof daskVersions)[keyof typeof daskVersions];

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/heddle', import.meta.url));

/** The Python of a virtual environment with that version of distributed, made once under `node_modules/.cache/heddle`. */
export async function daskPython(version: DaskVersion): Promise<string> {
  const folder = join(cache, `dask-${version}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'whole'))) return python;
  await mkdir(cache, { recursive: true });
  await rm(folder, { recursive: true, force: true }); // a virtual environment cannot be moved, so it is made in place and marked when it is whole
  await run('python3', ['-m', 'venv', folder], { timeout: 120_000 });
  const wanted = version === 'newest' ? 'distributed' : `distributed==${version}`;
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wanted], { timeout: 300_000 });
  const fresh = `${folder}/whole.${process.pid}`;
  await writeFile(fresh, '');
  await rename(fresh, join(folder, 'whole'));
  return python;
}

/** As `daskPython`, with the reason why there is none; on CI there must be, so there it throws. */
export async function daskPythonOrReason(version: DaskVersion): Promise<{ readonly python?: string; readonly reason?: string }> {
  try {
    return { python: await daskPython(version) };
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const said = String((error as { stderr?: string }).stderr || error);
    return { reason: `no Python with distributed ${version}: ${said.trim().split('\n').at(-1)}` };
  }
}

/** Dask's command line, in a process that ends with its standard input: whatever becomes of the tests, nothing of theirs is left. */
const mortal = `
import os, sys, threading
def watch():
    while os.read(0, 100): pass
    os._exit(9)
threading.Thread(target=watch, daemon=True).start()
from dask.__main__ import main
sys.argv[0] = 'dask'
main()
`;

/** A process of a cluster. */
export interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  /** All it has printed. */
  log(): string;
  /** Resolves with its exit code or signal. */
  readonly ended: Promise<number | string>;
}

export interface WorkerSettings {
  readonly host?: string;
  readonly threads?: number;
  readonly memory?: string;
  readonly resources?: string;
  readonly nanny?: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A scheduler on 127.0.0.1 and workers as processes of their own. */
export class DaskCluster {
  readonly python: string;
  readonly address: string;
  readonly folder: string;
  readonly scheduler: Member;
  readonly workers = new Map<string, Member>();
  readonly #members: Member[] = [];

  private constructor(python: string, port: number, folder: string, scheme: string, flags: readonly string[]) {
    this.python = python;
    this.folder = folder;
    this.address = `${scheme}://127.0.0.1:${port}`;
    const own = scheme === 'tls' ? [] : ['--host', '127.0.0.1'];
    this.scheduler = this.#start('scheduler', ['scheduler', ...own, '--port', String(port), '--no-dashboard', ...flags], {});
  }

  /** Starts a scheduler, and workers called `w2`, `w3`, … on 127.0.0.2, 127.0.0.3, … */
  static async start(
    version: DaskVersion,
    options: { readonly workers?: readonly WorkerSettings[]; readonly scheme?: 'tcp' | 'tls'; readonly flags?: readonly string[] } = {},
  ): Promise<DaskCluster> {
    const folder = await mkdtemp(join(tmpdir(), 'heddle-dask-'));
    const cluster = new DaskCluster(await daskPython(version), await freePort(), folder, options.scheme ?? 'tcp', options.flags ?? []);
    try {
      await until(
        () => /Scheduler at|Register/.test(cluster.scheduler.log()),
        () => `the scheduler listens: ${cluster.scheduler.log()}`,
      );
      const workers = options.workers ?? [{}, {}];
      await Promise.all(
        workers.map((settings, i) => cluster.addWorker(`w${i + 2}`, { host: `127.0.0.${i + 2}`, ...settings }, options.flags)),
      );
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  async addWorker(name: string, settings: WorkerSettings = {}, flags: readonly string[] = []): Promise<Member> {
    const { host = '127.0.0.1', threads = 2, memory = '2GB', resources, nanny = false } = settings;
    const args = ['worker', this.address, '--name', name, '--host', host, '--nthreads', String(threads), '--memory-limit', memory];
    args.push('--no-dashboard', '--local-directory', join(this.folder, name), nanny ? '--nanny' : '--no-nanny', ...flags);
    if (resources !== undefined) args.push('--resources', resources);
    const worker = this.#start(name, args, settings);
    this.workers.set(name, worker);
    await until(
      () => /Registered to/.test(worker.log()),
      () => `worker ${name} is registered: ${worker.log()}`,
    );
    return worker;
  }

  #start(name: string, args: readonly string[], { cwd, env }: WorkerSettings): Member {
    // Each in a group of its own, so that what it started can be ended with it.
    const child = spawn(this.python, ['-c', mortal, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      cwd: cwd ?? this.folder,
      env: { ...process.env, DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION: 'inf', ...env },
    });
    child.stdin.on('error', () => {}); // its end tells
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (more: string) => {
        text = (text + more).slice(-100_000);
      });
    }
    const ended = new Promise<number | string>((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code ?? -1)));
    const member = { name, child, log: () => text, ended };
    this.#members.push(member);
    return member;
  }

  /** Processes that heddle started in the workers. */
  async sidecars(): Promise<number[]> {
    return processesWith(`${this.folder}/`, 'sidecar.js');
  }

  /** Ends everything, whatever it does; the names of those that did not end when they were asked to. */
  async stop(): Promise<string[]> {
    const all = Promise.all(this.#members.map(({ ended }) => ended));
    const others = this.#members.filter((member) => member !== this.scheduler);
    // Workers first: one that is told by its scheduler and by a signal at once may wait for itself for ever, whatever runs on it.
    for (const some of [others, [this.scheduler]]) {
      for (const { child } of some) child.kill('SIGTERM');
      const patience = new Promise((resolve) => setTimeout(resolve, 15_000).unref());
      await Promise.race([Promise.all(some.map(({ ended }) => ended)), patience]);
    }
    const deaf = this.#members.filter(({ child }) => child.exitCode === null && child.signalCode === null).map(({ name }) => name);
    for (const { child } of this.#members) {
      try {
        process.kill(-child.pid!, 'SIGKILL');
      } catch {
        // it is gone, and all it started
      }
    }
    await all;
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    return deaf;
  }
}

/** Ids of processes whose command line has all these words. */
export async function processesWith(...words: readonly string[]): Promise<number[]> {
  const { readdir } = await import('node:fs/promises');
  const found: number[] = [];
  for (const id of await readdir('/proc')) {
    if (!/^\d+$/.test(id)) continue;
    const command = await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
    if (words.every((word) => command.includes(word))) found.push(Number(id));
  }
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Looks every few milliseconds, for a minute at most. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> {
  for (const end = Date.now() + 60_000; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() > end) throw new Error(`waited in vain until ${typeof what === 'string' ? what : what()}`);
}
