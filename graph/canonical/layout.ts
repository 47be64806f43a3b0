import { stringText } from './leaf.ts';

/** The properties of a plain object in the order in which its text has them. */
export interface Layout {
  readonly keys: readonly string[];
  /** What stands in front of each property's text: `"1:a:`, and from the second on a comma. */
  readonly names: readonly string[];
}

interface Known extends Layout {
  /** In the order of the object. */
  readonly given: readonly string[];
}

/**
 * Records of one form are sorted once. By first key; an object used as a dictionary has keys of its own each time, so only short lists are kept,
 * and few of them.
 */
const layouts = new Map<string, Known[]>();
const mostKeys = 32;
const mostCharacters = 1024;
const mostFirsts = 256;
const mostOfOneFirst = 8;

/** Sorts the keys of an object as canonical text has them. */
export function layoutOf(given: readonly string[]): Layout {
  if (given.length === 0) return empty;
  const first = given[0] as string;
  const known = layouts.get(first);
  if (known !== undefined) for (const layout of known) if (isSame(layout.given, given)) return layout;
  const layout = makeLayout(given);
  if (given.length > mostKeys || layout.names.reduce((sum, { length }) => sum + length, 0) > mostCharacters) return layout;
  if (known === undefined) {
    if (layouts.size === mostFirsts) layouts.clear();
    layouts.set(first, [layout]);
  } else {
    if (known.length === mostOfOneFirst) known.shift();
    known.push(layout);
  }
  return layout;
}

const empty: Layout = { keys: [], names: [] };

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

// No name is the beginning of another, so the order of names is that of the whole texts, which the walk sorts.
function makeLayout(given: readonly string[]): Known {
  const fields = given.map((key) => ({ key, name: `${stringText(key)}:` })).sort((a, b) => (a.name < b.name ? -1 : 1));
  return { given, keys: fields.map(({ key }) => key), names: fields.map(({ name }, i) => inOnePiece(i === 0 ? name : `,${name}`)) };
}

/** A string that V8 put together of others is slower to read. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}
