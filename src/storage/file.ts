/**
 * Local files. A file's identity is its size and its time of change in nanoseconds: what a copy on another machine under the same path shares, and an inode would not.
 * Reads and writes run in workers, where synchronous calls are the fastest and block nobody else.
 */
import { randomBytes } from 'node:crypto';
import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { types } from 'node:util';
import { HeddleError, SourceChangedError, typeError } from '../../graph/index.ts';
import { hasGlob, parseGlob } from './globs.ts';
import { stat, statListed } from './stat.ts';
import type { OpenFile, Storage, StorageCall, StorageWrite, StoredFile } from './storage.ts';
import { codeOf, storageError } from './storage-error.ts';
import { expandGlob, walk } from './walk.ts';

/** The storage of bare paths and `file:` URLs. */
export const fileStorage: Storage = {
  schemes: ['file'],
  module: 'src/storage/file.js',
  list,
  read,
  write,
  open,
};

/** `<size>-<mtime in ns>`. */
const identityOf = (stats: BigIntStats): string => `${stats.size}-${stats.mtimeNs}`;

async function* list(pattern: string, { signal, storage }: StorageCall): AsyncGenerator<StoredFile> {
  refuseOptions(storage);
  signal?.throwIfAborted();
  const asWritten = await stat(pattern);
  if (asWritten?.isFile()) yield storedFile(pattern, asWritten);
  else if (asWritten?.isDirectory())
    for (const file of await lookedAt(await walk(pattern.endsWith('/') ? pattern : `${pattern}/`, () => true, signal), signal)) yield file;
  else if (asWritten !== undefined)
    throw new HeddleError(
      'ERR_STORAGE',
      `${pattern} is ${kindOf(asWritten)}, which cannot be read in blocks; copy its bytes into a file first`,
    );
  else if (hasGlob(pattern)) {
    const paths = new Set<string>();
    for (const glob of parseGlob(pattern)) for (const path of await expandGlob(glob, signal)) paths.add(path);
    for (const file of await lookedAt([...paths], signal)) yield file;
  }
}

/** What is gone since it was listed, and what is no file, is left out. */
async function lookedAt(paths: readonly string[], signal: AbortSignal | undefined): Promise<StoredFile[]> {
  const found = await statListed(paths, signal);
  return paths.flatMap((path, i) => (found[i]?.isFile() ? [storedFile(path, found[i])] : []));
}

const storedFile = (path: string, stats: BigIntStats): StoredFile => ({ path, size: Number(stats.size), identity: identityOf(stats) });

function kindOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return stats.isCharacterDevice() || stats.isBlockDevice() ? 'a device' : 'no file';
}

/** A misspelt or misplaced option must not be ignored. */
function refuseOptions(storage: unknown): void {
  const names = typeof storage === 'object' && storage !== null ? Object.keys(storage) : [];
  if (names.length > 0) throw typeError('ERR_INVALID_OPTION', `local files take no storage options; there is no "${names[0]}"`);
}

/** Largest single read or write: Node takes no more than 2^31 - 1 bytes in one call. */
const largestCall = 1024 ** 3;

function open(file: StoredFile): OpenFile {
  let descriptor: number;
  try {
    descriptor = openSync(file.path, 'r');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT' || codeOf(cause) === 'ENOTDIR') throw new SourceChangedError(file.path, 'it is gone');
    throw storageError('read', file.path, cause);
  }
  const opened: OpenFile = {
    read(offset, into) {
      try {
        return readSync(descriptor, into, 0, Math.min(into.byteLength, largestCall), offset);
      } catch (cause) {
        throw storageError('read', file.path, cause);
      }
    },
    verify() {
      const stats = fstatSync(descriptor, { bigint: true });
      if (stats.isDirectory()) throw new SourceChangedError(file.path, 'it is a directory now');
      if (identityOf(stats) === file.identity) return;
      const now = Number(stats.size);
      throw new SourceChangedError(
        file.path,
        now === file.size ? 'its time of change is another' : `it had ${file.size} bytes, now it has ${now}`,
      );
    },
    close() {
      closeSync(descriptor);
    },
  };
  try {
    opened.verify();
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return opened;
}

async function read(file: StoredFile, offset: number, into: Uint8Array): Promise<number> {
  const opened = open(file);
  try {
    const nbytes = await opened.read(offset, into);
    await opened.verify();
    return nbytes;
  } finally {
    await opened.close();
  }
}

/**
 * Writes beside the target and moves it there, so that nobody ever sees half a file. Without `overwrite` the move is a hard link, which fails when the name is taken: two writers cannot both win.
 * Not forced to the disk: this guards against failing programs, not against failing power.
 */
async function write(path: string, data: Uint8Array, { overwrite, storage }: StorageWrite): Promise<number> {
  refuseOptions(storage);
  const { target, mode } = targetOf(path, overwrite);
  const unfinished = `${target.slice(0, target.lastIndexOf('/') + 1)}.heddle-${randomBytes(16).toString('hex')}.tmp`;
  const descriptor = create(unfinished, path);
  let moved = false;
  try {
    try {
      for (let done = 0; done < data.byteLength; ) done += writeSync(descriptor, data, done, Math.min(data.byteLength - done, largestCall));
      if (mode !== undefined) fchmodSync(descriptor, mode);
    } finally {
      closeSync(descriptor);
    }
    if (overwrite) renameSync(unfinished, target);
    else moveToFreeName(unfinished, target);
    moved = true;
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw exists(path, cause);
    throw storageError('write', path, cause);
  } finally {
    if (!moved) remove(unfinished);
  }
  return data.byteLength;
}

/** Where the bytes shall go: through a link to what it points at, with the rights of what is replaced. Only files are replaced. */
function targetOf(path: string, overwrite: boolean): { readonly target: string; readonly mode: number | undefined } {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory())
      throw new HeddleError('ERR_STORAGE', `cannot write ${path}: it is a directory; end the path with "/" to write parts into it`);
    if (stats === undefined) return { target: path, mode: undefined };
    if (!overwrite) throw exists(path);
    if (!stats.isFile()) throw new HeddleError('ERR_STORAGE', `cannot write ${path}: it is no ordinary file; choose another path`);
    return { target: realpathSync(path), mode: stats.mode & 0o7777 };
  } catch (cause) {
    if (codeOf(cause) === 'ENOTDIR') return { target: path, mode: undefined };
    throw types.isNativeError(cause) && codeOf(cause)?.startsWith('ERR_') ? cause : storageError('write', path, cause);
  }
}

function create(unfinished: string, path: string): number {
  try {
    try {
      return openSync(unfinished, 'wx', 0o666);
    } catch (cause) {
      if (codeOf(cause) !== 'ENOENT') throw cause;
      mkdirSync(unfinished.slice(0, unfinished.lastIndexOf('/')), { recursive: true });
      return openSync(unfinished, 'wx', 0o666);
    }
  } catch (cause) {
    throw storageError(
      'write',
      path,
      codeOf(cause) === 'EEXIST' ? Object.assign(new Error('one of its directories is a file'), { code: 'ENOTDIR', cause }) : cause,
    );
  }
}

function moveToFreeName(unfinished: string, target: string): void {
  try {
    linkSync(unfinished, target);
  } catch (cause) {
    if (codeOf(cause) === 'EEXIST') throw cause;
    // Some file systems have no hard links: then an empty file claims the name, and what was written replaces it.
    closeSync(openSync(target, 'wx'));
    try {
      renameSync(unfinished, target);
    } catch (error) {
      remove(target);
      throw error;
    }
    return;
  }
  remove(unfinished);
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (cause) {
    if (codeOf(cause) !== 'ENOENT') throw storageError('remove', path, cause);
  }
}

function exists(path: string, cause?: unknown): HeddleError {
  return new HeddleError(
    'ERR_EXISTS',
    `${path} exists already, and nothing is overwritten unasked; pass overwrite: true, or choose another path`,
    cause === undefined ? undefined : { cause },
  );
}
