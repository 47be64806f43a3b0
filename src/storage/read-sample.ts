import { SourceChangedError } from '../../graph/index.ts';
import { type Codec, takeUntil, unpackStart } from './compression.ts';
import { indexOf } from './delimiter.ts';
import type { ListedFile } from './list-files.ts';
import { openFile } from './read-block.ts';
import type { CheckedRead } from './read-options.ts';
import type { OpenFile, StoredFile } from './storage.ts';

/** A file's first bytes, unpacked: `length` of them, and on to just after the next delimiter. */
export async function readSample(
  { storage, file }: ListedFile,
  codec: Codec | null,
  read: CheckedRead,
  length: number,
): Promise<Uint8Array> {
  const { delimiter, signal } = read;
  const call = { ...(signal === undefined ? {} : { signal }), ...(read.storage === undefined ? {} : { storage: read.storage }) };
  const isEnough = (bytes: Uint8Array): boolean => bytes.length >= length && (delimiter === null || indexOf(bytes, delimiter, length) >= 0);
  if (file.size === 0 || (length === 0 && delimiter === null)) return new Uint8Array(0);
  const opened = await openFile(storage, file, call);
  try {
    const chunks = chunksOf(opened, file, Math.max(length, 1024), signal);
    const bytes = codec === null ? await takeUntil(chunks, isEnough) : await unpackStart(codec, chunks, isEnough, file.path);
    await opened.verify();
    const found = delimiter === null ? length : indexOf(bytes, delimiter, length);
    return Uint8Array.from(bytes.subarray(0, found < 0 ? bytes.length : found + (delimiter?.length ?? 0)));
  } finally {
    await opened.close();
  }
}

async function* chunksOf(opened: OpenFile, file: StoredFile, first: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  let size = first;
  for (let offset = 0; file.size === null || offset < file.size; ) {
    signal?.throwIfAborted();
    const chunk = new Uint8Array(file.size === null ? size : Math.min(size, file.size - offset));
    const nbytes = await opened.read(offset, chunk);
    if (nbytes === 0) {
      if (file.size === null) return;
      throw new SourceChangedError(file.path, `it had ${file.size} bytes, now it ends at byte ${offset}`);
    }
    offset += nbytes;
    size = Math.min(size * 2, 4 * 1024 * 1024);
    yield chunk.subarray(0, nbytes);
  }
}
