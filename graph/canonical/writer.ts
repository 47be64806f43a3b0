import { hash } from 'node:crypto';
import type { Task } from '../task.ts';
import { foldAt, isWellFormed, type Leaf, leafText, longest, markOf } from './leaf.ts';

/**
 * Canonical text on its way into a hash, as the bytes (UTF-8) that the hash will read.
 *
 * Why: made of strings, a text is a tree of pieces; to flatten it, to encode it and to collect its pieces costs more than the SHA-256 of it. Here each
 * piece is written where it will be read, and a text that begins as the last one did, with the same function, finds that part still there.
 *
 *     write('{')  name("1:a:)  leaf(7)  write(')')   →   bytes  { " 1 : a : 7 )  …
 *
 * The text is the one that leaf.ts, walk.ts and describe.ts make of strings, and a test holds them together.
 */
export class Writer {
  #bytes: Buffer = Buffer.allocUnsafeSlow(firstSize);
  /** `#views[n]` shows the first n bytes: a view costs as much as half a hash. */
  #views: (Uint8Array | undefined)[] = noViews();
  /** What stands at the front, written by `begin`. */
  #name = '';
  #identity: string | undefined;
  #version: string | undefined;
  #prefix = 0;
  #prefixSurplus = 0;
  /** Bytes so far. */
  at = 0;
  /** How many bytes there are more than characters: lengths count characters. */
  surplus = 0;

  /** Starts a text for a hash of its own. */
  clear(): void {
    this.at = 0;
    this.surplus = 0;
    this.#identity = undefined;
  }

  /** Starts the text of a task: its name, the identity of what it calls, its version. */
  begin(name: string, identity: string, version: string): void {
    if (this.#identity === identity && this.#name === name && this.#version === version) {
      this.at = this.#prefix;
      this.surplus = this.#prefixSurplus;
      return;
    }
    this.clear();
    this.text(name);
    this.raw(identity);
    this.raw(version);
    this.code(open);
    this.#name = name;
    this.#identity = identity;
    this.#version = version;
    this.#prefix = this.at;
    this.#prefixSurplus = this.surplus;
  }

  /** Ends the text of a task and gives its token: one to keep, in Maps by the million. */
  finish(): string {
    this.code(end);
    return inOnePiece(this.digest());
  }

  /** 32 hex digits of all that was written. */
  digest(): string {
    const { at } = this;
    if (at >= mostViews) return this.#digestFrom(0);
    const view = (this.#views[at] ??= this.#bytes.subarray(0, at));
    return hash('sha256', view, 'hex').slice(0, 32);
  }

  /** The text from a place on, as a string. */
  textFrom(start: number): string {
    return this.#bytes.toString('utf8', start, this.at);
  }

  /** One ASCII character. */
  code(code: number): void {
    if (this.at === this.#bytes.length) this.#grow(1);
    this.#bytes[this.at++] = code;
  }

  /** Canonical text as it is. */
  raw(text: string): void {
    if (text.length > longestLoop || !this.#ascii(text)) this.#utf8(text);
  }

  /** A text as `stringText` has it. */
  text(text: string): void {
    const { length } = text;
    const start = this.at;
    this.raw(markOf(length));
    if (length <= longestLoop && this.#ascii(text)) return;
    const { surplus } = this;
    this.#utf8(text);
    // what is not ASCII alone can be ill-formed; then the text is another
    if (this.surplus === surplus || isWellFormed(text)) return;
    this.at = start;
    this.surplus = surplus;
    this.#utf8(leafText(text));
  }

  /** A Value or Future: it counts by its key; of a key that heddle made, the token says it all. */
  handle({ givenKey, token }: Task): void {
    this.code(givenKey === undefined ? letterV : letterK);
    if (givenKey === undefined) this.raw(token);
    else this.text(givenKey);
  }

  /** A primitive. */
  leaf(value: Leaf): void {
    if (typeof value === 'number') {
      if (value === (value | 0) && (value !== 0 || !Object.is(value, -0))) this.#integer(value);
      else this.raw(leafText(value));
    } else if (typeof value === 'string') this.text(value);
    else if (typeof value === 'boolean') this.code(value ? letterT : letterF);
    else if (value === null) this.code(letterN);
    else if (value === undefined) this.code(letterU);
    else this.raw(leafText(value));
  }

  #integer(value: number): void {
    if (this.at + 11 > this.#bytes.length) this.#grow(11);
    const bytes = this.#bytes;
    let rest = value;
    if (rest < 0) {
      bytes[this.at++] = minus;
      rest = -rest;
    }
    let digits = 1;
    for (let power = 10; rest >= power; power *= 10) digits++;
    this.at += digits;
    for (let i = this.at - 1; digits > 0; digits--, i--) {
      const next = Math.floor(rest / 10);
      bytes[i] = zero + rest - next * 10;
      rest = next;
    }
  }

  /** Ends a container: one whose text is long becomes its digest. */
  close(start: number, surplus: number): void {
    this.code(end);
    if (this.at - start - (this.surplus - surplus) > longest) this.#shorten(hashSign, start, surplus);
  }

  /** The beginning of a container's text, one item longer. */
  fold(start: number, surplus: number): void {
    if (this.at - start > foldAt && this.at - start - (this.surplus - surplus) > foldAt) this.#shorten(caret, start, surplus);
  }

  #shorten(mark: number, start: number, surplus: number): void {
    const digest = this.#digestFrom(start);
    this.at = start;
    this.surplus = surplus;
    this.code(mark);
    this.raw(digest);
  }

  #digestFrom(start: number): string {
    return hash('sha256', this.#bytes.subarray(start, this.at), 'hex').slice(0, 32);
  }

  /** Writes a text if all of it is ASCII. */
  #ascii(text: string): boolean {
    const { length } = text;
    if (this.at + length > this.#bytes.length) this.#grow(length);
    const bytes = this.#bytes;
    const { at } = this;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      bytes[at + i] = code;
    }
    this.at = at + length;
    return true;
  }

  #utf8(text: string): void {
    const most = text.length > foldAt ? Buffer.byteLength(text) : text.length * 3;
    if (this.at + most > this.#bytes.length) this.#grow(most);
    const written = this.#bytes.write(text, this.at);
    this.at += written;
    this.surplus += written - text.length;
  }

  #grow(by: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.at + by));
    this.#bytes.copy(larger, 0, 0, this.at);
    this.#bytes = larger;
    this.#views = noViews();
  }

  get isLarge(): boolean {
    return this.#bytes.length > largestKept;
  }
}

let idle: Writer | undefined;

/** The one writer there is, or another while that one is at work: reading a user's object may run code that hashes. */
export function takeWriter(): Writer {
  const writer = idle ?? new Writer();
  idle = undefined;
  return writer;
}

/** For the next one; what was taken and is not given back (something threw) is collected. */
export function giveBack(writer: Writer): void {
  if (!writer.isLarge) idle = writer;
}

/** A slice holds on to all 64 digits and is twice as dear to look up; the way to upper case and back writes the 32 anew. */
export const inOnePiece = (digest: string): string => digest.toUpperCase().toLowerCase();

const firstSize = 4096;
const largestKept = 256 * 1024;
/** Longer texts are rarer than the room their views would take. */
const mostViews = 512;
const noViews = (): undefined[] => new Array<undefined>(mostViews).fill(undefined);
/** Longer strings are left to Buffer: a call of it costs as much as so many turns of a loop. */
const longestLoop = 64;

const open = 40;
const end = 41;
const minus = 45;
const zero = 48;
const hashSign = 35;
const caret = 94;
const letterF = 102;
const letterK = 107;
const letterN = 110;
const letterT = 116;
const letterU = 117;
const letterV = 118;
