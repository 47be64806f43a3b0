/** Reads ranges of an object, bound to the content that was listed: every request asks for that ETag or version, and every answer is held against it. */
import type { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { HeddleError, SourceChangedError } from '../../../graph/index.ts';
import { fill, inParts } from '../fill.ts';
import type { StorageCall, StoredFile } from '../storage.ts';
import { connect, type S3Connection } from './client.ts';
import { failureOf, isMissing, s3Error } from './failure.ts';
import { checkS3Options } from './options.ts';
import { parsePlace } from './place.ts';

/** Reads at `offset`; all that `into` takes, up to the object's end. */
export async function read(file: StoredFile, offset: number, into: Uint8Array, { signal, storage }: StorageCall): Promise<number> {
  const nbytes = Math.min(into.length, file.size! - offset);
  if (nbytes <= 0) return 0;
  const connection = await connect(checkS3Options(storage));
  signal?.throwIfAborted();
  try {
    await inParts(into.subarray(0, nbytes), (start, part, stop) => readPart(connection, file, offset + start, part, stop), signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw changedOr(error, file) ?? s3Error('read', file.path, error, connection);
  }
  return nbytes;
}

function readPart(connection: S3Connection, file: StoredFile, offset: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
  const { sdk, client, options } = connection;
  const { bucket, key, versionId } = parsePlace(file.path);
  const end = offset + into.length;
  const request = async (done: number): Promise<Readable> => {
    const command = new sdk.GetObjectCommand({
      Bucket: bucket,
      Key: key,
      Range: `bytes=${offset + done}-${end - 1}`,
      ...(versionId === undefined ? isStrong(file.identity) && { IfMatch: file.identity } : { VersionId: versionId }),
      ...(options.requesterPays && { RequestPayer: 'requester' }),
    });
    const answer = await client.send(command, { abortSignal: signal });
    const body = answer.Body as Readable;
    try {
      checkAnswer(answer, file, offset + done, end);
    } catch (error) {
      body.on('error', () => {}).destroy();
      throw error;
    }
    return body;
  };
  // The SDK has tried requests again already.
  return fill(into, request, { retries: options.retries, signal, isTransient: () => false });
}

const isStrong = (identity: string): boolean => identity.startsWith('"');

function checkAnswer(
  { ETag, ContentRange, ContentLength, LastModified }: GetObjectCommandOutput,
  file: StoredFile,
  start: number,
  end: number,
): void {
  const isTagged = /^(W\/)?"/.test(file.identity);
  if (
    isTagged
      ? ETag !== undefined && ETag !== '' && ETag !== file.identity
      : identityOf(undefined, file.size, LastModified) !== file.identity && file.identity.startsWith('modified')
  )
    throw new SourceChangedError(file.path, 'its ETag is another');
  const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(ContentRange ?? '');
  if (range === null) {
    if (start === 0 && ContentLength === end && end === file.size) return;
    throw new HeddleError(
      'ERR_STORAGE',
      `the server of ${file.path} does not answer with the range that it was asked for; heddle needs ranged reads`,
    );
  }
  const [first, last, total] = range.slice(1).map(Number) as [number, number, number];
  if (total !== file.size && range[3] !== '*') throw new SourceChangedError(file.path, `it had ${file.size} bytes, now it has ${total}`);
  if (first !== start || last >= end)
    throw new HeddleError('ERR_STORAGE', `the server of ${file.path} gave bytes ${first}-${last} when asked for ${start}-${end - 1}`);
}

/** What names the content of an object: its ETag, or where a server has none, its time of change. */
export function identityOf(etag: string | undefined, size: number | null, modified: Date | undefined): string {
  // Some servers have an empty one for files that came to them by another way.
  return etag || `modified-${modified?.getTime() ?? 'never'}-${size}`;
}

function changedOr(error: unknown, { path, size }: StoredFile): SourceChangedError | undefined {
  const { name, status } = failureOf(error);
  if (isMissing(error)) return new SourceChangedError(path, 'it is gone');
  if (name === 'PreconditionFailed' || status === 412) return new SourceChangedError(path, 'its ETag is another');
  if (name === 'InvalidRange' || status === 416) return new SourceChangedError(path, `it had ${size} bytes, now it has fewer`);
  return undefined;
}
