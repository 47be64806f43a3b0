import { randomBytes } from 'node:crypto';
import type { Fn } from './facts.ts';
import { Freshness } from './fresh.ts';
import { Walk } from './walk.ts';

/**
 * A class that travels as text must be one class in a worker, however many captures bring it: else a task would not know the instances it is given.
 * So it carries a name, and a worker makes it once a name. A class over data that may change is left out: who shares that data shows only inside
 * one capture, and a stale copy would be worse than a second class.
 *
 *     (p) => p instanceof Point    Point 7.0 ─┐
 *     new Point(3, 4)              Point 7.0 ─┴─▶ one Point in the worker
 */
export function sharedName(owner: Fn): string | undefined {
  const known = names.get(owner);
  if (known?.freshness.check()) return known.name;
  const walk = new Walk({ isAlone: true });
  try {
    walk.run(owner, { parent: undefined, step: owner.name });
  } catch {
    return undefined; // the capture that asks meets the same problem, and can say the way to it
  }
  const number = known?.number ?? count++;
  const version = (known?.version ?? -1) + 1;
  const name = isShareable(walk) ? `${prefix}-${number}.${version}` : undefined;
  names.set(owner, { freshness: new Freshness(walk), number, version, name });
  return name;
}

interface Named {
  readonly freshness: Freshness;
  readonly number: number;
  readonly version: number;
  readonly name: string | undefined;
}

const names = new WeakMap<Fn, Named>();
const prefix = randomBytes(6).toString('hex');
let count = 0;

/** Statics and prototypes of its own may change, which makes it another version; nothing else. */
function isShareable({ bindings, mutables, nodes }: Walk): boolean {
  return bindings.length === 0 && mutables.every((id) => nodes[id]?.kind === 'function' || nodes[id]?.kind === 'prototype');
}
