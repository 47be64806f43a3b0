import { types } from 'node:util';
import { setOwn } from './set-own.ts';
import { Holes, type Shape } from './shape.ts';
import { isObject, type Walk } from './walk.ts';

/** Copies arrays, plain objects, Maps, Sets, Dates and bytes, shared and cyclic ones too; all else stays itself, and so does shared memory. */
export function copyOf(root: Shape, walk: Walk): unknown {
  const open: Shape[] = [];
  const begin = (shape: Shape): unknown => {
    if (shape.copy !== undefined) return shape.copy;
    // what leads back to its container through an instance would lead out of the copy
    if (!shape.isExact || (shape.isRich && shape.isCyclic)) return shape.value;
    if (shape.kind === 'leaf') {
      shape.copy = copyLeaf(shape.value);
      return shape.copy;
    }
    if (shape.kind === 'function' || shape.kind === 'instance') return shape.value;
    shape.copy = shape.kind === 'array' ? [] : shape.kind === 'object' ? {} : shape.kind === 'map' ? new Map() : new Set();
    open.push(shape);
    return shape.copy;
  };
  const part = (item: unknown): unknown => (isObject(item) ? begin(walk.known(item)) : item);
  const copy = begin(root);
  for (let shape = open.pop(); shape !== undefined; shape = open.pop()) fill(shape, part);
  return copy;
}

/** What the caller may change later without the task seeing it: a reader that fills one buffer again and again is common. */
function copyLeaf(leaf: unknown): unknown {
  if (types.isDate(leaf)) return new Date(leaf.getTime());
  if (types.isArrayBuffer(leaf)) return leaf.slice(0);
  if (!ArrayBuffer.isView(leaf) || types.isSharedArrayBuffer(leaf.buffer)) return leaf;
  if (types.isDataView(leaf)) return new DataView(leaf.buffer.slice(leaf.byteOffset, leaf.byteOffset + leaf.byteLength));
  return (leaf as Uint8Array).slice();
}

function fill(shape: Shape, part: (item: unknown) => unknown): void {
  const { items, keys } = shape;
  if (shape.kind === 'array') fillArray(shape, part);
  else if (shape.kind === 'object') for (let i = 0; i < items.length; i++) setOwn(shape.copy as object, keys[i] as string, part(items[i]));
  else if (shape.kind === 'map')
    for (let i = 0; i < items.length; i += 2) (shape.copy as Map<unknown, unknown>).set(part(items[i]), part(items[i + 1]));
  else for (const item of items) (shape.copy as Set<unknown>).add(part(item));
}

function fillArray(shape: Shape, part: (item: unknown) => unknown): void {
  const array = shape.copy as unknown[];
  const elements = shape.items.length - shape.keys.length;
  for (let i = 0; i < elements; i++) {
    const item = shape.items[i];
    if (item instanceof Holes) array.length += item.count;
    else array.push(part(item));
  }
  for (let i = elements; i < shape.items.length; i++) setOwn(array, shape.keys[i - elements] as string, part(shape.items[i]));
}
