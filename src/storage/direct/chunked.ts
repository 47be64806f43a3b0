/** Takes the marks out of a body that comes in chunks (RFC 9112, 7.1): `5 CRLF hello CRLF 0 CRLF CRLF`. */
export class Chunked {
  #state: 'size' | 'data' | 'afterData' | 'trailer' | 'end' = 'size';
  #line = '';
  #left = 0;

  get isAtEnd(): boolean {
    return this.#state === 'end';
  }

  /** The parts of `bytes` that are content, as views on it. Throws for what is no chunk. */
  *contentOf(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length && this.#state !== 'end'; ) {
      if (this.#state === 'data') {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = 'afterData';
        yield bytes.subarray(at, end);
        at = end;
        continue;
      }
      const byte = bytes[at++]!;
      if (byte !== 10) {
        this.#line += String.fromCharCode(byte);
        if (this.#line.length > longestLine) throw new Error('the server sends a chunk that is none');
        continue;
      }
      const line = this.#line.replace(/\r$/, '');
      this.#line = '';
      this.#state = this.#after(line);
    }
  }

  #after(line: string): 'size' | 'data' | 'trailer' | 'end' {
    if (this.#state === 'trailer') return line === '' ? 'end' : 'trailer';
    if (this.#state === 'afterData' && line === '') return 'size';
    const size = this.#state === 'size' ? /^([\da-f]{1,12})\s*(;|$)/i.exec(line)?.[1] : undefined;
    if (size === undefined) throw new Error('the server sends a chunk that is none');
    this.#left = Number.parseInt(size, 16);
    return this.#left === 0 ? 'trailer' : 'data';
  }
}

const longestLine = 4096;
