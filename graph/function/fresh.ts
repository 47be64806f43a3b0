import { dataNode } from './data.ts';
import { type Fn, factsOf, valuesNow } from './facts.ts';
import { NoInspectorError } from './inspect.ts';
import type { PayloadNode, Shape, Slots } from './payload.ts';
import { functionShape, type Tools } from './shape.ts';
import { isPrimitive, type Walk } from './walk.ts';

/** More than this is looked at once in a synchronous turn only. */
const muchData = 2_000;

let turn = 0;
let ends = false;

/** A number for each synchronous turn. */
export function currentTurn(): number {
  if (!ends) {
    ends = true;
    queueMicrotask(() => {
      turn++;
      ends = false;
    });
  }
  return turn;
}

/** Compares what was captured with what is there now. A function over constants and other such functions can never go stale. */
export class Freshness {
  readonly #walk: Walk;
  readonly #tools: Tools;
  #checkedIn = -1;

  constructor(walk: Walk) {
    this.#walk = walk;
    // everything is looked up, nothing walked: each mutable thing is compared by itself
    this.#tools = {
      slots: (values) => ({ values: values.map((value) => (isPrimitive(value) ? value : undefined)), refs: refsOf(values, walk.ids) }),
      idOf: (thing) => walk.ids.get(thing) ?? -2,
    };
    if (walk.weight > muchData) this.#checkedIn = currentTurn();
  }

  get isConstant(): boolean {
    return this.#walk.bindings.length === 0 && this.#walk.mutables.length === 0;
  }

  check(): boolean {
    if (this.isConstant) return true;
    if (this.#walk.weight > muchData) {
      if (this.#checkedIn === currentTurn()) return true;
      this.#checkedIn = currentTurn();
    }
    return this.#walk.bindings.every((binding) => this.#sameBinding(binding)) && this.#walk.mutables.every((id) => this.#sameThing(id));
  }

  #sameBinding({ fn, names, values }: Walk['bindings'][number]): boolean {
    try {
      return sameSlots(
        this.#tools.slots(valuesNow(fn, names), () => ''),
        values,
      );
    } catch (error) {
      if (error instanceof NoInspectorError) return false;
      throw error;
    }
  }

  #sameThing(id: number): boolean {
    const thing = this.#walk.originals[id] as object;
    const stored = this.#walk.nodes[id] as PayloadNode;
    if (typeof thing === 'function') {
      const facts = factsOf(thing as Fn);
      return (
        facts.kind === 'source' && stored.kind === 'function' && sameShape(functionShape(thing as Fn, facts, this.#tools), stored.shape)
      );
    }
    try {
      return this.#sameNode(dataNode(thing, this.#tools), stored, thing);
    } catch {
      return false; // capturing it again says what is wrong with it now
    }
  }

  #sameNode(now: PayloadNode, stored: PayloadNode, thing: object): boolean {
    if (now.kind === 'view' && stored.kind === 'view') {
      const { bytes } = this.#walk.nodes[stored.buffer] as Extract<PayloadNode, { kind: 'buffer' }>;
      const { buffer, byteOffset, byteLength } = thing as ArrayBufferView;
      return (
        now.length === stored.length &&
        sameShape(now.shape, stored.shape) &&
        Buffer.compare(new Uint8Array(buffer, byteOffset, byteLength), bytes.subarray(stored.offset, stored.offset + byteLength)) === 0
      );
    }
    const fields = Object.entries(now);
    if (fields.length !== Object.keys(stored).length) return false;
    return fields.every(([field, value]) => {
      const other: unknown = Reflect.get(stored, field);
      if (field === 'shape') return sameShape(value as Shape, other as Shape);
      if (isSlots(value)) return isSlots(other) && sameSlots(value, other);
      if (value instanceof Uint8Array) return Buffer.compare(value, other as Uint8Array) === 0;
      return Object.is(value, other);
    });
  }
}

function refsOf(values: readonly unknown[], ids: ReadonlyMap<unknown, number>): number[] {
  const refs: number[] = [];
  for (let i = 0; i < values.length; i++) if (!isPrimitive(values[i])) refs.push(i, ids.get(values[i]) ?? -2);
  return refs;
}

function isSlots(value: unknown): value is Slots {
  return typeof value === 'object' && value !== null && 'refs' in value;
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

function sameSlots(a: Slots, b: Slots): boolean {
  return sameList(a.refs, b.refs) && sameList(a.values, b.values);
}

function sameShape(a: Shape | undefined, b: Shape | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.proto === b.proto &&
    a.integrity === b.integrity &&
    sameList(a.keys, b.keys) &&
    sameSlots(a.slots, b.slots) &&
    sameSpecial(a.special, b.special)
  );
}

function sameSpecial(a: Shape['special'], b: Shape['special']): boolean {
  return a === undefined || b === undefined
    ? a === b
    : a.length === b.length && a.every((one, i) => sameList(one, b[i] as readonly unknown[]));
}
