import { CaptureError, UntokenizableError } from '../errors.ts';
import { brandSymbol, type Task } from '../task.ts';
import { classInfo } from './class-info.ts';
import { nameCycle } from './cycle.ts';
import { article, describe, openInTask } from './describe.ts';
import { compact, fold, type Leaf, leafText, stringText } from './leaf.ts';
import { Holes, Refusal, Shape } from './shape.ts';

/**
 * Canonical text of data: equal for what is equal in structure, different for anything else, the same in every process.
 * It sees what a program can see without comparing identities: a part that is shared counts as a part that is repeated.
 *
 *     { b: [1, 'x'], a: v }   →   {"1:a:v<token>,"1:b:[1,"1:x))
 *
 * A container's text of more than 512 characters enters its parent's as a digest. That depends on the text alone, so each object is done once, however
 * often it is shared. Objects and Sets sort the texts of their items. A cycle is named as a whole (cycle.ts).
 *
 * The walk is depth first with its own stack, and finds strongly connected components as it goes (Tarjan). It also learns what arguments need to know:
 * which parts hold Values, and which would lose something in a structured clone.
 */
export class Walk {
  /** A finished shape, or its text alone where nobody asks for more. */
  readonly #shapes = new Map<object, Shape | string>();
  readonly #keepsShapes: boolean;
  readonly #isLenient: boolean;
  readonly #handle: (value: object) => Task | undefined;
  readonly #onHolder: ((shape: Shape, path: string) => void) | undefined;
  #count = 0;

  /** `handle` tells a Value or Future from data; `onHolder` is told of functions and instances that hold one. `keepsShapes`: `shape` and `known` will be asked. `isLenient`: nobody needs the text, so nothing is refused. */
  constructor(
    handle: (value: object) => Task | undefined,
    onHolder?: (shape: Shape, path: string) => void,
    keepsShapes = false,
    isLenient = false,
  ) {
    this.#isLenient = isLenient;
    this.#handle = handle;
    this.#onHolder = onHolder;
    this.#keepsShapes = keepsShapes;
  }

  /** Text of anything. `path` is what errors call it. */
  text(value: unknown, path: string): string {
    if (!isObject(value)) return leafText(value as Leaf);
    const task = this.#taskOf(value);
    if (task !== undefined) return handleText(task);
    const done = this.#shapes.get(value) ?? this.#run(value, path);
    return typeof done === 'string' ? done : (done.text as string);
  }

  /** The shape of an object that this walk has met. */
  known(value: object): Shape {
    return this.#shapes.get(value) as Shape;
  }

  /** The shape of an object that is no handle, its text known. */
  shape(value: object, path: string): Shape {
    return (this.#shapes.get(value) as Shape | undefined) ?? this.#run(value, path);
  }

  #run(value: object, path: string): Shape {
    const stack: Shape[] = [];
    const open: Shape[] = []; // components not yet complete
    let top = this.#begin(value, stack, open, path);
    const root = top;
    for (;;) {
      if (top.parts.length < top.items.length) {
        const child = this.#part(top, top.items[top.parts.length], stack, open, path);
        if (child !== undefined) top = child;
        continue;
      }
      this.#end(top, stack, open, path);
      stack.pop();
      const parent = stack[stack.length - 1];
      if (parent === undefined) return root;
      adopt(parent, top);
      top = parent;
    }
  }

  /** Takes the next item in; gives a new shape when the walk must go down into it. */
  #part(parent: Shape, item: unknown, stack: Shape[], open: Shape[], path: string): Shape | undefined {
    if (!isObject(item)) {
      parent.parts.push(leafText(item as Leaf));
      if (typeof item === 'symbol') parent.isRich = true;
      return undefined;
    }
    if (item instanceof Holes) {
      parent.parts.push(`h${item.count}`);
      return undefined;
    }
    const task = this.#taskOf(item);
    if (task !== undefined) {
      parent.hasHandle = true;
      parent.parts.push(handleText(task));
      return undefined;
    }
    const known = this.#shapes.get(item);
    if (known === undefined) return this.#begin(item, stack, open, path);
    if (typeof known === 'string') {
      parent.parts.push(known);
      return undefined;
    }
    if (known.text === undefined) {
      parent.low = Math.min(parent.low, known.index);
      if (known === parent) parent.isCyclic = true;
    }
    adopt(parent, known, true);
    return undefined;
  }

  #taskOf(value: object): Task | undefined {
    return (value as { readonly [brandSymbol]?: unknown })[brandSymbol] === undefined ? undefined : this.#handle(value);
  }

  #begin(value: object, stack: Shape[], open: Shape[], path: string): Shape {
    let shape: Shape;
    try {
      shape = describe(value, () => pathOf(path, stack));
    } catch (error) {
      if (!this.#isLenient) throw explain(error, path, stack);
      shape = new Shape(value, 'leaf', 'unknown', [], { isRich: true });
    }
    shape.index = shape.low = this.#count++;
    this.#shapes.set(value, shape);
    if (stack.push(shape) > deepest) shape.isRich = true;
    open.push(shape);
    return shape;
  }

  #end(shape: Shape, stack: Shape[], open: Shape[], path: string): void {
    if (shape.hasHandle && (shape.kind === 'function' || shape.kind === 'instance'))
      this.#onHolder?.(shape, pathOf(path, stack.slice(0, -1)));
    if (shape.low !== shape.index) return;
    const members = takeComponent(open, shape);
    if (members.length === 1 && !shape.isCyclic) {
      shape.text = compact(textOf(shape, shape.parts as string[]));
      this.#finish(shape);
      return;
    }
    const hasHandle = members.some((member) => member.hasHandle);
    const isRich = members.some((member) => member.isRich);
    for (const member of members) {
      member.isCyclic = true;
      member.hasHandle = hasHandle;
      member.isRich = isRich;
    }
    nameCycle(members);
    for (const member of members) this.#finish(member);
  }

  /** What is done is small: millions may follow. */
  #finish(shape: Shape): void {
    shape.parts = noParts;
    if (!this.#keepsShapes) this.#shapes.set(shape.value, shape.text as string);
  }
}

/** Beyond it, the recursion of a structured clone is not trusted: data so deep travels as a flat table. */
const deepest = 200;
const noParts: never[] = Object.freeze([]) as never;
const oneMember: Shape[] = [];

/** The members of a component, its first found first; most have one. */
function takeComponent(open: Shape[], first: Shape): readonly Shape[] {
  if (open[open.length - 1] !== first) return open.splice(open.lastIndexOf(first));
  oneMember[0] = open.pop() as Shape;
  return oneMember;
}

/** A refusal gets its path. An instance whose class cannot be known is what is refused, not its class. */
function explain(error: unknown, path: string, stack: readonly Shape[]): unknown {
  if (error instanceof Refusal) return new UntokenizableError(pathOf(path, stack), error.what, error.cure);
  const owner = stack[stack.length - 1];
  if (!(error instanceof CaptureError) || owner?.kind !== 'instance' || owner.keys[owner.parts.length] !== 'constructor') return error;
  const made = new UntokenizableError(
    pathOf(path, stack.slice(0, -1)),
    article(classInfo(Object.getPrototypeOf(owner.value)).name),
    openInTask,
  );
  made.cause = error;
  return made;
}

/** A child that has its text gives it; one that is still being made is in the same component, and stays a shape until that is named. */
function adopt(parent: Shape, child: Shape, isSeen = false): void {
  if (child.hasHandle) parent.hasHandle = true;
  if (child.isRich) parent.isRich = true;
  if (child.text === undefined && !isSeen) parent.low = Math.min(parent.low, child.low);
  parent.parts.push(child.text ?? child);
}

/** The text of a shape whose parts are all text. */
function textOf(shape: Shape, parts: readonly string[]): string {
  const { names, head } = shape;
  if (shape.kind === 'leaf') return head;
  let all = parts;
  if (shape.isUnordered) {
    const named = names === undefined ? [...parts] : parts.map((part, i) => names[i]! + part);
    all = named.length > 1 ? named.sort() : named;
  } else if (names !== undefined) all = parts.map((part, i) => names[i]! + part);
  let text = head;
  for (let i = 0; i < all.length; i++) {
    if (i > 0) text += ',';
    text = fold(text + (all[i] as string));
  }
  return `${text})`;
}

/** A Value counts by its key; of a key that heddle made, the token says it all. */
export function handleText(task: Task): string {
  return task.givenKey === undefined ? `v${task.token}` : `k${stringText(task.givenKey)}`;
}

export function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** `args[0].db.conn`; inside functions `args[0] → helper → stream`. */
function pathOf(root: string, stack: readonly Shape[]): string {
  let path = root;
  for (const shape of stack) path += step(shape, shape.parts.length);
  return path;
}

function step(shape: Shape, at: number): string {
  const { kind, items, keys } = shape;
  if (kind === 'map') {
    const key = items[at - 1];
    return at % 2 === 0
      ? `.keys[${at / 2}]`
      : typeof key === 'object' && key !== null
        ? `.values[${(at - 1) / 2}]`
        : `.get(${typeof key === 'string' ? JSON.stringify(key) : String(key)})`;
  }
  if (kind === 'set') return `.values[${at}]`;
  const offset = kind === 'array' ? items.length - keys.length : 0;
  if (at < offset) {
    let index = at;
    for (let i = 0; i < at; i++) if (items[i] instanceof Holes) index += (items[i] as Holes).count - 1;
    return `[${index}]`;
  }
  const key = keys[at - offset] as PropertyKey;
  if (kind === 'function') return ` → ${String(key)}`;
  return typeof key === 'string' && /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `.${key}`
    : `[${typeof key === 'symbol' ? String(key) : JSON.stringify(key)}]`;
}
