/** A URL that can only be read from its beginning to its end. When the line breaks, it is asked for again and what was read is skipped: only where the content has a name to be known by. */
import type { Readable } from 'node:stream';
import { SourceChangedError } from '../../../graph/index.ts';
import { backOff } from '../backoff.ts';
import { shownUrl } from '../shown-url.ts';
import type { OpenFile, StoredFile } from '../storage.ts';
import { isOther, lengthOf } from './content.ts';
import { httpError, statusError } from './failure.ts';
import { type CheckedHttp, checkSize } from './options.ts';
import { discard, get } from './request.ts';

/** One answer, read on and on. */
export class WholeFile implements OpenFile {
  readonly #file: StoredFile;
  readonly #options: CheckedHttp;
  readonly #signal: AbortSignal | undefined;
  #body: Readable | undefined;
  #chunks: AsyncIterator<Uint8Array> | undefined;
  /** What came and was not asked for yet; it begins at `#place`. */
  #rest: Uint8Array = new Uint8Array(0);
  #place = 0;
  #ended = false;

  constructor(file: StoredFile, options: CheckedHttp, signal: AbortSignal | undefined) {
    this.#file = file;
    this.#options = options;
    this.#signal = signal;
  }

  async read(offset: number, into: Uint8Array): Promise<number> {
    if (offset < this.#place) this.close();
    for (let failures = 0; ; ) {
      try {
        await this.#skipTo(offset);
        return await this.#take(into);
      } catch (error) {
        this.close();
        this.#signal?.throwIfAborted();
        const isNamed = !this.#file.identity.startsWith('unknown-');
        const failure = httpError('read', this.#file.path, error);
        if (failure === error || (!isNamed && offset > 0) || ++failures > this.#options.retries) throw failure;
        await backOff(failures, this.#signal);
      }
    }
  }

  verify(): void {}

  close(): void {
    this.#body?.on('error', () => {}).destroy();
    this.#body = this.#chunks = undefined;
    this.#rest = new Uint8Array(0);
    this.#place = 0;
    this.#ended = false;
  }

  async #skipTo(offset: number): Promise<void> {
    if (this.#chunks === undefined) await this.#begin();
    while (this.#place < offset && (await this.#hasMore())) this.#advance(Math.min(this.#rest.length, offset - this.#place));
  }

  /** Fills as much as there is; 0 at the end. */
  async #take(into: Uint8Array): Promise<number> {
    let done = 0;
    while (done < into.length && (await this.#hasMore())) {
      const length = Math.min(this.#rest.length, into.length - done);
      into.set(this.#rest.subarray(0, length), done);
      this.#advance(length);
      done += length;
    }
    return done;
  }

  #advance(length: number): void {
    this.#rest = this.#rest.subarray(length);
    this.#place += length;
    checkSize(this.#file.path, this.#place, this.#options);
  }

  async #hasMore(): Promise<boolean> {
    while (this.#rest.length === 0 && !this.#ended) {
      const { value, done } = await this.#chunks!.next();
      if (done === true) this.#ended = true;
      else this.#rest = value;
    }
    return this.#rest.length > 0;
  }

  async #begin(): Promise<void> {
    const { path, identity } = this.#file;
    const answer = await get(path, {}, this.#options, this.#signal);
    try {
      if (answer.status === 404 || answer.status === 410) throw new SourceChangedError(shownUrl(path), 'it is gone');
      if (answer.status !== 200) throw statusError('read', path, answer.status);
      const total = lengthOf(answer.headers);
      if (isOther(identity, answer.headers, total)) throw new SourceChangedError(shownUrl(path), 'its ETag or time of change is another');
      if (total !== undefined) checkSize(path, total, this.#options);
    } catch (error) {
      await discard(answer);
      throw error;
    }
    this.#body = answer.body;
    this.#chunks = answer.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  }
}
