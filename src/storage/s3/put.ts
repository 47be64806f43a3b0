/**
 * Writes an object whole or not at all. Small ones are put at once; large ones in parts that S3 shows to nobody before the last step, and that are thrown away when anything fails.
 *
 *     create ─▶ part 1 … n, some at a time ─▶ complete (the object is there)
 *                      └ any failure ─▶ all parts have ended ─▶ abort (nothing is left)
 */
import type { CompletedPart, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { HeddleError, typeError } from '../../../graph/index.ts';
import { backOff } from '../backoff.ts';
import { holds } from '../holds.ts';
import type { StorageCall, StorageWrite } from '../storage.ts';
import { connect, type S3Connection } from './client.ts';
import { failureOf, s3Error } from './failure.ts';
import { read } from './get.ts';
import { list, lookAt } from './list.ts';
import { checkS3Options } from './options.ts';
import { parsePlace } from './place.ts';

/** Above this an object goes in parts. */
const largestPut = 32 * 1024 * 1024;
const smallestPart = 16 * 1024 * 1024;
const mostParts = 10_000;
const partsAtOnce = 4;

/** One write on its way. */
interface Upload {
  readonly connection: S3Connection;
  readonly path: string;
  readonly data: Uint8Array;
  readonly target: Pick<PutObjectCommandInput, 'Bucket' | 'Key' | 'RequestPayer'>;
  readonly overwrite: boolean;
  readonly call: StorageCall;
}

/** Writes bytes; how many. */
export async function write(path: string, data: Uint8Array, { overwrite, signal, storage }: StorageWrite): Promise<number> {
  const { bucket, key, versionId } = parsePlace(path);
  if (key === '' || key.endsWith('/') || versionId !== undefined)
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `cannot write ${path}: it must be a key of an object, not ${versionId === undefined ? 'a prefix' : 'a version'}`,
    );
  const options = checkS3Options(storage);
  const connection = await connect(options);
  const call: StorageCall = { ...(signal !== undefined && { signal }), ...(storage !== undefined && { storage }) };
  const target = { Bucket: bucket, Key: key, ...(options.requesterPays && ({ RequestPayer: 'requester' } as const)) };
  const upload: Upload = { connection, path, data, target, overwrite, call };
  try {
    signal?.throwIfAborted();
    // Not every server knows the condition that guards the last step, and a refusal before it saves the upload.
    if (!overwrite && (await isThere(upload))) throw exists(path);
    await (data.byteLength > largestPut ? writeInParts(upload) : putWhole(upload));
    return data.byteLength;
  } catch (error) {
    signal?.throwIfAborted();
    throw s3Error('write', path, error, connection);
  }
}

async function isThere({ connection, target, call: { signal } }: Upload): Promise<boolean> {
  try {
    return (await lookAt({ connection, name: target.Bucket!, signal }, target.Key!)) !== undefined;
  } catch (error) {
    // One may write without the right to read; then the condition alone guards.
    if (failureOf(error).status === 403) return false;
    throw error;
  }
}

function putWhole(upload: Upload): Promise<void> {
  const { connection, target, data } = upload;
  const { sdk, client } = connection;
  return guarded(upload, async (condition) => {
    await client.send(new sdk.PutObjectCommand({ ...target, Body: data, ...condition }), signalOf(upload));
  });
}

async function writeInParts(upload: Upload): Promise<void> {
  const { connection, target } = upload;
  const { sdk, client } = connection;
  const isChecked = (await client.config.requestChecksumCalculation()) === 'WHEN_SUPPORTED';
  const created = await client.send(
    new sdk.CreateMultipartUploadCommand({ ...target, ...(isChecked && { ChecksumAlgorithm: 'CRC32' }) }),
    signalOf(upload),
  );
  const UploadId = created.UploadId!;
  try {
    const Parts = await uploadParts(upload, UploadId);
    await guarded(upload, async (condition) => {
      await client.send(
        new sdk.CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts }, ...condition }),
        signalOf(upload),
      );
    });
  } catch (error) {
    await abort(upload, UploadId);
    throw error;
  }
}

/** All parts, or the first failure when none is on its way any more. */
async function uploadParts(upload: Upload, UploadId: string): Promise<CompletedPart[]> {
  const { connection, target, data, call } = upload;
  const { sdk, client } = connection;
  const size = Math.max(smallestPart, Math.ceil(data.byteLength / mostParts));
  const parts: CompletedPart[] = new Array(Math.ceil(data.byteLength / size));
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(call.signal!.reason);
  if (call.signal?.aborted === true) onAbort();
  call.signal?.addEventListener('abort', onAbort, { once: true });
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let part = next++; part < parts.length && !stop.signal.aborted; part = next++) {
      try {
        const { ETag, ChecksumCRC32 } = await client.send(
          new sdk.UploadPartCommand({ ...target, UploadId, PartNumber: part + 1, Body: data.subarray(part * size, (part + 1) * size) }),
          { abortSignal: stop.signal },
        );
        parts[part] = { PartNumber: part + 1, ETag, ...(ChecksumCRC32 !== undefined && { ChecksumCRC32 }) };
      } catch (error) {
        stop.abort(error);
      }
    }
  };
  await Promise.all(Array.from({ length: partsAtOnce }, lane));
  call.signal?.removeEventListener('abort', onAbort);
  if (stop.signal.aborted) throw stop.signal.reason;
  return parts;
}

const abortsAtMost = 3;

/** Also when the write was cancelled: so without its signal. Until the server no longer knows the upload, for a part that was on its way may have come after the first time. */
async function abort({ connection: { sdk, client }, target }: Upload, UploadId: string): Promise<void> {
  try {
    for (let times = 1; times <= abortsAtMost; times++) {
      await client.send(new sdk.AbortMultipartUploadCommand({ ...target, UploadId }));
      if (times < abortsAtMost) await backOff(times);
    }
  } catch {
    // It is gone (NoSuchUpload); or it cannot be reached: what made the write fail is what the user is told, and the rest a life-cycle rule of the bucket clears away.
  }
}

/** Does the step that makes the object appear, so that it replaces nothing unasked. */
async function guarded(upload: Upload, step: (condition: { readonly IfNoneMatch?: '*' }) => Promise<void>): Promise<void> {
  const { path, overwrite, connection, call } = upload;
  let condition: { readonly IfNoneMatch?: '*' } = overwrite ? {} : { IfNoneMatch: '*' };
  for (let failures = 0; ; ) {
    try {
      return await step(condition);
    } catch (error) {
      call.signal?.throwIfAborted();
      const { name, code, status, attempts } = failureOf(error);
      // An attempt whose answer was lost has done the work already. Then the next one is refused, and the refusal may be lost too: the server need not hear its body.
      const isUnheard = status === undefined && (code === 'ECONNRESET' || code === 'EPIPE');
      const mayBeDone = isUnheard || (attempts > 1 && (status === 412 || name === 'NoSuchUpload'));
      if (mayBeDone && (await holds({ list, read }, path, upload.data, call))) return;
      if (status === 412 || (isUnheard && !overwrite && (await isThere(upload)))) throw exists(path);
      if (status === 501 && condition.IfNoneMatch !== undefined) condition = {};
      else if (status !== 409 || ++failures > connection.options.retries) throw error;
      // Two writers met; the server asks the one that lost to come again.
      else await backOff(failures, call.signal);
    }
  }
}

const signalOf = ({ call: { signal } }: Upload): { abortSignal?: AbortSignal } => (signal === undefined ? {} : { abortSignal: signal });

function exists(path: string): HeddleError {
  return new HeddleError(
    'ERR_EXISTS',
    `${path} exists already, and nothing is overwritten unasked; pass overwrite: true, or choose another path`,
  );
}
