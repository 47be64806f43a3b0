/**
 * Which files a path, directory or glob stands for. A glob is walked from its fixed part down: `reached` says which of its steps a directory's name may have come to,
 * and only directories that can still match are looked into.
 *
 *     /data/20*\/x?   →   list /data · 2015 matches step 0 → list /data/2015 · x1 matches step 1 and is a file → found
 */
import { type GlobStep, hasGlob, parseGlob } from '../globs.ts';
import { forEachInLanes } from '../lanes.ts';
import type { StorageCall, StoredFile } from '../storage.ts';
import { unfinishedFile } from '../walk.ts';
import { parseHdfs } from './address.ts';
import { type Cluster, clusterOf } from './cluster.ts';
import { blocksOf, isUnknownOperation, withoutHosts } from './locations.ts';
import { checkHdfsOptions } from './options.ts';
import { field, hdfsError, isNotThere, RemoteError } from './remote-error.ts';
import { type HdfsStatus, parseStatus, statusOf } from './status.ts';

interface Found {
  readonly path: string;
  readonly status: HdfsStatus;
}

/** What a location stands for, each file with its blocks. */
export async function* list(location: string, { signal, storage }: StorageCall): AsyncGenerator<StoredFile> {
  const options = checkHdfsOptions(storage);
  signal?.throwIfAborted();
  const address = parseHdfs(location, options);
  const cluster = clusterOf(address, options);
  let at = address.path;
  try {
    const found = await filesAt(cluster, address.path, signal);
    const blocks = new Array<StoredFile['hosts']>(found.length);
    await forEachInLanes(
      found,
      async ({ path, status }, i) => {
        at = path;
        blocks[i] = options.locality ? await blocksOf(cluster, path, status, signal) : withoutHosts(status.length, status.blockSize);
      },
      signal,
    );
    for (const [i, { path, status }] of found.entries())
      yield { path: address.prefix + path, size: status.length, identity: status.identity, hosts: blocks[i]! };
  } catch (error) {
    throw error instanceof ListError
      ? hdfsError('list', address.prefix + error.path, cluster.who, error.cause)
      : error instanceof RemoteError
        ? hdfsError('list', address.prefix + at, cluster.who, error)
        : error;
  }
}

/** Says which directory could not be listed. */
class ListError extends Error {
  readonly path: string;
  declare readonly cause: RemoteError;
  constructor(path: string, cause: RemoteError) {
    super(cause.message, { cause });
    this.path = path;
  }
}

async function filesAt(cluster: Cluster, path: string, signal: AbortSignal | undefined): Promise<Found[]> {
  const bare = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
  const status = await statusOf(cluster, bare, signal);
  if (status !== undefined && !status.isDirectory) return path === bare ? [{ path, status }] : [];
  if (status !== undefined) return await walk(cluster, bare === '/' ? '/' : `${bare}/`, [{ kind: 'deep' }], signal);
  if (!hasGlob(path)) return [];
  const found = new Map<string, Found>();
  for (const { prefix, steps } of parseGlob(path))
    for (const file of await walk(cluster, prefix, steps, signal)) found.set(file.path, file);
  return [...found.values()];
}

/** Files below `root` (ending with `/`) that the steps match. */
async function walk(cluster: Cluster, root: string, steps: readonly GlobStep[], signal: AbortSignal | undefined): Promise<Found[]> {
  const found: Found[] = [];
  const queue: { readonly directory: string; readonly reached: ReadonlySet<number> }[] = [
    { directory: root, reached: new Set(withDeep(steps, 0)) },
  ];
  await forEachInLanes(
    queue,
    async ({ directory, reached }) => {
      for await (const status of entriesOf(cluster, directory, signal)) {
        const next = advance(steps, reached, status.name);
        const path = directory + status.name;
        if (status.isDirectory) {
          if (next.size > 0) queue.push({ directory: `${path}/`, reached: next });
        } else if (isMatch(steps, reached, next) && !unfinishedFile.test(status.name)) found.push({ path, status });
      }
    },
    signal,
  );
  return found;
}

// `**` may stand for no directory at all, so whoever reaches it has reached what follows.
const withDeep = (steps: readonly GlobStep[], step: number): number[] => (steps[step]?.kind === 'deep' ? [step, step + 1] : [step]);

function advance(steps: readonly GlobStep[], reached: ReadonlySet<number>, name: string): Set<number> {
  const next = new Set<number>();
  for (const at of reached) {
    const step = steps[at];
    if (step === undefined) continue;
    if (step.kind === 'deep') for (const to of withDeep(steps, at)) next.add(to);
    else if (step.kind === 'name' ? step.name === name : step.matches(name)) for (const to of withDeep(steps, at + 1)) next.add(to);
  }
  return next;
}

/** Whether a file whose name led from `reached` to `next` is one that is looked for. */
function isMatch(steps: readonly GlobStep[], reached: ReadonlySet<number>, next: ReadonlySet<number>): boolean {
  return steps.at(-1)?.kind === 'deep' ? reached.has(steps.length - 1) : next.has(steps.length);
}

/** A directory page by page, where the server has pages. What is gone or no directory holds nothing. */
async function* entriesOf(cluster: Cluster, directory: string, signal: AbortSignal | undefined): AsyncGenerator<HdfsStatus> {
  const path = directory === '/' ? directory : directory.slice(0, -1);
  try {
    let after: string | undefined;
    while (cluster.hasPages) {
      let answer: unknown;
      try {
        answer = field(await cluster.json('LISTSTATUS_BATCH', path, { startAfter: after }, signal), 'DirectoryListing');
      } catch (error) {
        if (after !== undefined || !isUnknownOperation(error)) throw error;
        cluster.hasPages = false;
        break;
      }
      const page = entriesIn(field(answer, 'partialListing'));
      yield* page;
      if (!(Number(field(answer, 'remainingEntries')) > 0)) return;
      const last = page.at(-1)?.name;
      // Pages come in the order of names; a server that repeats itself would be listened to for ever.
      if (last === undefined || (after !== undefined && Buffer.compare(Buffer.from(last), Buffer.from(after)) <= 0))
        throw new RemoteError('', 'the server’s list of the directory has no end', 200);
      after = last;
    }
    yield* entriesIn(await cluster.json('LISTSTATUS', path, {}, signal));
  } catch (error) {
    if (isNotThere(error)) return;
    throw error instanceof RemoteError ? new ListError(path, error) : error;
  }
}

function entriesIn(listing: unknown): HdfsStatus[] {
  const entries = field(field(listing, 'FileStatuses'), 'FileStatus');
  if (!Array.isArray(entries)) throw new RemoteError('', 'the server’s list of the directory is none', 200);
  // A file lists itself, under no name.
  return entries.map(parseStatus).filter(({ name }) => name !== '');
}
