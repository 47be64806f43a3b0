import { randomBytes } from 'node:crypto';
import { serialize } from 'node:v8';
import { entryPaths } from './entry.ts';
import { Freshness } from './fresh.ts';
import type { Payload, Slots } from './payload.ts';
import { impuritiesOf } from './reads.ts';
import { Walk } from './walk.ts';

/** What code visibly reads besides its arguments. */
export type Impurity = 'clock' | 'randomness' | 'environment' | 'file' | 'network';

/** A function, or data with functions and class instances in it, as another thread can have it. */
export interface Capture {
  /** Names this capture in the payload. */
  readonly id: string;
  /** What `restore` takes: self-contained bytes, made when first asked for. */
  readonly payload: Uint8Array;
  /** What the code reaches, itself or through captured helpers and local modules. */
  readonly impurities: ReadonlySet<Impurity>;
  /** Whether a capture made now would say the same. Costs nothing where only constants are captured. */
  isFresh(): boolean;
  /** The original of a node of the payload. */
  objectAt(node: number): unknown;
}

/** How to name what is captured. */
export interface CaptureOptions {
  /** The first step of the path in errors. */
  readonly label: string;
}

/** Looks inside `root`: a function, a class, or data that holds some. Throws CaptureError. */
export function capture(root: unknown, { label }: CaptureOptions): Capture {
  const walk = new Walk();
  const slots = walk.run(root, { parent: undefined, step: label });
  return new Captured(walk, slots);
}

/** Tells captures of this process from those of others. */
const prefix = randomBytes(6).toString('hex');
let count = 0;

class Captured implements Capture {
  readonly id: string = `${prefix}-${count++}`;
  readonly #walk: Walk;
  readonly #root: Slots;
  readonly #freshness: Freshness;
  #payload: Uint8Array | undefined;
  #impurities: ReadonlySet<Impurity> | undefined;

  constructor(walk: Walk, root: Slots) {
    this.#walk = walk;
    this.#root = root;
    this.#freshness = new Freshness(walk);
  }

  get payload(): Uint8Array {
    this.#payload ??= serialize({ id: this.id, entries: [...entryPaths()], root: this.#root, nodes: this.#walk.nodes } satisfies Payload);
    return this.#payload;
  }

  get impurities(): ReadonlySet<Impurity> {
    this.#impurities ??= impuritiesOf(this.#walk);
    return this.#impurities;
  }

  isFresh(): boolean {
    return this.#freshness.check();
  }

  objectAt(node: number): unknown {
    return this.#walk.originals[node];
  }
}
