/**
 * What a key, a prefix or a glob stands for. S3 lists keys by prefix, a thousand at a time; a `/` in a key makes directories only in people's eyes. So a glob is walked name by name, and
 * each step asks for one level (`Delimiter`), so that what lies deeper is not listed; from `**` on everything below is.
 *
 *     logs/2015-*\/err*.txt   →   prefix logs/2015-, one level   →   for each directory that matches: prefix …/err, one level
 */
import type { ListObjectsV2CommandOutput, _Object as S3Object } from '@aws-sdk/client-s3';
import { HeddleError } from '../../../graph/index.ts';
import { type Glob, globMatcher, hasGlob, parseGlob } from '../globs.ts';
import { forEachInLanes } from '../lanes.ts';
import type { StorageCall, StoredFile } from '../storage.ts';
import { connect, type S3Connection } from './client.ts';
import { failureOf, isMissing, s3Error } from './failure.ts';
import { identityOf } from './get.ts';
import { checkS3Options } from './options.ts';
import { parsePlace, pathOf } from './place.ts';

/** A bucket, as one call sees it. */
interface Bucket {
  readonly connection: S3Connection;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
}

/** What a pattern stands for, in any order. */
export async function* list(pattern: string, { signal, storage }: StorageCall): AsyncGenerator<StoredFile> {
  const { bucket: name, key, versionId } = parsePlace(pattern);
  const options = checkS3Options(storage);
  signal?.throwIfAborted();
  const connection = await connect(options);
  const bucket: Bucket = { connection, name, signal };
  try {
    const asWritten = key === '' || key.endsWith('/') ? undefined : await lookAt(bucket, key, versionId);
    if (asWritten !== undefined) yield asWritten;
    else if (versionId === undefined) {
      const directory = key === '' || key.endsWith('/') ? key : `${key}/`;
      let found = false;
      for await (const file of filesBelow(bucket, directory)) {
        found = true;
        yield file;
      }
      if (!found && hasGlob(key)) yield* filesMatching(bucket, key);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw s3Error('list', pattern, error, connection);
  }
}

/** One object; `undefined` when it is not there. */
export async function lookAt({ connection, name, signal }: Bucket, key: string, versionId?: string): Promise<StoredFile | undefined> {
  const { sdk, client, options } = connection;
  try {
    const { ContentLength, ETag, LastModified } = await client.send(
      new sdk.HeadObjectCommand({
        Bucket: name,
        Key: key,
        ...(versionId !== undefined && { VersionId: versionId }),
        ...(options.requesterPays && { RequestPayer: 'requester' }),
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    const size = ContentLength ?? 0;
    return {
      path: pathOf(name, key, versionId),
      size,
      identity: versionId === undefined ? identityOf(ETag, size, LastModified) : `version-${versionId}`,
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    // An answer to HEAD has no body, and so no reason. A listing tells it, where it fails as well; else it tells whether there is such a key at all.
    const { status } = failureOf(error);
    if (status === 403 || status === 400) {
      const { Contents } = await client.send(
        new sdk.ListObjectsV2Command({ Bucket: name, Prefix: key, MaxKeys: 1 }),
        signal === undefined ? {} : { abortSignal: signal },
      );
      if (Contents?.[0]?.Key !== key) return undefined;
    }
    throw error;
  }
}

async function* filesBelow(bucket: Bucket, prefix: string): AsyncGenerator<StoredFile> {
  for await (const { objects } of pagesOf(bucket, prefix, false)) yield* objects.map((object) => fileOf(bucket, object));
}

function fileOf({ name }: Bucket, { Key, Size, ETag, LastModified }: S3Object): StoredFile {
  return { path: pathOf(name, Key!), size: Size!, identity: identityOf(ETag, Size!, LastModified) };
}

async function* filesMatching(bucket: Bucket, pattern: string): AsyncGenerator<StoredFile> {
  const seen = new Set<string>();
  for (const glob of parseGlob(pattern)) {
    for (const object of await objectsOf(bucket, glob, pattern)) {
      if (seen.has(object.Key!)) continue;
      seen.add(object.Key!);
      yield fileOf(bucket, object);
    }
  }
}

async function objectsOf(bucket: Bucket, { prefix, steps }: Glob, pattern: string): Promise<S3Object[]> {
  const matches = globMatcher(pattern);
  const found: S3Object[] = [];
  let directories = [prefix];
  for (const [position, step] of steps.entries()) {
    const isLast = position === steps.length - 1;
    const next: string[] = [];
    await forEachInLanes(
      directories,
      async (directory) => {
        if (step.kind === 'name' && !isLast) {
          next.push(`${directory}${step.name}/`);
          return;
        }
        const head = position === 0 ? headOf(pattern, directory) : '';
        const below = directory + (step.kind === 'name' ? step.name : head);
        for await (const { objects, prefixes } of pagesOf(bucket, below, step.kind !== 'deep')) {
          if (isLast || step.kind === 'deep') found.push(...objects.filter(({ Key }) => matches(Key!)));
          else if (step.kind === 'match') next.push(...prefixes.filter((one) => step.matches(one.slice(directory.length, -1))));
        }
      },
      bucket.signal,
    );
    if (step.kind === 'deep') break;
    directories = next;
  }
  return found;
}

/** The part of the first name before anything that a glob gives a meaning to. */
function headOf(pattern: string, prefix: string): string {
  const end = pattern.search(/[*?[{\\]/);
  return pattern.startsWith(prefix) && end > prefix.length ? pattern.slice(prefix.length, end) : '';
}

interface Page {
  readonly objects: readonly S3Object[];
  /** Names of directories, with their closing `/`. */
  readonly prefixes: readonly string[];
}

/** All pages of a listing. Objects that only mark a directory are left out. */
async function* pagesOf({ connection, name, signal }: Bucket, prefix: string, oneLevel: boolean): AsyncGenerator<Page> {
  const { sdk, client, options } = connection;
  let token: string | undefined;
  let firstKey: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await client.send(
      new sdk.ListObjectsV2Command({
        Bucket: name,
        Prefix: prefix,
        EncodingType: 'url',
        ...(oneLevel && { Delimiter: '/' }),
        ...(token !== undefined && { ContinuationToken: token }),
        ...(options.requesterPays && { RequestPayer: 'requester' }),
      }),
      signal === undefined ? {} : { abortSignal: signal },
    );
    const decode = page.EncodingType === 'url' ? decodeKey : (key: string): string => key;
    const objects = (page.Contents ?? []).map((object) => ({ ...object, Key: decode(object.Key!) }));
    const prefixes = (page.CommonPrefixes ?? []).map((one) => decode(one.Prefix!));
    const first = objects[0]?.Key ?? prefixes[0];
    const before = token;
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if ((page.IsTruncated === true && (token === undefined || token === before)) || (first !== undefined && first === firstKey))
      throw new HeddleError(
        'ERR_STORAGE',
        `the server lists ${pathOf(name, prefix)} in a circle: a page comes again; it does not list as S3 does`,
      );
    firstKey = first;
    yield { objects: objects.filter(({ Key, Size }) => !(Key.endsWith('/') && Size === 0)), prefixes };
  } while (token !== undefined);
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}
