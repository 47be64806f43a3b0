import { createRequire } from 'node:module';
import {
  CancelledError,
  CaptureError,
  CycleError,
  HeddleError,
  KeyConflictError,
  KilledWorkerError,
  SourceChangedError,
  TaskError,
  TimeoutError,
  UntokenizableError,
} from '../../graph/index.ts';
import { Kind } from './kinds.ts';
import { type DomSeed, type ErrorSeed, Frozen, frozenShift, type Table } from './table.ts';

/** What `encode` made, on the other side of a thread, as a value again. */
export function decode(encoded: { readonly rich: boolean; readonly value: unknown }): unknown {
  return encoded.rich ? decodeTable(encoded.value as Table) : encoded.value;
}

/** A class, as far as an error is concerned. */
export interface ErrorClass {
  readonly prototype: object;
}

/** How errors in a table come to life. */
export interface Revive {
  /** The class of an error, where it was found. */
  readonly classOf: (seed: ErrorSeed) => ErrorClass | undefined;
  readonly mapStack: (stack: string) => string;
}

/** The value of a table. Nodes are made first and filled then, so that cycles need nothing special. */
export function decodeTable(table: Table, revive?: Revive): unknown {
  const { kinds, seeds } = table;
  const made: object[] = new Array(kinds.length);
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0; // the stacks that are made here are overwritten
  try {
    for (let id = 0; id < kinds.length; id++) made[id] = make((kinds[id]! & 15) as Kind, seeds[id], revive);
    fill(table, made, revive);
  } finally {
    Error.stackTraceLimit = limit;
  }
  for (let id = 0; id < kinds.length; id++) {
    const level = kinds[id]! >> frozenShift;
    if (level === Frozen.frozen) Object.freeze(made[id]);
    else if (level === Frozen.sealed) Object.seal(made[id]);
    else if (level === Frozen.notExtensible) Object.preventExtensions(made[id]!);
  }
  return made[0];
}

function make(kind: Kind, seed: unknown, revive: Revive | undefined): object {
  switch (kind) {
    case Kind.object:
      return {};
    case Kind.bare:
      return Object.create(null);
    case Kind.array:
      return [];
    case Kind.map:
      return new Map();
    case Kind.set:
      return new Set();
    case Kind.regExp: {
      const [source, flags, lastIndex] = seed as [string, string, number];
      return Object.assign(new RegExp(source, flags), { lastIndex });
    }
    case Kind.nodeBuffer: {
      const { buffer, byteOffset, byteLength } = seed as Uint8Array;
      return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    }
    case Kind.url:
      return new URL(seed as string);
    case Kind.error:
      return makeError(seed as ErrorSeed, revive);
    case Kind.domException: {
      const { name, message, stack } = seed as DomSeed;
      const error = new DOMException(message, name);
      if (stack !== undefined)
        Object.defineProperty(error, 'stack', {
          value: revive === undefined ? stack : revive.mapStack(stack),
          writable: true,
          configurable: true,
          enumerable: false,
        });
      return error;
    }
    default:
      return seed as object;
  }
}

function fill({ kinds, slots, data }: Table, made: readonly object[], revive: Revive | undefined): void {
  let slot = 0;
  let item = 0;
  const next = (): unknown => {
    const at = slots[slot++]!;
    return at === 0 ? data[item++] : made[at - 1];
  };
  for (let id = 0; id < kinds.length; id++) {
    const target = made[id]!;
    switch (kinds[id]! & 15) {
      case Kind.object:
      case Kind.bare:
        for (let count = slots[slot++]!; count > 0; count--) {
          const name = data[item++] as string;
          const value = next();
          if (name === '__proto__') define(target, name, value, true);
          else (target as Record<string, unknown>)[name] = value;
        }
        break;
      case Kind.array: {
        const array = target as unknown[];
        const length = slots[slot++]!;
        const items = slots[slot++]!;
        const others = slots[slot++]!;
        for (let i = 0; i < items; i++) array.push(next());
        for (let i = 0; i < others; i++) {
          const name = data[item++] as string;
          define(array, name, next(), true);
        }
        if (array.length !== length) array.length = length;
        break;
      }
      case Kind.map:
        for (let count = slots[slot++]!; count > 0; count--) {
          const key = next();
          (target as Map<unknown, unknown>).set(key, next());
        }
        break;
      case Kind.set:
        for (let count = slots[slot++]!; count > 0; count--) (target as Set<unknown>).add(next());
        break;
      case Kind.error:
        for (let count = slots[slot++]!; count > 0; count--) {
          const name = data[item++] as string;
          const isEnumerable = data[item++] as boolean;
          let value = next();
          if (name === 'stack' && typeof value === 'string' && revive !== undefined) value = revive.mapStack(value);
          define(target, name, value, isEnumerable);
        }
        break;
      default:
        break;
    }
  }
}

function define(target: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true });
}

const builtinErrors: ReadonlyMap<string, ErrorConstructor> = new Map<string, ErrorConstructor>([
  ['Error', Error],
  ['TypeError', TypeError],
  ['RangeError', RangeError],
  ['SyntaxError', SyntaxError],
  ['ReferenceError', ReferenceError],
  ['EvalError', EvalError],
  ['URIError', URIError],
]);
const ownErrors: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['HeddleError', HeddleError],
  ['KeyConflictError', KeyConflictError],
  ['UntokenizableError', UntokenizableError],
  ['CaptureError', CaptureError],
  ['CycleError', CycleError],
  ['SourceChangedError', SourceChangedError],
  ['KilledWorkerError', KilledWorkerError],
  ['CancelledError', CancelledError],
  ['TimeoutError', TimeoutError],
  ['TaskError', TaskError],
]);

/** A real error (with V8's mark) of its builtin class, then given the prototype of its own. Constructors of users are not called. */
function makeError(seed: ErrorSeed, revive: Revive | undefined): Error {
  const Base = builtinErrors.get(seed.base);
  const error = Base !== undefined ? new Base() : seed.base === 'AggregateError' ? new AggregateError([]) : new Error();
  if (seed.base === 'AggregateError') Reflect.deleteProperty(error, 'errors'); // comes with the fields, if it is there
  const prototype = prototypeFor(seed, Object.getPrototypeOf(error), revive);
  if (prototype !== undefined) Object.setPrototypeOf(error, prototype);
  return error;
}

function prototypeFor(seed: ErrorSeed, base: object, revive: Revive | undefined): object | undefined {
  const own = seed.own ? ownErrors.get(seed.className) : undefined;
  const found = own ?? (seed.className === 'AssertionError' ? assertionError() : undefined) ?? revive?.classOf(seed);
  if (found !== undefined) return found.prototype;
  if (seed.className === seed.base)
    return seed.name === undefined || seed.name === Reflect.get(base, 'name') ? undefined : standIn(seed, base);
  return standIn(seed, base);
}

const standIns = new Map<string, object>();

/** For a class that cannot be found here: its name, so that stacks and `constructor.name` read as they did, on top of its builtin class. */
function standIn(seed: ErrorSeed, base: object): object {
  const id = JSON.stringify([seed.base, seed.className, seed.name]);
  let prototype = standIns.get(id);
  if (prototype === undefined) {
    prototype = Object.create(base) as object;
    const stand = Object.defineProperty(() => {}, 'name', { value: seed.className, configurable: true });
    Object.defineProperty(stand, 'prototype', { value: prototype, writable: false });
    define(prototype, 'constructor', stand, false);
    if (seed.name !== undefined && seed.name !== Reflect.get(base, 'name')) define(prototype, 'name', seed.name, false);
    if (standIns.size < 1000) standIns.set(id, prototype);
  }
  return prototype;
}

/** Only programs that meet such an error load `node:assert`. */
function assertionError(): ErrorClass {
  return (createRequire(import.meta.url)('node:assert') as typeof import('node:assert')).AssertionError;
}
