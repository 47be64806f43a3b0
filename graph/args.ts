import { copyOf } from './canonical/copy.ts';
import { lazySymbol } from './canonical/describe.ts';
import { compact, fold, type Leaf, leafText } from './canonical/leaf.ts';
import { Plain } from './canonical/plain.ts';
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
  return encodeAll(args, 'args', traverse, isPure);
}

/** One piece of data as a tape. */
export function encodeData(data: unknown, isPure = true): Encoded {
  return encodeAll([data], 'data', true, isPure);
}

function encodeAll(args: readonly unknown[], root: string, traverse: boolean, isPure: boolean): Encoded {
  let encoder = new Encoder(root, traverse, isPure, true);
  let text = encoder.addAll(args);
  if (text === undefined) {
    encoder = new Encoder(root, traverse, isPure, false);
    text = encoder.addAll(args) as string;
  }
  return { tape: encoder.tape, text, dependencies: encoder.dependencies };
}

const noTasks: readonly Task[] = Object.freeze([]);

class Encoder {
  readonly tape: unknown[] = [];
  readonly #root: string;
  readonly #traverse: boolean;
  readonly #isPure: boolean;
  readonly #isPlain: boolean;
  #plain: Plain | undefined;
  #dependencies: Task[] | undefined;
  #walk: Walk | undefined;
  #indexes: Map<string, number> | undefined;

  /** `isPlain`: takes no more than primitives, handles and plain data. */
  constructor(root: string, traverse: boolean, isPure: boolean, isPlain: boolean) {
    this.#root = root;
    this.#traverse = traverse;
    this.#isPure = isPure;
    this.#isPlain = isPlain;
  }

  get dependencies(): readonly Task[] {
    return this.#dependencies ?? noTasks;
  }

  /** The text of all; `undefined` when there is more than plain data. What is shared between arguments stays shared, so the walk then takes them all. */
  addAll(args: readonly unknown[]): string | undefined {
    let text = '';
    for (let i = 0; i < args.length; i++) {
      const part = this.#add(args[i], i);
      if (part === undefined) return undefined;
      text = i === 0 ? part : `${text},${part}`;
    }
    return text;
  }

  #add(value: unknown, index: number): string | undefined {
    if (!isObject(value)) {
      if (typeof value === 'symbol') this.#symbol(value, this.#pathOf(index));
      else this.tape.push(Op.literal, value);
      return leafText(value as Leaf);
    }
    const task = taskOf(value);
    if (task !== undefined) {
      this.#depend(task);
      return handleText(task);
    }
    if (this.#traverse && Array.isArray(value) && holdsValues(value)) return this.#flat(value);
    if (this.#isPlain) {
      this.#plain ??= new Plain(true);
      const text = typeof value === 'object' ? this.#plain.text(value) : undefined;
      if (text !== undefined) this.tape.push(Op.literal, this.#plain.copy);
      return text;
    }
    this.#walk ??= new Walk(taskOf, this.#traverse ? refuseHolder : undefined, true, !this.#isPure);
    const path = this.#pathOf(index);
    const shape = this.#walk.shape(value, path);
    if (this.#traverse && shape.hasHandle) this.#emit(shape, path);
    else this.#whole(shape, path);
    // a Value that is passed as it is is another argument than its result
    return !this.#traverse && shape.hasHandle ? `w${shape.text}` : (shape.text as string);
  }

  #pathOf(index: number): string {
    return this.#root === 'data' ? 'data' : `${this.#root}[${index}]`;
  }

  /** The short way for what merges and sums pass: the same text and tape as the walk's, without shapes. */
  #flat(array: readonly unknown[]): string {
    let text = '[';
    for (let i = 0; i < array.length; i++) {
      const item = array[i];
      const task = taskOf(item);
      if (i > 0) text += ',';
      if (task === undefined) {
        this.tape.push(Op.literal, item);
        text = fold(text + leafText(item as Leaf));
      } else {
        this.#depend(task);
        text = fold(text + handleText(task));
      }
    }
    this.tape.push(Op.array, array.length);
    return compact(`${text})`);
  }

  #symbol(value: symbol, path: string): void {
    this.tape.push(Op.captured, this.#captured(value, path));
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
      if (typeof item === 'symbol') this.#symbol(item, path);
      else if (!isObject(item)) this.tape.push(Op.literal, item);
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

/** An array of primitives and Values with at least one Value. */
function holdsValues(array: readonly unknown[]): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype) return false;
  let hasHandle = false;
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (item === undefined || typeof item === 'symbol' || typeof item === 'function') return false;
    if (typeof item !== 'object' || item === null) continue;
    if (taskOf(item) === undefined) return false;
    hasHandle = true;
  }
  return hasHandle && Object.keys(array).length === array.length && Object.getOwnPropertySymbols(array).length === 0;
}

const longestTape = 2 ** 25;

function isSame(a: Task, b: Task): boolean {
  return a === b || (a.id === b.id && a.token === b.token);
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
