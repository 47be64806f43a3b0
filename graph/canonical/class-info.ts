import { parseAlone } from '../function/parse.ts';
import { isNative, knownText, wellKnown } from '../function/well-known.ts';

/** What an object's prototype says about it. */
export interface ClassInfo {
  /** `undefined`: the prototype is no class's. */
  readonly constructor: ((...args: never) => unknown) | undefined;
  /** For messages. */
  readonly name: string;
  /** The nearest builtin in the chain: `Map`, `URL`, `node:events`; `undefined`: none above Object. */
  readonly base: string | undefined;
  /** The prototype itself is that builtin's. */
  readonly isBuiltin: boolean;
  /** A class in the chain declares `#private` fields. */
  readonly hasPrivateFields: boolean;
}

const known = new WeakMap<object, ClassInfo>();

/** Read once a prototype. */
export function classInfo(prototype: object): ClassInfo {
  let info = known.get(prototype);
  if (info === undefined) {
    info = read(prototype);
    known.set(prototype, info);
  }
  return info;
}

function read(prototype: object): ClassInfo {
  const owner = constructorOf(prototype);
  let base: string | undefined;
  let hasPrivateFields = false;
  for (let at: object | null = prototype; at !== null && base === undefined; at = Object.getPrototypeOf(at)) {
    const ancestor = constructorOf(at);
    if (ancestor === undefined) {
      base = hiddenBuiltin(at);
      continue;
    }
    const path = wellKnown(ancestor);
    if (path !== undefined && Object.getPrototypeOf(at) === null) break;
    if (path !== undefined) base = knownText(path);
    else if (isNative(ancestor) && !/^bound /.test(ancestor.name)) base = nameOf(ancestor);
    else hasPrivateFields ||= declaresPrivateFields(ancestor);
  }
  const own = owner === undefined ? undefined : wellKnown(owner);
  const name = owner === undefined ? (base ?? 'object without a class') : nameOf(owner);
  return {
    constructor: owner,
    name,
    base,
    isBuiltin: base !== undefined && (owner === undefined || own !== undefined || isNative(owner)),
    hasPrivateFields,
  };
}

function constructorOf(prototype: object): ((...args: never) => unknown) | undefined {
  const owner: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof owner === 'function' ? (owner as (...args: never) => unknown) : undefined;
}

function nameOf(owner: object): string {
  const name: unknown = Object.getOwnPropertyDescriptor(owner, 'name')?.value;
  return typeof name === 'string' && name !== '' ? name : 'nameless class';
}

/** Prototypes of iterators and the like have no constructor, but a tag and native methods. */
function hiddenBuiltin(prototype: object): string | undefined {
  const tag: unknown = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value;
  const isBuilt = Reflect.ownKeys(prototype).some((key) => {
    const value: unknown = Object.getOwnPropertyDescriptor(prototype, key)?.value;
    return typeof value === 'function' && isNative(value);
  });
  return isBuilt && Object.getPrototypeOf(prototype) !== null ? (typeof tag === 'string' ? tag : 'builtin') : undefined;
}

/** The text alone cannot tell `#field` from a `'#fff'`, so where it has a `#` it is parsed. Methods and static fields are no state of an instance. */
function declaresPrivateFields(owner: object): boolean {
  const text = Function.prototype.toString.call(owner);
  if (!/^class\b/.test(text) || !/#[\p{ID_Start}$_\\]/u.test(text)) return false;
  try {
    const { unit, offset } = parseAlone(text, true);
    const node = unit.functions.get(offset)?.node;
    if (node?.type !== 'ClassExpression' && node?.type !== 'ClassDeclaration') return true;
    return node.body.body.some(
      (member) => member.type === 'PropertyDefinition' && !member.static && member.key.type === 'PrivateIdentifier',
    );
  } catch {
    return true;
  }
}
