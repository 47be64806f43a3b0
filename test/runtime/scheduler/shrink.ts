import type { Move } from './moves.ts';
import { World } from './world.ts';

/** What goes wrong in a life, if anything; looked at closely after every step. */
export function failureOf(seed: number, moves: readonly Move[]): Error | undefined {
  try {
    new World(seed, true).play(moves);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Takes out of a life whatever can be taken out while it still fails in the same way: halves, quarters, …, single moves. */
export function shrink(seed: number, moves: readonly Move[], failure: Error): readonly Move[] {
  let kept = moves;
  for (let before = Number.POSITIVE_INFINITY; kept.length < before; ) {
    before = kept.length;
    for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let at = 0; at < kept.length; ) {
        const less = [...kept.slice(0, at), ...kept.slice(at + size)];
        if (withoutNumbers(failureOf(seed, less)) === withoutNumbers(failure)) kept = less;
        else at += size;
      }
  }
  return kept;
}

function withoutNumbers(error: Error | undefined): string | undefined {
  return error?.message.replaceAll(/\d+/g, '');
}
