import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { HeddleError } from '../../graph/index.ts';
import { builtRoot } from '../built-root.ts';

/** What to start. */
export interface LocalClusterOptions {
  /** Processes. @default 2 */
  readonly workers?: number | undefined;
  /** Tasks at once in each. @default 1 */
  readonly threads?: number | undefined;
  /** Memory of each worker, as Dask writes it: `2GB`. @default what the machine has, shared out evenly */
  readonly memory?: string | undefined;
  /** Of the scheduler; 0 takes a free one. @default 8786 */
  readonly port?: number | undefined;
  /** Port of Dask's own page (needs the package bokeh); `null`: none. @default null */
  readonly dashboard?: number | null | undefined;
  /** A Python that has the package distributed. @default 'python3' */
  readonly python?: string | undefined;
}

/** A scheduler and workers that run. */
export interface LocalCluster {
  /** `tcp://127.0.0.1:8786`, for `new Executor(address)`. */
  readonly address: string;
  readonly dashboard: string | null;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const longestStartMs = 60_000;

/** Starts a Dask cluster on this machine, for trying out; it ends with this process. Rejects with ERR_CLUSTER. */
export async function startLocalCluster(options: LocalClusterOptions = {}): Promise<LocalCluster> {
  const { workers = 2, threads = 1, memory = 'auto', port = 8786, dashboard = null, python = 'python3' } = options;
  const { spawn } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  const script = fileURLToPath(new URL('runtime/dask/local_cluster.py', builtRoot));
  const child = spawn(python, ['-X', 'utf8', script, JSON.stringify({ workers, threads, memory, port, dashboard })], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => {}); // its end tells
  let out = '';
  let said = '';
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const place = new Promise<{ address: string; dashboard: string | null }>((resolve, reject) => {
    const fail = (why: string): void => reject(new HeddleError('ERR_CLUSTER', `no Dask cluster could be started with ${python}: ${why}`));
    const timer = setTimeout(() => fail(`it took longer than ${longestStartMs} ms`), longestStartMs);
    child.once('error', (error) => fail(`${error.message}; install Python, and in it the package distributed`));
    void ended.then(() => fail(said.trim().split('\n').at(-1) ?? 'it ended')).finally(() => clearTimeout(timer));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (!out.includes('\n')) return;
      clearTimeout(timer);
      resolve(JSON.parse(out.slice(0, out.indexOf('\n'))) as { address: string; dashboard: string | null });
    });
  });
  const close = async (): Promise<void> => {
    child.stdin.end();
    const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
    await ended;
    clearTimeout(kill);
  };
  try {
    return { ...(await place), ended, close };
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}
