import { types } from 'node:util';
import { brandSymbol } from '../task.ts';
import { dataNode } from './data.ts';
import { type Facts, type Fn, factsOf, refusedByPermission, type SourceFacts, type Variable } from './facts.ts';
import { type Entry, finishFunctions, type Pending } from './function-nodes.ts';
import { NoInspectorError, privateStatics, proxyTarget } from './inspect.ts';
import { mayBeOf } from './namespace.ts';
import type { PayloadNode, Slots } from './payload.ts';
import { captureError, Problem, type Trail } from './problem.ts';
import { functionShape, type Tools, unusualPrototype } from './shape.ts';
import { sharedName } from './sharing.ts';
import { prepare } from './text.ts';
import { type KnownPath, wellKnown } from './well-known.ts';

/** A binding that may change: the function that sees it, the names, and where their values are kept. */
export interface SeenBindings {
  readonly fn: Fn;
  readonly names: readonly string[];
  readonly values: Slots;
}

/** Walks from a root over everything it leads to, and makes a node of each thing. */
export class Walk {
  readonly nodes: PayloadNode[] = [];
  readonly originals: unknown[] = [];
  readonly ids: Map<unknown, number> = new Map();
  readonly functions: SourceFacts[] = [];
  readonly references: Extract<Facts, { kind: 'reference' }>[] = [];
  readonly imports: Extract<Variable, { kind: 'import' | 'rerun' }>[] = [];
  readonly knowns: string[][] = [];
  readonly bindings: SeenBindings[] = [];
  /** Nodes of things that may change. */
  readonly mutables: number[] = [];
  /** How much there is to compare. */
  weight = 0;
  readonly #isAlone: boolean;
  readonly #queue: { readonly id: number; readonly thing: object | symbol; readonly trail: Trail }[] = [];
  readonly #pending: Pending[] = [];
  readonly #views: { readonly id: number; readonly thing: ArrayBufferView; readonly node: Extract<PayloadNode, { kind: 'view' }> }[] = [];

  /** `isAlone`: only to learn what a class hangs on. */
  constructor({ isAlone = false }: { readonly isAlone?: boolean } = {}) {
    this.#isAlone = isAlone;
  }

  /** The whole walk; the root's slots. */
  run(root: unknown, trail: Trail): Slots {
    const slots = this.slots([root], trail, () => '');
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      // a queue that is emptied from the front in chunks stays linear
      const batch = [next, ...this.#queue.splice(0)];
      for (const { id, thing, trail: at } of batch) {
        try {
          this.nodes[id] = this.#node(id, thing, at);
        } catch (error) {
          const problem = error instanceof NoInspectorError ? refusedByPermission() : error;
          throw problem instanceof Problem ? captureError(problem, at) : problem;
        }
      }
    }
    finishFunctions(this.#pending, this.nodes, (cell) => this.#add(cell, cell));
    this.#finishViews();
    return slots;
  }

  /** The number of a thing that is no primitive. */
  idOf(thing: object | symbol, trail: Trail): number {
    const known = this.ids.get(thing);
    if (known !== undefined) return known;
    const id = this.originals.length;
    this.ids.set(thing, id);
    this.originals.push(thing);
    this.#queue.push({ id, thing, trail });
    return id;
  }

  slots(values: readonly unknown[], trail: Trail, step: (index: number) => string): Slots {
    const kept: unknown[] = new Array(values.length);
    const refs: number[] = [];
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (isPrimitive(value)) {
        if (value !== undefined || i in values) kept[i] = value; // a hole stays a hole
      } else {
        const name = step(i);
        refs.push(i, this.idOf(value as object, name === '' ? trail : { parent: trail, step: name }));
      }
    }
    this.weight += values.length;
    return { values: kept, refs };
  }

  #add(key: unknown, node: PayloadNode): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.originals.length;
    this.ids.set(key, id);
    this.originals.push(undefined);
    this.nodes[id] = node;
    return id;
  }

  #node(id: number, thing: object | symbol, trail: Trail): PayloadNode {
    if (typeof thing === 'symbol') return symbolNode(thing);
    if (typeof thing === 'function') return this.#function(id, thing as Fn, trail);
    const known = wellKnown(thing);
    return known === undefined ? this.#object(id, thing, trail) : this.#known(known);
  }

  #known(path: KnownPath): PayloadNode {
    this.knowns.push([path.module ?? '', ...path.path]);
    return { kind: 'known', ...path };
  }

  #object(id: number, thing: object, trail: Trail): PayloadNode {
    if (types.isProxy(thing)) return this.#proxy(thing);
    if (types.isModuleNamespaceObject(thing)) return this.#namespace(thing);
    const brand: unknown = Reflect.get(thing, brandSymbol);
    if (brand !== undefined) throw new Problem(`is a ${String(brand)} of heddle`, 'pass it to the task as an argument');
    const node = dataNode(thing, this.#tools(trail));
    if (node.kind === 'view') this.#views.push({ id, thing: thing as ArrayBufferView, node });
    if (isMutable(node)) this.mutables.push(id);
    return node;
  }

  #tools(trail: Trail): Tools {
    return {
      slots: (values, step) => this.slots(values, trail, step),
      idOf: (thing, step) => this.idOf(thing, step === '' ? trail : { parent: trail, step }),
    };
  }

  /** A test runner wraps builtin modules in a Proxy; any other hides what it does. */
  #proxy(proxy: object): PayloadNode {
    const target = proxyTarget(proxy);
    const known =
      typeof target === 'object' && target !== null
        ? (wellKnown(target) ?? (types.isModuleNamespaceObject(target) ? wellKnown(Reflect.get(target, 'default') as object) : undefined))
        : undefined;
    if (known === undefined) throw new Problem('is a Proxy', 'use the object behind it');
    return { kind: 'known', ...known };
  }

  /** A namespace does not say whose it is; its functions do. */
  #namespace(namespace: object): PayloadNode {
    const preset: unknown = Object.hasOwn(namespace, 'default') ? Reflect.get(namespace, 'default') : undefined;
    const known = typeof preset === 'object' && preset !== null ? wellKnown(preset) : undefined;
    if (known?.module !== undefined && known.path.length === 0) return { kind: 'import', url: `node:${known.module}`, name: '*' };
    const names = Object.keys(namespace);
    for (const name of names) {
      const value: unknown = Reflect.get(namespace, name);
      const facts = typeof value === 'function' ? factsOf(value as Fn) : undefined;
      if (facts?.kind !== 'reference') continue;
      const unit = facts.located?.site.unit;
      if (facts.cjs || unit === undefined || !mayBeOf(unit, name, names)) continue;
      this.references.push(facts);
      return { kind: 'import', url: facts.url, name: '*' };
    }
    throw new Problem('is a module namespace that heddle cannot name', 'import what the task needs by name, or call import() in the task');
  }

  #function(id: number, fn: Fn, trail: Trail): PayloadNode {
    const facts = factsOf(fn);
    switch (facts.kind) {
      case 'known':
        return this.#known(facts.path);
      case 'lazy':
        return { kind: 'lazy', parts: this.slots([facts.fn, facts.options], trail, (i) => (i === 0 ? '' : '(options)')) };
      case 'bound': {
        const parts = [facts.self, ...facts.args];
        return {
          kind: 'bound',
          target: this.idOf(facts.target as object, trail),
          args: this.slots(parts, trail, (i) => (i === 0 ? '(this)' : `(bound argument ${i})`)),
        };
      }
      case 'reference':
        this.references.push(facts);
        if (facts.cjs) return { kind: 'file', file: facts.file, name: facts.name };
        return { kind: 'import', url: facts.url, name: facts.name ?? 'default' };
      case 'source':
        this.#source(id, fn, facts, trail);
        return this.nodes[id] as PayloadNode;
    }
  }

  #source(id: number, fn: Fn, facts: SourceFacts, trail: Trail): void {
    this.functions.push(facts);
    const at: Trail = { ...trail, script: trail.script ?? facts.script, offset: trail.offset ?? facts.offset };
    const entries = facts.variables.map((variable) => this.#entry(variable, facts, at));
    const changing = entries.filter(({ variable }) => variable.kind === 'value' && !variable.constant);
    if (changing.length > 0) {
      const values = changing.map(({ value }) => value);
      this.bindings.push({ fn, names: changing.map(({ variable }) => variable.name), values: this.slots(values, at, () => '') });
    }
    const { privates } = prepare(facts.site);
    const statics = privates.length > 0 ? privateStatics(fn) : undefined;
    const shape = functionShape(fn, facts, this.#tools(at));
    const prototype = unusualPrototype(fn, facts);
    const shared = !this.#isAlone && (facts.site.kind === 'class' || prototype !== undefined) ? sharedName(fn) : undefined;
    if (shape !== undefined) this.mutables.push(id);
    const parent: unknown = Object.getPrototypeOf(fn);
    this.#pending.push({
      id,
      fn,
      facts,
      entries,
      trail: at,
      metaRef: facts.usesMeta ? this.#add(`meta ${facts.script.url}`, { kind: 'meta', url: facts.script.url }) : -1,
      superRef: prepare(facts.site).superName === undefined ? -1 : this.idOf(parent as object, at),
      privates:
        statics &&
        this.slots(
          privates.map((name) => statics.get(name)),
          at,
          (i) => `.${privates[i]}`,
        ),
      extras: {
        ...(shared && { shared }),
        ...(shape && { shape }),
        ...(prototype && { prototype: this.idOf(prototype, { parent: at, step: '.prototype' }) }),
      },
    });
  }

  #entry(variable: Variable, { script }: SourceFacts, trail: Trail): Entry {
    const at: Trail = { parent: trail, step: variable.name, script, offset: variable.offset };
    if (variable.kind === 'value')
      return { variable, value: variable.value, ref: isPrimitive(variable.value) ? -1 : this.idOf(variable.value as object, at) };
    return { variable, value: undefined, ref: this.#variableNode(variable) };
  }

  #variableNode(variable: Exclude<Variable, { kind: 'value' }>): number {
    switch (variable.kind) {
      case 'import': {
        this.imports.push(variable);
        const { parent, specifier, imported, resolved } = variable;
        if (resolved.kind === 'builtin')
          return this.#add(`node:${resolved.name} ${imported}`, { kind: 'import', url: `node:${resolved.name}`, name: imported });
        return this.#add(`import ${parent} ${specifier} ${imported}`, { kind: 'import', url: specifier, parent, name: imported });
      }
      case 'require':
        return this.#add(`require ${variable.parent}`, { kind: 'require', parent: variable.parent });
      case 'module':
        return this.#add(`module ${variable.file}`, { kind: 'module', file: variable.file });
      case 'rerun': {
        this.imports.push(variable);
        const known = this.ids.get(variable);
        if (known !== undefined) return known;
        const { source, parent, uses } = variable;
        const slots: { values: unknown[]; refs: number[] } = { values: uses.map(() => undefined), refs: [] };
        const id = this.#add(variable, { kind: 'rerun', source, parent, names: uses.map(({ name }) => name), slots });
        uses.forEach((one, i) => void slots.refs.push(i, this.#variableNode(one as Exclude<Variable, { kind: 'value' }>)));
        return id;
      }
    }
  }

  /** Views of one buffer go on sharing it; a lone view takes only its own bytes along. */
  #finishViews(): void {
    const count = new Map<ArrayBufferLike, number>();
    for (const { thing } of this.#views) count.set(thing.buffer, (count.get(thing.buffer) ?? 0) + 1);
    for (const { id, thing, node } of this.#views) {
      const whole = this.ids.has(thing.buffer) || count.get(thing.buffer) !== 1 || thing.byteLength === thing.buffer.byteLength;
      const bytes = whole ? new Uint8Array(thing.buffer) : new Uint8Array(thing.buffer, thing.byteOffset, thing.byteLength);
      this.weight += bytes.length / 64;
      const buffer = this.#add(whole ? thing.buffer : `view ${id}`, { kind: 'buffer', bytes: bytes.slice() });
      this.nodes[id] = { ...node, buffer, offset: whole ? thing.byteOffset : 0 };
    }
  }
}

function symbolNode(symbol: symbol): PayloadNode {
  const key = Symbol.keyFor(symbol);
  if (key !== undefined) return { kind: 'symbol', how: 'registered', name: key };
  const known = symbol.description?.startsWith('Symbol.') ? symbol.description.slice(7) : undefined;
  if (known !== undefined && Reflect.get(Symbol, known) === symbol) return { kind: 'symbol', how: 'known', name: known };
  return { kind: 'symbol', how: 'fresh', name: symbol.description };
}

/** Everything that a structured clone of a slot keeps as it is. */
export function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol');
}

/** Whether looking again may show something else. */
function isMutable(node: PayloadNode): boolean {
  if (node.kind === 'prototype') return node.shape !== undefined;
  return node.kind !== 'url' || node.type === 'URLSearchParams'
    ? !('shape' in node && node.shape?.integrity === 'frozen' && (node.kind === 'object' || node.kind === 'array'))
    : true;
}
