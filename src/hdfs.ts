/** `heddle/hdfs`: HDFS paths instead of URLs, and HDFS's options beside the others. */
import { type Future, type Lazy, typeError, type Value } from '../graph/index.ts';
import { type ReadBytesOptions, readBytes as readUrl, type WriteBytesOptions, writeBytes as writeUrl } from './index.ts';
import { type HdfsOptions, hdfsOptionNames } from './storage/hdfs/options.ts';
import { inStorage } from './storage/in-storage.ts';

export type { HdfsOptions, HdfsTls } from './storage/hdfs/options.ts';

const door = 'heddle/hdfs';

/** An absolute path, `/data/2015/`, or a glob; no scheme. */
export type HdfsPath = string;

/** Options of `readBytes` from HDFS. */
export interface HdfsReadOptions extends Omit<ReadBytesOptions, 'storage'>, Omit<HdfsOptions, 'blockSize'> {}

/** Options of `writeBytes` to HDFS. `blockSize`: of the files written. */
export interface HdfsWriteOptions extends Omit<WriteBytesOptions, 'storage'>, HdfsOptions {}

/**
 * `readBytes('hdfs://…' + path, …)`; blocks are the files' own, read where they lie.
 * @example
 * const blocks = await readBytes('/data/2015/', { nameNodes: ['nn1:9870', 'nn2:9870'], user: 'ann', delimiter: '\n' });
 */
export async function readBytes(
  path: HdfsPath | readonly HdfsPath[],
  options: HdfsReadOptions & { readonly lazy: true },
): Promise<Value<Uint8Array>[]>;
export async function readBytes(
  path: HdfsPath | readonly HdfsPath[],
  options?: HdfsReadOptions & { readonly lazy?: false | undefined },
): Promise<Future<Uint8Array>[]>;
export async function readBytes(
  path: HdfsPath | readonly HdfsPath[],
  options?: HdfsReadOptions,
): Promise<Value<Uint8Array>[] | Future<Uint8Array>[]>;
export async function readBytes(
  path: HdfsPath | readonly HdfsPath[],
  options: HdfsReadOptions = {},
): Promise<Value<Uint8Array>[] | Future<Uint8Array>[]> {
  const names = hdfsOptionNames.filter((name) => name !== 'blockSize');
  return await readUrl(Array.isArray(path) ? path.map(urlOf) : urlOf(path), inStorage(options, names, door));
}

/** `writeBytes('hdfs://…' + path, …)`. */
export async function writeBytes(
  path: HdfsPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options: HdfsWriteOptions & { readonly lazy: true },
): Promise<Value<number>[]>;
export async function writeBytes(
  path: HdfsPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options?: HdfsWriteOptions & { readonly lazy?: false | undefined },
): Promise<Future<number>[]>;
export async function writeBytes(
  path: HdfsPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options?: HdfsWriteOptions,
): Promise<Value<number>[] | Future<number>[]>;
export async function writeBytes(
  path: HdfsPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options: HdfsWriteOptions = {},
): Promise<Value<number>[] | Future<number>[]> {
  return await writeUrl(urlOf(path), parts, inStorage(options, hdfsOptionNames, door));
}

function urlOf(path: unknown): string {
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw typeError('ERR_INVALID_ARGUMENT', `a path in HDFS begins with "/"; got ${JSON.stringify(path) ?? String(path)}`);
  return `hdfs://${path}`;
}
