import { createRequire } from 'node:module';
import { deserialize } from 'node:v8';
import type { Payload, PayloadNode, Shape, Slots } from '../../graph/index.ts';
import { evaluate, evaluateWith, importFrom, metaOf, warmUp } from './evaluate.ts';

/**
 * Makes functions and data again from a payload. Modules are loaded first, all at once; then every node gets its shell, so that cycles close; then
 * shells are filled, and last of all closed where they were frozen.
 */
export async function restore(payload: Uint8Array): Promise<unknown> {
  await warmUp();
  const table = deserialize(payload) as Payload;
  await rememberEntries(table.entries);
  const restoring = new Restoring(table);
  await restoring.load();
  return restoring.finish();
}

const remembered = new Set<string>();

/** A function that is captured again in this thread must know what not to load, too. */
async function rememberEntries(entries: readonly string[]): Promise<void> {
  for (const entry of entries) {
    if (remembered.has(entry)) continue;
    remembered.add(entry);
    (await import('../../graph/index.ts')).addEntry(entry);
  }
}

/** Classes that came as text, by the names they carry: one class in a thread, whatever brought it. */
const sharedThings = new Map<string, WeakRef<object>>();
const goneThings = new FinalizationRegistry((name: string) => {
  if (sharedThings.get(name)?.deref() === undefined) sharedThings.delete(name);
});

const origins = new WeakMap<object, { readonly payloadId: string; readonly node: number }>();

/** Which node a restored function or class was made from. */
export function originOf(thing: object): { readonly payloadId?: string; readonly node: number } | undefined {
  return origins.get(thing);
}

type FunctionNode = Extract<PayloadNode, { readonly kind: 'function' }>;
type Fn = (...args: unknown[]) => unknown;

class Restoring {
  readonly #table: Payload;
  readonly #things: unknown[];
  readonly #made: boolean[];
  readonly #setters = new Map<number, (values: unknown[]) => void>();
  /** Nodes of things that were here already. */
  readonly #reused = new Set<number>();
  #lazy: ((fn: unknown, options: unknown) => unknown) | undefined;
  readonly #privateSetters = new Map<number, (values: unknown[]) => void>();

  constructor(table: Payload) {
    this.#table = table;
    this.#things = new Array(table.nodes.length);
    this.#made = new Array<boolean>(table.nodes.length).fill(false);
  }

  /** Everything that takes time: modules. */
  async load(): Promise<void> {
    await Promise.all(
      this.#table.nodes.map(async (node, id) => {
        if (node.kind === 'import') this.#keep(id, await importNode(node));
        else if (node.kind === 'file') this.#keep(id, await fileNode(node));
      }),
    );
    if (this.#table.nodes.some(({ kind }) => kind === 'lazy')) this.#lazy = (await import('../../graph/index.ts')).lazy as never;
  }

  finish(): unknown {
    const { nodes, root } = this.#table;
    for (let id = 0; id < nodes.length; id++) this.#thing(id);
    this.#fillAll();
    if (this.#lazy !== undefined) {
      for (let id = 0; id < nodes.length; id++) {
        const node = nodes[id] as PayloadNode;
        if (node.kind !== 'lazy') continue;
        const [fn, options] = this.#values(node.parts);
        this.#things[id] = this.#lazy(fn, { ...(options as object) });
      }
      this.#fillAll();
    }
    for (const [id, set] of this.#privateSetters) set(this.#values((nodes[id] as FunctionNode).privates?.slots as Slots));
    for (let id = 0; id < nodes.length; id++) if (!this.#isReused(id)) close(nodes[id] as PayloadNode, this.#things[id]);
    return this.#values(root)[0];
  }

  #fillAll(): void {
    const { nodes } = this.#table;
    for (const [id, set] of this.#setters) set(this.#values((nodes[id] as FunctionNode).slots));
    for (let id = 0; id < nodes.length; id++) if (!this.#isReused(id)) this.#fill(nodes[id] as PayloadNode, this.#things[id]);
  }

  /** It and its prototype are as they should be. */
  #isReused(id: number): boolean {
    const node = this.#table.nodes[id] as PayloadNode;
    return this.#reused.has(node.kind === 'prototype' ? node.of : id);
  }

  #keep(id: number, thing: unknown): unknown {
    this.#things[id] = thing;
    this.#made[id] = true;
    return thing;
  }

  #values({ values, refs }: Slots): unknown[] {
    const all = values.slice(); // holes stay holes
    for (let i = 0; i < refs.length; i += 2) all[refs[i] as number] = this.#thing(refs[i + 1] as number);
    return all;
  }

  /** The shell of a node. Only what a shell cannot be made without is made before it: bases, prototypes, bound targets. */
  #thing(id: number): unknown {
    if (this.#made[id]) return this.#things[id];
    const node = this.#table.nodes[id] as PayloadNode;
    const thing = this.#keep(id, this.#shell(node, id));
    if (typeof thing === 'function' && node.kind === 'function') origins.set(thing, { payloadId: this.#table.id, node: id });
    return thing;
  }

  #shell(node: PayloadNode, id: number): unknown {
    switch (node.kind) {
      case 'known':
        return known(node.module, node.path);
      case 'symbol':
        return node.how === 'registered'
          ? Symbol.for(node.name as string)
          : node.how === 'known'
            ? Reflect.get(Symbol, node.name)
            : Symbol(node.name);
      case 'object':
        return Object.create(this.#proto(node.shape, Object.prototype));
      case 'array':
        return this.#based(new Array(node.length), node.shape);
      case 'map':
        return this.#based(new Map(), node.shape);
      case 'set':
        return this.#based(new Set(), node.shape);
      case 'date':
        return this.#based(new Date(node.time), node.shape);
      case 'regexp': {
        const made = new RegExp(node.source, node.flags);
        made.lastIndex = node.lastIndex;
        return this.#based(made, node.shape);
      }
      case 'boxed':
        return this.#based(Object(node.value) as object, node.shape);
      case 'error': {
        const made = new Error();
        Reflect.deleteProperty(made, 'stack');
        return this.#based(made, node.shape);
      }
      case 'url':
        return node.type === 'URL' ? new URL(node.text) : new URLSearchParams(node.text);
      case 'buffer':
        return this.#based(node.bytes.slice().buffer, node.shape);
      case 'view':
        return this.#based(view(node.type, this.#thing(node.buffer) as ArrayBuffer, node.offset, node.length), node.shape);
      case 'prototype':
        return (this.#thing(node.of) as { prototype: unknown }).prototype;
      case 'bound': {
        const [self, ...args] = this.#values(node.args);
        return this.#based(Reflect.apply(Function.prototype.bind, this.#thing(node.target) as Fn, [self, ...args]), node.shape);
      }
      case 'lazy':
        return undefined; // later: its function must be whole before lazy() looks at it
      case 'require':
        return createRequire(parentOf(node.parent));
      case 'module': {
        const require = createRequire(node.file);
        require(node.file);
        return require.cache[node.file];
      }
      case 'meta':
        return metaOf(node.url);
      case 'rerun':
        return evaluateWith(
          node.source,
          node.parent,
          ['require', ...node.names],
          [createRequire(parentOf(node.parent)), ...this.#values(node.slots)],
        );
      case 'cell':
        return { v: undefined };
      case 'function':
        return this.#function(node, id);
      case 'import':
      case 'file':
        throw new Error(`${node.kind} was not loaded`);
    }
  }

  #proto(shape: Shape | undefined, own: object): object | null {
    return shape?.proto === undefined ? own : shape.proto === null ? null : (this.#thing(shape.proto) as object);
  }

  #based<T extends object>(thing: T, shape: Shape | undefined): T {
    if (shape?.proto !== undefined) Object.setPrototypeOf(thing, this.#proto(shape, thing));
    return thing;
  }

  #function(node: FunctionNode, id: number): unknown {
    const existing = node.shared === undefined ? undefined : sharedThings.get(node.shared)?.deref();
    if (existing !== undefined) {
      this.#reused.add(id);
      return existing;
    }
    const { names, early } = node;
    const { make, set } = isolatedFunction(node, (setter) => this.#privateSetters.set(id, setter));
    // a class needs its base, and variables in computed keys, when it is evaluated
    if (early > 0) {
      const values: unknown[] = new Array(names.length);
      const { refs } = node.slots;
      for (let i = 0; i < early; i++) values[i] = node.slots.values[i];
      for (let i = 0; i < refs.length; i += 2)
        if ((refs[i] as number) < early) values[refs[i] as number] = this.#thing(refs[i + 1] as number);
      set(values);
    }
    const fn = make();
    if (node.name !== undefined && fn.name !== node.name) Object.defineProperty(fn, 'name', { value: node.name, configurable: true });
    if (node.shape?.proto !== undefined) Object.setPrototypeOf(fn, this.#proto(node.shape, fn));
    this.#keep(id, fn);
    this.#setters.set(id, set);
    if (node.shared !== undefined) {
      sharedThings.set(node.shared, new WeakRef(fn));
      goneThings.register(fn, node.shared);
    }
    if (node.prototype !== undefined && this.#table.nodes[node.prototype]?.kind !== 'prototype')
      Reflect.set(fn, 'prototype', this.#thing(node.prototype));
    return fn;
  }

  #fill(node: PayloadNode, thing: unknown): void {
    switch (node.kind) {
      case 'array': {
        const items = this.#values(node.items);
        for (let i = 0; i < items.length; i++) if (i in items) (thing as unknown[])[i] = items[i];
        break;
      }
      case 'map': {
        const entries = this.#values(node.entries);
        for (let i = 0; i < entries.length; i += 2) Map.prototype.set.call(thing, entries[i], entries[i + 1]);
        break;
      }
      case 'set':
        for (const item of this.#values(node.entries)) Set.prototype.add.call(thing, item);
        break;
      case 'cell':
        (thing as { v: unknown }).v = this.#values(node.slots)[0];
        break;
      case 'prototype':
        if (node.shape?.proto !== undefined) Object.setPrototypeOf(thing, this.#proto(node.shape, thing as object));
        break;
      default:
        break;
    }
    if ('shape' in node && node.shape !== undefined) this.#define(node.shape, thing as object);
  }

  #define({ keys, slots, special }: Shape, thing: object): void {
    const values = this.#values(slots);
    const marked = new Map(special?.map((one) => [one[0], one]));
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string | number;
      const name = typeof key === 'string' ? key : (this.#thing(key) as symbol);
      const [, flags = 7, getter = -1, setter = -1] = marked.get(i) ?? [];
      const attributes = { enumerable: (flags & 2) !== 0, configurable: (flags & 4) !== 0 };
      if ((flags & 8) !== 0)
        Object.defineProperty(thing, name, {
          ...attributes,
          get: getter < 0 ? undefined : (this.#thing(getter) as () => unknown),
          set: setter < 0 ? undefined : (this.#thing(setter) as (value: unknown) => void),
        } as PropertyDescriptor);
      else Object.defineProperty(thing, name, { ...attributes, writable: (flags & 1) !== 0, value: values[i] });
    }
  }
}

function close(node: PayloadNode, thing: unknown): void {
  const integrity = 'shape' in node ? node.shape?.integrity : undefined;
  if (integrity === 'frozen') Object.freeze(thing);
  else if (integrity === 'sealed') Object.seal(thing);
  else if (integrity === 'closed') Object.preventExtensions(thing);
}

/** Evaluates a function's text at its own place in its own file, with its free names as variables that are set afterwards. */
function isolatedFunction(
  node: FunctionNode,
  onPrivates: (set: (values: unknown[]) => void) => void,
): { readonly make: () => Fn; readonly set: (values: unknown[]) => void } {
  const { names, privates, form, strict } = node;
  let setter = '$';
  while (names.includes(setter)) setter += '$';
  const list = names.join();
  const before =
    `(function(${privates?.name ?? ''}){${strict ? '"use strict";' : ''}${names.length > 0 ? `let ${list};` : ''}` +
    `return[${names.length > 0 ? `(${setter})=>{[${list}]=${setter}}` : '()=>{}'},()=>(${form === 'method' ? '{' : ''}`;
  const after = form === 'method' ? '\n})]})' : '\n)]})';
  const wrapper = evaluate(before + node.source + after, node.url, node.line, node.column - before.length) as (
    privates: typeof onPrivates,
  ) => [(values: unknown[]) => void, () => unknown];
  const [set, produce] = wrapper(onPrivates);
  return {
    set,
    make: () => {
      const made = produce();
      if (form !== 'method') return made as Fn;
      const [key] = Reflect.ownKeys(made as object);
      const { value, get, set: put } = Object.getOwnPropertyDescriptor(made, key as string) as PropertyDescriptor;
      return (value ?? get ?? put) as Fn;
    },
  };
}

async function importNode({ url, parent, name }: Extract<PayloadNode, { readonly kind: 'import' }>): Promise<unknown> {
  const namespace = (parent === undefined ? await import(url) : await importFrom(parent, url)) as Record<string, unknown>;
  if (name === '*') return namespace;
  if (!(name in namespace))
    throw new SyntaxError(
      `the module ${url}${parent === undefined ? '' : ` that ${parent} imports`} has no export named ${name} in this worker`,
    );
  return namespace[name];
}

async function fileNode({ file, name }: Extract<PayloadNode, { readonly kind: 'file' }>): Promise<unknown> {
  const exports: unknown = createRequire(file)(file);
  return name === undefined ? exports : (exports as Record<string, unknown>)[name];
}

function parentOf(parent: string): string {
  return parent === '' ? `${process.cwd()}/[eval]` : parent;
}

function known(module: string | undefined, path: readonly string[]): unknown {
  const start: unknown = module === undefined ? globalThis : createRequire(import.meta.url)(`node:${module}`);
  return path.reduce<unknown>((at, step, i) => {
    if (module === undefined && i === 0 && step.startsWith('%')) return intrinsic(step);
    return Reflect.get(at as object, step.startsWith('@@') ? (Reflect.get(Symbol, step.slice(2)) as symbol) : step);
  }, start);
}

function intrinsic(name: string): unknown {
  switch (name) {
    case '%AsyncFunction%':
      return Object.getPrototypeOf(async () => {});
    case '%GeneratorFunction%':
      return Object.getPrototypeOf(function* () {});
    case '%AsyncGeneratorFunction%':
      return Object.getPrototypeOf(async function* () {});
    case '%Generator%':
      return Object.getPrototypeOf(function* () {}).prototype;
    case '%AsyncGenerator%':
      return Object.getPrototypeOf(async function* () {}).prototype;
    default:
      return Object.getPrototypeOf(Uint8Array);
  }
}

function view(type: string, buffer: ArrayBuffer, offset: number, length: number): object {
  if (type === 'Buffer') return Buffer.from(buffer, offset, length);
  const View = Reflect.get(globalThis, type) as new (buffer: ArrayBuffer, offset: number, length: number) => object;
  return new View(buffer, offset, length);
}
