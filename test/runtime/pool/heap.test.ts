// A worker whose heap grows without end dies alone: the process, its neighbours and their tasks live on.
import { fileURLToPath } from 'node:url';
import { report } from '../../fixtures/acceptance/helpers.ts';
import { nodeBinariesOrReason } from '../../services/node-versions.ts';

interface Seen {
  readonly code?: string;
  readonly message: string;
  readonly key: string;
  readonly cause?: string;
  readonly result?: boolean;
  readonly neighbour: number;
  readonly goesOn: number;
}

const fixture = fileURLToPath(new URL('../../fixtures/heap/grow.mjs', import.meta.url));
const { nodes, reason } = await nodeBinariesOrReason();
if (reason !== undefined) process.stderr.write(`skipped: versions of Node: ${reason}\n`);
const isNew = (version: string): boolean => Number(version.split('.')[0]) >= 22;
const grow = (pattern: string, engine: string, execPath = process.execPath): Promise<Seen> =>
  report<Seen>([fixture, pattern, engine], { execPath, deadlineMs: 60_000 });

function expectKilled(seen: Seen): void {
  expect(seen).toMatchObject({ code: 'ERR_KILLED_WORKER', cause: 'ERR_WORKER_OUT_OF_MEMORY', neighbour: 7, goesOn: 2 });
  expect(seen.message).toContain(seen.key);
  expect(seen.message).toMatch(/ran out of memory: .*heap limit 192 MiB/);
}

describe('on threads', () => {
  it('growth of nested objects ends one worker, on every Node', async () => {
    expectKilled(await grow('objects', 'threads'));
  }, 70_000);

  const table = nodes
    .filter(({ version }) => isNew(version))
    .flatMap((one) => ['objects', 'map', 'text'].map((pattern) => [one.version, pattern, one.path] as const));
  (table.length > 0 ? it.each(table) : it.skip.each([['other Nodes', 'nothing', '']]))(
    'Node %s: growth of %s, which V8 may answer with an abort, ends one worker',
    async (_, pattern, path) => expectKilled(await grow(pattern, 'threads', path)),
    70_000,
  );

  const newer = nodes.filter(({ version }) => isNew(version)).map(({ version, path }) => [version, path] as const);
  (newer.length > 0 ? it.each(newer) : it.skip.each([['other Nodes', '']]))(
    'Node %s: a task that makes much garbage and keeps little lives',
    async (_, path) => expect(await grow('garbage', 'threads', path)).toMatchObject({ result: true, neighbour: 7, goesOn: 2 }),
    70_000,
  );
});

describe('on processes', () => {
  it.each(['objects', 'map', 'text', 'array'])(
    'growth of %s ends one worker',
    async (pattern) => {
      const seen = await grow(pattern, 'processes');
      expectKilled(seen);
      expect(seen.message).toContain('FATAL ERROR');
    },
    70_000,
  );

  it('a task that makes much garbage and keeps little lives', async () => {
    expect(await grow('garbage', 'processes')).toMatchObject({ result: true, neighbour: 7, goesOn: 2 });
  }, 70_000);
});
