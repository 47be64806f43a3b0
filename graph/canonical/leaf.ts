import { hash } from 'node:crypto';

/** 32 hex digits of a canonical text: half a SHA-256. */
export function digest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

/** 32 hex digits of bytes; shared memory is read where it lies. */
export function bytesDigest(bytes: NodeJS.ArrayBufferView): string {
  return hash('sha256', bytes, 'hex').slice(0, 32);
}

/**
 * A text that no other structure can imitate: its length comes first, so nothing in it can end it early.
 * A lone surrogate would become U+FFFD on its way into the hash, so such text is escaped.
 */
export function stringText(text: string): string {
  if (!isWellFormed(text)) return `!${JSON.stringify(text)}`;
  return markOf(text.length) + text;
}

/** What stands in front of a text of so many characters. */
export function markOf(length: number): string {
  return length < marks.length ? (marks[length] as string) : `"${length}:`;
}

const marks: readonly string[] = Array.from({ length: 100 }, (_, length) => `"${length}:`);

/** What takes part in a text as it is. */
export type Leaf = string | number | bigint | boolean | symbol | null | undefined;

/** Canonical text of a primitive. */
export function leafText(value: Leaf): string {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'number':
      return value === 0 && Object.is(value, -0) ? '-0' : `${value}`;
    case 'boolean':
      return value ? 't' : 'f';
    case 'undefined':
      return 'u';
    case 'bigint':
      return `${value}n`;
    case 'symbol':
      return symbolText(value);
    default:
      return 'n';
  }
}

const wellKnown: ReadonlyMap<symbol, string> = new Map(
  Object.getOwnPropertyNames(Symbol).flatMap((name): [symbol, string][] => {
    const symbol: unknown = Reflect.get(Symbol, name);
    return typeof symbol === 'symbol' ? [[symbol, name]] : [];
  }),
);

/** By registered key, by well-known name, else by description: a copy in another process is another symbol. */
export function symbolText(symbol: symbol): string {
  const registered = Symbol.keyFor(symbol);
  if (registered !== undefined) return `y@${stringText(registered)}`;
  const known = wellKnown.get(symbol);
  return known === undefined ? `y${leafText(symbol.description)}` : `y*${known}`;
}

/** A container's text that is longer enters its parent's as a digest. */
export const longest = 512;
/** A container's text that grows longer is hashed as it stands, and goes on from its digest: a text may have no more than 2^29 characters. */
export const foldAt = 65_536;

/** A text, or its digest when it is long. Depends on the text alone, so shared parts can be hashed once without being seen as shared. */
export function compact(text: string): string {
  return text.length > longest ? `#${digest(text)}` : text;
}

/** The beginning of a container's text, one item longer. */
export function fold(text: string): string {
  return text.length > foldAt ? `^${digest(text)}` : text;
}

// Absent from the types of es2023; there since Node 20.
const wellFormed = (String.prototype as unknown as { readonly isWellFormed: (this: string) => boolean }).isWellFormed;
/** Whether it has no lone surrogate. */
export function isWellFormed(text: string): boolean {
  return wellFormed.call(text);
}
