import { type Callee, callOwn, type Future, HeddleError, ownFunction, type Value } from '../../graph/index.ts';
import { type Executor, resolveExecutor } from '../../runtime/index.ts';
import { type BlockArguments, packSource } from './block-request.ts';
import { type ByteRange, cutFile, cutWhereStored, hostsOf } from './blocks.ts';
import { type ListedFile, listFiles } from './list-files.ts';
import { overlapOf } from './overlap.ts';
import {
  type CheckedRead,
  checkExecutor,
  checkFlag,
  checkOptionNames,
  checkReadOptions,
  codecFor,
  type ReadOptions,
  readOptionNames,
} from './read-options.ts';
import { moduleOf } from './registry.ts';
import type { Storage, StoredFile } from './storage.ts';
import type { Location } from './url.ts';

/** Options of `readBytes`. */
export interface ReadBytesOptions extends ReadOptions {
  /** Values instead of Futures that have begun. @default false */
  readonly lazy?: boolean | undefined;
  /** @default the newest open executor, or a new one */
  readonly executor?: Executor | undefined;
}

/**
 * The blocks of a file, directory, glob or list, in order. Bytes may lie in shared memory: do not write to them. Nothing matched: `ERR_NOT_FOUND`.
 * @example
 * const blocks = await readBytes('/data/2015/*.csv', { delimiter: '\n', lazy: true });
 */
export async function readBytes(
  url: Location | readonly Location[],
  options: ReadBytesOptions & { readonly lazy: true },
): Promise<Value<Uint8Array>[]>;
export async function readBytes(
  url: Location | readonly Location[],
  options?: ReadBytesOptions & { readonly lazy?: false | undefined },
): Promise<Future<Uint8Array>[]>;
export async function readBytes(
  url: Location | readonly Location[],
  options?: ReadBytesOptions,
): Promise<Value<Uint8Array>[] | Future<Uint8Array>[]>;
export async function readBytes(
  url: Location | readonly Location[],
  options: ReadBytesOptions = {},
): Promise<Value<Uint8Array>[] | Future<Uint8Array>[]> {
  checkOptionNames(options, 'readBytes', [...readOptionNames, 'lazy', 'executor']);
  checkFlag(options.lazy, 'lazy');
  checkExecutor(options.executor);
  const read = checkReadOptions(options);
  const values = blocksOf(await listFiles(url, read.storage, read.signal), read).flat();
  return options.lazy === true ? values : resolveExecutor(options.executor).compute(values);
}

let callee: Callee | undefined;

/** What the blocks of one scheme share in one call. */
interface Shared {
  readonly scheme: string;
  readonly storage: Storage;
  readonly endpoint: string;
  readonly source: string;
  readonly delimiter: string;
}

/** The blocks of each file as Values: a task a block, and nothing else a block. */
export function blocksOf(files: readonly ListedFile[], read: CheckedRead): Value<Uint8Array>[][] {
  callee ??= ownFunction('src/storage/read-block.js', 'readBlockTask', 1);
  const sharedByScheme = new Map<string, Shared>();
  return files.map(({ scheme, storage, file }) => {
    let shared = sharedByScheme.get(scheme);
    if (shared === undefined) {
      shared = shareOf(scheme, storage, read);
      sharedByScheme.set(scheme, shared);
    }
    return blocksOfFile(file, shared, read);
  });
}

function shareOf(scheme: string, storage: Storage, { storage: options, delimiter, notZero }: CheckedRead): Shared {
  return {
    scheme,
    storage,
    endpoint: storage.endpoint?.(options) ?? '',
    source: packSource({ scheme, module: moduleOf(storage), storage: undefined, delimiter, notZero }),
    delimiter: delimiter === null ? '' : Buffer.from(delimiter).toString('hex'),
  };
}

function blocksOfFile(file: StoredFile, { scheme, storage, endpoint, source, delimiter }: Shared, read: CheckedRead): Value<Uint8Array>[] {
  const { path, size, identity } = file;
  const codec = codecFor(path, read);
  return cutsOf(file, read).map(({ start, end }) => {
    const args: BlockArguments = [source, path, size, identity, codec, start, end];
    return callOwn<Uint8Array>(callee!, read.storage === undefined ? args : [...args, read.storage], {
      name: 'read_bytes',
      // What is read, never where the code lies nor who may read it. `notZero` changes a file's first block only.
      tokenOf: [scheme, endpoint, path, identity, start, end, delimiter, start === 0 && read.notZero, codec],
      hosts: end === null ? undefined : hostsOf({ start, end }, file.hosts),
      bytesToRead: end === null ? 0 : end - start,
      overlap: overlapOf(storage, end === null ? null : end - start),
    });
  });
}

function cutsOf(
  { path, size, hosts }: StoredFile,
  { blockSize, isDefaultSize }: CheckedRead,
): readonly (ByteRange | { readonly start: number; readonly end: null })[] {
  if (size === null) {
    if (blockSize !== null && !isDefaultSize)
      throw new HeddleError('ERR_STORAGE', `the storage does not tell how large ${path} is, so it cannot be cut; pass blockSize: null`);
    return [{ start: 0, end: null }];
  }
  return (isDefaultSize && hosts !== undefined ? cutWhereStored(size, hosts) : undefined) ?? cutFile(size, blockSize);
}
