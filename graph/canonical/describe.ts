import { types } from 'node:util';
import { type FunctionParts, functionParts } from '../function/parts.ts';
import { knownText, wellKnown } from '../function/well-known.ts';
import { type ClassInfo, classInfo } from './class-info.ts';
import { exoticText, isExotic } from './exotic.ts';
import { bytesDigest, leafText, stringText, symbolText } from './leaf.ts';
import { Holes, Refusal, Shape } from './shape.ts';
import { tokenizeSymbol } from './symbols.ts';

/** A LazyFunction shows its plain function and options under this symbol. */
export const lazySymbol: unique symbol = Symbol.for('heddle.lazy') as never;

/** What a LazyFunction shows. */
export interface LazyParts {
  readonly fn: (...args: never) => unknown;
  readonly options: object;
}

/** Reads an object once. Throws a Refusal for what cannot be hashed for sure. */
export function describe(value: object, path: () => string): Shape {
  if (typeof value === 'function') return describeFunction(value as (...args: never) => unknown, path);
  if (types.isProxy(value)) throw new Refusal('a Proxy', 'pass the object behind it');
  const prototype: object | null = Object.getPrototypeOf(value);
  if (Array.isArray(value)) return Array.isArray(prototype) ? describeArray(value) : describeInstance(value, prototype);
  return prototype === null || isPlainPrototype(prototype) ? describePlain(value, prototype) : describeInstance(value, prototype);
}

/** Realm-safe: the prototype of plain objects is the one that has none itself. */
function isPlainPrototype(prototype: object): boolean {
  return (
    prototype === Object.prototype || (Object.getPrototypeOf(prototype) === null && classInfo(prototype).constructor?.name === 'Object')
  );
}

function describeFunction(fn: (...args: never) => unknown, path: () => string): Shape {
  if (types.isProxy(fn)) throw new Refusal('a Proxy', 'pass the function behind it');
  const lazy = (fn as { readonly [lazySymbol]?: LazyParts })[lazySymbol];
  if (lazy !== undefined) return new Shape(fn, 'function', 'L(', [lazy.fn, lazy.options], { keys: ['fn', 'options'], isRich: true });
  const { head, children }: FunctionParts = functionParts(fn, path());
  const keys = children.map(([label]) => label);
  return new Shape(
    fn,
    'function',
    `F${stringText(head)}(`,
    children.map(([, child]) => child),
    { names: keys.map((label) => `${stringText(label)}:`), keys, isRich: true },
  );
}

/** A run of holes longer than this is looked for by keys: `array[4e9] = 1` has one element. */
const longRun = 65_536;

function describeArray(array: readonly unknown[]): Shape {
  const { length } = array;
  const items: unknown[] = [];
  let holes = 0;
  for (let i = 0; i < length; i++) {
    const item = array[i];
    if (item !== undefined || i in array) {
      if (holes > 0) items.push(new Holes(holes));
      holes = 0;
      items.push(item);
    } else if (++holes > longRun) {
      const next = nextIndex(array, i);
      holes += next - i - 1;
      i = next - 1;
    }
  }
  if (holes > 0) items.push(new Holes(holes));
  if (!hasFurtherProperties(array, items)) return new Shape(array, 'array', '[', items);
  const fields = readFields(array, (key) => key === 'length' || isIndex(key));
  const order = fields.names.map((_, i) => i).sort((a, b) => (fields.names[a]! < fields.names[b]! ? -1 : 1));
  const names = [...items.map(() => ''), ...order.map((i) => fields.names[i]!)];
  const all = [...items, ...order.map((i) => fields.items[i])];
  return new Shape(array, 'array', '[', all, { names, keys: order.map((i) => fields.keys[i]!), isRich: !fields.isPlain });
}

function nextIndex(array: readonly unknown[], after: number): number {
  let next = array.length;
  for (const key of Object.keys(array)) if (isIndex(key) && Number(key) > after) next = Math.min(next, Number(key));
  return next;
}

function hasFurtherProperties(array: readonly unknown[], items: readonly unknown[]): boolean {
  let elements = items.length;
  for (const item of items) if (item instanceof Holes) elements--;
  // for-in is four times as fast as listing the keys of a long array; it differs only where somebody extended Array.prototype, and then the slow way is taken
  for (const _ in array) elements--;
  return elements !== 0 || Object.getOwnPropertySymbols(array).length > 0;
}

function isIndex(key: PropertyKey): boolean {
  return typeof key === 'string' && /^(?:0|[1-9]\d{0,9})$/.test(key) && Number(key) < 2 ** 32 - 1;
}

function describePlain(object: object, prototype: object | null): Shape {
  const fields = readFields(object);
  if (!fields.isPlain || fields.items.some((item) => typeof item === 'function')) {
    const builtin = describeBuiltin(object);
    if (builtin !== undefined) return builtin;
    if (types.isArgumentsObject(object)) throw new Refusal('an arguments object', 'pass [...arguments]');
    const custom = customToken(object);
    if (custom !== undefined) return custom;
  }
  const { names, keys, items, isPlain } = fields;
  return new Shape(object, 'object', prototype === null ? '0{' : '{', items, {
    names,
    keys,
    isUnordered: true,
    isRich: !isPlain || prototype === null,
  });
}

/** `Math`, `process`, `node:fs`: what every thread has of its own counts by its name. */
function describeBuiltin(object: object): Shape | undefined {
  const path = wellKnown(object);
  return path === undefined ? undefined : new Shape(object, 'leaf', `W${stringText(knownText(path))}`, [], { isRich: true });
}

interface Fields {
  readonly names: string[];
  readonly keys: PropertyKey[];
  readonly items: unknown[];
  /** Nothing but values under enumerable text keys. */
  readonly isPlain: boolean;
}

function readFields(object: object, without?: (key: PropertyKey) => boolean): Fields {
  const names: string[] = [];
  const keys: PropertyKey[] = [];
  const items: unknown[] = [];
  let isPlain = true;
  for (const key of Reflect.ownKeys(object)) {
    if (without?.(key) === true) continue;
    const property = Object.getOwnPropertyDescriptor(object, key);
    if (property === undefined) continue;
    const name = typeof key === 'string' ? stringText(key) : symbolText(key);
    if (property.enumerable === true && typeof key === 'string' && property.get === undefined && property.set === undefined) {
      names.push(`${name}:`);
      keys.push(key);
      items.push(property.value);
      continue;
    }
    isPlain = false;
    const mark = property.enumerable === true ? '' : '~';
    const parts: [string, unknown][] =
      property.get === undefined && property.set === undefined
        ? [['', property.value]]
        : [
            ['<get', property.get],
            ['<set', property.set],
          ];
    for (const [part, item] of parts) {
      names.push(`${mark}${name}${part}:`);
      keys.push(key);
      items.push(item);
    }
  }
  return { names, keys, items, isPlain };
}

function customToken(object: object): Shape | undefined {
  const method: unknown = Reflect.get(object, tokenizeSymbol);
  if (typeof method !== 'function') return undefined;
  const prototype: object | null = Object.getPrototypeOf(object);
  const owner = prototype === null ? undefined : classInfo(prototype).constructor;
  return new Shape(object, 'instance', 'T(', [owner, Reflect.apply(method, object, [])], {
    keys: ['constructor', tokenizeSymbol],
    isRich: true,
  });
}

/** What to do about things that are tied to this thread. */
export const openInTask =
  "open it inside the task and pass what it is made from (a path, an address), or give its class a [Symbol.for('heddle.tokenize')]() method";

function refused(value: object, tag: string): Refusal | undefined {
  if (types.isPromise(value)) return new Refusal('a Promise', 'await it first');
  if (types.isWeakMap(value) || types.isWeakSet(value)) return new Refusal(`a ${tag}`, `use a ${tag.slice(4)}`);
  if (tag === 'WeakRef' || tag === 'FinalizationRegistry') return new Refusal(`a ${tag}`, 'pass the object itself');
  if (types.isGeneratorObject(value) || tag.endsWith(' Iterator'))
    return new Refusal(`an iterator (${tag})`, 'pass an array of its items: [...iterator]');
  if (types.isExternal(value)) return new Refusal('a native handle', openInTask);
  return undefined;
}

/** Builtins whose instances are no more than what is read here. */
const errors = new Set(
  'Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError'.split(' '),
);
/** Builtins that a class of the user's may extend and still be no more than its fields. */
const openBases = new Set(['node:events', 'node:events.EventEmitter', 'EventTarget']);

function describeInstance(value: object, prototype: object | null): Shape {
  const custom = customToken(value);
  if (custom !== undefined) return custom;
  const info = classInfo(prototype ?? Object.prototype);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  const refusal = refused(value, tag);
  if (refusal !== undefined) throw refusal;
  const content = contentOf(value, info);
  if (content === undefined && info.base !== undefined) {
    const builtin = describeBuiltin(value);
    if (builtin !== undefined) return builtin;
    if (info.isBuiltin || !openBases.has(info.base)) throw new Refusal(article(info.name), openInTask);
  }
  if (content !== undefined && info.isBuiltin && !content.hasFields) return content.shape;
  if (info.hasPrivateFields)
    throw new Refusal(
      `${article(info.name)} with #private fields`,
      "give its class a [Symbol.for('heddle.tokenize')]() method that returns what it is made of",
    );
  return classAndFields(value, prototype ?? Object.prototype, info, content);
}

function classAndFields(value: object, prototype: object, info: ClassInfo, content: Content | undefined): Shape {
  const fields = content === undefined || content.hasFields ? readFields(value, content?.skip) : { names: [], keys: [], items: [] };
  // A class is a function; a prototype that is no class's is data itself.
  const names = ['class:', ...fields.names];
  const items: unknown[] = [info.isBuiltin ? info.base : (info.constructor ?? prototype), ...fields.items];
  const keys: PropertyKey[] = ['constructor', ...fields.keys];
  if (content?.inside !== undefined) {
    names.push('content:');
    items.push(content.inside());
    keys.push('content');
  }
  return new Shape(value, 'instance', `C${content?.head ?? ''}(`, items, { names, keys, isUnordered: true, isRich: true });
}

/** What a builtin holds beside its properties. */
interface Content {
  /** As an instance of the builtin itself. */
  readonly shape: Shape;
  /** For a class of the user's that extends it: text, or a container. */
  readonly head: string;
  readonly inside?: () => unknown;
  /** It has properties of its own. */
  readonly hasFields: boolean;
  readonly skip?: (key: PropertyKey) => boolean;
}

function contentOf(value: object, info: ClassInfo): Content | undefined {
  const hasFields = (): boolean => Reflect.ownKeys(value).length > 0;
  const leaf = (
    text: string,
    more: { readonly isRich?: boolean; readonly hasFields?: boolean; readonly skip?: (key: PropertyKey) => boolean } = {},
  ): Content => ({
    shape: new Shape(value, 'leaf', text, [], { isRich: more.isRich === true }),
    head: text,
    hasFields: more.hasFields ?? hasFields(),
    ...(more.skip === undefined ? {} : { skip: more.skip }),
  });
  if (ArrayBuffer.isView(value)) return leaf(bytesText(value, info), { isRich: info.name === 'Buffer', hasFields: false });
  if (types.isMap(value)) {
    const flat = [...Map.prototype.entries.call(value)].flat(1);
    return {
      shape: new Shape(value, 'map', 'M(', flat),
      head: '',
      inside: () => new Map(Map.prototype.entries.call(value)),
      hasFields: hasFields(),
    };
  }
  if (types.isSet(value)) {
    const items = [...Set.prototype.values.call(value)];
    return {
      shape: new Shape(value, 'set', 'S(', items, { isUnordered: true }),
      head: '',
      inside: () => new Set(items),
      hasFields: hasFields(),
    };
  }
  if (types.isDate(value)) return leaf(`D${leafText(Date.prototype.getTime.call(value))}`);
  if (types.isRegExp(value)) {
    // lastIndex is where a search stands, not what is searched for; a structured clone drops it too
    const skip = (key: PropertyKey): boolean => key === 'lastIndex';
    return leaf(`R${stringText(value.source)}/${value.flags}`, { skip, hasFields: Reflect.ownKeys(value).length > 1 });
  }
  if (types.isAnyArrayBuffer(value)) {
    return leaf(`B${types.isSharedArrayBuffer(value) ? 'S' : ''}${value.byteLength}:${bytesDigest(new Uint8Array(value))}`);
  }
  if (Array.isArray(value))
    return {
      shape: new Shape(value, 'array', '[', value),
      head: '',
      inside: () => Array.from(value as unknown[]),
      hasFields: true,
      skip: (key) => key === 'length' || isIndex(key),
    };
  // Their own properties are Node's, and hold nothing more.
  if (info.base !== undefined && isExotic(info.base)) return leaf(exoticText(value, info.base), { isRich: true, hasFields: false });
  if (types.isNativeError(value) || (info.base !== undefined && errors.has(info.base))) {
    // Not the stack: it tells where the code lies. Nor what Node hides under symbols.
    return {
      ...leaf(`E${stringText(info.base ?? 'Error')}`, { hasFields: true, isRich: true }),
      skip: (key) => key === 'stack' || typeof key === 'symbol',
    };
  }
  if (info.base === 'URL')
    return leaf(`U${stringText(String(Reflect.get(URL.prototype, 'href', value)))}`, {
      isRich: true,
      hasFields: !info.isBuiltin && hasFields(),
    });
  if (types.isBoxedPrimitive(value)) {
    const skip = (key: PropertyKey): boolean => types.isStringObject(value) && (key === 'length' || isIndex(key));
    return leaf(exoticText(value, info.base ?? 'Boxed'), { hasFields: Reflect.ownKeys(value).some((key) => !skip(key)), skip });
  }
  return undefined;
}

function bytesText(view: ArrayBufferView, info: ClassInfo): string {
  const type = info.base ?? 'Uint8Array';
  return `A${type}:${view.byteLength}:${bytesDigest(view as NodeJS.ArrayBufferView)}`;
}

/** `a Map`, `an Agent`. */
export function article(name: string): string {
  return `${/^[aeiou]/i.test(name) ? 'an' : 'a'} ${name}`;
}
