import { type Callee, callOwn, type Future, HeddleError, ownFunction, type Value } from '../../graph/index.ts';
import { type Executor, resolveExecutor } from '../../runtime/index.ts';
import { type ByteRange, cutFile, cutWhereStored, hostsOf } from './blocks.ts';
import { type ListedFile, listFiles } from './list-files.ts';
import type { BlockRequest, BlockSource } from './read-block.ts';
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

/** The blocks of each file as Values: a task a block, and nothing else a block. */
export function blocksOf(files: readonly ListedFile[], read: CheckedRead): Value<Uint8Array>[][] {
  callee ??= ownFunction('src/storage/read-block.js', 'readBlock', 1);
  const sources = new Map<string, { readonly source: BlockSource; readonly endpoint: string }>();
  return files.map(({ scheme, storage, file }) => {
    let shared = sources.get(scheme);
    if (shared === undefined) {
      shared = { source: sourceOf(scheme, storage, read), endpoint: storage.endpoint?.(read.storage) ?? '' };
      sources.set(scheme, shared);
    }
    return blocksOfFile(file, shared.source, shared.endpoint, read);
  });
}

/** One frozen object for all requests: a batch of them carries it once. */
function sourceOf(scheme: string, storage: Storage, { storage: options, delimiter, notZero }: CheckedRead): BlockSource {
  return Object.freeze({ scheme, module: moduleOf(storage), storage: options, delimiter, notZero });
}

function blocksOfFile(listed: StoredFile, source: BlockSource, endpoint: string, read: CheckedRead): Value<Uint8Array>[] {
  const codec = codecFor(listed.path, read);
  const file: StoredFile = Object.freeze({ path: listed.path, size: listed.size, identity: listed.identity });
  const delimiter = source.delimiter === null ? '' : Buffer.from(source.delimiter).toString('hex');
  return cutsOf(listed, read).map(({ start, end }) => {
    const request: BlockRequest = Object.freeze({ source, file, codec, start, end });
    const range = { start, end: end ?? start };
    return callOwn<Uint8Array>(callee!, [request], {
      name: 'read_bytes',
      // What is read, never where the code lies nor who may read it. `notZero` changes a file's first block only.
      tokenOf: [source.scheme, endpoint, file.path, file.identity, start, end, delimiter, start === 0 && source.notZero, codec],
      hosts: end === null ? undefined : hostsOf(range, listed.hosts),
      bytesToRead: range.end - start,
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
