import type { Duplex } from 'node:stream';
import { Deserializer, Serializer } from 'node:v8';
import { HeddleError } from '../../graph/index.ts';

/**
 * Messages over a stream of bytes, as `postMessage` would carry them: what is one object stays one, and bytes keep the buffer that they share.
 * Long buffers go beside the serialized text, so that neither side copies them into it:
 *
 *     length of text · number of buffers · length of each buffer · text · buffers
 *
 * Against the IPC channel of `node:child_process` a small batch costs the same, and 8 MiB of bytes half.
 */
export class Frames {
  readonly #stream: Duplex;
  readonly #receive: (message: unknown) => void;
  /** What has come and is not taken yet. */
  #chunks: Buffer[] = [];
  #waiting = 0;
  #frame: Incoming | undefined;

  constructor(stream: Duplex, receive: (message: unknown) => void) {
    this.#stream = stream;
    this.#receive = receive;
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#waiting += chunk.length;
      while (this.#advance());
    });
    stream.on('error', () => {}); // the other side is gone: `close` follows
  }

  /** Sends a message. The buffers of `transfer` must not be changed any more. Throws for what cannot be cloned. */
  post(message: unknown, transfer: readonly object[] = []): void {
    const buffers = transfer as readonly ArrayBuffer[];
    const headLength = 8 + 8 * buffers.length;
    const serializer = new Writer();
    serializer.writeRawBytes(Buffer.alloc(headLength)); // room for the head: one buffer, written once
    serializer.writeHeader();
    for (const [id, buffer] of buffers.entries()) serializer.transferArrayBuffer(id, buffer);
    serializer.writeValue(message);
    const bytes = serializer.releaseBuffer();
    bytes.writeUInt32LE(bytes.length - headLength, 0);
    bytes.writeUInt32LE(buffers.length, 4);
    for (const [i, buffer] of buffers.entries()) bytes.writeDoubleLE(buffer.byteLength, 8 + 8 * i);
    if (this.#stream.destroyed) return;
    if (buffers.length > 0) this.#stream.cork();
    this.#stream.write(bytes);
    for (const buffer of buffers) this.#stream.write(new Uint8Array(buffer));
    if (buffers.length > 0) this.#stream.uncork();
  }

  /** Goes one step on in the frame that is coming in; false when more bytes are needed. */
  #advance(): boolean {
    const frame = this.#frame;
    if (frame === undefined) {
      if (this.#waiting < 8) return false;
      const head = this.#take(8);
      this.#frame = {
        length: head.readUInt32LE(0),
        count: head.readUInt32LE(4),
        sizes: undefined,
        text: undefined,
        buffers: [],
        filled: 0,
      };
    } else if (frame.sizes === undefined) {
      if (this.#waiting < 8 * frame.count) return false;
      const sizes = this.#take(8 * frame.count);
      frame.sizes = Array.from({ length: frame.count }, (_, i) => sizes.readDoubleLE(8 * i));
    } else if (frame.text === undefined) {
      if (this.#waiting < frame.length) return false;
      frame.text = this.#take(frame.length);
    } else if (!this.#fill(frame, frame.sizes)) return false;
    else {
      this.#frame = undefined;
      const deserializer = new Deserializer(frame.text);
      deserializer.readHeader();
      for (const [id, buffer] of frame.buffers.entries()) deserializer.transferArrayBuffer(id, buffer);
      this.#receive(deserializer.readValue());
    }
    return true;
  }

  /** Fills the buffers of a frame as far as there is something to fill them with. */
  #fill(frame: Incoming, sizes: readonly number[]): boolean {
    for (;;) {
      const last = frame.buffers.at(-1);
      if (last === undefined || frame.filled === last.byteLength) {
        if (frame.buffers.length === sizes.length) return true;
        frame.buffers.push(new ArrayBuffer(sizes[frame.buffers.length]!));
        frame.filled = 0;
        continue;
      }
      if (this.#waiting === 0) return false;
      const bytes = this.#take(Math.min(this.#chunks[0]!.length, last.byteLength - frame.filled));
      new Uint8Array(last, frame.filled, bytes.length).set(bytes);
      frame.filled += bytes.length;
    }
  }

  /** The next bytes; so many are there. */
  #take(length: number): Buffer {
    if (length === 0) return Buffer.alloc(0);
    if (this.#chunks[0]!.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    const first = this.#chunks[0]!;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    this.#waiting -= length;
    return first.subarray(0, length);
  }
}

interface Incoming {
  readonly length: number;
  readonly count: number;
  sizes: readonly number[] | undefined;
  text: Buffer | undefined;
  readonly buffers: ArrayBuffer[];
  /** Bytes of the last buffer that are there. */
  filled: number;
}

/** Node's own would cut views from the buffer they share; this one keeps what a structured clone keeps. */
class Writer extends Serializer {
  _getSharedArrayBufferId(): never {
    throw new HeddleError(
      'ERR_UNSENDABLE',
      'memory in a SharedArrayBuffer cannot be shared with another process; pass a copy (`bytes.slice()`), or use the engine threads',
    );
  }
}
