/** `heddle/s3`: reading and writing by bucket and key, with S3's options beside the others. */
import { describeWrong, type Future, type Lazy, typeError, type Value } from '../graph/index.ts';
import { type ReadBytesOptions, readBytes as readAny, type WriteBytesOptions, writeBytes as writeAny } from './index.ts';
import { inStorage } from './storage/in-storage.ts';
import { type S3Options, s3OptionNames } from './storage/s3/options.ts';

export type { S3Options } from './storage/s3/options.ts';

const door = 'heddle/s3';

/** `bucket/key`, `bucket/prefix/` or a glob; no scheme. */
export type BucketPath = string;
/** Options of `readBytes`. */
export type ReadOptions = Omit<ReadBytesOptions, 'storage'> & S3Options;
/** Options of `writeBytes`. */
export type WriteOptions = Omit<WriteBytesOptions, 'storage'> & S3Options;

/**
 * `readBytes('s3://' + path, …)`, with S3's options beside the others.
 * @example
 * const blocks = await readBytes('bucket/2015/*.csv', { region: 'eu-west-1', delimiter: '\n', lazy: true });
 */
export async function readBytes(
  path: BucketPath | readonly BucketPath[],
  options: ReadOptions & { readonly lazy: true },
): Promise<Value<Uint8Array>[]>;
export async function readBytes(
  path: BucketPath | readonly BucketPath[],
  options?: ReadOptions & { readonly lazy?: false | undefined },
): Promise<Future<Uint8Array>[]>;
export async function readBytes(
  path: BucketPath | readonly BucketPath[],
  options?: ReadOptions,
): Promise<Value<Uint8Array>[] | Future<Uint8Array>[]>;
export async function readBytes(
  path: BucketPath | readonly BucketPath[],
  options: ReadOptions = {},
): Promise<Value<Uint8Array>[] | Future<Uint8Array>[]> {
  return await readAny(Array.isArray(path) ? path.map(urlOf) : urlOf(path), inStorage(options, s3OptionNames, door));
}

/**
 * `writeBytes('s3://' + path, …)`.
 * @example
 * await Promise.all(await writeBytes('bucket/out/', parts));
 */
export async function writeBytes(
  path: BucketPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options: WriteOptions & { readonly lazy: true },
): Promise<Value<number>[]>;
export async function writeBytes(
  path: BucketPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options?: WriteOptions & { readonly lazy?: false | undefined },
): Promise<Future<number>[]>;
export async function writeBytes(
  path: BucketPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options?: WriteOptions,
): Promise<Value<number>[] | Future<number>[]>;
export async function writeBytes(
  path: BucketPath,
  parts: Iterable<Lazy<Uint8Array>>,
  options: WriteOptions = {},
): Promise<Value<number>[] | Future<number>[]> {
  return await writeAny(urlOf(path), parts, inStorage(options, s3OptionNames, door));
}

function urlOf(path: unknown): string {
  if (typeof path !== 'string')
    throw typeError('ERR_INVALID_ARGUMENT', `a path of heddle/s3 is a text, bucket/key; got ${describeWrong(path)}`);
  if (/^\/|^[a-z][a-z0-9+.-]*:\/\//i.test(path))
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      'a path of heddle/s3 begins with the bucket: write bucket/key, or take readBytes and writeBytes of heddle for URLs',
    );
  return `s3://${path}`;
}
