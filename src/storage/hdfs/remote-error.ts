import { HeddleError } from '../../../graph/index.ts';
import { codeOf } from '../storage-error.ts';
import type { Answer } from './http.ts';

/** What a server says went wrong: Hadoop's own class and words. */
export class RemoteError extends Error {
  /** `AccessControlException` and the like; empty when the answer is none of Hadoop's. */
  readonly exception: string;
  readonly status: number;
  constructor(exception: string, message: string, status: number) {
    super(message);
    this.name = exception === '' ? 'RemoteError' : exception;
    this.exception = exception;
    this.status = status;
  }
}

/** The exception in an answer that is none of success. */
export function remoteError({ status, text }: Answer): RemoteError {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  const found = field(parsed, 'RemoteException');
  const exception = field(found, 'exception');
  if (typeof exception === 'string') {
    const message = field(found, 'message');
    const javaClass = field(found, 'javaClassName');
    // Old servers wrap what they mean.
    const inner = /^[\w.$]+\.(\w+Exception): /.exec(typeof message === 'string' ? message : '');
    const isWrapped = exception === 'RemoteException' || exception === 'RuntimeException';
    const name = isWrapped && inner !== null ? inner[1]! : exception;
    return new RemoteError(name, typeof message === 'string' ? message : String(javaClass ?? exception), status);
  }
  if (/Hadoop IPC port/.test(text))
    return new RemoteError('', 'that port is the one of Hadoop’s RPC; give the one of WebHDFS, which is 9870 unless set otherwise', status);
  return new RemoteError('', `the server answered ${status}, and not as WebHDFS does`, status);
}

/** A field of what may be no object. */
export function field(thing: unknown, name: string): unknown {
  return typeof thing === 'object' && thing !== null && Object.hasOwn(thing, name) ? (thing as Record<string, unknown>)[name] : undefined;
}

/** Whether the path leads to nothing: not there, or below a file. */
export function isNotThere(error: unknown): boolean {
  if (!(error instanceof RemoteError)) return false;
  return error.exception === 'FileNotFoundException' || isBelowFile(error);
}

/** Whether one of the path's directories is a file. */
export function isBelowFile(error: RemoteError): boolean {
  return error.exception === 'ParentNotDirectoryException' || /\(is not a directory\)|is not a directory$/.test(firstLine(error.message));
}

const words: Readonly<Record<string, string>> = {
  SafeModeException: 'the cluster is in safe mode, in which nothing is written; wait until it has left it (hdfs dfsadmin -safemode get)',
  NSQuotaExceededException: 'the quota of names of one of its directories is used up; remove files, or have the quota raised',
  DSQuotaExceededException: 'the quota of space of one of its directories is used up; remove files, or have the quota raised',
  QuotaByStorageTypeExceededException: 'the quota of space of one of its directories is used up; remove files, or have the quota raised',
  StandbyException: 'the NameNode is on standby; give both of the pair in storage: { nameNodes }',
  InvalidToken: 'the delegation token is not valid any more, or of another cluster; fetch a new one',
  SecurityException: 'the cluster does not take these credentials; pass a delegation token (storage.token, or HADOOP_TOKEN)',
  AuthenticationException: 'the cluster does not take these credentials; pass a delegation token (storage.token, or HADOOP_TOKEN)',
  InvalidPathException: 'HDFS has no such names (no ":" in them); choose another path',
  ParentNotDirectoryException: 'one of its directories is a file',
};

/** A failure in words: `cannot <verb> <path> as <user>: why and what to do`. */
export function hdfsError(verb: string, path: string, user: string, cause: unknown): HeddleError {
  return new HeddleError('ERR_STORAGE', `cannot ${verb} ${path}${user === '' ? '' : ` as ${user}`}: ${why(cause)}`, { cause });
}

function why(cause: unknown): string {
  if (!(cause instanceof RemoteError)) return connectionText(cause);
  const { exception, status } = cause;
  const said = firstLine(cause.message);
  if (isBelowFile(cause)) return 'one of its directories is a file';
  if (exception === 'AccessControlException') return `permission denied; have the right to it given to this user (${said})`;
  if (exception !== '' && Object.hasOwn(words, exception)) return words[exception]!;
  if (status === 401) return words.AuthenticationException!;
  if (/block size is less than|must divide block size/.test(said))
    return `the cluster refuses this blockSize; take a larger multiple of 512 bytes (${said})`;
  if (/could only be (written|replicated) to 0/.test(said))
    return 'no DataNode can take the bytes: none is running, or their disks are full';
  if (/exceeds? .*replication|replication factor/i.test(said)) return `the cluster refuses this replication (${said})`;
  return exception === '' ? said : `${said} (${exception})`;
}

/** A broken connection in words. */
export function connectionText(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `there is no such host (${code})`;
  if (code !== undefined && /TIMEOUT|ETIMEDOUT/.test(code)) return `it does not answer in time (${code})`;
  const said = field(error, 'message') ?? (error instanceof Error ? error.message : error);
  return `${firstLine(String(said))}${code === undefined ? '' : ` (${code})`}`;
}

function firstLine(text: string): string {
  const line = text.split('\n', 1)[0]!.trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
