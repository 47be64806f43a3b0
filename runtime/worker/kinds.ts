import { types } from 'node:util';

/**
 * What an object is, seen from its internals and not by `instanceof`: things of another realm (vm contexts, jest) count as what they are,
 * and subclasses, whose extra fields and methods a copy would lose, count as `refused`.
 */
export const Kind = {
  refused: 0,
  /** A plain object, or one without prototype. */
  object: 1,
  bare: 2,
  array: 3,
  map: 4,
  set: 5,
  /** Survives a structured clone as it is: Date, boxed primitives, SharedArrayBuffer, resizable buffers and views on these. */
  leaf: 6,
  regExp: 7,
  /** Typed arrays and DataViews over an ordinary ArrayBuffer. */
  view: 8,
  /** Node's Buffer, over any memory. */
  nodeBuffer: 9,
  arrayBuffer: 10,
  url: 11,
  error: 12,
  domException: 13,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const nativeClass = /^function (\w+)\(\) \{\s*\[native code\]\s*\}$/;
const builtinNames = new WeakMap<object, string>();

/** The name of the language's own class that has this prototype, of any realm; `''` for all others. */
export function builtinName(prototype: object): string {
  const known = builtinNames.get(prototype);
  if (known !== undefined) return known;
  const ctor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  let name = '';
  if (typeof ctor === 'function' && Object.getOwnPropertyDescriptor(ctor, 'prototype')?.value === prototype)
    name = nativeClass.exec(Function.prototype.toString.call(ctor))?.[1] ?? '';
  builtinNames.set(prototype, name);
  return name;
}

/** The builtin error class an error goes back to (`TypeError` for a subclass of it); `undefined`: it is no error. */
export function errorBase(value: object): string | undefined {
  for (let at: object | null = value, hops = 0; at !== null && hops < 1000; at = Object.getPrototypeOf(at), hops++) {
    const name = builtinName(at);
    if (name === 'Error' || name.endsWith('Error')) return name;
  }
  return types.isNativeError(value) ? 'Error' : undefined;
}

/** An abort, a failed fetch: no native error, with its name and message on the prototype. */
export function isDomException(value: object): value is DOMException {
  return typeof DOMException === 'function' && value instanceof DOMException;
}

/** Whether a length of 0 means that the bytes have been moved elsewhere. */
export function isDetached(buffer: ArrayBufferLike): boolean {
  if (buffer.byteLength !== 0) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** What `value` is to the encoder. Runs no code of the user's (a Proxy is `refused`). */
export function kindOf(value: object): Kind {
  if (types.isProxy(value)) return Kind.refused;
  const prototype: object | null = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return types.isArgumentsObject(value) ? Kind.refused : Kind.object;
  if (Array.isArray(value)) return prototype === Array.prototype || isBuiltin(prototype, 'Array') ? Kind.array : Kind.refused;
  if (prototype === null) return types.isModuleNamespaceObject(value) ? Kind.refused : Kind.bare;
  if (types.isMap(value)) return prototype === Map.prototype || isBuiltin(prototype, 'Map') ? Kind.map : Kind.refused;
  if (types.isSet(value)) return prototype === Set.prototype || isBuiltin(prototype, 'Set') ? Kind.set : Kind.refused;
  if (ArrayBuffer.isView(value)) return kindOfView(value, prototype);
  if (types.isArrayBuffer(value))
    return !isBuiltin(prototype, 'ArrayBuffer') || isDetached(value) ? Kind.refused : isResizable(value) ? Kind.leaf : Kind.arrayBuffer;
  if (types.isSharedArrayBuffer(value)) return isBuiltin(prototype, 'SharedArrayBuffer') ? Kind.leaf : Kind.refused;
  if (types.isDate(value)) return isBuiltin(prototype, 'Date') ? Kind.leaf : Kind.refused;
  if (types.isRegExp(value)) return isBuiltin(prototype, 'RegExp') ? Kind.regExp : Kind.refused;
  if (types.isBoxedPrimitive(value)) return types.isSymbolObject(value) || !boxes.has(builtinName(prototype)) ? Kind.refused : Kind.leaf;
  if (isDomException(value)) return Kind.domException;
  if (errorBase(value) !== undefined) return Kind.error;
  if (prototype === URL.prototype) return Kind.url;
  return isBuiltin(prototype, 'Object') && !types.isArgumentsObject(value) ? Kind.object : Kind.refused;
}

const boxes: ReadonlySet<string> = new Set(['Number', 'String', 'Boolean', 'BigInt']);
const views: ReadonlySet<string> = new Set([
  'DataView',
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
]);

function isBuiltin(prototype: object | null, name: string): boolean {
  return prototype !== null && builtinName(prototype) === name;
}

function kindOfView(view: ArrayBufferView, prototype: object | null): Kind {
  if (view.byteLength === 0 && isDetached(view.buffer)) return Kind.refused;
  if (prototype === Buffer.prototype) return Kind.nodeBuffer;
  if (prototype === null || !views.has(builtinName(prototype))) return Kind.refused;
  return types.isSharedArrayBuffer(view.buffer) || isResizable(view.buffer) ? Kind.leaf : Kind.view;
}

/** A copy would have to grow and shrink like it; a structured clone of the whole does. */
export function isResizable(buffer: ArrayBufferLike): boolean {
  return Reflect.get(buffer, 'resizable') === true;
}
