import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Executor, lazy, type Value, value, visualize } from 'heddle';
import { nastyNames } from '../../conformance/renderer.ts';
import { readDrawing } from './read-svg.ts';

const read = lazy(function read(n: number): number {
  return n;
});
const merge = lazy(function merge(parts: number[]): number {
  return parts.length;
});
//  read ─┐
//  read ─┴▶ merge
const graph = (): Value<number> => merge([read(1), read(2)]);

interface JsonPicture {
  readonly grouped: boolean;
  readonly nodes: readonly {
    readonly key?: string;
    readonly name: string;
    readonly kind: string;
    readonly isOutput: boolean;
    readonly order?: number;
    readonly members: readonly string[];
  }[];
  readonly edges: readonly { readonly from: number; readonly to: number }[];
}
const asJson = async (...[values, options]: [Parameters<typeof visualize>[0], object?]): Promise<JsonPicture> =>
  JSON.parse(await visualize(values, undefined, { ...options, format: 'json' })) as JsonPicture;

describe('visualize', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heddle-visualize-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('gives svg unless told otherwise', async () => {
    const { labels, edges } = readDrawing(await visualize(graph()));
    expect(labels.map(([name]) => name).sort()).toEqual(['merge', 'read', 'read']);
    expect(edges).toBe(2);
  });

  it('draws one Value, many, and what they share once', async () => {
    const total = graph();
    const { nodes, edges } = await asJson(new Set([total, merge([total, read(1)])]));
    expect(nodes.map(({ name }) => name).sort()).toEqual(['merge', 'merge', 'read', 'read']);
    expect(edges).toHaveLength(4);
    expect(nodes.filter(({ isOutput }) => isOutput)).toHaveLength(2);
    expect((await asJson(value([1, 2]))).nodes).toMatchObject([{ name: 'array', kind: 'data' }]);
  });

  it('is a member of Values too', async () => {
    expect(await graph().visualize(undefined, { format: 'json' })).toBe(await visualize(graph(), undefined, { format: 'json' }));
  });

  it('takes a Value with nout for one Value', async () => {
    const both = lazy((): [number, number] => [1, 2], { name: 'both', nout: 2 })();
    expect((await asJson(both)).nodes).toHaveLength(1);
  });

  it('writes the format that the path ends in, and gives the path back', async () => {
    const starts = {
      'a.svg': '<svg ',
      'a.dot': 'digraph ',
      'a.gv': 'digraph ',
      'a.mmd': 'flowchart ',
      'a.mermaid': 'flowchart ',
      'a.html': '<!doctype html>',
      'a.HTM': '<!doctype html>',
      'a.json': '{"tasks":3',
    };
    for (const [name, start] of Object.entries(starts)) {
      const path = join(folder, name);
      expect(await visualize(graph(), path)).toBe(path);
      expect((await readFile(path, 'utf8')).startsWith(start)).toBe(true);
    }
    expect((await readdir(folder)).sort()).toEqual(Object.keys(starts).sort());
  });

  it('lets option format win over the ending, and makes directories', async () => {
    const path = join(folder, 'deep', 'er', 'graph.txt');
    await visualize(graph(), path, { format: 'mermaid' });
    expect(await readFile(path, 'utf8')).toMatch(/^flowchart BT\n/);
    const url = pathToFileURL(join(folder, 'b c.dot')).href;
    expect(await visualize(graph(), url)).toBe(url);
    expect(await readdir(folder)).toContain('b c.dot');
  });

  it('replaces a file whole, and leaves it alone when it fails', async () => {
    const path = join(folder, 'graph.svg');
    await writeFile(path, 'old');
    await expect(visualize([graph(), 7] as never, path)).rejects.toThrow(TypeError);
    expect(await readFile(path, 'utf8')).toBe('old');
    await visualize(graph(), path);
    expect(await readFile(path, 'utf8')).toMatch(/^<svg /);
    await expect(visualize(graph(), join(path, 'inside.svg'))).rejects.toMatchObject({ code: expect.stringMatching(/^E/) });
    expect(await readdir(folder)).toEqual(['graph.svg']);
  });

  it('draws the plan when asked to optimise, for the workers of an executor', async () => {
    const executor = new Executor({ engine: 'inline' });
    const chain = merge([read(read(read(1)))]);
    const { nodes } = await asJson(chain, { optimize: true, executor });
    expect(nodes.length).toBeLessThan((await asJson(chain)).nodes.length);
    expect(nodes.at(-1)).toMatchObject({ key: chain.key, order: nodes.length - 1 });
    await executor.close();
  });

  it('knows the order of what was written', async () => {
    const { nodes } = await asJson(graph(), { color: 'order' });
    expect(nodes.map(({ order }) => order).sort()).toEqual([0, 1, 2]);
  });

  it('groups above 500 tasks unless told otherwise', async () => {
    const many = Array.from({ length: 501 }, (_, i) => read(i));
    expect((await asJson(many)).nodes).toHaveLength(1);
    expect((await asJson(many, { group: false })).nodes).toHaveLength(501);
    expect((await asJson(graph(), { group: true })).nodes).toHaveLength(2);
  });

  it('shows keys that nobody foresaw', async () => {
    const values = nastyNames.filter((key) => !/\p{Surrogate}/u.test(key)).map((key) => value(1, { key }));
    expect((await asJson(values)).nodes.map(({ key }) => key)).toEqual(values.map(({ key }) => key));
  });

  const wrong: readonly (readonly [what: string, args: readonly unknown[], message: string])[] = [
    ['nothing', [undefined], 'undefined'],
    ['a number', [7], '7'],
    ['a text', ['total'], 'a text'],
    ['a lazy function', [read], 'call it'],
    ['a Promise', [Promise.resolve(graph())], 'await it'],
    ['an empty list', [[]], 'no Values'],
    ['a list with something else in it', [[graph(), {}]], 'item 1'],
    ['an ending nobody knows', [graph(), 'graph.xyz'], '.svg'],
    ['no ending', [graph(), 'graph'], '.svg'],
    ['an empty path', [graph(), ''], 'path'],
    ['a path that is no text', [graph(), 7], 'path'],
    ['a format nobody knows', [graph(), undefined, { format: 'gif' }], 'svg, html'],
    ['a format from the prototype', [graph(), undefined, { format: 'constructor' }], 'svg, html'],
    ['a colour nobody knows', [graph(), undefined, { color: 'red' }], 'name, order'],
    ['a direction nobody knows', [graph(), undefined, { rankdir: 'UP' }], 'BT'],
    ['an option nobody knows', [graph(), undefined, { colour: 'name' }], 'color'],
    ['optimize that is no flag', [graph(), undefined, { optimize: 1 }], 'true or false'],
    ['options that are none', [graph(), undefined, null], 'options'],
  ];
  it.each(wrong)('refuses %s with a TypeError that says what it wants', async (_, args, message) => {
    const drawn = visualize(...(args as Parameters<typeof visualize>));
    await expect(drawn).rejects.toMatchObject({
      name: 'TypeError',
      code: expect.stringMatching(/^ERR_INVALID_/),
      message: expect.stringContaining(message),
    });
  });

  it('does not make png, and names svg', async () => {
    const path = join(folder, 'graph.png');
    await expect(visualize(graph(), path)).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringContaining('svg') });
    expect(await readdir(folder)).toEqual([]);
  });
});
