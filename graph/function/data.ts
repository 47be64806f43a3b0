import { types } from 'node:util';
import { factsOf } from './facts.ts';
import { isClassNode } from './nodes.ts';
import type { PayloadNode, Shape } from './payload.ts';
import { Problem } from './problem.ts';
import { type Located, locate } from './script.ts';
import { isBuiltinProto, isObjectPrototype, prototypeOwner, prototypeShape, shapeOf, type Tools } from './shape.ts';
import { knownText, wellKnown } from './well-known.ts';

const noShape: Shape = { keys: [], slots: { values: [], refs: [] } };
const tagOfTyped = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get as (
  this: unknown,
) => string;

/** The node of an object that is no function. Throws `Problem` for what cannot be made again elsewhere. */
export function dataNode(thing: object, tools: Tools): PayloadNode {
  const owner = prototypeOwner(thing);
  if (owner !== undefined) {
    const facts = factsOf(owner);
    const shape = facts.kind === 'source' ? prototypeShape(owner, thing, facts.site, tools) : undefined;
    return { kind: 'prototype', of: tools.idOf(owner, ''), ...(shape && { shape }) };
  }
  if (Array.isArray(thing)) {
    const shape = shapeOf(thing, tools, {
      proto: (proto) => Array.isArray(proto),
      skips: (key) => key === 'length' || (typeof key === 'string' && /^\d+$/.test(key)),
    });
    return { kind: 'array', length: thing.length, items: tools.slots(thing, (i) => `[${i}]`), ...(shape && { shape }) };
  }
  const node = exotic(thing, tools);
  if (node !== undefined) return node;
  refuseHidden(thing);
  return { kind: 'object', shape: shapeOf(thing, tools, { proto: isObjectPrototype }) ?? noShape };
}

function exotic(thing: object, tools: Tools): PayloadNode | undefined {
  const shape = (...protos: string[]): { shape?: Shape } => {
    checkBase(thing, protos);
    const found = shapeOf(thing, tools, { proto: (proto) => isBuiltinProto(proto, ...protos) });
    return found === undefined ? {} : { shape: found };
  };
  if (types.isMap(thing))
    return {
      kind: 'map',
      entries: tools.slots([...Map.prototype.entries.call(thing)].flat(1), (i) =>
        i % 2 === 0 ? `(key ${i / 2})` : `(value ${(i - 1) / 2})`,
      ),
      ...shape('Map.prototype'),
    };
  if (types.isSet(thing))
    return { kind: 'set', entries: tools.slots([...Set.prototype.values.call(thing)], (i) => `(item ${i})`), ...shape('Set.prototype') };
  if (types.isDate(thing)) return { kind: 'date', time: Date.prototype.getTime.call(thing), ...shape('Date.prototype') };
  if (types.isRegExp(thing)) return regexp(thing, tools);
  if (types.isBoxedPrimitive(thing)) return boxed(thing, tools);
  if (types.isNativeError(thing)) return { kind: 'error', shape: errorShape(thing, tools) };
  if (types.isSharedArrayBuffer(thing)) throw new Problem('is a SharedArrayBuffer', 'pass it to the task as an argument');
  if (types.isArrayBuffer(thing)) return { kind: 'buffer', bytes: new Uint8Array(thing).slice(), ...shape('ArrayBuffer.prototype') };
  if (ArrayBuffer.isView(thing)) return view(thing, tools);
  const proto: object | null = Object.getPrototypeOf(thing);
  if (isBuiltinProto(proto, 'URL.prototype')) return { kind: 'url', text: String((thing as URL).href), type: 'URL' };
  if (isBuiltinProto(proto, 'URLSearchParams.prototype')) return { kind: 'url', text: String(thing), type: 'URLSearchParams' };
  return undefined;
}

/** Between an object and the builtin it grew from there may be classes of the user's, but none that hides state. */
function checkBase(thing: object, protos: readonly string[]): void {
  for (let proto: object | null = Object.getPrototypeOf(thing); proto !== null; proto = Object.getPrototypeOf(proto)) {
    if (isBuiltinProto(proto, ...protos)) return;
    refuseClass(proto);
  }
}

function regexp(thing: RegExp, tools: Tools): PayloadNode {
  checkBase(thing, ['RegExp.prototype']);
  const shape = shapeOf(thing, tools, { proto: (proto) => isBuiltinProto(proto, 'RegExp.prototype'), skips: (key) => key === 'lastIndex' });
  return { kind: 'regexp', source: thing.source, flags: thing.flags, lastIndex: thing.lastIndex, ...(shape && { shape }) };
}

function boxed(thing: object, tools: Tools): PayloadNode {
  const value: unknown = thing.valueOf();
  if (typeof value === 'symbol') throw new Problem('is a Symbol object', 'use the symbol itself');
  const shape = shapeOf(thing, tools, {
    proto: () => true,
    skips: (key) => typeof value === 'string' && (key === 'length' || (typeof key === 'string' && /^\d+$/.test(key))),
  });
  return { kind: 'boxed', value, ...(shape && { shape }) };
}

/** Node's own error classes are not to be had by name: the nearest public one stands for them. */
function errorShape(thing: Error, tools: Tools): Shape {
  const shape = shapeOf(thing, tools, { proto: () => true }) ?? noShape;
  let proto: object | null = Object.getPrototypeOf(thing);
  while (proto !== null && wellKnown(proto) === undefined && isInternalClass(proto)) proto = Object.getPrototypeOf(proto);
  return proto === null ? shape : { ...shape, proto: tools.idOf(proto, '') };
}

function view(thing: ArrayBufferView, tools: Tools): PayloadNode {
  if (types.isSharedArrayBuffer(thing.buffer)) throw new Problem('lies in a SharedArrayBuffer', 'pass it to the task as an argument');
  const type = Buffer.isBuffer(thing) ? 'Buffer' : types.isDataView(thing) ? 'DataView' : tagOfTyped.call(thing);
  const length = types.isDataView(thing) ? thing.byteLength : (thing as Uint8Array).length;
  const protos = [`${type}.prototype`];
  checkBase(thing, protos);
  // V8 lists every index as a key; nobody puts properties on long typed arrays
  const keys = length > 1_000 && type !== 'DataView' ? Object.getOwnPropertySymbols(thing) : Reflect.ownKeys(thing);
  const shape = shapeOf(thing, tools, {
    keys,
    proto: (proto) => isBuiltinProto(proto, ...protos),
    skips: (key) => typeof key === 'string' && /^\d+$/.test(key),
  });
  return { kind: 'view', type, buffer: -1, offset: thing.byteOffset, length, ...(shape && { shape }) };
}

const kinds: readonly (readonly [is: (thing: unknown) => boolean, what: string, cure: string])[] = [
  [types.isPromise, 'is a Promise', 'await it first, or pass a Value or Future to the task as an argument'],
  [types.isWeakMap, 'is a WeakMap, whose entries nobody can list', 'use a Map'],
  [types.isWeakSet, 'is a WeakSet, whose entries nobody can list', 'use a Set'],
  [types.isGeneratorObject, 'is a generator that has begun', 'capture the generator function, or an array of what it yields'],
  [types.isMapIterator, 'is an iterator that has begun', 'capture what it walks over'],
  [types.isSetIterator, 'is an iterator that has begun', 'capture what it walks over'],
  [types.isArgumentsObject, 'is an `arguments` object', 'copy it: [...arguments]'],
  [types.isExternal, 'is a native handle', 'open it inside the task'],
];

function refuseHidden(thing: object): void {
  for (const [is, what, cure] of kinds) if (is(thing)) throw new Problem(what, cure);
  for (
    let proto: object | null = Object.getPrototypeOf(thing);
    proto !== null && !isObjectPrototype(proto);
    proto = Object.getPrototypeOf(proto)
  ) {
    const known = wellKnown(proto);
    if (known !== undefined) throw hostProblem(knownText(known).replace(/\.prototype$/, ''));
    refuseClass(proto);
  }
}

const hints = new Map([
  ['AbortSignal', 'use currentTask().signal in the task'],
  ['AbortController', 'use currentTask().signal in the task'],
  ['WeakRef', 'capture the object itself'],
]);

function hostProblem(name: string): Problem {
  return new Problem(
    `is an instance of ${name}, which holds state that only this thread has`,
    hints.get(name) ?? 'make or open it inside the task',
  );
}

function refuseClass(proto: object): void {
  const owner = prototypeOwner(proto);
  if (owner === undefined || wellKnown(owner) !== undefined) return;
  const located = tryLocate(owner);
  if (located === 'unparsable') return; // capturing the class says so
  if (located === undefined || located.script.isInternal) throw hostProblem(owner.name || 'a class of Node.js');
  const { node } = located.site;
  if (
    isClassNode(node) &&
    node.body.body.some((member) => 'key' in member && member.key.type === 'PrivateIdentifier' && !('static' in member && member.static))
  )
    throw new Problem(
      `is an instance of class ${owner.name}, which has #private members that nobody can read from outside`,
      'make it inside the task, or keep its state in plain fields',
    );
}

/** Where a class lies, if anything can tell. */
function tryLocate(owner: object): Located | 'unparsable' | undefined {
  try {
    return locate(owner);
  } catch (error) {
    if (error instanceof SyntaxError) return 'unparsable';
    throw error;
  }
}

function isInternalScript(owner: object): boolean {
  const located = tryLocate(owner);
  return located === undefined || (located !== 'unparsable' && located.script.isInternal);
}

function isInternalClass(proto: object): boolean {
  const owner = prototypeOwner(proto);
  return owner !== undefined && wellKnown(owner) === undefined && isInternalScript(owner);
}
