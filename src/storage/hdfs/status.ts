import { SourceChangedError } from '../../../graph/index.ts';
import type { StoredFile } from '../storage.ts';
import type { Cluster } from './cluster.ts';
import { field, isNotThere, RemoteError } from './remote-error.ts';

/** A file or directory as a NameNode describes it. */
export interface HdfsStatus {
  /** Its name in its directory; empty for what was asked for itself. */
  readonly name: string;
  readonly isDirectory: boolean;
  readonly length: number;
  readonly blockSize: number;
  /** Octal. */
  readonly permission: string | undefined;
  /** Changes whenever the content does: length, time of change, and the number of the file itself, where the server tells it. */
  readonly identity: string;
}

/** A `FileStatus` of WebHDFS. */
export function parseStatus(status: unknown): HdfsStatus {
  const number = (name: string): number => {
    const value = field(status, name);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new RemoteError('', `the server says of a file that its ${name} is ${String(value)}`, 200);
  };
  const [name, type, permission, fileId] = ['pathSuffix', 'type', 'permission', 'fileId'].map((one) => field(status, one));
  if (typeof name !== 'string' || typeof type !== 'string')
    throw new RemoteError('', 'the server describes a file without name or type', 200);
  const length = number('length');
  return {
    name,
    isDirectory: type === 'DIRECTORY',
    length,
    blockSize: type === 'FILE' ? number('blockSize') : 0,
    permission: typeof permission === 'string' ? permission : undefined,
    identity: `${length}-${number('modificationTime')}-${typeof fileId === 'number' ? fileId : ''}`,
  };
}

/** What lies at a path; `undefined` when nothing does. */
export async function statusOf(cluster: Cluster, path: string, signal: AbortSignal | undefined): Promise<HdfsStatus | undefined> {
  try {
    return parseStatus(field(await cluster.json('GETFILESTATUS', path, {}, signal), 'FileStatus'));
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

/** Throws SourceChangedError unless the file is the one that was listed. */
export function checkSame(file: StoredFile, now: HdfsStatus | undefined): void {
  if (now !== undefined && !now.isDirectory && now.identity === file.identity) return;
  const change =
    now === undefined
      ? 'it is gone'
      : now.isDirectory
        ? 'it is a directory now'
        : now.length === file.size
          ? 'it was written again'
          : `it had ${file.size} bytes, now it has ${now.length}`;
  throw new SourceChangedError(file.path, change);
}
