import { inspect } from 'node:util';
import { HeddleError } from '../../graph/index.ts';
import { movedFrom, moveView, packBuffer } from './bytes.ts';
import { otherNames } from './extras.ts';
import { builtinName, errorBase, Kind, kindOf } from './kinds.ts';
import { className } from './refuse.ts';

/**
 * A graph of objects as flat lists, for what a structured clone would lose (Buffers, URLs, errors, null prototypes, frozenness) or cannot bear (lists nested
 * 100,000 deep). Each object is a node; a node's slots say in order what it holds: 0 is the next item of `data`, n the node n − 1.
 *
 *     { url: new URL('x:'), list: [7] }   kinds  object        url    array
 *                                         seeds  –             'x:'   –
 *                                         slots  2, 0 2 0 3           1, 0        (object: count, then name and value in turn)
 *                                         data   'url' 'list' 7
 */
export interface Table {
  /** One for each node; node 0 is the whole. */
  readonly kinds: Uint8Array;
  /** What a node is made from before its slots are filled. */
  readonly seeds: readonly unknown[];
  readonly slots: Uint32Array;
  readonly data: readonly unknown[];
}

/** A node's kind as it travels; above 15: how far it is frozen. */
export const frozenShift = 4;
export const Frozen = { no: 0, notExtensible: 1, sealed: 2, frozen: 3 } as const;

/** From what an error is made. */
export interface ErrorSeed {
  /** The builtin class it goes back to. */
  readonly base: string;
  /** Its own class; equal to `base` for errors of builtin classes. */
  readonly className: string;
  /** The name that its class gives it, where it has none of its own. */
  readonly name: string | undefined;
  /** One of heddle's own classes. */
  readonly own: boolean;
  /** Where its class can be found again. */
  readonly place: unknown;
}

/** From what a DOMException is made. */
export interface DomSeed {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
}

/** How to treat what cannot travel; without it the graph is known to be sound. */
export interface Lenient {
  /** Where a class of errors can be found again. */
  readonly describeClass: ((ctor: object) => unknown) | undefined;
  /** What stands for text that is too long. */
  readonly cut: (text: string) => string;
}

/** The table of `root`, and the buffers made for it that may be moved. */
export function buildTable(root: object, lenient?: Lenient): { readonly table: Table; readonly transfer: ArrayBuffer[] } {
  return new Builder(lenient).build(root);
}

class Builder {
  readonly #lenient: Lenient | undefined;
  readonly #ids = new Map<object, number>();
  readonly #objects: object[] = [];
  readonly #kinds: number[] = [];
  readonly #seeds: unknown[] = [];
  readonly #slots: number[] = [];
  readonly #data: unknown[] = [];
  readonly #bytes = new Map<ArrayBufferLike, { id: number | undefined; readonly views: number[] }>();

  constructor(lenient: Lenient | undefined) {
    this.#lenient = lenient;
  }

  build(root: object): { readonly table: Table; readonly transfer: ArrayBuffer[] } {
    this.#nodeOf(root);
    for (let id = 0; id < this.#objects.length; id++) this.#fill(id, this.#objects[id]!);
    const transfer = this.#packBytes();
    return {
      table: { kinds: Uint8Array.from(this.#kinds), seeds: this.#seeds, slots: Uint32Array.from(this.#slots), data: this.#data },
      transfer,
    };
  }

  #nodeOf(value: object): number {
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const id = this.#objects.length;
    this.#ids.set(value, id);
    this.#objects.push(value);
    const kind = kindOf(value);
    this.#kinds.push(kind | (this.#lenient === undefined ? frozenLevel(value, kind) << frozenShift : 0));
    this.#seeds.push(this.#seedOf(value, kind, id));
    return id;
  }

  #slot(value: unknown): void {
    const lenient = this.#lenient;
    if ((typeof value === 'object' && value !== null) || typeof value === 'function' || typeof value === 'symbol') {
      if (lenient !== undefined && (typeof value !== 'object' || kindOf(value) === Kind.refused)) {
        this.#slots.push(0);
        this.#data.push(describeLost(value));
      } else this.#slots.push(this.#nodeOf(value as object) + 1);
      return;
    }
    this.#slots.push(0);
    this.#data.push(value);
  }

  #seedOf(value: object, kind: Kind, id: number): unknown {
    switch (kind) {
      case Kind.leaf:
        return value;
      case Kind.regExp: {
        const { source, flags, lastIndex } = value as RegExp;
        return [source, flags, lastIndex];
      }
      case Kind.url:
        return (value as URL).href;
      case Kind.error:
        return this.#errorSeed(value);
      case Kind.domException:
        return domSeed(value as DOMException, this.#lenient);
      case Kind.view:
      case Kind.nodeBuffer:
        this.#bytesOf((value as ArrayBufferView).buffer).views.push(id);
        return undefined; // set by packBytes, when all views on a buffer are known
      case Kind.arrayBuffer:
        this.#bytesOf(value as ArrayBuffer).id = id;
        return undefined;
      default:
        return undefined;
    }
  }

  #bytesOf(buffer: ArrayBufferLike): { id: number | undefined; readonly views: number[] } {
    let entry = this.#bytes.get(buffer);
    if (entry === undefined) {
      entry = { id: undefined, views: [] };
      this.#bytes.set(buffer, entry);
    }
    return entry;
  }

  #errorSeed(error: object): ErrorSeed {
    const base = errorBase(error) ?? 'Error';
    const prototype: object = Object.getPrototypeOf(error);
    const isOwn = ownClassName(error);
    const name = isOwn ?? (builtinName(prototype) || className(prototype) || base);
    const given: unknown = Object.hasOwn(error, 'name') ? undefined : read(prototype, 'name');
    const ctor: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
    let place: unknown;
    if (isOwn === undefined && name !== base && typeof ctor === 'function') {
      try {
        place = this.#lenient?.describeClass?.(ctor);
      } catch {
        place = undefined; // then the stand-in class has to do
      }
    }
    return { base, className: name, name: typeof given === 'string' ? given : undefined, own: isOwn !== undefined, place };
  }

  #fill(id: number, value: object): void {
    const kind = kindOf(value);
    const slots = this.#slots;
    switch (kind) {
      case Kind.object:
      case Kind.bare: {
        const names = Object.keys(value);
        const countAt = slots.push(0) - 1;
        for (const name of names) {
          this.#data.push(name);
          slots[countAt]!++;
          this.#slot(this.#lenient === undefined ? (value as Record<string, unknown>)[name] : read(value, name));
        }
        return;
      }
      case Kind.array:
        this.#fillArray(value as unknown[]);
        return;
      case Kind.map:
        slots.push((value as Map<unknown, unknown>).size);
        for (const [key, item] of Map.prototype.entries.call(value)) {
          this.#slot(key);
          this.#slot(item);
        }
        return;
      case Kind.set:
        slots.push((value as Set<unknown>).size);
        for (const item of Set.prototype.values.call(value)) this.#slot(item);
        return;
      case Kind.error:
        this.#fillError(value);
        return;
      case Kind.refused:
        // only a lenient root comes here, and packError does not pass one
        throw new HeddleError('ERR_UNSENDABLE', `node ${id} cannot be encoded`);
      default:
        return;
    }
  }

  /** `length, items in a row, others`: then the items, then index or name and value of each other. Holes cost nothing, however many. */
  #fillArray(array: unknown[]): void {
    const slots = this.#slots;
    const names = otherNames(array);
    slots.push(array.length >>> 0);
    if (names === undefined) {
      slots.push(array.length, 0);
      for (let i = 0; i < array.length; i++) this.#slot(array[i]);
      return;
    }
    slots.push(0, names.length);
    for (const name of names) {
      this.#data.push(name);
      this.#slot(this.#lenient === undefined ? Reflect.get(array, name) : read(array, name));
    }
  }

  /** `count`, then `name, isEnumerable` in data and the value of each own field: message and stack among them. */
  #fillError(error: object): void {
    const slots = this.#slots;
    const countAt = slots.push(0) - 1;
    for (const name of Object.getOwnPropertyNames(error)) {
      const found = Object.getOwnPropertyDescriptor(error, name);
      if (found === undefined) continue;
      let value = 'value' in found ? found.value : read(error, name);
      if (typeof value === 'function' && !found.enumerable) continue; // Node's own errors carry a hidden toString
      if (this.#lenient !== undefined && typeof value === 'string') {
        if (name === 'message') value = this.#lenient.cut(value);
        else if (name === 'stack') value = this.#cutStack(value as string, error);
      }
      this.#data.push(name, found.enumerable === true);
      slots[countAt]!++;
      this.#slot(value);
    }
  }

  /** A stack begins with the message: cut there, its frames stay. */
  #cutStack(stack: string, error: object): string {
    const { cut } = this.#lenient!;
    const message = read(error, 'message');
    if (typeof message !== 'string' || cut(message) === message) return cut(stack);
    const at = stack.indexOf(message);
    return at < 0 || at > 1000
      ? cut(stack)
      : stack.slice(0, at) + cut(message) + stack.slice(at + message.length, at + message.length + 65_536);
  }

  /** Gives each view its bytes, when all views on a buffer are known. */
  #packBytes(): ArrayBuffer[] {
    const transfer: ArrayBuffer[] = [];
    for (const [buffer, { id, views }] of this.#bytes) {
      const shown = views.map((view) => this.#objects[view] as ArrayBufferView);
      const { sent, place } = packBuffer(buffer, shown, id !== undefined);
      if (sent !== buffer && sent.byteLength >= movedFrom) transfer.push(sent as ArrayBuffer);
      if (id !== undefined) this.#seeds[id] = sent;
      for (let i = 0; i < views.length; i++) this.#seeds[views[i]!] = moveView(shown[i]!, sent, place(shown[i]!.byteOffset));
    }
    return transfer;
  }
}

const errorClasses: ReadonlySet<string> = new Set([
  'HeddleError',
  'KeyConflictError',
  'UntokenizableError',
  'CaptureError',
  'CycleError',
  'SourceChangedError',
  'KilledWorkerError',
  'CancelledError',
  'TimeoutError',
  'TaskError',
]);

/** The name of heddle's own class of this very error. */
function ownClassName(error: object): string | undefined {
  if (!(error instanceof HeddleError)) return undefined;
  const name = className(Object.getPrototypeOf(error));
  return errorClasses.has(name) ? name : undefined;
}

function domSeed(error: DOMException, lenient: Lenient | undefined): DomSeed {
  const stack = read(error, 'stack');
  const cut = lenient?.cut ?? ((text: string) => text);
  return { name: error.name, message: cut(error.message), stack: typeof stack === 'string' ? cut(stack) : undefined };
}

/** A property's value; a getter that throws gives a note of it. */
function read(value: object, name: string): unknown {
  try {
    return Reflect.get(value, name);
  } catch (error) {
    return `[the getter of ${name} threw ${describeLost(error)}]`;
  }
}

/** What stands in an error's field for something that cannot travel. */
export function describeLost(value: unknown): string {
  try {
    const text = inspect(value, { depth: 1, customInspect: false, maxArrayLength: 10, maxStringLength: 200, breakLength: 120 });
    return text.length > 1000 ? `${text.slice(0, 1000)}…` : text;
  } catch {
    return '[cannot be shown]';
  }
}

function frozenLevel(value: object, kind: Kind): number {
  if (Object.isExtensible(value)) return Frozen.no;
  if (kind !== Kind.object && kind !== Kind.bare && kind !== Kind.array && kind !== Kind.error && kind !== Kind.map && kind !== Kind.set)
    return Frozen.no;
  return Object.isFrozen(value) ? Frozen.frozen : Object.isSealed(value) ? Frozen.sealed : Frozen.notExtensible;
}
