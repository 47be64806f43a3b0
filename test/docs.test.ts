// The docs say what is true: programs in them run and type-check, links and paths lead somewhere, every public name is explained.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorCodes } from '../graph/errors.ts';
import { type Ended, node, packageFolder } from './fixtures/acceptance/helpers.ts';

const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'] as const;
const read = (path: string): string => readFileSync(join(packageFolder, path), 'utf8');

/** A block of code in a page. */
interface Program {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
  /** What it says that it prints, a line each; `…` stands for anything. */
  readonly prints: readonly string[];
}

function programsOf(page: string): Program[] {
  const text = read(page);
  return [...text.matchAll(/^```(ts|js)\n(.*?)^```$/gms)].map((match) => {
    const code = match[2]!;
    return {
      page,
      line: text.slice(0, match.index).split('\n').length + 1,
      language: match[1]!,
      code,
      prints: [...code.matchAll(/\/\/ → (.*)$/gm)].map((arrow) => arrow[1]!.trim()),
    };
  });
}

const programs = pages.flatMap(programsOf);

/** A user's project: the built package by its name, and some logs. */
function makeProject(): string {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-docs-')));
  mkdirSync(join(project, 'node_modules', '@types'), { recursive: true });
  symlinkSync(packageFolder, join(project, 'node_modules', 'heddle'), 'dir');
  symlinkSync(join(packageFolder, 'node_modules', '@types', 'node'), join(project, 'node_modules', '@types', 'node'), 'dir');
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
  mkdirSync(join(project, 'logs'));
  writeFileSync(join(project, 'logs', 'a.txt'), 'warp and weft\n'.repeat(200));
  writeFileSync(join(project, 'logs', 'b.txt'), 'heddle\n'.repeat(30));
  for (const [i, { language, code }] of programs.entries()) writeFileSync(join(project, `program-${i}.${language}`), code);
  return project;
}

const tsx = pathToFileURL(join(packageFolder, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href;

describe('programs in the docs', () => {
  let project: string;
  beforeAll(() => {
    project = makeProject();
  });
  afterAll(() => rmSync(project, { recursive: true, force: true }));

  it('are there', () => {
    expect(programs.filter(({ page }) => page === 'README.md').length).toBeGreaterThanOrEqual(8);
    expect(programs.some(({ page }) => page === 'ARCHITECTURE.md')).toBe(true);
  });

  it.each(programs.map((program, i) => [`${program.page}:${program.line}`, program, i] as const))(
    '%s runs, ends by itself, and prints what it says',
    async (_, { language, prints }, i) => {
      const loader = language === 'ts' ? ['--import', tsx] : [];
      const ended: Ended = await node([...loader, `program-${i}.${language}`], { cwd: project });
      expect([ended.late, ended.code, ended.stderr]).toEqual([false, 0, '']);
      if (prints.length === 0) return;
      const pattern = prints.map((line) => line.split('…').map(escapeText).join('.*')).join('\n');
      expect(ended.stdout.trimEnd()).toMatch(new RegExp(`^${pattern}$`, 's'));
    },
  );

  it('do what a strict compiler allows', async () => {
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2022',
          lib: ['es2023', 'esnext.disposable'],
          module: 'nodenext',
          types: ['node'],
          exactOptionalPropertyTypes: true,
          noUncheckedIndexedAccess: true,
          skipLibCheck: true,
        },
        include: ['*.ts'],
      }),
    );
    const tsc = join(packageFolder, 'node_modules', 'typescript', 'bin', 'tsc');
    const ended = await node([tsc, '-p', project], { cwd: project });
    expect([ended.stdout, ended.code]).toEqual(['', 0]);
  });

  it('draw the picture that the README shows', async () => {
    const fresh = join(project, 'picture.svg');
    const ended = await node([join(packageFolder, 'examples', 'picture.mjs'), fresh]);
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    // the hash of a read goes with the place of the file, and so with the machine; widths and places go with the hash
    const content = (svg: string): string[] =>
      [...svg.matchAll(/aria-label="[^"]*"|data-from="\d+" data-to="\d+"|<title>[^<]*|font-weight="600"[^>]*>[^<]*| fill="[^"]*"/g)].map(
        (match) => match[0].replace(/[0-9a-f]{32}/, ''),
      );
    expect(content(readFileSync(fresh, 'utf8'))).toEqual(content(read('docs/word-count.svg')));
    expect(content(read('docs/word-count.svg'))).toContain('aria-label="Task graph: 9 tasks, 8 dependencies"');
    expect(read('README.md')).toContain('](docs/word-count.svg)');
  });
});

function escapeText(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

describe('the demo', () => {
  let folder: string;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'heddle-demo-')));
    for (let i = 0; i < 40; i++) writeFileSync(join(folder, `${i}.log`), `warp weft weft\n${'heddle '.repeat(i)}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const demo = (...options: readonly string[]): Promise<Ended> =>
    node([join(packageFolder, 'examples', 'word-count.mjs'), '*.log', '--keys', ...options], { cwd: folder });
  const answerOf = ({ stdout }: Ended): string => stdout.slice(stdout.indexOf('the 3 most frequent'), stdout.indexOf('\n\ngraph'));

  it('counts, says what it did, and draws the graph', async () => {
    const ended = await demo();
    expect([ended.late, ended.code]).toEqual([false, 0]);
    const nbytes = readdirSync(folder).filter((name) => name.endsWith('.log')).length * 16 + (40 * 39 * 7) / 2;
    expect(ended.stdout).toContain(`40 files, ${nbytes.toLocaleString('en-US')} bytes, 40 blocks\n`);
    expect(ended.stdout).toMatch(/^84 tasks, 44 after optimising, on \d+ workers$/m);
    expect(ended.stdout).toMatch(/^counted in \d+\.\d\d s, \d+\.\d MB\/s$/m);
    expect(answerOf(ended)).toMatch(/words:\n +780 {2}heddle\n +80 {2}weft\n +40 {2}warp\n\nkey merge-[0-9a-f]{32}$/);
    expect(readFileSync(join(folder, 'graph.svg'), 'utf8')).toMatch(/^<svg [\s\S]*aria-label="Task graph: 84 tasks/);
  });

  it('gives the same answer and the same key in one thread', async () => {
    const [threads, inline] = [await demo(), await demo('--inline')];
    expect(inline.stdout).toContain('on 1 workers');
    expect(answerOf(inline)).toBe(answerOf(threads));
  });
});

describe('the table of errors', () => {
  const rows = [...read('README.md').matchAll(/^\| `(ERR_[A-Z_]+)` \| ([^|]*) \| ([^|]*) \|$/gm)];

  it('has each code once, in the order of the list, with what it means and what to do', () => {
    const sorted = [...errorCodes].sort();
    expect(rows.map((row) => row[1]!).sort()).toEqual(sorted);
    for (const [, code, meaning, cure] of rows)
      expect([code, meaning!.trim().length > 15, cure!.trim().length > 9]).toEqual([code, true, true]);
  });
});

describe('links and paths', () => {
  /** GitHub's own rule for the anchor of a heading. */
  const anchorsOf = (page: string): string[] =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map((match) =>
      match[1]!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it.each(pages)('%s links to files and headings that are there', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^https?:/.test(link));
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? page : path;
      return !existsSync(join(packageFolder, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
    });
    expect(broken).toEqual([]);
  });

  it.each(pages)('%s names files that are there', (page) => {
    const named = [...read(page).matchAll(/`((?:graph|runtime|src|test|examples|docs|benchmarks)\/[\w./*-]*)`/g)].map((match) => match[1]!);
    expect(named.filter((path) => !path.includes('*') && !existsSync(join(packageFolder, path)))).toEqual([]);
  });

  it('ARCHITECTURE.md names every folder of the floors, and in its rooms only files that are there', () => {
    const rooms = read('ARCHITECTURE.md').split('\n## Rooms')[1]!.split('```')[1]!;
    const inside = ['graph', 'runtime', 'src'].flatMap((floor) =>
      readdirSync(join(packageFolder, floor), { recursive: true, withFileTypes: true }).map((entry) => ({ entry, floor })),
    );
    const folders = new Set(inside.filter(({ entry }) => entry.isFile()).map(({ entry }) => basename(entry.parentPath)));
    for (const floor of ['graph', 'runtime', 'src']) folders.delete(floor);
    expect([...folders].filter((name) => !rooms.includes(`${name}/`))).toEqual([]);
    const files = new Set(inside.map(({ entry }) => entry.name));
    expect([...rooms.matchAll(/[\w-]+\.ts\b/g)].map((match) => match[0]).filter((name) => !files.has(name))).toEqual([]);
  });

  it.each(pages)('%s runs scripts that are there', (page) => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const run = [...read(page).matchAll(/npm run ([\w-]+)/g)].map((match) => match[1]!);
    expect(run.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('ARCHITECTURE.md has a reason for every dependency', () => {
    const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
    const section = read('ARCHITECTURE.md').split('\n## Dependencies')[1] ?? '';
    const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
      (name) => !name.startsWith('@types/') && !section.includes(`\`${name}\``),
    );
    expect(missing).toEqual([]);
  });
});

describe('public names', () => {
  /** Names that a door or module exports, each with the file that declares it and its name there. */
  function exportsOf(path: string, seen: ReadonlySet<string> = new Set()): Map<string, readonly [file: string, name: string]> {
    const text = read(path);
    const found = new Map<string, readonly [file: string, name: string]>();
    const fileOf = (specifier: string): string => relative(packageFolder, join(packageFolder, dirname(path), specifier));
    for (const match of text.matchAll(/^export (?:type )?\{([^}]*)\} from '(\.[^']+)'/gm)) {
      const from = exportsOf(fileOf(match[2]!), new Set([...seen, path]));
      for (const one of match[1]!.split(',')) {
        const [name = '', as = name] = one
          .trim()
          .replace(/^type /, '')
          .split(' as ');
        if (name !== '') found.set(as, from.get(name) ?? [fileOf(match[2]!), name]);
      }
    }
    for (const match of text.matchAll(/^export (?:type )?\* from '(\.[^']+)'/gm))
      for (const [name, place] of exportsOf(fileOf(match[1]!), new Set([...seen, path]))) found.set(name, place);
    for (const match of text.matchAll(/^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|const|interface|type) (\w+)/gm))
      if (!found.has(match[1]!)) found.set(match[1]!, [path, match[1]!]);
    return found;
  }

  /** Whether a docstring stands right above the first declaration. */
  function isExplained(file: string, name: string): boolean {
    const declaration = new RegExp(
      `^export (?:declare )?(?:abstract )?(?:async )?(?:function\\*?|class|const|interface|type) ${name}\\b`,
      'm',
    ).exec(read(file));
    return declaration !== null && read(file).slice(0, declaration.index).trimEnd().endsWith('*/');
  }

  it.each(['src/index.ts', 'graph/index.ts', 'runtime/index.ts'])('of %s all have a docstring', (door) => {
    const names = exportsOf(door);
    expect(names.size).toBeGreaterThan(20);
    expect([...names].filter(([, [file, name]]) => !isExplained(file, name)).map(([name, [file]]) => `${name} (${file})`)).toEqual([]);
  });
});
