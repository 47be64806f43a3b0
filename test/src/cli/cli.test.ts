import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Executor } from 'heddle';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const fixture = (name: string): string => join(root, 'test/fixtures/cli', name);

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the built command line as a user does. */
function heddle(args: readonly string[], options: { readonly cwd?: string; readonly closeOut?: boolean } = {}): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'dist/src/cli/main.js'), ...args], {
      cwd: options.cwd ?? root,
      env: { ...process.env, NODE_OPTIONS: '' },
      timeout: 60_000,
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    if (options.closeOut) child.stdout.destroy();
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heddle-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('heddle', () => {
  it('has help for itself and for every command', async () => {
    const { code, out } = await heddle(['--help']);
    expect(code).toBe(0);
    for (const name of ['graph', 'plan', 'info', 'replay', 'bench', 'cluster']) {
      expect(out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
      const help = await heddle([name, '--help']);
      expect([help.code, help.err]).toEqual([0, '']);
      expect(help.out).toContain(`heddle ${name}`);
    }
  });

  it('says its version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(await heddle(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });

  it('refuses a command it does not have, and lists those it has', async () => {
    for (const name of ['dashboard', 'constructor', '__proto__']) {
      const { code, out, err } = await heddle([name, '--port', '1']);
      expect([code, out]).toEqual([1, '']);
      expect(err).toBe(
        `heddle: there is no command "${name}" (known: graph, plan, info, replay, bench, cluster); heddle --help tells more\n`,
      );
    }
    expect(await heddle([])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('a command is needed') });
  });

  it('refuses options and arguments it does not have', async () => {
    expect(await heddle(['graph'])).toMatchObject({ code: 1, out: '', err: expect.stringContaining("'file'") });
    expect(await heddle(['info', '--nothing'])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--nothing') });
    expect(await heddle(['plan', fixture('values.mjs'), 'surplus'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('argument'),
    });
  });
});

describe('heddle graph', () => {
  it('draws the Values a module exports, in arrays, objects and Maps too', async () => {
    const { code, out, err } = await heddle(['graph', fixture('values.mjs'), '--format', 'json']);
    expect([code, err]).toEqual([0, '']);
    const { nodes } = JSON.parse(out) as { nodes: { name: string; isOutput: boolean }[] };
    expect(nodes.map(({ name }) => name).sort()).toEqual(['merge', 'number', 'read', 'read', 'read']);
    expect(nodes.every(({ isOutput }) => isOutput)).toBe(true);
  });

  it('draws only the exports that are asked for', async () => {
    const { out } = await heddle(['graph', fixture('values.mjs'), '--export', 'total', '--format', 'json']);
    const { nodes } = JSON.parse(out) as { nodes: { name: string; isOutput: boolean }[] };
    expect(nodes.filter(({ isOutput }) => isOutput).map(({ name }) => name)).toEqual(['merge']);
    expect(nodes).toHaveLength(3);
  });

  it('writes a file whole, in the format of its ending, and says where', async () => {
    const { code, out } = await heddle(['graph', fixture('values.mjs'), '-o', 'new/graph.svg'], { cwd: folder });
    expect([code, out]).toEqual([0, 'new/graph.svg\n']);
    expect(await readFile(join(folder, 'new/graph.svg'), 'utf8')).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    expect(await readdir(join(folder, 'new'))).toEqual(['graph.svg']);
  });

  it('reads CommonJS, and TypeScript where tsx is installed', async () => {
    for (const name of ['values.cjs', 'values.ts']) {
      const { code, out, err } = await heddle(['graph', fixture(name), '--format', 'mermaid']);
      expect([code, err]).toEqual([0, '']);
      expect(out.match(/n\d+\("inc<br\/>/g)).toHaveLength(2);
    }
  });

  it('takes colours, directions and the plan', async () => {
    const { code, out, err } = await heddle([
      'graph',
      fixture('values.mjs'),
      '--format',
      'dot',
      '--color',
      'order',
      '--rankdir',
      'LR',
      '--optimize',
      '--export',
      'total',
    ]);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('rankdir=LR');
    expect(out).toContain('order: 0');
  });

  it('groups above 500 tasks unless told otherwise', async () => {
    const count = async (...flags: string[]): Promise<number> =>
      (JSON.parse((await heddle(['graph', fixture('many.mjs'), '--format', 'json', ...flags])).out) as { nodes: unknown[] }).nodes.length;
    expect(await count()).toBe(1);
    expect(await count('--no-group')).toBe(600);
  });

  it('ends although the module left things open', async () => {
    expect(await heddle(['graph', fixture('stays-open.mjs'), '--format', 'mermaid'])).toMatchObject({ code: 0, err: '' });
  });

  it('ends quietly when nobody reads its output any more', async () => {
    expect(await heddle(['graph', fixture('many.mjs'), '--no-group'], { closeOut: true })).toMatchObject({ code: 0, err: '' });
  });

  it('keeps names from acting in pages', async () => {
    const { out } = await heddle(['graph', fixture('nasty.mjs'), '--format', 'html']);
    expect(out).toContain('&lt;/title&gt;&lt;script&gt;');
    expect(out.match(/<script/g)).toHaveLength(2);
    expect(out).not.toContain('\u001b');
  });

  const mistakes: readonly (readonly [what: string, args: readonly string[], message: string])[] = [
    ['a file that is not there', ['graph', 'nowhere.mjs'], 'there is no file nowhere.mjs'],
    ['a directory', ['graph', '.'], '. is no file'],
    ['an export that is not there', ['graph', fixture('values.mjs'), '--export', 'sum'], 'has no export "sum" (it has: '],
    ['an export without a Value', ['graph', fixture('values.mjs'), '--export', 'label'], 'no Value among export label'],
    ['a module without Values', ['graph', fixture('no-values.mjs')], 'no Value among the exports'],
    ['a module that throws', ['graph', fixture('throws.mjs')], 'RangeError: this module cannot be loaded'],
    ['a module that throws a text', ['graph', fixture('throws-text.mjs')], 'only a text'],
    ['a module that never finishes loading', ['graph', fixture('never.mjs')], 'ended in the middle'],
    ['a format nobody knows', ['graph', fixture('values.mjs'), '--format', 'gif'], 'no picture format "gif"'],
    ['an ending nobody knows', ['graph', fixture('values.mjs'), '-o', 'graph.xyz'], 'does not say which format'],
    ['a colour nobody knows', ['graph', fixture('values.mjs'), '--color', 'red'], 'option color must be one of'],
    ['png', ['graph', fixture('values.mjs'), '-o', 'graph.png'], 'svg'],
  ];
  it.each(mistakes)('says in one line what is wrong with %s', async (_, args, message) => {
    const { code, out, err } = await heddle(args, { cwd: folder });
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(/^heddle: [^\n]*\n$/);
    expect(err).toContain(message);
    expect(await readdir(folder)).toEqual([]);
  });

  it('shows the stack when asked to', async () => {
    expect((await heddle(['graph', fixture('throws.mjs'), '--verbose'])).err).toMatch(
      /RangeError: this module cannot be loaded\n {4}at .*throws\.mjs/,
    );
  });

  it('says what TypeScript needs where there is no tsx', async () => {
    await cp(fixture('values.ts'), join(folder, 'values.ts'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const { code, err } = await heddle(['graph', 'values.ts'], { cwd: folder });
    expect(code).toBe(1);
    // newer Nodes read TypeScript by themselves, and then miss heddle there
    expect(err).toMatch((process.features as { typescript?: unknown }).typescript ? /heddle/ : /install tsx/);
  });
});

describe('heddle plan', () => {
  it('says what would happen', async () => {
    const { code, out, err } = await heddle(['plan', fixture('values.mjs'), '--export', 'total']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^Plan: 3 tasks as written, \d after optimising\n/);
    for (const pass of ['cull', 'inline', 'fuse', 'order', 'place']) expect(out).toContain(`  ${pass} `);
  });

  it('gives JSON', async () => {
    const { out } = await heddle(['plan', fixture('values.mjs'), '--json']);
    expect(JSON.parse(out)).toMatchObject({ tasksBefore: 5, bytesToRead: 0, cacheHits: 0 });
  });
});

describe('heddle info', () => {
  it('says what it sees', async () => {
    const { code, out } = await heddle(['info']);
    expect(code).toBe(0);
    expect(out).toContain(process.version);
    const facts = JSON.parse((await heddle(['info', '--json'])).out) as { cores: number; memory: number; engines: string[] };
    expect(facts.cores).toBeGreaterThan(0);
    expect(facts.memory).toBeGreaterThan(1e8);
    expect(facts.engines).toEqual(['threads', 'inline']);
  });
});

describe('heddle replay', () => {
  it('goes through a recorded run, and tells of its tasks', async () => {
    const path = join(folder, 'run.jsonl');
    const executor = new Executor({ workers: 1, record: path });
    const future = executor.submit((x: number) => x + 1, 1);
    await future;
    await executor.close();
    const plain = await heddle(['replay', path]);
    expect(plain).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^\d+ steps, all decided as they were then\n$/) });
    expect((await heddle(['replay', path, '--explain', future.key])).out).toContain('ran: nobody had its result');
    expect((await heddle(['replay', path, '--story', future.key])).out).toMatch(/processing → memory: it finished/);
    expect(await heddle(['replay', path, '--story', 'nobody'])).toMatchObject({ code: 1, out: '' });
    const other = (await readFile(path, 'utf8')).replace('"kind":"run","worker":0', '"kind":"run","worker":9');
    await writeFile(path, other);
    expect(await heddle(['replay', path])).toMatchObject({ code: 1, err: expect.stringContaining('was decided otherwise then') });
  });
});

describe('heddle bench', () => {
  it('measures, and says what it measured', async () => {
    const { code, out, err } = await heddle(['bench', '--runs', '1', '--json']);
    expect([code, err]).toEqual([0, '']);
    const { runs, results } = JSON.parse(out) as {
      runs: number;
      results: { name: string; unit: string; median: number; least: number; most: number }[];
    };
    expect(runs).toBe(1);
    expect(results.map(({ unit }) => unit)).toEqual(['keys/s', 'tasks/s', 'tasks/s', 'trips/s', 'MB/s']);
    for (const { least, median, most } of results) {
      expect(least).toBeGreaterThan(0);
      expect(median).toBeGreaterThanOrEqual(least);
      expect(most).toBeGreaterThanOrEqual(median);
    }
  }, 120_000);

  it('refuses a number of runs that is none', async () => {
    for (const runs of ['0', '-1', '2.5', 'many'])
      expect(await heddle(['bench', '--runs', runs])).toMatchObject({ code: 1, out: '', err: expect.stringContaining('--runs') });
  });
});
