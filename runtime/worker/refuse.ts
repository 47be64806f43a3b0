import { inspect, types } from 'node:util';
import { brandSymbol, HeddleError, isLazyFunction } from '../../graph/index.ts';
import { builtinName, isDetached } from './kinds.ts';

interface Refusal {
  /** With its article: `an instance of Point`. */
  readonly what: string;
  readonly cure: string;
}

const useInside = 'return plain data, or use it inside the task';

/** The error for something that cannot leave its worker; `path` says where in the result it lies. */
export function unsendable(path: string, refusal: Refusal): HeddleError {
  return new HeddleError('ERR_UNSENDABLE', `${path} is ${refusal.what}, which cannot leave its worker whole; ${refusal.cure}`);
}

/** The error for an object or function that the encoder does not carry. */
export function refusalOf(value: object, path: string): HeddleError {
  return nestedValue(value, path) ?? unsendable(path, describeRefusal(value));
}

/** The error for a Value, Future or LazyFunction in a result. */
export function nestedValue(value: object, path: string): HeddleError | undefined {
  const brand = brandOf(value);
  if (brand === undefined) return undefined;
  return new HeddleError(
    'ERR_NESTED_VALUE',
    `${path} is a ${brand}, and a task cannot give one inside its result; compute it in the task (\`await currentTask().compute(value)\`), or build the graph outside of tasks`,
  );
}

function brandOf(value: object): string | undefined {
  try {
    const brand: unknown = Reflect.get(value, brandSymbol);
    if (typeof brand === 'string') return brand;
    return typeof value === 'function' && isLazyFunction(value) ? 'LazyFunction' : undefined;
  } catch {
    return undefined;
  }
}

/** What it is and what to do instead. Runs no getter of the user's. */
export function describeRefusal(value: object): Refusal {
  if (types.isProxy(value)) return { what: 'a Proxy', cure: 'return a plain copy of what it shows' };
  if (typeof value === 'function')
    return {
      what: `the function ${value.name === '' ? '(anonymous)' : value.name}`,
      cure: 'return what it gives, or capture it in the function that calls it',
    };
  const handle = describeHandle(value);
  if (handle !== undefined) return handle;
  if (types.isPromise(value)) return { what: 'a Promise', cure: 'await it inside the task (Promise.all for many)' };
  if (types.isWeakMap(value) || types.isWeakSet(value))
    return { what: `a ${types.isWeakMap(value) ? 'WeakMap' : 'WeakSet'}`, cure: 'return a Map or Set, or keep it inside the task' };
  if (types.isArgumentsObject(value)) return { what: "a function's `arguments`", cure: 'return Array.from(arguments)' };
  if (types.isModuleNamespaceObject(value))
    return { what: 'a module', cure: 'return what you need of it: `{ ...module }` without its functions' };
  if (types.isSymbolObject(value)) return { what: 'a boxed symbol', cure: useInside };
  if (types.isArrayBuffer(value) && isDetached(value)) return detached('an ArrayBuffer');
  const name = className(value);
  if (ArrayBuffer.isView(value) && value.byteLength === 0 && isDetached(value.buffer)) return detached(`a ${name}`);
  const known = knownCures.get(name);
  if (known !== undefined) return { what: `${article(name)} ${name}`, cure: known };
  if (Array.isArray(value))
    return { what: `an instance of ${name}, a subclass of Array`, cure: 'return Array.from(it), or use it inside the task' };
  if (types.isMap(value))
    return { what: `an instance of ${name}, a subclass of Map`, cure: 'return new Map(it), or use it inside the task' };
  if (types.isSet(value))
    return { what: `an instance of ${name}, a subclass of Set`, cure: 'return new Set(it), or use it inside the task' };
  if (ArrayBuffer.isView(value))
    return { what: `an instance of ${name}, a class of bytes that is not the language's own`, cure: 'return a Uint8Array of its bytes' };
  if (name === '')
    return { what: 'an object with a prototype of its own', cure: 'return plain data (`{ ...it }`), or use it inside the task' };
  return { what: `an instance of the class ${name}`, cure: useInside };
}

const detached = (what: string): Refusal => ({
  what: `${what} whose bytes were moved elsewhere (detached)`,
  cure: 'return a copy made before the transfer, `bytes.slice()`',
});

const knownCures: ReadonlyMap<string, string> = new Map([
  ['WeakRef', 'return what it refers to'],
  ['AbortSignal', 'use it inside the task; `currentTask().signal` fires when the task is cancelled'],
  ['AbortController', 'use it inside the task; `currentTask().signal` fires when the task is cancelled'],
  ['Headers', 'return Object.fromEntries(headers)'],
  ['FormData', 'return [...form]'],
  ['URLSearchParams', 'return its text, String(params)'],
  ['Response', 'return its body: `await response.arrayBuffer()`, `text()` or `json()`'],
  ['Request', 'return its url and body'],
  ['Blob', 'return its bytes: `new Uint8Array(await blob.arrayBuffer())`'],
  ['File', 'return its bytes: `new Uint8Array(await file.arrayBuffer())`'],
  ['CryptoKey', 'return the exported key'],
]);

const article = (name: string): string => (/^[AEIOU]/.test(name) ? 'an' : 'a');

/** The name of the nearest class; `''` where none is to be found. Reads data properties only. */
export function className(value: object): string {
  for (let at: object | null = value, hops = 0; at !== null && hops < 1000; at = Object.getPrototypeOf(at), hops++) {
    const ctor: unknown = Object.getOwnPropertyDescriptor(at, 'constructor')?.value;
    if (typeof ctor !== 'function') continue;
    const name: unknown = Object.getOwnPropertyDescriptor(ctor, 'name')?.value;
    if (builtinName(at) === 'Object' && at !== value) return '';
    if (typeof name === 'string') return name;
  }
  return '';
}

/** Streams, iterators and handles: they live in one thread, and are used up by reading. */
function describeHandle(value: object): Refusal | undefined {
  if (types.isGeneratorObject(value)) return { what: 'a generator', cure: 'return an array of what it yields, `[...it]`' };
  const tag = tagOf(value);
  if (types.isMapIterator(value) || types.isSetIterator(value) || tag.endsWith(' Iterator'))
    return { what: `an iterator (${tag === '' ? 'of a collection' : tag})`, cure: 'return an array of what it yields, `[...it]`' };
  if (types.isExternal(value)) return { what: 'a native handle', cure: useInside };
  const name = className(value);
  if (streamTags.has(tag) || hasMethods(value, 'pipe', 'on') || (hasMethods(value, 'write', 'on') && hasMethods(value, 'end')))
    return { what: `a stream (${name || tag || 'an object with pipe()'})`, cure: 'return its bytes, or open it in the task that reads it' };
  if (name === 'FileHandle' || name === 'Dir')
    return {
      what: `an open ${name === 'Dir' ? 'directory' : 'file'} (${name})`,
      cure: 'return its path, and open it in the task that reads it',
    };
  if (handleNames.has(name) || (hasMethods(value, 'ref', 'unref') && name !== ''))
    return { what: `a handle (${name})`, cure: 'open it in the task that uses it' };
  if (hasMethods(value, 'next') && (findMethod(value, Symbol.iterator) || findMethod(value, Symbol.asyncIterator)))
    return { what: `an iterator${name === '' ? '' : ` (${name})`}`, cure: 'return an array of what it yields, `[...it]`' };
  return undefined;
}

const streamTags: ReadonlySet<string> = new Set([
  'ReadableStream',
  'WritableStream',
  'TransformStream',
  'CompressionStream',
  'DecompressionStream',
  'TextDecoderStream',
  'TextEncoderStream',
  'ReadableStreamDefaultReader',
  'ReadableStreamBYOBReader',
  'WritableStreamDefaultWriter',
]);
const handleNames: ReadonlySet<string> = new Set([
  'MessagePort',
  'MessageChannel',
  'BroadcastChannel',
  'Worker',
  'ChildProcess',
  'FSWatcher',
  'StatWatcher',
  'Interface',
  'ClientRequest',
  'Agent',
]);

function tagOf(value: object): string {
  const tag: unknown = findData(value, Symbol.toStringTag);
  return typeof tag === 'string' ? tag : '';
}

function hasMethods(value: object, ...names: readonly string[]): boolean {
  return names.every((name) => findMethod(value, name));
}

function findMethod(value: object, name: PropertyKey): boolean {
  return typeof findData(value, name) === 'function';
}

/** A data property, own or inherited; a getter is not run. */
function findData(value: object, name: PropertyKey): unknown {
  for (let at: object | null = value, hops = 0; at !== null && hops < 100; at = Object.getPrototypeOf(at), hops++) {
    const found = Object.getOwnPropertyDescriptor(at, name);
    if (found !== undefined) return found.value;
  }
  return undefined;
}

/**
 * Refuses a stream, an iterator, a handle, and a Value or Future, as a task's whole result or one level inside it: also when the result stays with its
 * worker, for the next task that reads it would find it used up or dead. Cheap: elements of long containers are looked at up to a thousand.
 */
export function refuseHandles(value: unknown, path = 'result'): void {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
  check(value, path);
  if (typeof value === 'function' || ArrayBuffer.isView(value) || types.isProxy(value)) return;
  let left = 1000;
  if (Array.isArray(value)) {
    const length = Math.min(value.length, left);
    for (let i = 0; i < length; i++) checkChild(value[i], path, i);
  } else if (types.isMap(value)) {
    for (const [key, item] of value) {
      checkChild(item, path, key, 'map');
      if (--left === 0) break;
    }
  } else if (types.isSet(value)) {
    for (const item of value) {
      checkChild(item, path, 0, 'set');
      if (--left === 0) break;
    }
  } else {
    for (const key of Object.keys(value)) {
      const found = Object.getOwnPropertyDescriptor(value, key);
      checkChild(found?.value, path, key);
      if (--left === 0) break;
    }
  }
}

function checkChild(child: unknown, path: string, step: unknown, inside?: 'map' | 'set'): void {
  if ((typeof child !== 'object' && typeof child !== 'function') || child === null) return;
  if (isOrdinary(child)) return;
  check(child, inside === 'map' ? `${path}.get(${stepText(step)})` : inside === 'set' ? `an item of ${path}` : joinPath(path, step));
}

function check(value: object, path: string): void {
  if (isOrdinary(value)) return;
  const nested = nestedValue(value, path);
  if (nested !== undefined) throw nested;
  if (typeof value === 'function' || types.isProxy(value)) return;
  const handle = describeHandle(value);
  if (handle !== undefined) throw unsendable(path, handle);
}

/** The common case, decided in some nanoseconds. */
function isOrdinary(value: object): boolean {
  if (types.isProxy(value)) return false;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Array.prototype || prototype === Map.prototype || prototype === Set.prototype || ArrayBuffer.isView(value)) return true;
  return (
    prototype === Object.prototype &&
    typeof Object.getOwnPropertyDescriptor(value, 'next')?.value !== 'function' &&
    typeof Object.getOwnPropertyDescriptor(value, 'pipe')?.value !== 'function'
  );
}

/** `result.body`, `result["two words"]`, `result[3]`. */
export function joinPath(path: string, step: unknown): string {
  if (typeof step === 'string' && /^[A-Za-z_$][\w$]*$/.test(step)) return `${path}.${step}`;
  return `${path}[${stepText(step)}]`;
}

/** A key of a Map or object in few words. */
export function stepText(step: unknown): string {
  if (typeof step === 'string') return JSON.stringify(step.length > 60 ? `${step.slice(0, 60)}…` : step);
  if (typeof step === 'object' && step !== null)
    return inspect(step, { depth: 0, breakLength: Infinity, customInspect: false, maxArrayLength: 3, maxStringLength: 40 }).slice(0, 60);
  return String(step);
}
