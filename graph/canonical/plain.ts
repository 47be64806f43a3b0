import { types } from 'node:util';
import { setOwn } from './copy.ts';
import { layoutOf } from './layout.ts';
import { compact, digest, foldAt, type Leaf, leafText } from './leaf.ts';

/**
 * The short way through what most data is: arrays and plain objects with nothing but primitives and Dates at the bottom. Its text is the walk's
 * (walk.ts), and so is its copy, without a shape for each object. It gives up, with `undefined`, on anything else, and the walk then begins afresh:
 *
 *     { b: [1], a: 'x' }   →   {"1:a:"1:x,"1:b:[1))          [new Map()], Object.create(null), { get a() {} }, cycles   →   undefined
 *
 * Nothing of the user's is called on the way: a Proxy, an accessor or an unknown prototype is seen before it is touched.
 */
export class Plain {
  /** A copy of what `text` was last asked about; `undefined` unless the reader `copies`. */
  copy: unknown = undefined;
  readonly #copies: boolean;
  #containers = 0;
  /** Texts of what is large, so that a part that is shared again and again is not read as often. */
  #large: Map<object, string> | undefined;
  /** What was read, while copying: a second visit is sharing, which a copy must keep, and only the walk does. */
  #first: object | undefined;
  #seen: Set<object> | undefined;

  constructor(copies: boolean) {
    this.#copies = copies;
  }

  /** Canonical text of an array or object; `undefined` when it is no plain data. */
  text(value: object): string | undefined {
    return this.#text(value, 0);
  }

  // Recursive, for speed, and so only down to a fixed depth: that bounds the stack and ends cycles.
  #text(value: object, depth: number): string | undefined {
    if (depth > deepest || types.isProxy(value)) return undefined;
    const prototype: unknown = Object.getPrototypeOf(value);
    const isArray = prototype === Array.prototype && Array.isArray(value);
    if (!isArray && prototype !== Object.prototype) return types.isDate(value) ? this.#date(value, prototype) : undefined;
    if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
    if (this.#copies) {
      if (!this.#isNew(value)) return undefined;
      return isArray ? this.#array(value, depth) : this.#object(value, depth);
    }
    const known = this.#large?.get(value);
    if (known !== undefined) return known;
    const before = this.#containers++;
    const text = isArray ? this.#array(value, depth) : this.#object(value, depth);
    if (text !== undefined && this.#containers - before >= large) {
      this.#large ??= new Map();
      this.#large.set(value, text);
    }
    return text;
  }

  #array(array: readonly unknown[], depth: number): string | undefined {
    const { length } = array;
    // an array that says it is long may be nearly empty
    if (Object.keys(array).length !== length) return undefined;
    const copy: unknown[] | undefined = this.#copies ? [] : undefined;
    let text = '[';
    for (let i = 0; i < length; i++) {
      let item = array[i];
      if (item === undefined && !(i in array)) return undefined;
      const part = isLeaf(item) ? leafText(item) : this.#part(item, depth);
      if (part === undefined) return undefined;
      text += i === 0 ? part : `,${part}`;
      if (text.length > foldAt) text = `^${digest(text)}`;
      if (copy === undefined) continue;
      if (typeof item === 'object' && item !== null) item = this.copy;
      copy.push(item);
    }
    this.copy = copy;
    return compact(`${text})`);
  }

  #object(object: object, depth: number): string | undefined {
    const { keys, names } = layoutOf(Object.getOwnPropertyNames(object));
    const copy = this.#copies ? { ...emptyCopy } : undefined;
    let text = '{';
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      const property = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
      if (property.enumerable !== true || property.get !== undefined || property.set !== undefined) return undefined;
      const item: unknown = property.value;
      const part = isLeaf(item) ? leafText(item) : this.#part(item, depth);
      if (part === undefined) return undefined;
      text += names[i] as string;
      text += part;
      if (text.length > foldAt) text = `^${digest(text)}`;
    }
    this.copy = copy;
    return compact(`${text})`);
  }
}
