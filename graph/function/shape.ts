import { types } from 'node:util';
import type { Fn, SourceFacts } from './facts.ts';
import { isClassNode } from './nodes.ts';
import type { FunctionSite } from './parse.ts';
import { Flag, type Shape, type Slots } from './payload.ts';
import { knownText, wellKnown } from './well-known.ts';

/** How a thing's parts become slots and nodes: by walking on to them, or by comparing with what was found before. */
export interface Tools {
  slots(values: readonly unknown[], step: (index: number) => string): Slots;
  idOf(thing: object | symbol, step: string): number;
}

/** What of a thing goes without saying. */
export interface Expected {
  /** Whether its kind brings this prototype by itself. */
  readonly proto: (proto: object | null) => boolean;
  readonly skips?: (key: string | symbol) => boolean;
  /** Where listing all keys would take too long. */
  readonly keys?: readonly (string | symbol)[];
}

const plain = Flag.writable | Flag.enumerable | Flag.configurable;

/** Own properties, prototype and integrity, as far as they are not what one would expect; `undefined`: nothing to say. */
export function shapeOf(
  thing: object,
  tools: Tools,
  { proto: isExpected, skips, keys: all = Reflect.ownKeys(thing) }: Expected,
): Shape | undefined {
  const keys: (string | number)[] = [];
  const values: unknown[] = [];
  const special: [number, number, number, number][] = [];
  const names: (string | symbol)[] = [];
  for (const key of all) {
    if (skips?.(key)) continue;
    const descriptor = Object.getOwnPropertyDescriptor(thing, key) as PropertyDescriptor;
    const index = keys.length;
    const step = stepOf(key);
    keys.push(typeof key === 'symbol' ? tools.idOf(key, '') : key);
    names.push(key);
    let flags =
      (descriptor.writable ? Flag.writable : 0) |
      (descriptor.enumerable ? Flag.enumerable : 0) |
      (descriptor.configurable ? Flag.configurable : 0);
    // some versions of V8 give errors their stack through an accessor
    if ('value' in descriptor || (key === 'stack' && types.isNativeError(thing))) {
      values.push('value' in descriptor ? descriptor.value : Reflect.get(thing, key));
      if (!('value' in descriptor)) flags |= Flag.writable;
      if (flags !== plain) special.push([index, flags, -1, -1]);
    } else {
      values.push(undefined);
      special.push([
        index,
        flags | Flag.accessor,
        descriptor.get ? tools.idOf(descriptor.get, step) : -1,
        descriptor.set ? tools.idOf(descriptor.set, step) : -1,
      ]);
    }
  }
  const parent: object | null = Object.getPrototypeOf(thing);
  const proto = isExpected(parent) ? undefined : parent === null ? null : tools.idOf(parent, '');
  const integrity = Object.isExtensible(thing)
    ? undefined
    : Object.isFrozen(thing)
      ? 'frozen'
      : Object.isSealed(thing)
        ? 'sealed'
        : 'closed';
  if (keys.length === 0 && proto === undefined && integrity === undefined) return undefined;
  return {
    keys,
    slots: tools.slots(values, (i) => stepOf(names[i] as string | symbol)),
    ...(proto !== undefined && { proto }),
    ...(special.length > 0 && { special }),
    ...(integrity && { integrity }),
  };
}

/** `.name`, `[0]`, `['other name']`. */
export function stepOf(key: string | symbol): string {
  if (typeof key === 'symbol') return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : /^\d+$/.test(key) ? `[${key}]` : `[${JSON.stringify(key)}]`;
}

/** Whether a prototype is this builtin, of any realm: `Map.prototype`. */
export function isBuiltinProto(proto: object | null, ...paths: readonly string[]): boolean {
  const known = proto === null ? undefined : wellKnown(proto);
  return known !== undefined && paths.includes(knownText(known));
}

/** The prototype of plain objects, of any realm. */
export function isObjectPrototype(proto: object | null): boolean {
  return (
    proto === Object.prototype || (proto !== null && Object.getPrototypeOf(proto) === null && isBuiltinProto(proto, 'Object.prototype'))
  );
}

const literalTexts = new WeakMap<FunctionSite, { readonly own: ReadonlySet<string>; readonly onPrototype: ReadonlySet<string> }>();

/** The texts of the methods a class is written with: they come back when its text is evaluated. */
function methodTexts(site: FunctionSite): { readonly own: ReadonlySet<string>; readonly onPrototype: ReadonlySet<string> } {
  let found = literalTexts.get(site);
  if (found === undefined) {
    const own = new Set<string>();
    const onPrototype = new Set<string>();
    if (isClassNode(site.node))
      for (const member of site.node.body.body) {
        if (member.type !== 'MethodDefinition') continue;
        const text = site.unit.source.slice(member.start, member.end);
        (member.static ? own : onPrototype).add(member.static ? text.replace(/^static(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*/, '') : text);
      }
    found = { own, onPrototype };
    literalTexts.set(site, found);
  }
  return found;
}

function isWritten(texts: ReadonlySet<string>, thing: object, key: string | symbol): boolean {
  const descriptor = Object.getOwnPropertyDescriptor(thing, key);
  const parts = [descriptor?.value, descriptor?.get, descriptor?.set].filter((part) => part !== undefined);
  return parts.length > 0 && parts.every((part) => typeof part === 'function' && texts.has(Function.prototype.toString.call(part)));
}

const ownOfFunctions = new Set<string | symbol>(['length', 'name', 'prototype', 'arguments', 'caller']);
const functionProtos = ['Function.prototype', '%AsyncFunction%', '%GeneratorFunction%', '%AsyncGeneratorFunction%'];

/** What was put on a function or class from outside. */
export function functionShape(fn: Fn, { site }: SourceFacts, tools: Tools): Shape | undefined {
  const { own } = methodTexts(site);
  const extendsOther = isClassNode(site.node) && Boolean(site.node.superClass);
  return shapeOf(fn, tools, {
    proto: (proto) => extendsOther || proto === Function.prototype || isBuiltinProto(proto, ...functionProtos),
    skips: (key) =>
      ownOfFunctions.has(key)
        ? typeof Object.getOwnPropertyDescriptor(fn, key)?.value !== 'function' || isWritten(own, fn, key)
        : own.size > 0 && isWritten(own, fn, key),
  });
}

/** What was put on the prototype of a function or class. */
export function prototypeShape(owner: Fn, prototype: object, site: FunctionSite | undefined, tools: Tools): Shape | undefined {
  const onPrototype = site && methodTexts(site).onPrototype;
  const base: unknown = Object.getPrototypeOf(owner);
  return shapeOf(prototype, tools, {
    proto: (proto) =>
      (typeof base === 'function' && site?.kind === 'class' && (base as { prototype?: unknown }).prototype === proto) ||
      isObjectPrototype(proto) ||
      (site?.kind === 'class' && proto === null),
    skips: (key) => key === 'constructor' || (onPrototype !== undefined && onPrototype.size > 0 && isWritten(onPrototype, prototype, key)),
  });
}

/** A prototype that is not just as the text makes it. */
export function unusualPrototype(fn: Fn, { site }: SourceFacts): object | undefined {
  const prototype: unknown = Object.getOwnPropertyDescriptor(fn, 'prototype')?.value;
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  if (prototypeOwner(prototype) !== fn) {
    // generators have one without a constructor
    const generated =
      Reflect.ownKeys(prototype).length === 0 && isBuiltinProto(Object.getPrototypeOf(prototype), '%Generator%', '%AsyncGenerator%');
    return generated ? undefined : prototype;
  }
  const inert: Tools = { slots: (values) => ({ values, refs: [] }), idOf: () => 0 };
  return prototypeShape(fn, prototype, site, inert) === undefined ? undefined : prototype;
}

/** The function whose `prototype` this is. */
export function prototypeOwner(thing: object): Fn | undefined {
  const owner: unknown = Object.getOwnPropertyDescriptor(thing, 'constructor')?.value;
  return typeof owner === 'function' && Object.getOwnPropertyDescriptor(owner, 'prototype')?.value === thing ? (owner as Fn) : undefined;
}
