// What a user gets from the registry: packed, installed elsewhere, imported, required, typed and run.
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fixtures, node, packageFolder, report } from './fixtures/acceptance/helpers.ts';
import { nodeBinariesOrReason, npm } from './services/node-versions.ts';

const run = promisify(execFile);
const project: string = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-package-')));
afterAll(() => rmSync(project, { recursive: true, force: true }));

interface Locked {
  readonly dev?: boolean;
  readonly [field: string]: unknown;
}

/**
 * A project that has heddle from a tarball, and beside it what this package's own lock file says: what `npm ci` has fetched lies in npm's
 * cache, so that this mostly needs no network. No script runs: `dist` is the one that is built already.
 */
async function install(): Promise<{ readonly tarball: string; readonly files: readonly string[] }> {
  const packed = JSON.parse(
    await npm(['pack', '--ignore-scripts', '--json', '--pack-destination', project], { cwd: packageFolder, timeoutMs: 60_000 }),
  ) as [{ filename: string; files: { path: string }[] }];
  const tarball = `file:${packed[0].filename}`;
  const { packages } = JSON.parse(readFileSync(join(packageFolder, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> };
  const types = ['node_modules/@types/node', 'node_modules/undici-types'];
  const locked = Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && (dev !== true || types.includes(path)))
    .map(([path, { dev: _, ...entry }]) => [path, entry]);
  const root = {
    name: 'uses-heddle',
    version: '1.0.0',
    private: true,
    type: 'module',
    dependencies: { heddle: tarball, '@types/node': packages[types[0]!]!.version },
  };
  writeFileSync(join(project, 'package.json'), JSON.stringify(root));
  writeFileSync(
    join(project, 'package-lock.json'),
    JSON.stringify({ name: root.name, version: root.version, lockfileVersion: 3, packages: { '': root, ...Object.fromEntries(locked) } }),
  );
  await npm(
    ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1', '--fetch-retry-mintimeout=1000'],
    {
      cwd: project,
      timeoutMs: 120_000,
    },
  );
  cpSync(join(fixtures, '..', 'package'), project, { recursive: true });
  return { tarball: join(project, packed[0].filename), files: packed[0].files.map(({ path }) => path) };
}

const { nodes, reason: withoutNodes } = await nodeBinariesOrReason();
let reason: string | undefined;
const { tarball, files } = await install().catch((error: unknown) => {
  const said = String((error as { stderr?: string }).stderr ?? error);
  if (process.env.CI === 'true' || !/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|network/.test(said)) throw error;
  reason = 'npm cannot reach its registry, and its cache has not all of the dependencies';
  process.stderr.write(`skipped: the package, installed: ${reason}\n`);
  return { tarball: '', files: [] };
});
const installed = join(project, 'node_modules', 'heddle');
const inProject = { cwd: project };

(reason === undefined ? describe : describe.skip)(`the package, installed${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('has the three floors, built and as source, what they share, and nothing else', () => {
    const folders = new Set(
      files.map((path) =>
        path
          .split('/')
          .slice(0, path.startsWith('dist/') ? 2 : 1)
          .join('/'),
      ),
    );
    expect([...folders].sort()).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'dist/chunks',
        'dist/cluster',
        'dist/graph',
        'dist/runtime',
        'dist/src',
        'graph',
        'package.json',
        'runtime',
        'src',
      ].sort(),
    );
    expect(
      files.filter((path) => /(^|[./_-])(test|tests|spec|fixtures?|secret|env|npmrc|pem|key|tsbuildinfo)s?(\/|\.|$)/i.test(path)),
    ).toEqual(['dist/graph/key', 'graph/key'].flatMap((start) => files.filter((path) => path.startsWith(`${start}.`))));
  });

  it('names no place of the machine that built it, and holds no key', () => {
    for (const path of files) {
      const text = readFileSync(join(installed, path), 'utf8');
      expect([path, text.includes(packageFolder), /BEGIN [A-Z ]*PRIVATE KEY|_authToken|AKIA[0-9A-Z]{16}/.test(text)]).toEqual([
        path,
        false,
        false,
      ]);
    }
  });

  it('has the source that each of its maps names', () => {
    const have = new Set(files);
    const maps = files.filter((path) => path.endsWith('.map'));
    const missing = maps.flatMap((path) => {
      const { sources } = JSON.parse(readFileSync(join(installed, path), 'utf8')) as { sources: string[] };
      return sources.map((source) => join(path, '..', source).replaceAll('\\', '/')).filter((source) => !have.has(source));
    });
    expect(maps.length).toBeGreaterThan(100);
    expect(missing).toEqual([]);
  });

  it('brings its dependencies only', () => {
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    const there = readdirSync(join(project, 'node_modules'));
    for (const name of Object.keys(dependencies)) expect(there).toContain(name.split('/')[0]);
    for (const name of ['jest', '@swc', 'typescript', 'tsx']) expect(there).not.toContain(name);
  });

  it('runs a graph with workers, imported', async () => {
    expect(await report<unknown>(['app.mjs'], inProject)).toEqual({
      total: 6,
      blocks: 2,
      error: ['RangeError', true],
      svg: true,
      tasks: 5,
      nodes: 5,
      same: [true, true],
    });
  });

  const requiring = nodes.filter(({ version }) => {
    const [major, minor] = version.split('.').map(Number) as [number, number];
    return major > 22 || (major === 22 && minor >= 12);
  });
  (withoutNodes === undefined ? it : it.skip)(
    `runs a graph with a worker, required${withoutNodes === undefined ? '' : ` (skipped: ${withoutNodes})`}`,
    async () => {
      expect(requiring.length).toBeGreaterThan(0);
      for (const { path } of requiring) {
        const ended = await node(['app.cjs'], { ...inProject, execPath: path });
        expect([ended.code, ended.stdout, ended.stderr]).toEqual([0, '{"result":42,"key":"lambda-"}\n', '']);
      }
    },
  );

  it('has the command', async () => {
    const command = join(project, 'node_modules', '.bin', process.platform === 'win32' ? 'heddle.cmd' : 'heddle');
    const shell = process.platform === 'win32';
    const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
    expect((await run(command, ['--version'], { ...inProject, shell, timeout: 25_000 })).stdout).toContain(version);
    const { stdout } = await run(command, ['graph', 'values.mjs', '--format', 'mermaid'], { ...inProject, shell, timeout: 25_000 });
    expect(stdout).toMatch(/merge/);
  });

  it('has types that compile with everything checked, and what they compile to runs', async () => {
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2022',
      strict: true,
      skipLibCheck: false,
      types: ['node'],
      rootDir: '.',
      outDir: 'out',
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    const tsc = join(packageFolder, 'node_modules', 'typescript', 'bin', 'tsc');
    const { code, stdout } = await node([tsc, '-p', project], { ...inProject, deadlineMs: 60_000 });
    expect([code, stdout]).toEqual([0, '']);
    expect(await report<unknown>([join('out', 'app.js')], inProject)).toEqual({ total: 6, streamed: ['<1>'], done: 1, code: 'boolean' });
  }, 90_000);

  it.each([
    ['publint', ['node_modules/publint/src/cli.js', '--strict']],
    ['attw', ['node_modules/@arethetypeswrong/cli/dist/index.js', '--profile', 'esm-only', '--no-color', '--no-emoji']],
  ])(
    'passes %s',
    async (_, [script, ...flags]) => {
      const { code, late, stdout, stderr } = await node([join(packageFolder, script!), tarball, ...flags], { deadlineMs: 60_000 });
      expect([late, code, code === 0 ? '' : stdout + stderr]).toEqual([false, 0, '']);
    },
    70_000,
  );
});
