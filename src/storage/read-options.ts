import { isUint8Array } from 'node:util/types';
import { type ByteSize, describeWrong, HeddleError, parseByteSize, rangeError, typeError } from '../../graph/index.ts';
import { type Codec, type Compression, codecs, inferCodec } from './compression.ts';
import type { HdfsOptions } from './hdfs/options.ts';
import type { HttpOptions } from './http/options.ts';
import type { S3Options } from './s3/options.ts';

/** What every read takes. */
export interface ReadOptions {
  /** Bytes a block, before its ends move to a delimiter; `null`: one block a file. @default '128 MiB'; on HDFS the file's own blocks */
  readonly blockSize?: ByteSize | null | undefined;
  /** Blocks end just after one of these. Text counts as UTF-8. Empty: an error. */
  readonly delimiter?: string | Uint8Array | undefined;
  /** Drops each file's first record, up to and with its delimiter. Needs `delimiter`. @default false */
  readonly notZero?: boolean | undefined;
  /** A codec with a block size is an `ERR_COMPRESSED_BLOCKS`. @default 'infer' when blockSize is null, else none */
  readonly compression?: Compression | null | undefined;
  /** Region, endpoint, user and the like, for the scheme at hand. Local files take none. */
  readonly storage?: S3Options | HttpOptions | HdfsOptions | Readonly<Record<string, unknown>> | undefined;
  /** Ends listing; blocks already begun are cancelled by their Futures. */
  readonly signal?: AbortSignal | undefined;
}

/** `ReadOptions`, checked and with their defaults. */
export interface CheckedRead {
  /** `null`: one block a file. */
  readonly blockSize: number | null;
  /** Left to heddle: the storage's own blocks are better. */
  readonly isDefaultSize: boolean;
  readonly delimiter: Uint8Array | null;
  readonly notZero: boolean;
  readonly compression: Compression | null;
  readonly storage: Readonly<Record<string, unknown>> | undefined;
  readonly signal: AbortSignal | undefined;
}

const defaultBlockSize = 128 * 1024 * 1024;

/** The names of ReadOptions. */
export const readOptionNames: readonly string[] = ['blockSize', 'delimiter', 'notZero', 'compression', 'storage', 'signal'];

/** Throws TypeError or RangeError with ERR_INVALID_OPTION. */
export function checkReadOptions(options: ReadOptions): CheckedRead {
  const { blockSize, notZero, storage, signal } = options;
  const delimiter = checkedDelimiter(options.delimiter);
  checkFlag(notZero, 'notZero');
  if (notZero === true && delimiter === null)
    throw typeError('ERR_INVALID_OPTION', 'notZero drops the first record, so it needs a delimiter; pass one, such as "\\n"');
  const compression = options.compression === undefined ? (blockSize === null ? 'infer' : null) : options.compression;
  if (compression !== null && compression !== 'infer') checkCodec(compression, ['infer', ...codecs]);
  const bytes = blockSize === undefined ? defaultBlockSize : blockSize === null ? null : parseByteSize(blockSize, 'blockSize');
  if (bytes === 0)
    throw rangeError('ERR_INVALID_OPTION', `blockSize must be at least one byte; it is ${String(blockSize)} (null makes one block a file)`);
  return {
    blockSize: bytes,
    isDefaultSize: blockSize === undefined,
    delimiter,
    notZero: notZero ?? false,
    compression,
    storage: checkStorageOptions(storage),
    signal: checkSignal(signal),
  };
}

/** The codec of a file; with blocks it is an error. */
export function codecFor(path: string, { compression, blockSize }: CheckedRead): Codec | null {
  const codec = compression === 'infer' ? inferCodec(path) : compression;
  if (codec !== null && blockSize !== null)
    throw new HeddleError(
      'ERR_COMPRESSED_BLOCKS',
      `${path} is packed with ${codec}, which can only be read from its beginning; pass blockSize: null to read one block a file`,
    );
  return codec;
}

/** An options object whose names are all known. */
export function checkOptionNames(options: unknown, call: string, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw typeError('ERR_INVALID_OPTION', `${call}() takes an object of options; got ${describeWrong(options)}`);
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw typeError('ERR_INVALID_OPTION', `${call}() has no option "${name}" (known: ${known.join(', ')})`);
  }
}

/** `true`, `false` or nothing. */
export function checkFlag(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw typeError('ERR_INVALID_OPTION', `option ${name} must be true or false; it is ${describeWrong(value)}`);
}

/** One of the codecs by name. */
export function checkCodec(value: unknown, known: readonly string[]): void {
  if (typeof value !== 'string' || !known.includes(value))
    throw typeError(
      'ERR_INVALID_OPTION',
      `option compression must be ${known.map((one) => `"${one}"`).join(', ')} or null; it is ${describeWrong(value)}`,
    );
}

/** By duck: under a vm context AbortSignal is another class. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value) return value as AbortSignal;
  throw typeError('ERR_INVALID_OPTION', `option signal must be an AbortSignal; it is ${describeWrong(value)}`);
}

/** By duck: under a vm context Executor may be another class. */
export function checkExecutor(value: unknown): void {
  if (value === undefined || (typeof value === 'object' && value !== null && 'compute' in value && typeof value.compute === 'function'))
    return;
  throw typeError('ERR_INVALID_OPTION', `option executor must be an Executor; it is ${describeWrong(value)}`);
}

/** An object of options for the storage. */
export function checkStorageOptions(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Readonly<Record<string, unknown>>;
  throw typeError('ERR_INVALID_OPTION', `option storage must be an object of options for the storage; it is ${describeWrong(value)}`);
}

function checkedDelimiter(delimiter: unknown): Uint8Array | null {
  if (delimiter === undefined) return null;
  if (typeof delimiter !== 'string' && !isUint8Array(delimiter))
    throw typeError('ERR_INVALID_OPTION', `option delimiter must be a text or bytes; it is ${describeWrong(delimiter)}`);
  if (delimiter.length === 0) throw rangeError('ERR_INVALID_OPTION', 'option delimiter is empty; give at least one byte, or leave it out');
  // A copy: the caller may change its bytes before the blocks are read.
  return typeof delimiter === 'string' ? new TextEncoder().encode(delimiter) : Uint8Array.from(delimiter);
}
