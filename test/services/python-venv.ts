import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/heddle', import.meta.url));

/** Dask with its distributed scheduler, as the tests and benchmarks compare heddle with it. */
export const dask: readonly string[] = ['dask>=2025.1', 'distributed>=2025.1'];

/**
 * The Python of a virtual environment that has these packages of the package index, installed once under `node_modules/.cache/heddle`.
 * Only `python` itself and `python -m` may be used of it: it is made elsewhere and renamed, so that the cache has it whole or not at all.
 */
export async function pythonVenv(packages: readonly string[], python = process.env.PYTHON ?? 'python3'): Promise<string> {
  const name = createHash('sha256').update(packages.join('\n')).digest('hex').slice(0, 12);
  const folder = join(cache, `venv-${name}`);
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    const fresh = await mkdtemp(join(cache, `new-venv-${name}-`));
    try {
      await run(python, ['-m', 'venv', fresh], { timeout: 120_000 });
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--retries', '1', ...packages];
      await run(join(fresh, 'bin', 'python'), pip, { timeout: 300_000, maxBuffer: 64 << 20 });
      await rename(fresh, folder).catch((error: NodeJS.ErrnoException) => {
        // another process was faster: its copy is as good
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
  return join(folder, 'bin', 'python');
}

/** As `pythonVenv`, with the reason why there is none; on CI there must be one, so there it throws. */
export async function pythonVenvOrReason(packages: readonly string[]): Promise<{ readonly python?: string; readonly reason?: string }> {
  try {
    return { python: await pythonVenv(packages) };
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const said = (error as { stderr?: string }).stderr || String(error);
    const line = said.split('\n').find((one) => /error/i.test(one)) ?? said.split('\n')[0]!;
    return { reason: `no virtual environment with ${packages.join(', ')}: ${line.trim()}` };
  }
}
