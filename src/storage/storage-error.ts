import { HeddleError } from '../../graph/index.ts';

const hints: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; give this user the right to it, or choose another path',
  EPERM: 'not permitted; give this user the right to it, or choose another path',
  EROFS: 'the file system is read-only; choose another path',
  ENOSPC: 'no space is left on the device; free some, or choose another path',
  EDQUOT: 'the quota is used up; free some space, or choose another path',
  EMFILE: 'too many files are open; raise the limit (ulimit -n) or use fewer workers',
  ENFILE: 'too many files are open on this machine; raise its limit',
  EISDIR: 'it is a directory, where a file is meant',
  ENOTDIR: 'one of its directories is a file',
  ELOOP: 'its links go round in a circle',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the device failed',
};

/** The `code` of an error of Node, also of one from another realm. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A failure of the file system in words: `cannot <verb> <path>: why and what to do`. */
export function storageError(verb: string, path: string, cause: unknown): HeddleError {
  const code = codeOf(cause);
  const message = typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause);
  const hint = code !== undefined && Object.hasOwn(hints, code) ? `${hints[code]} (${code})` : message;
  return new HeddleError('ERR_STORAGE', `cannot ${verb} ${path}: ${hint}`, { cause });
}
