import { Readable } from 'node:stream';
import { types } from 'node:util';
import { Chunked } from './chunked.ts';
import type { Connection } from './connection.ts';
import type { Head } from './head.ts';

/** Where a body's bytes go, and who is told. */
interface Target {
  readonly into: Uint8Array;
  place: number;
  onBytes(place: number): void;
  settle(error?: Error): void;
}

/** A body ended before all of it had come. */
export class BrokenBodyError extends Error {
  readonly code = 'ECONNRESET';
}

/** The server sent more than was asked for. */
export class OverlongBodyError extends Error {}

/**
 * The body of an answer. `fill` lets the system write it where it belongs; as a stream it is read like any other.
 *
 *     socket ─▶ 64 KiB of fresh memory ─▶ stream ─▶ copied into the block      any HTTP client
 *     socket ─▶ the block                                                      fill
 */
export class DirectBody extends Readable {
  readonly #connection: Connection;
  readonly #chunked: Chunked | undefined;
  /** Bytes that are still to come; Infinity where only the connection's end tells. */
  #left: number;
  readonly #endsWithConnection: boolean;
  /** What came together with the head. */
  #first: Uint8Array;
  #target: Target | undefined;
  /** Whether the next bytes are written into the target itself. */
  #isDirect = false;
  #isWhole = false;

  constructor(connection: Connection, { length }: Head, first: Uint8Array) {
    super();
    this.#connection = connection;
    this.#chunked = length === 'chunked' ? new Chunked() : undefined;
    this.#endsWithConnection = length === 'close';
    this.#left = typeof length === 'number' ? length : Number.POSITIVE_INFINITY;
    this.#first = first;
    if (this.#left === 0) this.#finish();
  }

  /** Lays the body into memory from `place` on. Resolves at its end, rejects where it breaks off; `onBytes` is told how far it came either way. */
  fill(into: Uint8Array, place: number, onBytes: (place: number) => void, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown): void => {
        signal?.removeEventListener('abort', onAbort);
        this.#target = undefined;
        this.destroy();
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(signal!.reason);
      if (signal?.aborted === true) return onAbort();
      if (this.#isWhole) return settle();
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#target = { into, place, onBytes, settle };
      if (Number.isFinite(this.#left) && this.#left > into.length - place) return settle(tooLong(into.length));
      this.#goOn();
    });
  }

  override _read(): void {
    if (!this.#isWhole) this.#goOn();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isWhole) this.#connection.destroy();
    done(error);
  }

  #goOn(): void {
    const first = this.#first;
    this.#first = nothing;
    if (first.length > 0 && !this.came(first.length, first)) return;
    if (!this.#isWhole) this.#connection.resume();
  }

  /** Where the next bytes are to be written; `undefined`: anywhere. */
  room(): Uint8Array | undefined {
    const target = this.#target;
    this.#isDirect = false;
    if (target === undefined || this.#chunked !== undefined || types.isSharedArrayBuffer(target.into.buffer)) return undefined;
    const room = target.into.subarray(target.place, target.place + Math.min(this.#left, target.into.length - target.place));
    if (room.length === 0) return undefined;
    this.#isDirect = true;
    return room;
  }

  /** Takes bytes that came; false when nobody waits for more. */
  came(nbytes: number, bytes: Uint8Array): boolean {
    try {
      if (this.#isDirect) this.#left -= this.#advance(nbytes);
      else this.#take(bytes.subarray(0, nbytes));
    } catch (error) {
      this.broke(error as Error);
      return false;
    }
    if (this.#left === 0 || this.#chunked?.isAtEnd === true) this.#finish();
    // An idle connection goes on reading, or it would not see its end.
    return this.#isWhole || (!this.destroyed && (this.#target !== undefined || this.readableLength < this.readableHighWaterMark));
  }

  #take(bytes: Uint8Array): void {
    if (this.#chunked !== undefined) {
      for (const part of this.#chunked.contentOf(bytes)) this.#put(part);
      return;
    }
    // What comes after the body is not of it, and the connection is no good for another.
    const content = bytes.subarray(0, Math.min(bytes.length, this.#left));
    if (content.length < bytes.length) this.#connection.isKept = false;
    this.#put(content);
    this.#left -= content.length;
  }

  #put(bytes: Uint8Array): void {
    const target = this.#target;
    if (target === undefined) {
      this.push(Buffer.from(bytes)); // the memory they lie in is used again
      return;
    }
    if (target.place + bytes.length > target.into.length) throw tooLong(target.into.length);
    target.into.set(bytes, target.place);
    this.#advance(bytes.length);
  }

  #advance(nbytes: number): number {
    const target = this.#target!;
    target.place += nbytes;
    target.onBytes(target.place);
    return nbytes;
  }

  /** The connection ended: with an error, or as a body without a length ends. */
  broke(error: Error | undefined): void {
    if (this.#isWhole) return;
    if (error === undefined && this.#endsWithConnection) return this.#finish();
    const broken = error ?? new BrokenBodyError('the connection was closed in the middle of a body');
    if (this.#target === undefined) this.destroy(broken);
    else this.#target.settle(broken);
  }

  #finish(): void {
    this.#isWhole = true;
    this.#connection.release();
    if (this.#target === undefined) this.push(null);
    else this.#target.settle();
  }
}

const nothing = new Uint8Array(0);
const tooLong = (nbytes: number): OverlongBodyError => new OverlongBodyError(`the server sent more than the ${nbytes} bytes asked for`);
