import { types } from 'node:util';

/**
 * How much memory a result holds, near enough to decide what stays and where tasks should run. It looks at some 2,000 objects, however large the result is.
 *
 *     [ r0 r1 r2 … r99999 ]    level 1: elements drawn evenly, each standing for all in its stretch
 *       │  └ fields            level 2: drawn again when they are too many; each level may use half of what is left to look at
 *       └ a giant              is not left to the draw: long texts, bytes and arrays are sought among all elements
 */
export function sizeOf(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return textSize(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return 8;
    case 'bigint':
      return bigintSize(value);
    case 'symbol':
    case 'function':
      return 64;
    default:
      return value === null ? 8 : new Sizer().run(value as object);
  }
}

const budget = 2_000;
/** Elements of one container that are looked at for giants. */
const longestSearch = 100_000;
/** The same where to look at one takes longer: objects, and fields by their name. */
const costlySearch = 5_000;
/** Entries of a Map or Set that are walked over; they cannot be drawn at will. */
const longestWalk = 8_000;
/** Links of a chain that are counted when the budget is used up. */
const longestChain = 50_000;
/** V8 keeps this many fields in the object itself, and more of them in a hash table. */
const mostFields = 128;

interface Pending {
  readonly object: object;
  /** How many objects like it there are. */
  readonly weight: number;
}

class Sizer {
  #total = 0;
  #left = budget;
  /** How many children of one container the next level can bear. */
  #share = budget / 2;
  #next: Pending[] = [];
  readonly #seen = new Set<unknown>();

  run(root: object): number {
    let looked = 0;
    let level: Pending[] = [{ object: root, weight: 1 }];
    this.#seen.add(root);
    while (level.length > 0 && this.#left > 0) {
      level = thin(level, Math.max(16, Math.ceil(this.#left / 2)));
      this.#left -= level.length;
      this.#share = Math.max(8, Math.ceil(Math.max(16, this.#left) / level.length));
      this.#next = [];
      for (const { object, weight } of level) {
        looked += weight;
        this.#measure(object, weight);
      }
      level = this.#next;
    }
    const chains = Math.min(4, level.length);
    for (let i = 0; i < chains; i++)
      this.#total += (this.#total / looked) * level[i]!.weight * chainLength(level[i]!.object, longestChain / chains);
    return Math.round(this.#total);
  }

  #push(object: object, weight: number): void {
    if (this.#seen.has(object)) return;
    this.#seen.add(object);
    this.#next.push({ object, weight });
  }

  /** What a slot's value takes beside the slot itself. */
  #child(value: unknown, weight: number): void {
    switch (typeof value) {
      case 'string':
        if (value.length < 2) return; // V8 has one of each
        if (value.length <= 64) {
          if (this.#seen.has(value)) return; // most likely the very same text
          this.#seen.add(value);
        }
        this.#total += weight * textSize(value);
        return;
      case 'number':
        if (!isSmall(value)) this.#total += weight * 16;
        return;
      case 'bigint':
        this.#total += weight * bigintSize(value);
        return;
      case 'function':
        this.#total += weight * 64;
        return;
      case 'object':
        if (value !== null) this.#push(value, weight);
        return;
      default:
        return;
    }
  }

  #measure(object: object, weight: number): void {
    if (types.isProxy(object)) this.#total += weight * 64;
    else if (ArrayBuffer.isView(object)) {
      // a view keeps its whole buffer alive, except in the pool that small Buffers share
      const isPooled =
        Buffer.isBuffer(object) && object.byteLength < object.buffer.byteLength && object.buffer.byteLength <= Buffer.poolSize;
      this.#total += weight * (104 + (isPooled ? object.byteLength : this.#bytes(object.buffer)));
    } else if (types.isAnyArrayBuffer(object)) this.#total += weight * (96 + this.#bytes(object));
    else if (Array.isArray(object)) this.#array(object, weight);
    else if (types.isMap(object)) this.#collection(object, 3, weight);
    else if (types.isSet(object)) this.#collection(object, 2, weight);
    else if (types.isDate(object)) this.#total += weight * 96;
    else if (types.isRegExp(object)) this.#total += weight * 120;
    else if (types.isBoxedPrimitive(object)) {
      this.#total += weight * 32;
      if (types.isStringObject(object)) this.#child(String.prototype.valueOf.call(object), weight);
    } else this.#fields(object, weight);
  }

  #bytes(buffer: ArrayBufferLike): number {
    if (this.#seen.has(buffer)) return 0;
    this.#seen.add(buffer);
    return buffer.byteLength;
  }

  #fields(object: object, weight: number): void {
    const names = ownNames(object);
    if (types.isNativeError(object)) this.#total += weight * 600; // its stack
    if (names.length <= mostFields) {
      this.#total += weight * (24 + 8 * names.length);
      for (const name of names) this.#child(dataOf(object, name), weight);
      return;
    }
    // a place takes three words, and up to half of them are free; the names are its own
    this.#total += weight * (24 + 24 * nextPowerOfTwo(names.length * 1.5));
    this.#draw(names.length, weight, (i) => dataOf(object, names[i]!), true);
    const step = Math.ceil(names.length / 256);
    for (let i = 0; i < names.length; i += step) if (!isIndex(names[i]!)) this.#total += weight * step * textSize(names[i]!);
  }

  #array(array: readonly unknown[], weight: number): void {
    this.#total += weight * (48 + 8 * array.length);
    // packed numbers have no object of their own, also when they are fractions
    if (allNumbers(array)) return;
    this.#draw(array.length, weight, (i) => array[i]);
  }

  /** V8's hash tables: a power of two of places, two or three words each, and half as many buckets. */
  #collection(collection: ReadonlyMap<unknown, unknown> | ReadonlySet<unknown>, words: number, weight: number): void {
    const { size } = collection;
    const places = Math.max(4, nextPowerOfTwo(size));
    this.#total += weight * (48 + 8 * (words + 0.5) * places);
    const items: unknown[] = [];
    let entries = 0;
    if (types.isMap(collection)) {
      for (const [key, item] of Map.prototype.entries.call(collection)) {
        items.push(key, item);
        if (++entries >= longestWalk) break;
      }
    } else {
      for (const item of Set.prototype.values.call(collection)) {
        items.push(item);
        if (++entries >= longestWalk) break;
      }
    }
    this.#draw(items.length, entries === 0 ? 0 : (weight * size) / entries, (i) => items[i]);
  }

  /** Looks at all items, or at some and at every giant. Keys and items of a Map lie in turn: the draw takes both. */
  #draw(count: number, weight: number, item: (i: number) => unknown, isCostly = false): void {
    if (count <= this.#share) {
      for (let i = 0; i < count; i++) this.#child(item(i), weight);
      return;
    }
    let step = Math.max(1, Math.ceil(count / (isCostly ? costlySearch : longestSearch)));
    let objects = 0;
    for (let i = 0; i < count; i += step) {
      const found = item(i);
      if (isGiant(found)) this.#giant(found, weight * step);
      else if (typeof found === 'object' && ++objects === costlySearch) step = Math.max(step, Math.ceil((count - i) / costlySearch));
    }
    const draws = this.#share;
    for (let k = 0; k < draws; k++) {
      const found = item(drawn(k, draws, count));
      if (!isGiant(found)) this.#child(found, (weight * count) / draws);
    }
  }

  #giant(giant: string | object, weight: number): void {
    if (typeof giant === 'string') this.#total += weight * textSize(giant);
    else if (!this.#seen.has(giant)) {
      this.#seen.add(giant);
      this.#measure(giant, weight);
    }
  }
}

/** `most` of the objects, drawn evenly, standing for all. */
function thin(level: Pending[], most: number): Pending[] {
  if (level.length <= most) return level;
  let all = 0;
  for (const { weight } of level) all += weight;
  const kept: Pending[] = [];
  let sum = 0;
  for (let k = 0; k < most; k++) {
    const one = level[drawn(k, most, level.length)]!;
    kept.push(one);
    sum += one.weight;
  }
  return kept.map(({ object, weight }) => ({ object, weight: (weight * all) / sum }));
}

/** The k-th of `draws` out of `count`: somewhere in its stretch, the same place each time, so that a rhythm in the data does not matter. */
function drawn(k: number, draws: number, count: number): number {
  const jitter = ((k * 0x9e3779b1) >>> 0) / 2 ** 32;
  return Math.min(count - 1, Math.floor(((k + jitter) * count) / draws));
}

function isGiant(value: unknown): value is string | object {
  if (typeof value === 'string') return value.length > 1024;
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return !types.isProxy(value) && value.length > 1024;
  return ArrayBuffer.isView(value) && value.byteLength > 4096;
}

/** Nothing tells how long a linked list is but its end: its links are counted, not looked at. */
function chainLength(object: object, most: number): number {
  let length = 0;
  let name: string | undefined;
  for (let at: unknown = object; typeof at === 'object' && at !== null && !types.isProxy(at) && length < most; length++) {
    if (ArrayBuffer.isView(at)) break;
    let next: unknown = name === undefined ? undefined : dataOf(at, name);
    if (typeof next !== 'object' || next === null) {
      name = Object.keys(at).find((key) => typeof dataOf(at as object, key) === 'object' && dataOf(at as object, key) !== null);
      next = name === undefined ? undefined : dataOf(at, name);
    }
    if (next === object) break;
    at = next;
  }
  return length;
}

function allNumbers(array: readonly unknown[]): boolean {
  const draws = Math.min(64, array.length);
  for (let k = 0; k < draws; k++) if (typeof array[Math.floor((k * array.length) / draws)] !== 'number') return false;
  return true;
}

/** Names of an object's fields. V8 gives the visible ones in half the time, and plain data has no others. */
function ownNames(object: object): string[] {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null ? Object.keys(object) : Object.getOwnPropertyNames(object);
}

/** A field without running a getter. */
function dataOf(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

function isSmall(value: number): boolean {
  return (value | 0) === value && !Object.is(value, -0);
}

function isIndex(name: string): boolean {
  return name.length <= 10 && String(Number(name) >>> 0) === name;
}

function nextPowerOfTwo(n: number): number {
  return n <= 1 ? 1 : 2 ** Math.ceil(Math.log2(n));
}

function bigintSize(value: bigint): number {
  return value >= -0xffff_ffff_ffff_ffffn && value <= 0xffff_ffff_ffff_ffffn ? 24 : 16 + Math.ceil(value.toString(16).length / 2);
}

/** One byte a character, or two once there is one beyond Latin-1. */
function textSize(text: string): number {
  const isWide = beyondLatin1.test(
    text.length <= 1000 ? text : text.slice(0, 500) + text.slice(text.length >> 1, (text.length >> 1) + 500),
  );
  return 16 + Math.ceil(((isWide ? 2 : 1) * text.length) / 8) * 8;
}
const beyondLatin1 = /[\u0100-\uffff]/;
