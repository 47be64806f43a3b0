import { copyOf } from './canonical/copy.ts';
import { lazySymbol } from './canonical/describe.ts';
import { compact, type Leaf, leafText } from './canonical/leaf.ts';
import { Holes, type Shape } from './canonical/shape.ts';
import { handleText, isObject, Walk } from './canonical/walk.ts';
import { typeError } from './errors.ts';
import { type Capture, capture } from './function/capture.ts';
import { captureOf } from './function-state.ts';
import { taskOf } from './handle.ts';
import { Op, type Tape } from './tape.ts';
import type { CapturedData, Task } from './task.ts';

/**
 * Arguments become a tape, their canonical text and the tasks they depend on.
 * The walk that hashes reads every object once; the tape is made from what it read, so later changes to a caller's array do not reach the task.
 *
 *     merge([count, 7])   →   tape [dependency 0, literal 7, array 2]   text [v<token>,7)   dependencies [count]
 *
 * A part without Values is one literal (a copy of its containers; bytes are not copied), or one capture where a structured clone would lose something.
 */
export interface Encoded {
  readonly tape: Tape;
  readonly text: string;
  readonly dependencies: readonly Task[];
}

/** `traverse: false`: only arguments that are Values themselves are dependencies. `isPure: false`: the text means nothing, and nothing is refused for not having one. */
export function encode(args: readonly unknown[], traverse = true, isPure = true): Encoded {
  const encoder = new Encoder(traverse, isPure);
  let text = '';
  for (let i = 0; i < args.length; i++) {
    const one = encoder.add(args[i], 'args', i);
    text = i === 0 ? one : `${text},${one}`;
  }
  return { tape: encoder.tape, text, dependencies: encoder.dependencies };
}

/** One piece of data as a tape. */
export function encodeData(data: unknown, isPure = true): Encoded {
  const encoder = new Encoder(true, isPure);
  const text = encoder.add(data, 'data', undefined);
  return { tape: encoder.tape, text, dependencies: encoder.dependencies };
}

const noTasks: readonly Task[] = Object.freeze([]);

class Encoder {
  readonly tape: unknown[] = [];
  readonly #traverse: boolean;
  readonly #isPure: boolean;
  #dependencies: Task[] | undefined;
  #walk: Walk | undefined;
  #indexes: Map<string, number> | undefined;

  constructor(traverse: boolean, isPure: boolean) {
    this.#traverse = traverse;
    this.#isPure = isPure;
  }

  get dependencies(): readonly Task[] {
    return this.#dependencies ?? noTasks;
  }

  add(value: unknown, root: string, index: number | undefined): string {
    if (!isObject(value)) {
      this.#primitive(value, root, index);
      return leafText(value as Leaf);
    }
    const task = taskOf(value);
    if (task !== undefined) {
      this.#depend(task);
      return handleText(task);
    }
    if (this.#traverse && Array.isArray(value) && isFlat(value)) return this.#flat(value);
    this.#walk ??= new Walk(taskOf, this.#traverse ? refuseHolder : undefined, true, !this.#isPure);
    const path = pathOf(root, index);
    const shape = this.#walk.shape(value, path);
    if (this.#traverse && shape.hasHandle) this.#emit(shape, path);
    else this.#whole(shape, path);
    // a Value that is passed as it is is another argument than its result
    return !this.#traverse && shape.hasHandle ? `w${shape.text}` : (shape.text as string);
  }

  /** The short way for what most calls pass: the same text and tape as the walk's, without shapes. */
  #flat(array: readonly unknown[]): string {
    const parts: string[] = [];
    let hasHandle = false;
    for (const item of array) {
      const task = taskOf(item);
      if (task === undefined) {
        parts.push(leafText(item as Leaf));
        continue;
      }
      hasHandle = true;
      parts.push(handleText(task));
    }
    if (hasHandle) {
      for (const item of array) {
        const task = taskOf(item);
        if (task === undefined) this.tape.push(Op.literal, item);
        else this.#depend(task);
      }
      this.tape.push(Op.array, array.length);
    } else this.tape.push(Op.literal, array.slice());
    return compact(`[${parts.join()})`);
  }

  #primitive(value: unknown, root: string, index: number | undefined): void {
    if (typeof value === 'symbol') this.tape.push(Op.captured, this.#captured(value, pathOf(root, index)));
    else this.tape.push(Op.literal, value);
  }

  #depend(task: Task): void {
    this.tape.push(Op.dependency, this.#indexOf(task));
  }

  #indexOf(task: Task): number {
    if (this.#dependencies === undefined) {
      this.#dependencies = [task];
      return 0;
    }
    const list = this.#dependencies;
    if (list.length < 8) {
      for (let i = 0; i < list.length; i++) if (isSame(list[i]!, task)) return i;
      return list.push(task) - 1;
    }
    this.#indexes ??= new Map(list.map(({ id }, i) => [id, i]));
    const known = this.#indexes.get(task.id);
    if (known !== undefined && isSame(list[known]!, task)) return known;
    // a second task under a key that was given stays in the list, so that the graph can refuse it
    this.#indexes.set(task.id, list.length);
    return list.push(task) - 1;
  }

  /** A part with Values in it, taken apart down to them. */
  #emit(root: Shape, path: string): void {
    const walk = this.#walk as Walk;
    const stack: { readonly shape: Shape; next: number }[] = [];
    const enter = (shape: Shape): void => {
      if (shape.isCyclic)
        throw typeError(
          'ERR_INVALID_ARGUMENT',
          `${path} goes round in a cycle that holds a Value, and cannot be built before the Value is known; pass the Value as an argument of its own`,
        );
      if (shape.kind === 'array' && shape.keys.length > 0)
        throw typeError(
          'ERR_INVALID_ARGUMENT',
          `${path} has an array with Values and further properties (${shape.keys.map(String).join(', ')}); pass those as an object`,
        );
      stack.push({ shape, next: 0 });
    };
    enter(root);
    for (let top = stack[0]; top !== undefined; top = stack[stack.length - 1]) {
      const { shape } = top;
      if (top.next === shape.items.length) {
        this.#container(shape);
        stack.pop();
        continue;
      }
      const item = shape.items[top.next++];
      if (!isObject(item)) this.#primitive(item, path, undefined);
      // data between Values: a missing element arrives as undefined
      else if (item instanceof Holes) for (let i = 0; i < item.count; i++) this.tape.push(Op.literal, undefined);
      else {
        const task = taskOf(item);
        if (task !== undefined) this.#depend(task);
        else {
          const child = walk.known(item);
          if (child.hasHandle) enter(child);
          else this.#whole(child, path);
        }
      }
      if (this.tape.length > longestTape)
        throw typeError(
          'ERR_INVALID_ARGUMENT',
          `${path} repeats its parts more than ${longestTape / 2} times; make what is shared a Value of its own with value()`,
        );
    }
  }

  #container(shape: Shape): void {
    const { kind, items, keys } = shape;
    if (kind === 'object') this.tape.push(Op.object, keys);
    else if (kind === 'map') this.tape.push(Op.map, items.length);
    else if (kind === 'set') this.tape.push(Op.set, items.length);
    else
      this.tape.push(
        Op.array,
        items.reduce((n: number, item) => n + (item instanceof Holes ? item.count : 1), 0),
      );
  }

  /** A part without Values, in one piece. */
  #whole(shape: Shape, path: string): void {
    const data = shape.hasHandle ? shape.value : copyOf(shape, this.#walk as Walk);
    if (shape.isRich || shape.hasHandle) this.tape.push(Op.captured, this.#captured(data, path, shape.hasHandle));
    else this.tape.push(Op.literal, data);
  }

  #captured(data: unknown, path: string, hasHandle = false): CapturedData {
    return this.#isPure && !hasHandle ? { data, capture: captureData(data, path) } : new LateCapture(data, path);
  }
}

/** An argument that is not hashed, or holds Values nobody searched for: whether it can travel shows when it must. */
class LateCapture implements CapturedData {
  readonly data: unknown;
  readonly #path: string;
  #capture: Capture | undefined;

  constructor(data: unknown, path: string) {
    this.data = data;
    this.#path = path;
  }

  get capture(): Capture {
    this.#capture ??= captureData(this.data, this.#path);
    return this.#capture;
  }
}

/** A plain array of nothing but primitives and Values. */
function isFlat(array: readonly unknown[]): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype) return false;
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (item === undefined || typeof item === 'symbol' || typeof item === 'function') return false;
    if (typeof item === 'object' && item !== null && taskOf(item) === undefined) return false;
  }
  let properties = 0;
  for (const _ in array) properties++;
  return properties === array.length && Object.getOwnPropertySymbols(array).length === 0;
}

const longestTape = 2 ** 25;

function isSame(a: Task, b: Task): boolean {
  return a === b || (a.id === b.id && a.token === b.token);
}

function pathOf(root: string, index: number | undefined): string {
  return index === undefined ? root : `${root}[${index}]`;
}

function captureData(data: unknown, path: string): Capture {
  const isPlainFunction = typeof data === 'function' && (data as { readonly [lazySymbol]?: unknown })[lazySymbol] === undefined;
  return isPlainFunction ? captureOf(data as (...args: never) => unknown) : capture(data, { label: path });
}

function refuseHolder(shape: Shape, path: string): never {
  const what = shape.kind === 'function' ? 'a function that captures a Value' : 'an object of a class with a Value in it';
  throw typeError(
    'ERR_VALUE_USED',
    `${path} is ${what}; Values are found in arrays, plain objects, Maps and Sets only: pass the Value as an argument of its own`,
  );
}
