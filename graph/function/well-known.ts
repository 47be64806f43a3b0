import { builtinModules, createRequire } from 'node:module';

/** A thing that every thread has of its own: `Math.max` as `{ path: ['Math', 'max'] }`, `fs.readFile` as `{ module: 'fs', path: ['readFile'] }`. */
export interface KnownPath {
  readonly module: string | undefined;
  /** A step `@@iterator` means `Symbol.iterator`. */
  readonly path: readonly string[];
}

const language = (
  'Object Function Array Number Boolean String Symbol BigInt Date Promise RegExp Error AggregateError EvalError RangeError ReferenceError SyntaxError TypeError URIError ' +
  'SuppressedError JSON Math Intl Atomics Reflect Proxy ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array ' +
  'Uint32Array Float16Array Float32Array Float64Array BigInt64Array BigUint64Array Map Set WeakMap WeakSet WeakRef FinalizationRegistry Iterator DisposableStack ' +
  'AsyncDisposableStack parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI decodeURIComponent escape unescape eval WebAssembly'
).split(' ');
const platform = (
  'console process Buffer URL URLSearchParams setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask structuredClone TextEncoder ' +
  'TextDecoder AbortController AbortSignal Event EventTarget MessageChannel MessagePort MessageEvent BroadcastChannel Blob File DOMException atob btoa fetch FormData ' +
  'Headers Request Response WebSocket EventSource CloseEvent ReadableStream WritableStream TransformStream ByteLengthQueuingStrategy CountQueuingStrategy ' +
  'ReadableStreamDefaultReader ReadableStreamBYOBReader ReadableStreamBYOBRequest ReadableByteStreamController ReadableStreamDefaultController ' +
  'TransformStreamDefaultController WritableStreamDefaultController WritableStreamDefaultWriter TextEncoderStream TextDecoderStream CompressionStream DecompressionStream ' +
  'Performance PerformanceEntry PerformanceMark PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming Crypto CryptoKey SubtleCrypto ' +
  'CustomEvent Navigator Storage URLPattern'
).split(' ');
/** Objects that a getter makes at first use, by their tag. */
const byTag = new Map([
  ['Crypto', 'crypto'],
  ['Performance', 'performance'],
  ['Navigator', 'navigator'],
  ['console', 'console'],
]);
const languageNames = new Set(language);
const platformNames = new Set(platform);
const otherNames = new Set([
  'globalThis',
  'global',
  'undefined',
  'NaN',
  'Infinity',
  'crypto',
  'performance',
  'navigator',
  'localStorage',
  'sessionStorage',
]);

/** Whether a worker has a global of this name by itself. */
export function isStandardGlobal(name: string): boolean {
  return languageNames.has(name) || platformNames.has(name) || otherNames.has(name);
}

type Thing = object;
const isThing = (value: unknown): value is Thing => (typeof value === 'object' && value !== null) || typeof value === 'function';

let globals: Map<Thing, KnownPath> | undefined;

function globalsByValue(): Map<Thing, KnownPath> {
  if (globals !== undefined) return globals;
  const found = new Map<Thing, KnownPath>([[globalThis, { module: undefined, path: ['globalThis'] }]]);
  const open: [thing: unknown, path: string[], depth: number][] = language.map((name) => [
    (globalThis as Record<string, unknown>)[name],
    [name],
    2,
  ]);
  for (const name of ['console', 'process', 'Buffer']) open.push([(globalThis as Record<string, unknown>)[name], [name], 1]);
  const generators = Object.getPrototypeOf(function* () {});
  open.push(
    [generators, ['%GeneratorFunction%'], 0],
    [Object.getPrototypeOf(async () => {}), ['%AsyncFunction%'], 0],
    [Object.getPrototypeOf(async function* () {}), ['%AsyncGeneratorFunction%'], 0],
  );
  open.push([generators.prototype, ['%Generator%'], 0], [Object.getPrototypeOf(async function* () {}).prototype, ['%AsyncGenerator%'], 0]);
  open.push([Object.getPrototypeOf(Uint8Array), ['%TypedArray%'], 0]);
  for (const [thing, path, depth] of open) {
    if (!isThing(thing) || found.has(thing)) continue;
    found.set(thing, { module: undefined, path });
    if (depth === 0) continue;
    for (const key of Reflect.ownKeys(thing)) {
      const step = typeof key === 'string' ? key : key.description?.startsWith('Symbol.') ? `@@${key.description.slice(7)}` : undefined;
      const value: unknown = step === undefined ? undefined : Object.getOwnPropertyDescriptor(thing, key)?.value;
      // what lies on `process` is mostly of this thread alone
      const isShared = thing !== process || typeof value === 'function' || step === 'env' || step === 'versions' || step === 'release';
      if (step !== undefined && step !== 'constructor' && isShared && isThing(value)) open.push([value, [...path, step], depth - 1]);
    }
  }
  globals = found;
  return found;
}

let builtins = new Map<Thing, KnownPath>();
let loadedBefore = -1;

/** Only modules that are loaded already: nobody can hold a part of another. */
function builtinsByValue(): Map<Thing, KnownPath> {
  const list = (process as unknown as { moduleLoadList?: readonly string[] }).moduleLoadList;
  if (list === undefined ? loadedBefore === 0 : list.length === loadedBefore) return builtins;
  const loaded = list && new Set(list.map((entry) => entry.replace('NativeModule ', '')));
  loadedBefore = list?.length ?? 0;
  const require = createRequire(import.meta.url);
  const found = new Map<Thing, KnownPath>();
  const modules = builtinModules.filter(
    (name) =>
      !name.startsWith('_') && !quiet.has(name) && (loaded === undefined ? common.has(name) : loaded.has(name.replace(/^node:/, ''))),
  );
  const opened = modules.map((name): [string, unknown] => [name.replace(/^node:/, ''), open(require, name)]);
  for (const [module, exports] of opened) if (isThing(exports) && !found.has(exports)) found.set(exports, { module, path: [] });
  for (const [module, exports] of opened) {
    if (!isThing(exports)) continue;
    for (const key of Object.keys(exports)) {
      const value: unknown = Object.getOwnPropertyDescriptor(exports, key)?.value;
      if (!isThing(value)) continue;
      if (!found.has(value)) found.set(value, { module, path: [key] });
      const prototype: unknown = typeof value === 'function' ? Object.getOwnPropertyDescriptor(value, 'prototype')?.value : undefined;
      if (isThing(prototype) && !found.has(prototype)) found.set(prototype, { module, path: [key, 'prototype'] });
    }
  }
  builtins = found;
  return found;
}

const common = new Set(
  'assert async_hooks buffer child_process crypto dns events fs fs/promises http https module net os path perf_hooks stream string_decoder timers tls url util v8 vm worker_threads zlib'.split(
    ' ',
  ),
);
/** Loading one of these again would warn. */
const quiet = new Set(['punycode', 'sys', 'wasi', 'sqlite', 'node:sqlite', 'trace_events', 'process', 'constants', 'domain']);

function open(require: NodeJS.Require, name: string): unknown {
  try {
    return require(name);
  } catch {
    return undefined;
  }
}

/** What every thread has of its own, by the way to it. Also when it comes from another realm (jest, vm). */
export function wellKnown(thing: object): KnownPath | undefined {
  return globalsByValue().get(thing) ?? platformThing(thing) ?? builtinsByValue().get(thing) ?? otherRealm(thing);
}

function platformThing(thing: object): KnownPath | undefined {
  const name = typeof thing === 'function' ? nameOf(thing) : undefined;
  if (name !== undefined && platformNames.has(name) && globalNamed(name) === thing) return { module: undefined, path: [name] };
  if (typeof thing === 'function') return undefined;
  const owner = Object.getOwnPropertyDescriptor(thing, 'constructor')?.value as unknown;
  const ownerName = typeof owner === 'function' ? nameOf(owner) : undefined;
  if (
    ownerName !== undefined &&
    platformNames.has(ownerName) &&
    globalNamed(ownerName) === owner &&
    (owner as { prototype?: unknown }).prototype === thing
  )
    return { module: undefined, path: [ownerName, 'prototype'] };
  const tag: unknown = Object.prototype.toString.call(thing).slice(8, -1);
  const tagged = byTag.get(tag as string);
  return tagged !== undefined && globalNamed(tagged) === thing ? { module: undefined, path: [tagged] } : undefined;
}

/** A language builtin of another realm stands for our own. */
function otherRealm(thing: object): KnownPath | undefined {
  if (typeof thing === 'function') {
    const name = nameOf(thing);
    return name !== undefined && languageNames.has(name) && isNative(thing) && typeof globalNamed(name) === 'function'
      ? { module: undefined, path: [name] }
      : undefined;
  }
  const owner = Object.getOwnPropertyDescriptor(thing, 'constructor')?.value as unknown;
  if (typeof owner !== 'function' || (owner as { prototype?: unknown }).prototype !== thing) return undefined;
  const known = otherRealm(owner);
  return known && { module: undefined, path: [...known.path, 'prototype'] };
}

function globalNamed(name: string): unknown {
  try {
    return (globalThis as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function nameOf(fn: object): string | undefined {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' ? name : undefined;
}

/** Whether there is no source text. */
export function isNative(fn: object): boolean {
  return /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(fn));
}

/** For messages and hashes: `Math.max`, `node:fs.readFile`. */
export function knownText({ module, path }: KnownPath): string {
  return [...(module === undefined ? [] : [`node:${module}`]), ...path].join('.');
}
