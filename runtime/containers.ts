import { types } from 'node:util';

/** What stands in place of a leaf: `drop` leaves it out of its container. */
export type Replacement = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'drop' } | { readonly kind: 'keep' };

type Container = unknown[] | Map<unknown, unknown> | Set<unknown> | Record<PropertyKey, unknown>;

/** Arrays, Maps, Sets and plain objects; of whatever realm. */
export function isContainer(thing: unknown): thing is Container {
  if (typeof thing !== 'object' || thing === null) return false;
  if (Array.isArray(thing) || types.isMap(thing) || types.isSet(thing)) return true;
  if (ArrayBuffer.isView(thing) || types.isProxy(thing)) return false;
  const prototype: unknown = Object.getPrototypeOf(thing);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.prototype.toString.call(thing) === '[object Object]');
}

/** Calls `visit` with everything in a container, at any depth, that is no container; and with the thing itself when it is none. */
export function eachLeaf(root: unknown, visit: (leaf: unknown) => void): void {
  if (!isContainer(root)) return visit(root);
  const seen = new Set<unknown>([root]);
  for (const container of seen)
    for (const child of childrenOf(container as Container))
      if (isContainer(child)) seen.add(child);
      else visit(child);
}

function childrenOf(container: Container): Iterable<unknown> {
  if (Array.isArray(container)) return container;
  if (types.isMap(container))
    return (function* () {
      for (const [key, value] of container as Map<unknown, unknown>) yield* [key, value];
    })();
  return types.isSet(container) ? (container as Set<unknown>) : Object.values(container);
}

/** A copy of a container, at any depth, with its leaves replaced. Shared and cyclic containers stay so. */
export function replaceLeaves(root: unknown, replace: (leaf: unknown) => Replacement): unknown {
  if (!isContainer(root)) {
    const replaced = replace(root);
    return replaced.kind === 'value' ? replaced.value : replaced.kind === 'drop' ? undefined : root;
  }
  const copies = new Map<unknown, Container>();
  const copyOf = (container: Container): Container => {
    let copy = copies.get(container);
    if (copy === undefined) {
      copy = Array.isArray(container)
        ? []
        : types.isMap(container)
          ? new Map()
          : types.isSet(container)
            ? new Set()
            : Object.create(Object.getPrototypeOf(container));
      copies.set(container, copy!);
    }
    return copy!;
  };
  const result = copyOf(root);
  // a Map visits what is added while it is walked
  for (const [container, copy] of copies)
    fill(container as Container, copy, (child) => (isContainer(child) ? { kind: 'value', value: copyOf(child) } : replace(child)));
  return result;
}

function fill(from: Container, to: Container, replace: (child: unknown) => Replacement): void {
  const put = (child: unknown, add: (value: unknown) => void): void => {
    const replaced = replace(child);
    if (replaced.kind !== 'drop') add(replaced.kind === 'value' ? replaced.value : child);
  };
  if (Array.isArray(from)) for (const child of from) put(child, (value) => (to as unknown[]).push(value));
  else if (types.isMap(from))
    for (const [key, child] of from as Map<unknown, unknown>)
      put(key, (newKey) => put(child, (value) => (to as Map<unknown, unknown>).set(newKey, value)));
  else if (types.isSet(from)) for (const child of from as Set<unknown>) put(child, (value) => (to as Set<unknown>).add(value));
  else
    for (const [key, child] of Object.entries(from))
      put(child, (value) => void Object.defineProperty(to, key, { value, writable: true, enumerable: true, configurable: true }));
}
