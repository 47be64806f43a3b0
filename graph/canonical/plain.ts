import { types } from 'node:util';
import { layoutOf } from './layout.ts';
import { compact, fold, type Leaf, leafText } from './leaf.ts';
import { setOwn } from './set-own.ts';
import { tokenizeSymbol } from './symbols.ts';

/**
 * The short way through what most data is: arrays and plain objects with primitives and Dates at the bottom. It gives the text that the walk gives
 * (walk.ts), without a shape for each object, and gives up with `undefined` on anything else; then the walk begins afresh.
 *
 *     { b: [1], a: 'x' }   →   {"1:a:"1:x,"1:b:[1))          [new Map()]   { get a() {} }   a cycle   →   undefined
 *
 * A Proxy, an accessor and an unknown prototype are seen before they are touched, so no code of the user's runs on the way.
 */
export class Plain {
  /** A copy of what `text` was last asked about, when this reader copies. */
  copy: unknown = undefined;
  readonly #copies: boolean;
  #containers = 0;
  /** Texts of what is large, so that a part that is shared again and again is read a few times at most. */
  #large: Map<object, string> | undefined;
  /** What was read, while copying: a second visit is sharing, which a copy must keep, and the walk knows how. */
  #first: object | undefined;
  #seen: Set<object> | undefined;

  constructor(copies = false) {
    this.#copies = copies;
  }

  /** Canonical text of an array or object. Recursive, for speed, but only down to a fixed depth: that spares the stack and ends cycles. */
  text(value: object, depth = 0): string | undefined {
    if (depth > deepest || types.isProxy(value)) return undefined;
    const prototype: unknown = Object.getPrototypeOf(value);
    const isArray = prototype === Array.prototype && Array.isArray(value);
    if (!isArray && prototype !== Object.prototype) return prototype === Date.prototype ? this.#date(value) : undefined;
    if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
    if (this.#copies) {
      if (!this.#isNew(value)) return undefined;
      return isArray ? this.#array(value, depth + 1) : this.#object(value, depth + 1);
    }
    const known = this.#large?.get(value);
    if (known !== undefined) return known;
    const before = this.#containers++;
    const text = isArray ? this.#array(value, depth + 1) : this.#object(value, depth + 1);
    if (text !== undefined && this.#containers - before >= large) {
      this.#large ??= new Map();
      this.#large.set(value, text);
    }
    return text;
  }

  #array(array: readonly unknown[], depth: number): string | undefined {
    const { length } = array;
    if (Object.keys(array).length !== length) return undefined;
    const copy: unknown[] | undefined = this.#copies ? [] : undefined;
    let text = '[';
    for (let i = 0; i < length; i++) {
      const item = array[i];
      // as many keys as elements, but not the same: a hole, and a further property
      if (item === undefined && !(i in array)) return undefined;
      const part = isLeaf(item) ? leafText(item) : typeof item === 'object' ? this.text(item as object, depth) : undefined;
      if (part === undefined) return undefined;
      if (i > 0) text += ',';
      text = fold(text + part);
      if (copy !== undefined) copy.push(isLeaf(item) ? item : this.copy);
    }
    this.copy = copy;
    return compact(`${text})`);
  }

  #object(object: object, depth: number): string | undefined {
    const { keys, names } = layoutOf(Object.getOwnPropertyNames(object));
    let text = '{';
    let nested: unknown[] | undefined;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const property = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
      if (property.enumerable !== true || property.get !== undefined || property.set !== undefined) return undefined;
      const item: unknown = property.value;
      if (isLeaf(item)) text += (names[i] as string) + leafText(item);
      else {
        const part = typeof item === 'object' ? this.text(item as object, depth) : undefined;
        if (part === undefined) return undefined;
        text += (names[i] as string) + part;
        if (this.#copies) {
          nested ??= [];
          nested.push(key, this.copy);
        }
      }
      text = fold(text);
    }
    if (this.#copies) {
      // keeps the order of the properties, and takes __proto__ for an ordinary name
      const copy = { ...object };
      if (nested !== undefined) for (let i = 0; i < nested.length; i += 2) setOwn(copy, nested[i] as string, nested[i + 1]);
      this.copy = copy;
    }
    return compact(`${text})`);
  }

  #date(value: object): string | undefined {
    if (!types.isDate(value) || Reflect.ownKeys(value).length > 0 || tokenizeSymbol in value) return undefined;
    const time = Date.prototype.getTime.call(value);
    if (this.#copies) this.copy = new Date(time);
    return `D${leafText(time)}`;
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
