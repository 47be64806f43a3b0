const longest = 100;

/** A name as keys may show it: letters, digits, `_` and `.`; at most 100 characters. */
export function keyName(name: string): string {
  let clean = cleaned.get(name);
  if (clean === undefined) {
    clean = name.replace(/[^\p{L}\p{N}_.]/gu, '_');
    if (clean.length > longest) clean = Array.from(clean).slice(0, longest).join('');
    if (cleaned.size === 1000) cleaned.clear();
    cleaned.set(name, clean);
  }
  return clean;
}

/** The same few names come again and again. */
const cleaned = new Map<string, string>();

/** A function's own name without what JavaScript puts in front of it; `lambda` for a nameless one. */
export function functionName(fn: object): string {
  const own: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  const name = typeof own === 'string' ? own.replace(/^(?:(?:bound|get|set) )*#?/, '') : '';
  return name === '' ? 'lambda' : keyName(name);
}

/** `number`, `array`, `object`, `Map`, `Point`. */
export function typeName(data: unknown): string {
  if (data === null) return 'null';
  if (typeof data !== 'object') return typeof data;
  if (Array.isArray(data)) return 'array';
  const prototype: object | null = Object.getPrototypeOf(data);
  const owner: unknown = prototype === null ? undefined : Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  const name = typeof owner === 'function' ? functionName(owner) : 'lambda';
  return name === 'lambda' || name === 'Object' ? 'object' : name;
}
