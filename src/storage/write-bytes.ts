import {
  brandSymbol,
  type Callee,
  callOwn,
  describeWrong,
  type Future,
  type Lazy,
  ownFunction,
  typeError,
  type Value,
} from '../../graph/index.ts';
import { type Executor, resolveExecutor } from '../../runtime/index.ts';
import { checkBytes } from './check-bytes.ts';
import { type Codec, codecs } from './compression.ts';
import type { HdfsOptions } from './hdfs/options.ts';
import { overlapOf } from './overlap.ts';
import { partPaths } from './part-paths.ts';
import { checkCodec, checkExecutor, checkFlag, checkOptionNames, checkSignal, checkStorageOptions } from './read-options.ts';
import { moduleOf, storageFor } from './registry.ts';
import type { S3Options } from './s3/options.ts';
import { type Location, parseLocation } from './url.ts';
import type { WriteRequest, WriteTarget } from './write-block.ts';

/** Options of `writeBytes`. */
export interface WriteBytesOptions {
  /** Values instead of Futures that have begun. @default false */
  readonly lazy?: boolean | undefined;
  /** `false` refuses to replace. @default false */
  readonly overwrite?: boolean | undefined;
  /** @default none */
  readonly compression?: Codec | null | undefined;
  /** Region, endpoint, user and the like, for the scheme at hand. Local files take none. */
  readonly storage?: S3Options | HdfsOptions | Readonly<Record<string, unknown>> | undefined;
  /** Ends the call; parts already begun are cancelled by their Futures. */
  readonly signal?: AbortSignal | undefined;
  /** @default the newest open executor, or a new one */
  readonly executor?: Executor | undefined;
}

/** What may be written: bytes, and Values and Futures of bytes. */
export type Parts = Iterable<Lazy<Uint8Array>>;

/**
 * Writes each part to its own file; results are numbers of bytes. Resolves when the writing has begun: await the Futures to know that it is done.
 * `'dir/'` makes `dir/0`, `dir/1`, …; `'file.*.dat'` puts the number at the star; any other path is the file of a single part, and the directory of several.
 * @example
 * await Promise.all(await writeBytes('/data/out/', parts));
 */
export async function writeBytes(
  url: Location,
  parts: Parts,
  options: WriteBytesOptions & { readonly lazy: true },
): Promise<Value<number>[]>;
export async function writeBytes(
  url: Location,
  parts: Parts,
  options?: WriteBytesOptions & { readonly lazy?: false | undefined },
): Promise<Future<number>[]>;
export async function writeBytes(url: Location, parts: Parts, options?: WriteBytesOptions): Promise<Value<number>[] | Future<number>[]>;
export async function writeBytes(
  url: Location,
  parts: Parts,
  options: WriteBytesOptions = {},
): Promise<Value<number>[] | Future<number>[]> {
  checkOptionNames(options, 'writeBytes', ['lazy', 'overwrite', 'compression', 'storage', 'signal', 'executor']);
  checkFlag(options.lazy, 'lazy');
  checkExecutor(options.executor);
  checkFlag(options.overwrite, 'overwrite');
  const codec = options.compression ?? null;
  if (codec !== null) checkCodec(codec, codecs);
  checkSignal(options.signal)?.throwIfAborted();
  const { scheme, path, shown } = parseLocation(url);
  const storage = storageFor(scheme);
  if (storage.write === undefined) throw typeError('ERR_UNSUPPORTED', `cannot write to ${shown}: the storage of "${scheme}:" only reads`);
  storage.checkOptions?.(options.storage);
  const list = listParts(parts, shown);
  const target: WriteTarget = Object.freeze({
    scheme,
    module: moduleOf(storage),
    storage: checkStorageOptions(options.storage),
    codec,
    overwrite: options.overwrite ?? false,
  });
  const values = writesOf(partPaths(path, list.length), list, target, overlapOf(storage, null));
  return options.lazy === true ? values : resolveExecutor(options.executor).compute(values);
}

let callee: Callee | undefined;

function writesOf(paths: readonly string[], parts: readonly unknown[], target: WriteTarget, overlap: number): Value<number>[] {
  callee ??= ownFunction('src/storage/write-block.js', 'writeBlock', 1);
  return paths.map((path, part) => {
    const request: WriteRequest = Object.freeze({ target, path, part });
    // Writing again must write again, so no two writes share a key.
    return callOwn<number>(callee!, [request, parts[part]], { name: 'write_bytes', pure: false, overlap });
  });
}

/** The parts, each of which may be written: what is wrong already is refused before anything is written. */
function listParts(parts: unknown, shown: string): readonly unknown[] {
  const refuse = (why: string): never => {
    throw typeError('ERR_INVALID_ARGUMENT', `writeBytes() takes a list of parts for ${shown}: ${why}`);
  };
  if (ArrayBuffer.isView(parts) || isHandle(parts)) return refuse('this is one part; put it into an array');
  if (typeof parts !== 'object' || parts === null || !(Symbol.iterator in parts))
    return refuse(`got ${typeof parts === 'string' ? 'a string' : describeWrong(parts)}`);
  const list = [...(parts as Iterable<unknown>)];
  for (const [i, part] of list.entries()) if (!isHandle(part)) checkBytes(part, i, shown);
  return list;
}

function isHandle(thing: unknown): boolean {
  return typeof thing === 'object' && thing !== null && brandSymbol in thing;
}
