import { copyOf } from './canonical/copy.ts';
import { lazySymbol } from './canonical/describe.ts';
import type { Leaf } from './canonical/leaf.ts';
import { Plain } from './canonical/plain.ts';
import { Holes, type Shape } from './canonical/shape.ts';
import { isObject, Walk } from './canonical/walk.ts';
import type { Writer } from './canonical/writer.ts';
import { typeError } from './errors.ts';
import { type Capture, capture } from './function/capture.ts';
import { captureOf } from './function-state.ts';
import { taskOf } from './handle.ts';
import { Op, type Tape } from './tape.ts';
import type { CapturedData, Task } from './task.ts';

/**
 * Arguments become a tape, the tasks they depend on, and canonical text, which goes where it will be hashed.
 * What hashes reads every object once; the tape is made from what it read, so later changes to a caller's array do not reach the task.
 *
 *     merge([count, 7])   →   tape [dependency 0, literal 7, array 2]   text [v<token>,7)   dependencies [count]
 *
 * A part without Values is one literal (a copy of its containers, and of bytes), or one capture where a structured clone would lose something.
 */
export interface Encoded {
  readonly tape: Tape;
  readonly dependencies: readonly Task[];
}

/** How arguments are taken. */
export interface EncodeOptions {
  /** What errors call the list. */
  readonly root: 'args' | 'data';
  /** False: only arguments that are Values themselves are dependencies. */
  readonly traverse: boolean;
  /** False: the text means nothing, and nothing is refused for not having one. */
  readonly isPure: boolean;
}

/** Encodes arguments, or one piece of data. */
export function encode(args: readonly unknown[], writer: Writer, options: EncodeOptions): Encoded {
  const { at, surplus } = writer;
  // nearly all calls take primitives and Values: a tape of just the right length, and nothing else
  const tape = new Array<unknown>(args.length * 2);
  let dependencies = noTasks;
  for (let i = 0; i < args.length; i++) {
    const value = args[i];
    if (i > 0) writer.code(comma);
    if (isPlainLeaf(value)) {
      writer.leaf(value);
      tape[2 * i] = Op.literal;
      tape[2 * i + 1] = value;
      continue;
    }
    const task = typeof value === 'object' ? taskOf(value) : undefined;
    if (task === undefined || dependencies.length === mostInShort) {
      const encoded = new Encoder(writer, options, true, tape, 2 * i, dependencies).addFrom(args, i);
      if (encoded !== undefined) return encoded;
      writer.at = at;
      writer.surplus = surplus;
      return new Encoder(writer, options, false, [], 0, noTasks).addFrom(args, 0) as Encoded;
    }
    writer.handle(task);
    let index = 0;
    while (index < dependencies.length && !isSame(dependencies[index] as Task, task)) index++;
    if (index === dependencies.length)
      dependencies = index === 0 ? [task] : index === 1 ? [dependencies[0] as Task, task] : [...dependencies, task];
    tape[2 * i] = Op.dependency;
    tape[2 * i + 1] = index;
  }
  return { tape, dependencies };
}

const noTasks: readonly Task[] = Object.freeze([]);
const mostInShort = 4;
const comma = 44;

/** A primitive that a structured clone takes. */
function isPlainLeaf(value: unknown): value is Exclude<Leaf, symbol> {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

class Encoder {
  readonly #tape: unknown[];
  #at: number;
  readonly #writer: Writer;
  readonly #options: EncodeOptions;
  readonly #isPlain: boolean;
  readonly #dependencies: Task[];
  #plain: Plain | undefined;
  #walk: Walk | undefined;
  #indexes: Map<string, number> | undefined;

  /** `isPlain`: takes no more than primitives, handles and plain data. `tape` is filled up to `at`. */
  constructor(writer: Writer, options: EncodeOptions, isPlain: boolean, tape: unknown[], at: number, dependencies: readonly Task[]) {
    this.#writer = writer;
    this.#options = options;
    this.#isPlain = isPlain;
    this.#tape = tape;
    this.#at = at;
    this.#dependencies = [...dependencies];
  }

  /** Takes what is left from `first` on. `undefined` when there is more than plain data: what is shared between arguments stays shared, so the walk then takes them all. */
  addFrom(args: readonly unknown[], first: number): Encoded | undefined {
    const writer = this.#writer;
    for (let i = first; i < args.length; i++) {
      if (i > first) writer.code(comma);
      if (!this.#add(args[i], i)) return undefined;
    }
    const tape = this.#tape;
    return {
      tape: tape.length > args.length * 2 ? tape.slice() : tape, // V8 leaves room behind what has grown
      dependencies: this.#dependencies.length === 0 ? noTasks : this.#dependencies,
    };
  }

  #push(op: number, operand: unknown): void {
    this.#tape[this.#at] = op;
    this.#tape[this.#at + 1] = operand;
    this.#at += 2;
  }

  #add(value: unknown, index: number): boolean {
    const writer = this.#writer;
    if (!isObject(value)) {
      if (typeof value === 'symbol') this.#symbol(value, this.#pathOf(index));
      else this.#push(Op.literal, value);
      writer.leaf(value as Leaf);
      return true;
    }
    const task = taskOf(value);
    if (task !== undefined) {
      this.#depend(task);
      writer.handle(task);
      return true;
    }
    const { traverse } = this.#options;
    if (traverse && Array.isArray(value) && holdsValues(value)) {
      this.#flat(value);
      return true;
    }
    if (this.#isPlain) {
      this.#plain ??= new Plain(writer, true);
      if (typeof value !== 'object' || !this.#plain.write(value)) return false;
      this.#push(Op.literal, this.#plain.copy);
      return true;
    }
    this.#walk ??= new Walk(taskOf, traverse ? refuseHolder : undefined, true, !this.#options.isPure);
    const path = this.#pathOf(index);
    const shape = this.#walk.shape(value, path);
    if (traverse && shape.hasHandle) this.#emit(shape, path);
    else this.#whole(shape, path);
    // a Value that is passed as it is is another argument than its result
    if (!traverse && shape.hasHandle) writer.raw('w');
    writer.raw(shape.text as string);
    return true;
  }

  #pathOf(index: number): string {
    const { root } = this.#options;
    return root === 'data' ? root : `${root}[${index}]`;
  }

  /** The short way for what merges and sums pass: the same text and tape as the walk's, without shapes. */
  #flat(array: readonly unknown[]): void {
    const writer = this.#writer;
    const { at, surplus } = writer;
    writer.code(openArray);
    for (let i = 0; i < array.length; i++) {
      const item = array[i];
      const task = taskOf(item);
      if (i > 0) writer.code(comma);
      if (task === undefined) {
        this.#push(Op.literal, item);
        writer.leaf(item as Leaf);
      } else {
        this.#depend(task);
        writer.handle(task);
      }
      writer.fold(at, surplus);
    }
    this.#push(Op.array, array.length);
    writer.close(at, surplus);
  }

  #symbol(value: symbol, path: string): void {
    this.#push(Op.captured, this.#captured(value, path));
  }

  #depend(task: Task): void {
    this.#push(Op.dependency, this.#indexOf(task));
  }

  #indexOf(task: Task): number {
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
      else if (!isObject(item)) this.#push(Op.literal, item);
      // data between Values: a missing element arrives as undefined
      else if (item instanceof Holes) for (let i = 0; i < item.count; i++) this.#push(Op.literal, undefined);
      else {
        const task = taskOf(item);
        if (task !== undefined) this.#depend(task);
        else {
          const child = walk.known(item);
          if (child.hasHandle) enter(child);
          else this.#whole(child, path);
        }
      }
      if (this.#at > longestTape)
        throw typeError(
          'ERR_INVALID_ARGUMENT',
          `${path} repeats its parts more than ${longestTape / 2} times; make what is shared a Value of its own with value()`,
        );
    }
  }

  #container(shape: Shape): void {
    const { kind, items, keys } = shape;
    if (kind === 'object') this.#push(Op.object, keys);
    else if (kind === 'map') this.#push(Op.map, items.length);
    else if (kind === 'set') this.#push(Op.set, items.length);
    else
      this.#push(
        Op.array,
        items.reduce((n: number, item) => n + (item instanceof Holes ? item.count : 1), 0),
      );
  }

  /** A part without Values, in one piece. */
  #whole(shape: Shape, path: string): void {
    const data = shape.hasHandle ? shape.value : copyOf(shape, this.#walk as Walk);
    if (shape.isRich || shape.hasHandle) this.#push(Op.captured, this.#captured(data, path, shape.hasHandle));
    else this.#push(Op.literal, data);
  }

  #captured(data: unknown, path: string, hasHandle = false): CapturedData {
    return this.#options.isPure && !hasHandle ? { data, capture: captureData(data, path) } : new LateCapture(data, path);
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
const openArray = 91;

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
