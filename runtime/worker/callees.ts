import { importPlaceOf } from '../../graph/index.ts';
import { builtRoot } from '../built-root.ts';
import type { ClassPlace } from '../failure.ts';
import type { Definition } from './protocol.ts';
import { originOf, restore } from './restore.ts';

type Fn = (...args: unknown[]) => unknown;

/** Functions and captured data of a worker, by the numbers the shell gave them; each is restored once. */
export class Callees {
  readonly #things: unknown[] = [];
  readonly #isLive: boolean;

  /** `isLive`: the caller's thread is this one. */
  constructor(isLive: boolean) {
    this.#isLive = isLive;
  }

  /** Restores what came with a batch. One that cannot be restored fails the tasks that use it, not the batch. */
  async define(definitions: readonly (readonly [index: number, definition: Definition])[]): Promise<void> {
    await Promise.all(
      definitions.map(async ([index, definition]) => {
        try {
          this.#things[index] = await this.load(definition);
        } catch (error) {
          this.#things[index] = new Unrestorable(error);
        }
      }),
    );
  }

  /** No task will speak of these numbers again, until they are given to other things. */
  undefine(indexes: readonly number[]): void {
    for (const index of indexes) this.#things[index] = undefined;
  }

  /** Makes one thing from its definition. */
  async load(definition: Definition): Promise<unknown> {
    switch (definition.kind) {
      case 'live':
        return definition.thing;
      case 'payload':
        return restore(definition.payload);
      case 'own': {
        const module: Record<string, unknown> = await import(new URL(definition.module, builtRoot).href);
        return module[definition.name];
      }
    }
  }

  /** The function of a number. */
  readonly callee = (index: number): Fn => {
    const thing = this.#things[index];
    if (thing instanceof Unrestorable) throw thing.error;
    return thing as Fn;
  };

  /** The data of a number. */
  readonly data = (index: unknown): unknown => {
    const thing = this.#things[index as number];
    if (thing instanceof Unrestorable) throw thing.error;
    return thing;
  };

  /** Where a class comes from, so that the caller's thread can find its own: a node of what it sent, or an import. */
  readonly describeClass = (thrown: object): ClassPlace | undefined => {
    if (this.#isLive) return { live: thrown };
    const origin = originOf(thrown);
    if (origin?.payloadId !== undefined) return { payload: origin.payloadId, node: origin.node };
    const place = importPlaceOf(thrown);
    return place && { ...place };
  };
}

class Unrestorable {
  readonly error: unknown;
  constructor(error: unknown) {
    this.error = error;
  }
}
