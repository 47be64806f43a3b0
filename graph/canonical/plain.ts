import { types } from 'node:util';
import { layoutOf } from './layout.ts';
import type { Leaf } from './leaf.ts';
import { setOwn } from './set-own.ts';
import { tokenizeSymbol } from './symbols.ts';
import type { Writer } from './writer.ts';

/**
 * The short way through what most data is: arrays and plain objects with primitives and Dates at the bottom. It writes the text that the walk gives
 * (walk.ts), without a shape for each object, and gives up on anything else; then the walk begins afresh.
 *
 *     { b: [1], a: 'x' }   →   {"1:a:"1:x,"1:b:[1))          [new Map()]   { get a() {} }   a cycle   →   false
 *
 * A Proxy, an accessor and an unknown prototype are seen before they are touched, so no code of the user's runs on the way.
 */
export class Plain {
  /** A copy of what was last written, when this reader copies. */
  copy: unknown = undefined;
  readonly #writer: Writer;
  readonly #copies: boolean;
  #containers = 0;
  /** Texts of what is large, so that a part that is shared again and again is read a few times at most. */
  #large: Map<object, string> | undefined;
  /** What was read, while copying: a second visit is sharing, which a copy must keep, and the walk knows how. */
  #first: object | undefined;
  #seen: Set<object> | undefined;

  constructor(writer: Writer, copies = false) {
    this.#writer = writer;
    this.#copies = copies;
  }

  /** Writes the canonical text of an array or object. False when it gave up; then what it wrote means nothing. */
  write(value: object): boolean {
    return this.#container(value, 0);
  }

  /** Recursive, for speed, but only down to a fixed depth: that spares the stack and ends cycles. */
  #container(value: object, depth: number): boolean {
    if (depth > deepest || types.isProxy(value)) return false;
    const prototype: unknown = Object.getPrototypeOf(value);
    const isArray = prototype === Array.prototype && Array.isArray(value);
    if (!isArray && prototype !== Object.prototype) return prototype === Date.prototype && this.#date(value);
    if (Object.getOwnPropertySymbols(value).length > 0) return false;
    if (this.#copies) {
      if (!this.#isNew(value)) return false;
      return isArray ? this.#array(value, depth + 1) : this.#object(value, depth + 1);
    }
    const known = this.#large?.get(value);
    if (known !== undefined) {
      this.#writer.raw(known);
      return true;
    }
    const before = this.#containers++;
    const start = this.#writer.at;
    if (!(isArray ? this.#array(value, depth + 1) : this.#object(value, depth + 1))) return false;
    if (this.#containers - before >= large) {
      this.#large ??= new Map();
      this.#large.set(value, this.#writer.textFrom(start));
    }
    return true;
  }

  #array(array: readonly unknown[], depth: number): boolean {
    const { length } = array;
    if (Object.keys(array).length !== length) return false;
    const copy: unknown[] | undefined = this.#copies ? [] : undefined;
    const writer = this.#writer;
    const { at, surplus } = writer;
    writer.code(openArray);
    for (let i = 0; i < length; i++) {
      const item = array[i];
      // as many keys as elements, but not the same: a hole, and a further property
      if (item === undefined && !(i in array)) return false;
      if (i > 0) writer.code(comma);
      if (isLeaf(item)) writer.leaf(item);
      else if (typeof item !== 'object' || !this.#container(item as object, depth)) return false;
      writer.fold(at, surplus);
      if (copy !== undefined) copy.push(isLeaf(item) ? item : this.copy);
    }
    this.copy = copy;
    writer.close(at, surplus);
    return true;
  }

  #object(object: object, depth: number): boolean {
    const { keys, names } = layoutOf(Object.getOwnPropertyNames(object));
    const writer = this.#writer;
    const { at, surplus } = writer;
    writer.code(openObject);
    let nested: unknown[] | undefined;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const property = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
      if (property.enumerable !== true || property.get !== undefined || property.set !== undefined) return false;
      const item: unknown = property.value;
      writer.raw(names[i] as string);
      if (isLeaf(item)) writer.leaf(item);
      else {
        if (typeof item !== 'object' || !this.#container(item as object, depth)) return false;
        if (this.#copies) {
          nested ??= [];
          nested.push(key, this.copy);
        }
      }
      writer.fold(at, surplus);
    }
    if (this.#copies) {
      // keeps the order of the properties, and takes __proto__ for an ordinary name
      const copy = { ...object };
      if (nested !== undefined) for (let i = 0; i < nested.length; i += 2) setOwn(copy, nested[i] as string, nested[i + 1]);
      this.copy = copy;
    }
    writer.close(at, surplus);
    return true;
  }

  #date(value: object): boolean {
    if (!types.isDate(value) || Reflect.ownKeys(value).length > 0 || tokenizeSymbol in value) return false;
    const time = Date.prototype.getTime.call(value);
    if (this.#copies) this.copy = new Date(time);
    this.#writer.code(letterD);
    this.#writer.leaf(time);
    return true;
  }

  #isNew(value: object): boolean {
    if (this.#first === undefined) {
      this.#first = value;
      return true;
    }
    this.#seen ??= new Set([this.#first]);
    return this.#seen.size !== this.#seen.add(value).size;
  }
}

/** Deeper data is the walk's, which needs no stack. */
const deepest = 100;
/** From so many containers on, a text is kept. */
const large = 16;

/** A symbol is a primitive too, but no structured clone takes one. */
function isLeaf(item: unknown): item is Exclude<Leaf, symbol> {
  return item === null || (typeof item !== 'object' && typeof item !== 'function' && typeof item !== 'symbol');
}

const comma = 44;
const letterD = 68;
const openArray = 91;
const openObject = 123;
