import { createRequire } from 'node:module';
import { types } from 'node:util';
import { leafText, stringText } from './leaf.ts';

type Texts = readonly string[];
type ObjectHash = (value: Texts, options: { readonly algorithm: 'sha256'; readonly encoding: 'hex' }) => string;

let objectHash: ObjectHash | undefined;

const pairs = (object: object): Texts => [...(object as Iterable<readonly [string, string]>)].flat();

/**
 * Rare builtins whose content is a few texts, by their tag. object-hash hashes the list of texts; what it would say of the object itself is not enough
 * (of an error name and message only, of `Object(-0)` the same as of `0`, of URLSearchParams nothing), so the texts are taken here.
 */
const readers: ReadonlyMap<string, (object: object) => Texts> = new Map([
  ['URLSearchParams', pairs],
  ['Headers', pairs],
  ['DOMException', (object) => ['name', 'message', 'code'].map((field) => String(Reflect.get(object, field)))],
]);

/** Whether `exoticText` knows a tag of `Object.prototype.toString`. */
export function isExotic(tag: string): boolean {
  return readers.has(tag);
}

/** Canonical text of a boxed primitive, or of an object of an exotic tag. */
export function exoticText(object: object, tag: string): string {
  const texts = types.isBoxedPrimitive(object) ? [leafText(unboxed(object))] : (readers.get(tag) as (object: object) => Texts)(object);
  // well-formed before it is hashed: object-hash writes UTF-8, which would make one text of all lone surrogates
  return `X${tag}:${hashTexts(texts.map(stringText))}`;
}

function unboxed(object: object): string | number | bigint | boolean | symbol {
  for (const prototype of [Number.prototype, String.prototype, Boolean.prototype, BigInt.prototype, Symbol.prototype]) {
    try {
      return Reflect.apply(prototype.valueOf, object, []) as string;
    } catch {
      // of another type
    }
  }
  throw new TypeError('not a boxed primitive');
}

function hashTexts(texts: Texts): string {
  objectHash ??= createRequire(import.meta.url)('object-hash') as ObjectHash;
  return objectHash(texts, { algorithm: 'sha256', encoding: 'hex' }).slice(0, 32);
}
