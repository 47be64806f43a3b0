import type { Command } from 'commander';
import { UsageError } from './command.ts';

interface Flags {
  readonly workers: string;
  readonly threads: string;
  readonly port: string;
  readonly memory?: string;
  readonly dashboard?: string;
  readonly python: string;
  readonly venv?: string;
}

/** `heddle cluster`: a Dask scheduler and workers on this machine, until Ctrl+C. */
export function addCluster(program: Command): void {
  program
    .command('cluster')
    .description('start a Dask scheduler and workers on this machine, for trying out; Ctrl+C ends them')
    .option('--workers <n>', 'processes', '2')
    .option('--threads <n>', 'tasks at once in each', '1')
    .option('--port <port>', 'of the scheduler; 0: any that is free', '8786')
    .option('--memory <size>', 'memory of each worker, as Dask writes it: 2GB')
    .option('--dashboard <port>', "port of Dask's own page (needs the package bokeh)")
    .option('--python <path>', 'a Python that has the package distributed', 'python3')
    .option('--venv <folder>', 'a virtual environment with distributed; made there when it is missing')
    .action(async (flags: Flags) => {
      const { startLocalCluster } = await import('../../runtime/index.ts');
      const python = flags.venv === undefined ? flags.python : await makeVenv(flags.venv, flags.python);
      const cluster = await startLocalCluster({
        workers: whole(flags.workers, '--workers', 1),
        threads: whole(flags.threads, '--threads', 1),
        port: whole(flags.port, '--port', 0),
        memory: flags.memory,
        dashboard: flags.dashboard === undefined ? null : whole(flags.dashboard, '--dashboard', 0),
        python,
      });
      process.stdout.write(`scheduler  ${cluster.address}\n`);
      if (cluster.dashboard !== null) process.stdout.write(`dashboard  ${cluster.dashboard}\n`);
      process.stdout.write(`use it     new Executor('${cluster.address}'${python === 'python3' ? '' : `, { python: '${python}' }`})\n`);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void cluster.close());
      await cluster.ended;
    });
}

function whole(text: string, name: string, least: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new UsageError(`${name} must be a whole number >= ${least}; it is ${JSON.stringify(text)}`);
  return value;
}

/** The Python of a virtual environment that has distributed. */
async function makeVenv(folder: string, python: string): Promise<string> {
  const [{ execFile }, { existsSync }, { join, resolve }, { promisify }] = await Promise.all([
    import('node:child_process'),
    import('node:fs'),
    import('node:path'),
    import('node:util'),
  ]);
  const run = promisify(execFile);
  const own = join(resolve(folder), process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  if (!existsSync(own)) {
    process.stderr.write(`heddle: making a virtual environment with distributed in ${folder}\n`);
    await run(python, ['-m', 'venv', resolve(folder)]);
  }
  const has = await run(own, ['-c', 'import distributed']).then(
    () => true,
    () => false,
  );
  if (!has) await run(own, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'distributed']);
  return own;
}
