// Section 5 of the contract: pictures, plans, graph objects and the command line.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Executor, lazy, plan, readBytes, toGraphlib, type Value, value, visualize } from 'heddle';
import { failure, fixture, node, packageFolder, temporaryFolder } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

const load = lazy(function load(i: number) {
  return i;
});
const join2 = lazy(function join2(a: number, b: number) {
  return a + b;
});
/** A tree of `join2` over `load`s. */
function sumTree(leaves: number): Value<number> {
  let level: Value<number>[] = Array.from({ length: leaves }, (_, i) => load(i));
  while (level.length > 1) level = Array.from({ length: level.length / 2 }, (_, i) => join2(level[2 * i]!, level[2 * i + 1]!));
  return level[0]!;
}

describe('visualize', () => {
  it('gives text of each format', async () => {
    const graph = sumTree(4);
    const svg = await visualize(graph, undefined, { format: 'svg' });
    expect(svg).toMatch(/<svg[\s>]/);
    expect(svg).toContain('</svg>');
    expect(svg.match(/load/g)!.length).toBeGreaterThanOrEqual(4);
    expect(svg.match(/join2/g)!.length).toBeGreaterThanOrEqual(3);
    const dot = await visualize(graph, undefined, { format: 'dot' });
    expect(dot).toMatch(/^\s*(strict )?digraph/);
    expect(dot.match(/->/g)!.length).toBeGreaterThanOrEqual(6);
    const mermaid = await visualize(graph, undefined, { format: 'mermaid' });
    expect(mermaid).toMatch(/^(flowchart|graph) /m);
    expect(mermaid).toContain('join2');
    const html = await visualize(graph, undefined, { format: 'html' });
    expect(html).toMatch(/<html[\s>]/i);
    expect(html).toContain('join2');
    const json: unknown = JSON.parse(await visualize(graph, undefined, { format: 'json' }));
    expect(JSON.stringify(json)).toContain(graph.key);
  });

  it('gives svg where nothing is said', async () => {
    expect(await visualize(sumTree(2))).toMatch(/<svg[\s>]/);
    expect(await sumTree(2).visualize()).toMatch(/<svg[\s>]/);
  });

  it('gives the path when one is given, and takes the format from its ending', async () => {
    const starts = { svg: /<svg[\s>]/, dot: /digraph/, html: /<html[\s>]/i, json: /^\s*[[{]/ } as const;
    for (const [ending, start] of Object.entries(starts)) {
      const path = join(folder, `graph.${ending}`);
      expect(await sumTree(4).visualize(path)).toBe(path);
      expect(readFileSync(path, 'utf8')).toMatch(start);
    }
    const path = join(folder, 'named.txt');
    expect(await visualize(sumTree(4), path, { format: 'mermaid' })).toBe(path);
    expect(readFileSync(path, 'utf8')).toMatch(/^(flowchart|graph) /m);
  });

  it('refuses an ending or a format that it does not know', async () => {
    for (const call of [
      () => visualize(sumTree(2), join(folder, 'graph.xyz')),
      () => visualize(sumTree(2), undefined, { format: 'bmp' as 'svg' }),
    ]) {
      const error = await failure(call);
      expect(error.code).toMatch(/^ERR_/);
      expect(error.message).toMatch(/svg/);
    }
    expect(existsSync(join(folder, 'graph.xyz'))).toBe(false);
  });

  it('takes several Values, which share their nodes', async () => {
    const shared = load(1);
    const dot = await visualize([join2(shared, 2), join2(shared, 3)], undefined, { format: 'json' });
    expect(dot.split(shared.key).length).toBeGreaterThan(1);
    expect(toGraphlib([join2(shared, 2), join2(shared, 3)]).nodeCount()).toBe(3);
  });

  it('takes color, rankdir and optimize', async () => {
    const graph = sumTree(4);
    for (const color of ['name', 'order', 'worker', 'status', 'time'] as const)
      expect(await graph.visualize(undefined, { color })).toMatch(/<svg[\s>]/);
    for (const rankdir of ['BT', 'TB', 'LR', 'RL'] as const)
      expect(await graph.visualize(undefined, { format: 'dot', rankdir })).toMatch(new RegExp(`rankdir\\s*=\\s*"?${rankdir}`));
    expect(await graph.visualize(undefined, { format: 'dot' })).toMatch(/rankdir\s*=\s*"?BT/);
    const chain = load(load(load(load(1))));
    const written = await visualize(chain, undefined, { format: 'dot' });
    const optimized = await visualize(chain, undefined, { format: 'dot', optimize: true });
    expect((optimized.match(/->/g) ?? []).length).toBeLessThan(written.match(/->/g)!.length);
  });

  it('runs nothing', async () => {
    const marker = join(folder, 'ran');
    const mark = lazy(() => {
      writeFileSync(marker, '');
      return 1;
    });
    await visualize(mark());
    await plan(mark());
    toGraphlib(mark());
    expect(existsSync(marker)).toBe(false);
  });

  it('lets no name or key inject markup', async () => {
    const evil = `"><script>alert(1)</script>]; click x "javascript:alert(2)" </svg><img src=x onerror=alert(3)>`;
    const graph = lazy((x: number) => x, { key: evil })(load(1));
    const named = Object.defineProperty((x: number) => x, 'name', { value: evil });
    for (const made of [graph, lazy(named)(1)]) {
      for (const format of ['svg', 'html'] as const) {
        const text = await visualize(made, undefined, { format });
        expect(text).not.toContain('<script>alert(1)');
        expect(text).not.toContain('<img src=x');
        expect(text).not.toMatch(/href="javascript:/i);
      }
      const mermaid = await visualize(made, undefined, { format: 'mermaid' });
      expect(mermaid).not.toMatch(/^\s*click /m);
      expect(mermaid).not.toContain('"]; click');
      expect(mermaid).not.toContain('<script>');
      const dot = await visualize(made, undefined, { format: 'dot' });
      expect(dot).not.toMatch(/[^\\]"><script>/);
      expect(JSON.parse(await visualize(made, undefined, { format: 'json' }))).toBeDefined();
    }
  });

  it('draws names of other alphabets', async () => {
    const svg = await visualize(lazy((x: number) => x, { key: 'größe-文-🙂' })(1));
    expect(svg).toMatch(/gr(ö|&#246;|&#xf6;)(ß|&#223;|&#xdf;)e/i);
  });

  it('groups by name above 500 nodes', async () => {
    const texts = async (leaves: number) => (await visualize(sumTree(leaves))).match(/<text/g)!.length;
    expect(await texts(128)).toBeGreaterThanOrEqual(255);
    expect(await texts(512)).toBeLessThan(50);
  });
});

describe('plan', () => {
  it('says what would happen', async () => {
    const path = join(folder, 'planned');
    writeFileSync(path, 'x'.repeat(1_000));
    const count = lazy(function count(bytes: Uint8Array) {
      return bytes.length;
    });
    const sum = lazy(function sum(numbers: number[]) {
      return numbers.reduce((a, b) => a + b, 0);
    });
    const blocks = await readBytes(path, { blockSize: 100, lazy: true });
    const report = await plan(sum(blocks.map((block) => count(block))), { executor });
    expect(report.tasksBefore).toBe(21);
    expect(report.tasksAfter).toBeLessThanOrEqual(11);
    expect(report.tasksAfter).toBeGreaterThanOrEqual(2);
    expect(report.bytesToRead).toBe(1_000);
    expect(report.cacheHits).toBe(0);
    expect(report.peakResults).toBeGreaterThanOrEqual(1);
    expect(report.passes.length).toBeGreaterThan(0);
    expect(report.passes.map((pass) => pass.name)).toEqual(expect.arrayContaining(['cull', 'fuse']));
    for (const pass of report.passes) expect(pass.tasksAfter).toBeLessThanOrEqual(pass.tasksBefore);
    expect(report.passes[0]!.tasksBefore).toBe(21);
    expect(report.passes.at(-1)!.tasksAfter).toBe(report.tasksAfter);
    expect([...report.tasksByWorker.values()].reduce((a, b) => a + b, 0)).toBe(report.tasksAfter);
    expect(report.text).toContain('21');
    expect(report.text.split('\n').length).toBeGreaterThan(2);
  });

  it('takes several Values', async () => {
    const report = await plan([load(1), load(2), value(3)]);
    expect(report.tasksBefore).toBeGreaterThanOrEqual(2);
    expect(report.bytesToRead).toBe(0);
  });
});

describe('toGraphlib', () => {
  it('gives a graph whose nodes are keys', () => {
    const graph = toGraphlib(sumTree(4));
    expect(graph.nodeCount()).toBe(7);
    expect(graph.edgeCount()).toBe(6);
    expect(graph.nodes()).toContain(sumTree(4).key);
    expect(graph.edges()).toContainEqual(expect.objectContaining({ v: load(0).key, w: join2(load(0), load(1)).key }));
  });

  it('is a Graph of @dagrejs/graphlib', async () => {
    const { alg } = (await import('@dagrejs/graphlib')) as unknown as { alg: { topsort(graph: unknown): string[] } };
    expect(alg.topsort(toGraphlib(sumTree(4)))).toHaveLength(7);
  });

  it('takes keys that are names of properties of every object', () => {
    const graph = toGraphlib(lazy((x: number) => x, { key: 'constructor' })(lazy((x: number) => x, { key: '__proto__' })(1)));
    expect(graph.nodes().sort()).toEqual(['__proto__', 'constructor']);
    expect(graph.edgeCount()).toBe(1);
  });
});

describe('the command line', () => {
  const cli = (...args: string[]) => node([join(packageFolder, 'dist', 'src', 'cli', 'main.js'), ...args], { deadlineMs: 25_000 });

  it('gives help everywhere', async () => {
    const top = await cli('--help');
    expect([top.code, top.late]).toEqual([0, false]);
    for (const command of ['graph', 'plan', 'info', 'bench']) {
      expect(top.stdout).toContain(command);
      const help = await cli(command, '--help');
      expect(help.code).toBe(0);
      expect(help.stdout).toContain(command);
    }
  });

  it('draws the graph of a file', async () => {
    const out = join(folder, 'cli.svg');
    const ended = await cli('graph', fixture('graph-file.mjs'), '--output', out);
    expect([ended.code, ended.late, ended.stderr]).toEqual([0, false, '']);
    expect(readFileSync(out, 'utf8')).toMatch(/<svg[\s>]/);
    expect(readFileSync(out, 'utf8')).toContain('collect');
  });

  it('plans the graph of a file', async () => {
    const ended = await cli('plan', fixture('graph-file.mjs'));
    expect([ended.code, ended.late, ended.stderr]).toEqual([0, false, '']);
    expect(ended.stdout).toMatch(/\b4\b/);
    expect(ended.stdout).toMatch(/fuse/);
  });

  it('tells about itself and the machine', async () => {
    const ended = await cli('info');
    expect([ended.code, ended.late]).toEqual([0, false]);
    expect(ended.stdout).toContain(process.version);
    expect(ended.stdout).toContain((JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }).version);
  });

  it.each([
    ['an unknown command', ['weave']],
    ['a missing file', ['graph', '/no/such/file.mjs']],
    ['a file without Values', ['graph', fixture('keys-local.mjs')]],
    ['no file', ['plan']],
    ['a file that throws', ['plan', fixture('throws-on-import.mjs')]],
  ])('ends with a code that is not 0 and an error on stderr without a stack: %s', async (_, args) => {
    const ended = await cli(...args);
    expect(ended.late).toBe(false);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr.trim()).not.toBe('');
    expect(ended.stderr).not.toMatch(/^\s+at /m);
  });

  it('shows the stack with --verbose', async () => {
    const ended = await cli('plan', fixture('throws-on-import.mjs'), '--verbose');
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toMatch(/^\s+at .*throws-on-import\.mjs/m);
  });
});
