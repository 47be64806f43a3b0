import { types } from 'node:util';
import type { HeddleError } from '../../graph/index.ts';
import { movedFrom, moveView, packBuffer } from './bytes.ts';
import { workerContext } from './context.ts';
import { expandoOf, hasExtras, isSparse } from './extras.ts';
import { Kind, kindOf } from './kinds.ts';
import { joinPath, refusalOf, stepText, unsendable } from './refuse.ts';
import { buildTable } from './table.ts';

/**
 * What leaves a worker. A structured clone is quick, and loses in silence: class instances become plain, a Buffer the whole pool it lies in, errors their
 * fields, a null prototype is gone. So a value is looked through before it leaves (about a quarter of what the clone costs), and then
 *
 *     all of it survives a clone  →  sent as it is
 *     heddle can carry the rest   →  sent as a table (table.ts), made a value again by decode.ts
 *     anything else               →  ERR_UNSENDABLE, with the path and the cure
 */
export interface Encoded {
  /** `false`: `value` survives a structured clone as it is. `true`: it is a table for `decode`. */
  readonly rich: boolean;
  readonly value: unknown;
  /** Fresh copies of long bytes, to be moved with the message; the worker keeps its own. */
  readonly transfer: readonly ArrayBuffer[];
}

const nothing: readonly ArrayBuffer[] = Object.freeze([]);

/** Beyond it, the recursion of a structured clone is not trusted: V8 gives up at some 4,000 levels on an empty stack. */
const deepest = 200;

/** `value` in a form that crosses threads whole. Throws ERR_UNSENDABLE or ERR_NESTED_VALUE; `path` is what messages call the value (`result`). */
export function encode(value: unknown, path: string): Encoded {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') {
    if (typeof value === 'symbol') throw symbolRefusal(path, value);
    return { rich: false, value, transfer: nothing };
  }
  const scan = new Scan(path);
  scan.run(value);
  const kind = kindOf(value);
  if (kind === Kind.view) return encodeView(value as ArrayBufferView);
  if (kind === Kind.arrayBuffer) return encodeBuffer(value as ArrayBuffer);
  if (!scan.isRich) return { rich: false, value, transfer: nothing };
  const { table, transfer } = buildTable(value);
  return { rich: true, value: table, transfer };
}

function encodeView(view: ArrayBufferView): Encoded {
  const { sent, place } = packBuffer(view.buffer, [view], false);
  if (sent === view.buffer) return { rich: false, value: view, transfer: nothing };
  return {
    rich: false,
    value: moveView(view, sent, place(view.byteOffset)),
    transfer: sent.byteLength >= movedFrom ? [sent as ArrayBuffer] : nothing,
  };
}

function encodeBuffer(buffer: ArrayBuffer): Encoded {
  if (buffer.byteLength < movedFrom) return { rich: false, value: buffer, transfer: nothing };
  const copy = buffer.slice(0);
  return { rich: false, value: copy, transfer: [copy] };
}

/** One look at everything that `root` reaches, depth first as the clone would go, so that the length of the stack is the depth of its recursion. */
class Scan {
  isRich = false;
  readonly #path: string;
  readonly #seen = new Set<object>();
  /** The way from the root to where the look is now, and what each on it holds still unseen. */
  readonly #way: object[] = [];
  readonly #children: object[][] = [];
  readonly #next: number[] = [];

  constructor(path: string) {
    this.#path = path;
  }

  run(root: object): void {
    this.#visit(root);
    while (this.#way.length > 0) {
      const top = this.#way.length - 1;
      const children = this.#children[top]!;
      const at = this.#next[top]!++;
      if (at >= children.length) {
        this.#way.pop();
        this.#children.pop();
        this.#next.pop();
      } else if (!this.#seen.has(children[at]!)) this.#visit(children[at]!);
    }
  }

  #visit(value: object): void {
    this.#seen.add(value);
    const kind = typeof value === 'function' ? Kind.refused : kindOf(value);
    let children: object[] | undefined;
    switch (kind) {
      case Kind.object:
        children = this.#fields(value);
        break;
      case Kind.array:
        children = this.#elements(value as unknown[]);
        break;
      case Kind.bare:
        this.isRich = true;
        children = this.#fields(value);
        break;
      case Kind.map:
        this.#nothingElse(value, 'a Map');
        children = this.#members(value, true);
        break;
      case Kind.set:
        this.#nothingElse(value, 'a Set');
        children = this.#members(value, false);
        break;
      case Kind.leaf:
        this.#leaf(value);
        return;
      case Kind.regExp:
        this.#nothingElse(value, 'a RegExp', 'lastIndex');
        if ((value as RegExp).lastIndex !== 0) this.isRich = true;
        return;
      case Kind.view:
        this.#plainBytes(value as ArrayBufferView);
        return;
      case Kind.nodeBuffer:
        this.#noExpandos(value as Buffer);
        this.isRich = true;
        return;
      case Kind.arrayBuffer:
        this.#nothingElse(value, 'an ArrayBuffer');
        if ((value as ArrayBuffer).byteLength >= movedFrom) this.isRich = true;
        return;
      case Kind.url:
        for (const name of Object.getOwnPropertyNames(value)) throw this.#extra(value, 'a URL', name);
        this.isRich = true;
        return;
      case Kind.domException:
        this.isRich = true;
        return;
      case Kind.error:
        this.isRich = true;
        children = this.#errorFields(value);
        break;
      case Kind.refused:
        throw this.#refusal(value);
    }
    if (!Object.isExtensible(value)) this.isRich = true;
    if (children === undefined || children.length === 0) return;
    if (this.#way.push(value) > deepest) this.isRich = true;
    this.#children.push(children);
    this.#next.push(0);
  }

  /** Own fields must be ordinary: enumerable, under text names, with a value instead of a getter. */
  #fields(value: object): object[] | undefined {
    if (Object.getOwnPropertySymbols(value).length > 0) throw this.#symbolKey(value);
    const names = Object.getOwnPropertyNames(value);
    let children: object[] | undefined;
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!;
      const found = Object.getOwnPropertyDescriptor(value, name)!;
      const child: unknown = found.value;
      if (!found.enumerable) throw this.#hidden(value, name);
      if (child === undefined) {
        if (found.get !== undefined || found.set !== undefined) throw this.#accessor(value, name);
      } else if (typeof child === 'object') {
        if (child !== null) children = added(children, child);
      } else if (typeof child === 'function') children = added(children, child);
      else if (typeof child === 'symbol') throw symbolRefusal(joinPath(this.#pathOf(value), name), child);
    }
    return children;
  }

  #elements(array: unknown[]): object[] | undefined {
    if (isSparse(array)) return this.#named(array);
    let children: object[] | undefined;
    for (let i = 0; i < array.length; i++) {
      const child = array[i];
      if (typeof child === 'object') {
        if (child !== null) children = added(children, child);
      } else if (typeof child === 'function') children = added(children, child);
      else if (typeof child === 'symbol') throw symbolRefusal(joinPath(this.#pathOf(array), i), child);
    }
    if (!hasExtras(array)) return children;
    // a regular expression's match and the like: names beside the elements
    return this.#named(array);
  }

  #named(array: unknown[]): object[] | undefined {
    if (Object.getOwnPropertySymbols(array).length > 0) throw this.#symbolKey(array);
    const children: object[] = [];
    for (const name of Object.getOwnPropertyNames(array)) {
      if (name === 'length') continue;
      const found = Object.getOwnPropertyDescriptor(array, name)!;
      if (!found.enumerable) throw this.#hidden(array, name);
      if (found.get !== undefined || found.set !== undefined) throw this.#accessor(array, name);
      const child: unknown = found.value;
      if (typeof child === 'symbol') throw symbolRefusal(joinPath(this.#pathOf(array), name), child);
      if ((typeof child === 'object' && child !== null) || typeof child === 'function') children.push(child);
    }
    return children;
  }

  /** An error's fields may be hidden or computed: its class does so with message and stack. Hidden functions and symbols are Node's own marks. */
  #errorFields(error: object): object[] {
    const children: object[] = [];
    for (const name of Reflect.ownKeys(error)) {
      const found = Object.getOwnPropertyDescriptor(error, name);
      if (found === undefined) continue;
      if (typeof name === 'symbol') {
        if (found.enumerable) throw this.#symbolKey(error);
        continue;
      }
      let child: unknown = found.value;
      if (!('value' in found)) {
        try {
          child = Reflect.get(error, name);
        } catch {
          throw this.#accessor(error, name);
        }
      }
      if (typeof child === 'symbol') throw symbolRefusal(joinPath(this.#pathOf(error), name), child);
      if (typeof child === 'function' && !found.enumerable) continue;
      if ((typeof child === 'object' && child !== null) || typeof child === 'function') children.push(child);
    }
    return children;
  }

  #leaf(value: object): void {
    this.#shared(value, ArrayBuffer.isView(value) ? value.buffer : value);
    if (ArrayBuffer.isView(value)) {
      this.#noExpandos(value);
      return;
    }
    if (types.isStringObject(value)) {
      const own = Object.getOwnPropertyNames(value);
      if (own.length !== value.length + 1 || Object.getOwnPropertySymbols(value).length > 0)
        throw this.#extra(value, 'a boxed string', own[own.length - 1] ?? '');
      return;
    }
    this.#nothingElse(value, types.isDate(value) ? 'a Date' : types.isBoxedPrimitive(value) ? 'a boxed primitive' : 'a SharedArrayBuffer');
  }

  #plainBytes(view: ArrayBufferView): void {
    this.#noExpandos(view);
    const { buffer, byteLength } = view;
    this.#shared(view, buffer);
    if (buffer.byteLength >= movedFrom || byteLength * 2 < buffer.byteLength) this.isRich = true;
  }

  /** Between processes no memory is shared. */
  #shared(value: object, buffer: object): void {
    if (workerContext.sharesMemory || !types.isSharedArrayBuffer(buffer)) return;
    throw unsendable(this.#pathOf(value), {
      what: 'memory in a SharedArrayBuffer',
      cure: 'return a copy (`bytes.slice()`), or use the engine threads',
    });
  }

  #noExpandos(view: ArrayBufferView): void {
    const name = expandoOf(view);
    if (name !== undefined) throw this.#extra(view, 'bytes', name);
  }

  #nothingElse(value: object, what: string, except?: string): void {
    for (const name of Reflect.ownKeys(value)) if (name !== except) throw this.#extra(value, what, name);
  }

  #members(value: object, isMap: boolean): object[] | undefined {
    let children: object[] | undefined;
    const add = (item: unknown): void => {
      if (typeof item === 'symbol')
        throw symbolRefusal(isMap ? `a key or item of ${this.#pathOf(value)}` : `an item of ${this.#pathOf(value)}`, item);
      if ((typeof item === 'object' && item !== null) || typeof item === 'function') children = added(children, item);
    };
    if (isMap) {
      Map.prototype.forEach.call(value, (item, key) => {
        add(key);
        add(item);
      });
    } else Set.prototype.forEach.call(value, add);
    return children;
  }

  #refusal(value: object): HeddleError {
    return refusalOf(value, this.#pathOf(value));
  }

  #extra(value: object, what: string, name: PropertyKey): HeddleError {
    return unsendable(joinPath(this.#pathOf(value), name), {
      what: `a property put on ${what}`,
      cure: 'return it beside, `{ value, extra }`',
    });
  }

  #symbolKey(value: object): HeddleError {
    const symbol = Object.getOwnPropertySymbols(value)[0]!;
    if (types.isArgumentsObject(value) || types.isModuleNamespaceObject(value)) return this.#refusal(value);
    return unsendable(joinPath(this.#pathOf(value), symbol), {
      what: 'a property under a symbol',
      cure: 'give it a text name, or leave it out',
    });
  }

  #hidden(value: object, name: string): HeddleError {
    return unsendable(joinPath(this.#pathOf(value), name), {
      what: 'a hidden property (not enumerable)',
      cure: 'return a plain copy that has what the reader needs',
    });
  }

  #accessor(value: object, name: string): HeddleError {
    return unsendable(joinPath(this.#pathOf(value), name), {
      what: 'a getter or setter',
      cure: 'return its value: `{ ...it }` reads all getters',
    });
  }

  /** Where `value`, which is being looked at, lies. Made only for messages. */
  #pathOf(value: object): string {
    const way = this.#way.at(-1) === value ? this.#way : [...this.#way, value];
    let path = this.#path;
    const from = way.length > 40 ? way.length - 20 : 1;
    for (let i = 1; i < way.length; i++) {
      if (i === 20 && from > 20) path += '…';
      if (i < 20 || i >= from) path = stepTo(path, way[i - 1]!, way[i]!);
    }
    return path;
  }
}

/** Most objects hold no others: a list is made with its first. */
function added(list: object[] | undefined, object: object): object[] {
  if (list === undefined) return [object];
  list.push(object);
  return list;
}

function stepTo(path: string, parent: object, child: object): string {
  if (types.isMap(parent)) {
    for (const [key, item] of Map.prototype.entries.call(parent)) {
      if (item === child) return `${path}.get(${stepText(key)})`;
      if (key === child) return `a key of ${path}`;
    }
  }
  if (types.isSet(parent)) return `an item of ${path}`;
  for (const name of Object.getOwnPropertyNames(parent)) {
    const found = Object.getOwnPropertyDescriptor(parent, name);
    if (found?.value === child) return joinPath(path, Array.isArray(parent) && /^\d+$/.test(name) ? Number(name) : name);
  }
  return `${path}.(…)`;
}

function symbolRefusal(path: string, symbol: symbol): HeddleError {
  return unsendable(path, { what: `the symbol ${String(symbol)}`, cure: 'return a text in its place' });
}
