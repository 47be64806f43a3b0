/**
 * Where a block really starts and ends. With `after(p)`, the place just behind the first delimiter that begins at or after p (the file's end when there is none),
 * a block cut at [start, end) is the bytes [after(start), after(end)): each border moves to the same place for both of its blocks, so the blocks rejoin to the file.
 *
 *     cut       [0 …… border ……………… size)          aa⏎bbb⏎cc⏎dd
 *     blocks    [0 …………… after(border)) [ … size)            ↑ border → the record bbb stays with the block before
 *
 * The search is a generator that asks for reads and never does them: it runs the same on synchronous and asynchronous storages.
 * A start is searched only up to the cut's end: with no delimiter there, the block is empty, and a file without delimiters is still read only twice.
 */

/** A read that a search asks for: fill `into` from `offset` on. Always within the file. */
export interface ReadStep {
  readonly offset: number;
  readonly into: Uint8Array;
}

/** Work that asks for reads and ends with a result. */
export type ReadSteps<T> = Generator<ReadStep, T, void>;

/** Bytes of the file that a search has read. */
interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** A block as it is cut, in a file of known size. */
export interface BlockCut {
  readonly size: number;
  readonly start: number;
  readonly end: number;
  /** `null`: blocks end where they are cut. */
  readonly delimiter: Uint8Array | null;
  /** The file's first record does not count. */
  readonly notZero: boolean;
}

const firstChunk = 64 * 1024;
const largestChunk = 4 * 1024 * 1024;

/** Finds a block's true borders and reads it into memory of its own. */
export function* readCut(
  { size, start, end, delimiter, notZero }: BlockCut,
  allocate: (length: number) => Uint8Array,
  chunk: number = firstChunk,
): ReadSteps<Uint8Array> {
  const pieces: Piece[] = [];
  let from = start;
  let to = end;
  if (delimiter !== null) {
    if (start > 0 || notZero) {
      const found = yield* after(start, end, size, delimiter, pieces, false, chunk);
      if (found === undefined) return allocate(0);
      from = found;
    }
    if (end < size) to = (yield* after(end, size, size, delimiter, pieces, true, chunk)) ?? size;
  }
  const block = allocate(to - from);
  let done = from;
  for (const piece of pieces) {
    const first = Math.max(piece.offset, done);
    const last = Math.min(piece.offset + piece.bytes.length, to);
    if (last <= first) continue;
    if (first > done) yield { offset: done, into: block.subarray(done - from, first - from) };
    block.set(piece.bytes.subarray(first - piece.offset, last - piece.offset), first - from);
    done = last;
  }
  if (done < to) yield { offset: done, into: block.subarray(done - from) };
  return block;
}

/**
 * The place behind the first delimiter that begins in [from, limit), and into `pieces` what was read of the block on the way: all of it when `keepAll`
 * (it belongs to this block), else only the chunk in which the delimiter ends.
 */
function* after(
  from: number,
  limit: number,
  size: number,
  delimiter: Uint8Array,
  pieces: Piece[],
  keepAll: boolean,
  chunkSize: number,
): ReadSteps<number | undefined> {
  const overlap = delimiter.length - 1;
  const stop = Math.min(size, limit + overlap);
  let carried: Uint8Array = new Uint8Array(0);
  let chunk = Math.max(chunkSize, delimiter.length);
  for (let at = from; at < stop; ) {
    const length = Math.min(chunk, stop - at);
    const bytes = new Uint8Array(carried.length + length);
    bytes.set(carried);
    yield { offset: at, into: bytes.subarray(carried.length) };
    const piece = { offset: at - carried.length, bytes };
    const found = indexOf(bytes, delimiter);
    if (keepAll || found >= 0) pieces.push(piece);
    if (found >= 0) return piece.offset + found + delimiter.length;
    // A delimiter may begin in this chunk's last bytes and end in the next.
    carried = bytes.slice(Math.max(0, bytes.length - overlap));
    at += length;
    chunk = Math.min(chunk * 2, Math.max(largestChunk, delimiter.length));
  }
  return undefined;
}

/** The first place of `what` in `bytes`, or -1. */
export function indexOf(bytes: Uint8Array, what: Uint8Array, from = 0): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(what, from);
}
