/**
 * Writes beside the target, under a name that no listing shows, and moves it there when all bytes are stored: nobody ever sees half a file.
 *
 *     CREATE .heddle-….tmp → DataNode takes the bytes → is it as long as it should be? → RENAME to the target, which refuses when the name is taken
 */
import { randomBytes } from 'node:crypto';
import { HeddleError } from '../../../graph/index.ts';
import type { StorageWrite } from '../storage.ts';
import { parseHdfs } from './address.ts';
import { type Cluster, clusterOf } from './cluster.ts';
import { type CheckedHdfs, checkHdfsOptions } from './options.ts';
import { connectionText, field, hdfsError, isBelowFile, RemoteError, remoteError } from './remote-error.ts';
import { type HdfsStatus, statusOf } from './status.ts';

/** DataNodes that are tried. */
const mostAttempts = 4;
const cleanUpMs = 10_000;

/** Whole or not at all; the number of bytes written. */
export async function write(location: string, data: Uint8Array, { overwrite, signal, storage }: StorageWrite): Promise<number> {
  const options = checkHdfsOptions(storage);
  signal?.throwIfAborted();
  const address = parseHdfs(location, options);
  const cluster = clusterOf(address, options);
  const { path } = address;
  try {
    const before = await targetOf(cluster, path, location, overwrite, signal);
    for (let attempt = 1; ; attempt++) {
      const unfinished = `${path.slice(0, path.lastIndexOf('/') + 1)}.heddle-${randomBytes(16).toString('hex')}.tmp`;
      let isMoved = false;
      try {
        const failure = await create(cluster, unfinished, data, { ...options, permission: before?.permission }, signal);
        if (failure === undefined) {
          await move(cluster, unfinished, path, location, overwrite, signal);
          isMoved = true;
          return data.byteLength;
        }
        if (attempt >= mostAttempts) throw failure;
      } finally {
        if (!isMoved) await remove(cluster, unfinished);
      }
    }
  } catch (error) {
    throw error instanceof RemoteError ? hdfsError('write', address.prefix + path, cluster.who, error) : error;
  }
}

async function targetOf(
  cluster: Cluster,
  path: string,
  location: string,
  overwrite: boolean,
  signal: AbortSignal | undefined,
): Promise<HdfsStatus | undefined> {
  if (path.endsWith('/'))
    throw new HeddleError('ERR_STORAGE', `cannot write ${location}: it is the name of a directory; add a file's name`);
  const status = await statusOf(cluster, path, signal);
  if (status?.isDirectory)
    throw new HeddleError('ERR_STORAGE', `cannot write ${location}: it is a directory; end the path with "/" to write parts into it`);
  if (status !== undefined && !overwrite) throw exists(location);
  return status;
}

/** Stores the bytes; what failed, when another DataNode may do better. */
async function create(
  cluster: Cluster,
  path: string,
  data: Uint8Array,
  { replication, blockSize, permission }: CheckedHdfs & { readonly permission: string | undefined },
  signal: AbortSignal | undefined,
): Promise<RemoteError | undefined> {
  const excludedatanodes = await cluster.excluded();
  const params = { overwrite: true, noredirect: true, replication, blocksize: blockSize, permission, excludedatanodes };
  const url = cluster.redirectOf(await cluster.ask('CREATE', path, params, { signal }), path);
  const answer = await cluster.http.upload(url, data, signal);
  if (answer.error === undefined && answer.status >= 200 && answer.status < 300) {
    const stored = await statusOf(cluster, path, signal);
    if (stored?.length === data.byteLength) return undefined;
    return new RemoteError('', `${data.byteLength} bytes were sent, and ${stored?.length ?? 0} arrived`, answer.status);
  }
  const { hostname } = new URL(url);
  if (answer.error !== undefined) {
    cluster.suspect(hostname);
    return new RemoteError('', `the DataNode ${hostname} failed: ${connectionText(answer.error)}`, 0);
  }
  const error = remoteError(answer);
  // What the NameNode refuses it refuses wherever the bytes are sent.
  if (error.exception !== 'IOException' || /block ?size|replication/i.test(error.message)) throw error;
  cluster.suspect(hostname);
  return error;
}

async function move(
  cluster: Cluster,
  from: string,
  to: string,
  location: string,
  overwrite: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const written = await statusOf(cluster, from, signal);
  try {
    const answer = await cluster.json('RENAME', from, { destination: to, renameoptions: overwrite ? 'OVERWRITE' : 'NONE' }, signal);
    // Gateways and servers of before answer false where others throw.
    if (field(answer, 'boolean') !== false) return;
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    // The first try may have done it, and only its answer was lost.
    const there = await statusOf(cluster, to, signal).catch(() => undefined);
    if (written !== undefined && there?.identity === written.identity) return;
    if (error.exception === 'FileAlreadyExistsException' && !overwrite && !isBelowFile(error)) throw exists(location, error);
    throw error;
  }
  if (!overwrite && (await statusOf(cluster, to, signal)) !== undefined) throw exists(location);
  throw new RemoteError('', `the server does not move ${from} there`, 200);
}

/** Takes back what was begun, also after the caller gave up; what cannot be removed stays hidden. */
async function remove(cluster: Cluster, path: string): Promise<void> {
  try {
    await cluster.ask('DELETE', path, {}, { signal: AbortSignal.timeout(cleanUpMs) });
  } catch {
    // the error that led here says more
  }
}

function exists(location: string, cause?: unknown): HeddleError {
  return new HeddleError(
    'ERR_EXISTS',
    `${location} exists already, and nothing is overwritten unasked; pass overwrite: true, or choose another path`,
    cause === undefined ? undefined : { cause },
  );
}
