// The built package on each line of Node that it is for: the same answers, the same keys, and nothing left running.
import { join } from 'node:path';
import { fixtures, node, packageFolder } from './fixtures/acceptance/helpers.ts';
import { type NodeBinary, nodeBinariesOrReason } from './services/node-versions.ts';

interface Answer {
  readonly seen: Readonly<Record<string, unknown>>;
  readonly keys: Readonly<Record<string, string | readonly string[]>>;
}

const folder = join(fixtures, '..', 'versions');
const { nodes, reason } = await nodeBinariesOrReason();
if (reason !== undefined) process.stderr.write(`skipped: versions of Node: ${reason}\n`);
const [major, minor] = [0, 1].map((i) => (one: NodeBinary) => Number(one.version.split('.')[i])) as [Part, Part];
type Part = (one: NodeBinary) => number;
/** Runs TypeScript without a flag and without a warning. */
const runsTypeScript = (one: NodeBinary): boolean => major(one) >= 24 || (major(one) === 22 && minor(one) >= 18);

/** A program's standard output on this Node; it must end by itself, well, and say nothing else. */
async function output(one: NodeBinary, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { late, code, signal, stdout, stderr } = await node(args, { execPath: one.path, env });
  // a warning about the program's own import of JSON, which the first versions give
  const said = stderr.replaceAll(/.*ExperimentalWarning: Importing JSON.*\n(?:.*--trace-warnings.*\n)?/g, '');
  expect({ version: one.version, late, code, signal, stderr: said, stdout }).toEqual({
    version: one.version,
    late: false,
    code: 0,
    signal: null,
    stderr: '',
    stdout: expect.any(String),
  });
  return stdout;
}

const answer = async (one: NodeBinary, args: readonly string[]): Promise<Answer> => JSON.parse(await output(one, args)) as Answer;

(reason === undefined ? describe : describe.skip)(`on every line of Node${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const table = nodes.map((one) => [one.version, one] as const);

  it('there is more than one, and the oldest is the oldest that package.json allows', async () => {
    const { engines } = (await import('../package.json', { with: { type: 'json' } })).default;
    expect(nodes.map(({ version }) => `>=${version.replace(/\.0$/, '')}`)).toContain(engines.node);
    expect(new Set(nodes.map(major)).size).toBeGreaterThan(2);
  });

  it.each(table)('%s makes the keys of the test vectors', async (_, one) => {
    expect(await output(one, [join(packageFolder, 'test/vectors/verify.mjs')])).toMatch(/: \d+ equal, 0 different/);
  });

  it('a program gives the same answer and the same keys', async () => {
    const file = join(folder, 'program.mjs');
    const [first, ...others] = await Promise.all(nodes.map((one) => answer(one, [file])));
    expect(first!.seen).toEqual(expected);
    for (const other of others) expect(other).toEqual(first);
  });

  it('the inline engine too', async () => {
    const file = join(folder, 'program.mjs');
    const [first, ...others] = await Promise.all(nodes.map((one) => answer(one, [file, 'inline'])));
    const { cancelled, after, exit, shared, unsendable, ...rest } = expected;
    expect(first!.seen).toMatchObject(rest);
    for (const other of others) expect(other).toEqual(first);
  });

  it('a TypeScript program, as it is or with tsx', async () => {
    const file = join(folder, 'typed.ts');
    const [first, ...others] = await Promise.all(
      nodes.map((one) => answer(one, runsTypeScript(one) ? [file] : ['--import', 'tsx', file])),
    );
    expect(first!.seen).toEqual({ total: 27, message: 'not 1', place: '23' });
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(table)('%s: node --test passes and ends', async (_, one) => {
    const printed = await output(one, ['--test', '--test-reporter=tap', join(folder, 'heddle.spec.mjs')]);
    expect(printed).toMatch(/^# pass 3$/m);
    expect(printed).toMatch(/^# fail 0$/m);
  });

  it.each(table)('%s: flags that are for the whole process, or for its own script only, do not trouble the workers', async (_, one) => {
    const script =
      "import { Executor } from 'heddle'; const k = 2; console.log(await new Executor({ workers: 1 }).submit((x) => x + k, 1))";
    const flags = ['--max-old-space-size=500', '--title', 'me', '--trace-warnings'];
    expect(await output(one, [...flags, '--input-type=module', '-e', script])).toBe('3\n');
  });

  it.each(table)('%s: importing is silent', async (_, one) => {
    const script = "Promise.all(['heddle', 'heddle/graph', 'heddle/runtime'].map((name) => import(name)))";
    expect(await output(one, ['--trace-warnings', '--trace-deprecation', '--pending-deprecation', '-e', script])).toBe('');
  });
});
