/** Looks at a URL and reads it, in ranges where the content can be bound to them, else whole. */
import { HeddleError, SourceChangedError, typeError } from '../../../graph/index.ts';
import { fill, inParts } from '../fill.ts';
import { shownUrl } from '../shown-url.ts';
import type { OpenFile, StorageCall, StoredFile } from '../storage.ts';
import { conditionOf, contentOf, isOther, lengthOf, rangeOf } from './content.ts';
import { httpError, statusError } from './failure.ts';
import { type CheckedHttp, checkHttpOptions, checkSize } from './options.ts';
import { type Answer, discard, get } from './request.ts';
import { WholeFile } from './whole.ts';

/** The file behind a URL; nothing when there is none. Its first byte is asked for: that works where HEAD does not, with signed URLs for instance. */
export async function* list(url: string, { signal, storage }: StorageCall): AsyncGenerator<StoredFile> {
  const options = checkHttpOptions(storage);
  if (!URL.canParse(url)) throw typeError('ERR_INVALID_ARGUMENT', `${shownUrl(url)} is no URL: write https://host/path`);
  signal?.throwIfAborted();
  try {
    let answer = await get(url, { range: 'bytes=0-0' }, options, signal);
    await discard(answer);
    if (answer.status === 416 && rangeOf(answer.headers) === undefined) {
      // An empty file has no first byte, and not every server says so.
      answer = await get(url, {}, options, signal);
      await discard(answer);
    }
    const file = fileOf(url, answer, options);
    if (file !== undefined) yield file;
  } catch (error) {
    signal?.throwIfAborted();
    throw httpError('look at', url, error);
  }
}

function fileOf(path: string, { status, headers }: Answer, options: CheckedHttp): StoredFile | undefined {
  if (status === 404 || status === 410) return undefined;
  const range = rangeOf(headers);
  const isEmpty = status === 416 && range?.total === 0;
  if (status !== 200 && status !== 206 && !isEmpty) throw statusError('look at', path, status);
  const total = status === 200 ? lengthOf(headers) : range?.total;
  if (total !== undefined) checkSize(path, total, options);
  const { identity, condition } = contentOf(headers, total);
  const isRanged = status === 206 && total !== undefined && condition !== undefined;
  return { path, size: isRanged || total === 0 ? total : null, identity };
}

/** Opens a URL for reading. */
export function open(file: StoredFile, { signal, storage }: StorageCall): OpenFile {
  const options = checkHttpOptions(storage);
  if (file.size === null) return new WholeFile(file, options, signal);
  const size = file.size;
  return {
    read: (offset, into) => readRange(file, offset, into.subarray(0, Math.max(0, Math.min(into.length, size - offset))), options, signal),
    verify: () => {},
    close: () => {},
  };
}

/** Reads at `offset`; all that `into` takes, up to the end. */
export async function read(file: StoredFile, offset: number, into: Uint8Array, call: StorageCall): Promise<number> {
  const opened = open(file, call);
  try {
    return await opened.read(offset, into);
  } finally {
    await opened.close();
  }
}

async function readRange(
  file: StoredFile,
  offset: number,
  into: Uint8Array,
  options: CheckedHttp,
  signal: AbortSignal | undefined,
): Promise<number> {
  const end = offset + into.length;
  try {
    await inParts(
      into,
      (start, part, stop) => {
        const last = offset + start + part.length - 1;
        const request = async (done: number) => {
          const first = offset + start + done;
          const answer = await get(file.path, { range: `bytes=${first}-${last}`, ...conditionOf(file.identity) }, options, stop);
          try {
            checkAnswer(answer, file, first, last);
          } catch (error) {
            await discard(answer);
            throw error;
          }
          return answer.body;
        };
        return fill(part, request, { retries: options.retries, signal: stop, isTransient: () => false });
      },
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw httpError('read', file.path, error);
  }
  return end - offset;
}

function checkAnswer({ status, headers }: Answer, { path, size, identity }: StoredFile, first: number, last: number): void {
  const changed = (why: string): SourceChangedError => new SourceChangedError(shownUrl(path), why);
  if (status === 404 || status === 410) throw changed('it is gone');
  if (status === 412) throw changed('its ETag or time of change is another');
  if (status === 416) throw changed(`it had ${size} bytes, now it has fewer`);
  if (status !== 200 && status !== 206) throw statusError('read', path, status);
  const range = rangeOf(headers);
  const total = status === 200 ? lengthOf(headers) : range?.total;
  if (isOther(identity, headers, total)) throw changed('its ETag or time of change is another');
  if (total !== undefined && total !== size) throw changed(`it had ${size} bytes, now it has ${total}`);
  if (status === 200 ? first === 0 && last === size! - 1 : range?.first === first && range.last <= last) return;
  throw new HeddleError(
    'ERR_STORAGE',
    `the server of ${shownUrl(path)} does not answer with the range that it was asked for; pass blockSize: null to read it whole`,
  );
}
