/**
 * An object as hashing, copying and encoding see it: read once, so that all three speak of the same moment.
 *
 *     { b: [x], a: 1 }   →   head '{'   names ['"1:b:', '"1:a:']   items [[x], 1]   isUnordered
 */
export class Shape {
  readonly value: object;
  readonly kind: ShapeKind;
  /** Begins the text. */
  readonly head: string;
  readonly items: readonly unknown[];
  /** Text in front of each item. */
  readonly names: readonly string[] | undefined;
  /** The property each item was under (objects, instances, further properties of an array). */
  readonly keys: readonly PropertyKey[];
  /** The order of the items means nothing: their texts are sorted. */
  readonly isUnordered: boolean;

  // What the walk finds out.
  /** Text or, until it is known, shape of each item that was reached. */
  parts: (string | Shape)[] = [];
  /** Text, or digest of a long text; `undefined` while it is being made. */
  text: string | undefined = undefined;
  /** Holds a Value or Future at any depth. */
  hasHandle = false;
  /** It, or something in it, loses something in a structured clone. */
  isRich: boolean;
  /** Nothing of it itself is lost when it is copied by its items. */
  readonly isExact: boolean;
  /** Part of a cycle. */
  isCyclic = false;
  /** Tarjan's numbers; `low < 0` once its component is done. */
  index = -1;
  low = -1;
  /** What a copy of it is, once made. */
  copy: unknown = undefined;

  constructor(value: object, kind: ShapeKind, head: string, items: readonly unknown[], more: ShapeDetails = {}) {
    this.value = value;
    this.kind = kind;
    this.head = head;
    this.items = items;
    this.names = more.names;
    this.keys = more.keys ?? noKeys;
    this.isUnordered = more.isUnordered === true;
    this.isRich = more.isRich === true;
    this.isExact = !this.isRich;
  }
}

/**
 * Arrays, plain objects, Maps and Sets are searched for Values and copied; `function` and `instance` are neither;
 * `leaf` has no items.
 */
export type ShapeKind = 'array' | 'object' | 'map' | 'set' | 'instance' | 'function' | 'leaf';

export interface ShapeDetails {
  readonly names?: readonly string[];
  readonly keys?: readonly PropertyKey[];
  readonly isUnordered?: boolean;
  readonly isRich?: boolean;
}

const noKeys: readonly PropertyKey[] = Object.freeze([]);

/** Missing elements of an array, one after the other. */
export class Holes {
  readonly count: number;
  constructor(count: number) {
    this.count = count;
  }
}

/** Thrown while an object is looked at; whoever knows the path makes it an UntokenizableError. */
export class Refusal {
  readonly what: string;
  readonly cure: string;
  constructor(what: string, cure: string) {
    this.what = what;
    this.cure = cure;
  }
}
