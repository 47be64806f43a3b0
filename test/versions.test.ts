// The built package on each line of Node that it is for: the same answers, the same keys, and nothing left running.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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
/** As one number: 22.18.0 is 22018. */
const order = ({ version }: NodeBinary): number => Number(version.split('.')[0]) * 1000 + Number(version.split('.')[1]);
/** Runs TypeScript as it is, without a flag. */
const runsTypeScript = (one: NodeBinary): boolean => order(one) >= 22018;

/** Where a fixture says this of itself. */
function place(file: string, mark: string): unknown {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  const line = lines.findIndex((text) => text.endsWith(`// ${mark}`)) + 1;
  expect(line).toBeGreaterThan(0);
  return expect.stringMatching(new RegExp(`^${file.replace('.', '\\.')}:${line}:\\d+$`));
}

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What program.mjs must see. */
function expected(): Readonly<Record<string, unknown>> {
  const key = (name: string): unknown => expect.stringMatching(new RegExp(`^${name}-[0-9a-f]{32}$`));
  const library = readFileSync(join(folder, 'library.mjs'));
  const bytes = new Uint8Array(100_000).map((_, i) => i * 7);
  return {
    closure: 52,
    collections: [
      ['one', '1'],
      ['two', '2'],
    ],
    classes: 31,
    imported: 8,
    importedClass: 6,
    json: 1001,
    regexp: ['ab', 'CD'],
    asynchronous: '8,1',
    several: 3,
    thrown: { name: 'RangeError', message: 'no 1', cause: 'a cause', key: key('thrown'), places: [place('program.mjs', 'thrown here')] },
    thrownInLibrary: {
      name: 'LibraryError',
      message: '2 is more than 1',
      limit: 7,
      key: key('lambda'),
      places: [place('library.mjs', 'thrown in the library'), place('program.mjs', 'the library is called here')],
    },
    thrownDeeper: {
      name: 'TypeError',
      message: "Cannot read properties of undefined (reading 'property')",
      key: key('lambda'),
      places: [place('program.mjs', 'thrown deeper'), place('program.mjs', 'deeper is called here')],
    },
    text: { name: 'TaskError', message: expect.any(String), code: 'ERR_TASK', cause: 'text', key: key('lambda'), places: [] },
    bytes: ['Uint8Array', 'ArrayBuffer', 89_990, sha(bytes.reverse().subarray(10, 90_000))],
    blocks: [Math.floor(library.length / 200), sha(library)],
    streamed: [2, 4, 6],
    tokens: expect.stringMatching(/^[0-9a-f]{32}$/),
  };
}

/** And what only threads can show. */
const expectedOfThreads = {
  unsendable: { name: 'HeddleError', message: expect.any(String), code: 'ERR_UNSENDABLE', key: expect.any(String), places: [] },
  cancelled: ['cancelled', 'ERR_CANCELLED'],
  after: [20, 40, 60],
  exit: 'ERR_TASK',
  shared: ['SharedArrayBuffer', sha(new Uint8Array(100_000).fill(9)), ['SharedArrayBuffer', 100_000, 9]],
};

/** A program's standard output on this Node; it must end by itself, well, and say nothing else. */
async function output(one: NodeBinary, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const { late, code, signal, stdout, stderr } = await node(args, { execPath: one.path, env });
  // a warning about the program's own import of JSON, which the first versions give
  const said = stderr.replaceAll(/.*ExperimentalWarning: Importing JSON.*\n(?:.*--trace-warnings.*\n)?/g, '');
  const isWell = !late && code === 0 && signal === null;
  expect({ version: one.version, late, code, signal, stderr: said, printed: isWell ? '' : stdout }).toEqual({
    version: one.version,
    late: false,
    code: 0,
    signal: null,
    stderr: '',
    printed: '',
  });
  return stdout;
}

const answer = async (one: NodeBinary, args: readonly string[]): Promise<Answer> => JSON.parse(await output(one, args)) as Answer;

(reason === undefined ? describe : describe.skip)(`on every line of Node${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const table = nodes.map((one) => [one.version, one] as const);

  it('of which the oldest is the oldest that package.json allows', () => {
    const { engines } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { engines: { node: string } };
    const oldest = nodes.reduce((a, b) => (order(a) <= order(b) ? a : b));
    expect(`>=${oldest.version.replace(/\.0$/, '')}`).toBe(engines.node);
    expect(new Set(nodes.map((one) => Math.floor(order(one) / 1000))).size).toBeGreaterThan(2);
  });

  it.each(table)('%s makes the keys of the test vectors', async (_, one) => {
    expect(await output(one, [join(packageFolder, 'test/vectors/verify.mjs')])).toMatch(/: \d+ equal, 0 different/);
  });

  it('a program gives the same answer and the same keys, in threads and inline', async () => {
    const file = join(folder, 'program.mjs');
    const [first, ...others] = await Promise.all(nodes.map((one) => answer(one, [file])));
    expect(first!.seen).toEqual({ ...expected(), ...expectedOfThreads });
    for (const other of others) expect(other).toEqual(first);
    const inline = await Promise.all(nodes.map((one) => answer(one, [file, 'inline'])));
    for (const { seen, keys } of inline) {
      expect(seen).toMatchObject(expected());
      expect(keys).toEqual(first!.keys);
    }
  });

  it('a TypeScript program, as it is or with tsx', async () => {
    const file = join(folder, 'typed.ts');
    const [first, ...others] = await Promise.all(nodes.map((one) => answer(one, runsTypeScript(one) ? [file] : ['--import', 'tsx', file])));
    expect(first!.seen).toEqual({ total: 27, message: 'not 1', place: place('typed.ts', 'thrown here') });
    for (const other of others) expect(other).toEqual(first);
  });

  it.each(table)('%s: node --test passes and ends', async (_, one) => {
    const printed = await output(one, ['--test', '--test-reporter=tap', join(folder, 'heddle.spec.mjs')]);
    expect(printed).toMatch(/^# pass 3$/m);
    expect(printed).toMatch(/^# fail 0$/m);
  });

  it.each(table)(
    '%s: importing is silent, and flags of the whole process or of its own script do not trouble the workers',
    async (_, one) => {
      const script =
        "import 'heddle/graph'; import 'heddle/runtime'; import { Executor } from 'heddle'; const k = 2; console.log(await new Executor({ workers: 1 }).submit((x) => x + k, 1))";
      const flags = ['--max-old-space-size=500', '--title', 'me', '--trace-warnings', '--trace-deprecation', '--pending-deprecation'];
      expect(await output(one, [...flags, '--input-type=module', '-e', script])).toBe('3\n');
    },
  );
});
