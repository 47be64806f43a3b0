/**
 * Frames between Node and Python: the client and its bridge, a worker and its sidecar.
 *
 *     u32 length of all that follows · u32 length of the header · header (JSON; `b`: lengths of the blobs) · blobs
 *
 * A blob is one byte that says what it is and then its body, which arrives in a buffer of its own.
 */
export interface Blob {
  readonly kind: number;
  readonly body: Uint8Array;
}

/** What a blob's body is. */
export const BlobKind = {
  /** Bytes as they are: the result of a task that gave a Uint8Array. */
  bytes: 0,
  /** Data as V8 writes it. */
  data: 1,
  /** A table of `encode`, as V8 writes it. */
  table: 2,
  /** A definition, as V8 writes it: scattered data that was captured. */
  captured: 3,
  /** A task: its meta as JSON, then the rest as V8 writes it. */
  task: 4,
} as const;

/** A frame's header; what else it holds depends on `op`. */
export interface Header {
  readonly op: string;
  readonly [field: string]: unknown;
}

export interface Frame {
  readonly header: Header;
  readonly blobs: readonly Blob[];
}

/** Where frames are written to. */
export interface FrameSink {
  cork(): void;
  uncork(): void;
  write(chunk: Uint8Array): boolean;
}

/** Writes a frame without copying its blobs. Throws RangeError for one beyond 4 GiB. */
export function writeFrame(sink: FrameSink, header: Header, blobs: readonly Blob[] = []): boolean {
  const text = Buffer.from(JSON.stringify({ ...header, b: blobs.map(({ body }) => body.length + 1) }));
  const total = blobs.reduce((sum, { body }) => sum + body.length + 1, 4 + text.length);
  if (total >= 2 ** 32)
    throw new RangeError(`a message of ${total} bytes is more than a cluster's workers take at once (4 GiB); use smaller blocks`);
  const head = Buffer.allocUnsafe(8);
  head.writeUInt32LE(total, 0);
  head.writeUInt32LE(text.length, 4);
  sink.cork();
  sink.write(head);
  let isFree = sink.write(text);
  for (const { kind, body } of blobs) {
    sink.write(Uint8Array.of(kind));
    isFree = sink.write(body);
  }
  sink.uncork();
  return isFree;
}

/** Puts frames together from chunks as they come. */
export class FrameReader {
  readonly #take: (frame: Frame) => void;
  #target = Buffer.alloc(8);
  #got = 0;
  #stage: 'head' | 'header' | 'kind' | 'body' = 'head';
  #header: Header | undefined;
  #lengths: readonly number[] = [];
  #blobs: Blob[] = [];
  #kind = 0;

  constructor(take: (frame: Frame) => void) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    let at = 0;
    do {
      const count = Math.min(chunk.length - at, this.#target.length - this.#got);
      this.#target.set(chunk.subarray(at, at + count), this.#got);
      this.#got += count;
      at += count;
      while (this.#got === this.#target.length && (this.#target.length > 0 || this.#stage === 'body')) if (!this.#advance()) break;
    } while (at < chunk.length);
  }

  /** A part is complete: what comes next. False when the next part needs bytes. */
  #advance(): boolean {
    const part = this.#target;
    switch (this.#stage) {
      case 'head':
        this.#expect('header', part.readUInt32LE(4));
        return false;
      case 'header':
        this.#header = JSON.parse(part.toString()) as Header;
        this.#lengths = this.#header.b as readonly number[];
        return this.#nextBlob();
      case 'kind':
        this.#kind = part[0]!;
        this.#expect('body', this.#lengths[this.#blobs.length]! - 1);
        return part.length === 0 || this.#target.length === 0;
      case 'body':
        this.#blobs.push({ kind: this.#kind, body: new Uint8Array(part.buffer, part.byteOffset, part.length) });
        return this.#nextBlob();
    }
  }

  #nextBlob(): false {
    if (this.#blobs.length < this.#lengths.length) {
      this.#expect('kind', 1);
      return false;
    }
    const frame = { header: this.#header!, blobs: this.#blobs };
    this.#header = undefined;
    this.#blobs = [];
    this.#expect('head', 8);
    this.#take(frame);
    return false;
  }

  #expect(stage: 'head' | 'header' | 'kind' | 'body', length: number): void {
    this.#stage = stage;
    this.#target = Buffer.from(new ArrayBuffer(length));
    this.#got = 0;
  }
}
