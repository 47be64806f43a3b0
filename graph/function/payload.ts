/**
 * What travels: a flat table of nodes, so that cycles and shared things stay what they are. Slots hold primitives as they are and everything
 * else by its node's number.
 *
 *     x => scale(x) + table.get(x)      0 function [scale, table] ─▶ 1 import './scale.mjs' scale
 *                                                                └─▶ 2 map [1 ─▶ 10, 2 ─▶ 20]
 */
export interface Payload {
  /** One number for each capture of a process, its name in front. */
  readonly id: string;
  /** Scripts that no worker may load: the program's entry. */
  readonly entries: readonly string[];
  readonly root: Slots;
  readonly nodes: readonly PayloadNode[];
}

/** Values in a row: primitives in place; `refs` lists index and node in turn. */
export interface Slots {
  readonly values: readonly unknown[];
  readonly refs: readonly number[];
}

/** Own properties beyond what the kind brings by itself. */
export interface Shape {
  /** A node; `null`; absent: the kind's own. */
  readonly proto?: number | null;
  /** Text, or the node of a symbol. */
  readonly keys: readonly (string | number)[];
  /** Values; of accessors nothing. */
  readonly slots: Slots;
  /** Properties that are not plain data: index, flags, nodes of getter and setter (-1: none). */
  readonly special?: readonly (readonly [index: number, flags: number, getter: number, setter: number])[];
  readonly integrity?: 'frozen' | 'sealed' | 'closed';
}

/** Flags of a special property. */
export const Flag = { writable: 1, enumerable: 2, configurable: 4, accessor: 8 } as const;

/** How a function's text must be wrapped to be an expression. */
export type TextForm = 'expression' | 'method';

/** One node of a payload: a function, a class, data, or where a worker finds it by itself. */
export type PayloadNode =
  | { readonly kind: 'known'; readonly module: string | undefined; readonly path: readonly string[] }
  | { readonly kind: 'symbol'; readonly how: 'registered' | 'fresh'; readonly name: string | undefined }
  | { readonly kind: 'symbol'; readonly how: 'known'; readonly name: string }
  | { readonly kind: 'object'; readonly shape: Shape }
  | { readonly kind: 'array'; readonly length: number; readonly items: Slots; readonly shape?: Shape }
  | { readonly kind: 'map'; readonly entries: Slots; readonly shape?: Shape }
  | { readonly kind: 'set'; readonly entries: Slots; readonly shape?: Shape }
  | { readonly kind: 'date'; readonly time: number; readonly shape?: Shape }
  | { readonly kind: 'regexp'; readonly source: string; readonly flags: string; readonly lastIndex: number; readonly shape?: Shape }
  | { readonly kind: 'boxed'; readonly value: unknown; readonly shape?: Shape }
  | { readonly kind: 'error'; readonly shape: Shape }
  | { readonly kind: 'url'; readonly text: string; readonly type: 'URL' | 'URLSearchParams' }
  | { readonly kind: 'buffer'; readonly bytes: Uint8Array; readonly shape?: Shape }
  | {
      readonly kind: 'view';
      readonly type: string;
      readonly buffer: number;
      readonly offset: number;
      readonly length: number;
      readonly shape?: Shape;
    }
  /** The `prototype` of a function or class. */
  | { readonly kind: 'prototype'; readonly of: number; readonly shape?: Shape }
  | { readonly kind: 'bound'; readonly target: number; readonly args: Slots; readonly shape?: Shape }
  | { readonly kind: 'lazy'; readonly parts: Slots }
  /** An export of a module: by URL, or by specifier from its importer. `*`: the namespace. */
  | { readonly kind: 'import'; readonly url: string; readonly parent?: string; readonly name: string }
  /** What a CommonJS file exports; `undefined`: all of it. */
  | { readonly kind: 'file'; readonly file: string; readonly name: string | undefined }
  | { readonly kind: 'require'; readonly parent: string }
  | { readonly kind: 'module'; readonly file: string }
  | { readonly kind: 'meta'; readonly url: string }
  /** An initialiser that is evaluated again: `require('x')`, perhaps in an interop helper. */
  | { readonly kind: 'rerun'; readonly source: string; readonly parent: string; readonly names: readonly string[]; readonly slots: Slots }
  /** A variable that several functions share and one of them assigns. */
  | { readonly kind: 'cell'; readonly slots: Slots }
  | {
      readonly kind: 'function';
      readonly name: string | undefined;
      readonly source: string;
      readonly form: TextForm;
      readonly strict: boolean;
      readonly url: string;
      readonly line: number;
      readonly column: number;
      /** Names it takes from outside, with their values. */
      readonly names: readonly string[];
      readonly slots: Slots;
      /** How many of them, from the first, must be there when the text is evaluated. */
      readonly early: number;
      readonly prototype?: number;
      /** Under this name a worker has it once, whatever brought it. */
      readonly shared?: string;
      /** `#private` statics: the name by which the text hands out their setter, and their values. */
      readonly privates?: { readonly name: string; readonly slots: Slots };
      readonly shape?: Shape;
    };
