import { found } from './found.ts';
import { type Move, randomMoves, World } from './world.ts';

/** Steps of the scheduler that a run of this test makes at least. */
const stimuliWanted = Number(process.env.HEDDLE_STIMULI ?? 1_000_000);
const firstSeed = Number(process.env.HEDDLE_SEED ?? 1);

function failureOf(seed: number, moves: readonly Move[]): Error | undefined {
  try {
    new World(seed, true).play(moves);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Takes out of a life whatever can be taken out while it still fails in the same way: halves, quarters, …, single moves. */
function shrink(seed: number, moves: readonly Move[], failure: Error): readonly Move[] {
  let kept = moves;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < kept.length; ) {
      const less = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (withoutNumbers(failureOf(seed, less)) === withoutNumbers(failure)) kept = less;
      else at += size;
    }
  return kept;
}

function withoutNumbers(error: Error | undefined): string | undefined {
  return error?.message.replaceAll(/\d+/g, '');
}

describe('the scheduler in a simulated world', () => {
  it('loses nothing, runs nothing twice at a time, and leaves nothing behind, in a million steps', () => {
    let stimuli = 0;
    for (let seed = firstSeed; stimuli < stimuliWanted; seed++) {
      const moves = randomMoves(seed, 60 + ((seed * 37) % 1_500));
      const world = new World(seed);
      try {
        world.play(moves);
      } catch (error) {
        const least = shrink(seed, moves, failureOf(seed, moves) ?? (error as Error));
        const last = failureOf(seed, least);
        throw new Error(`seed ${seed}: ${last?.message}\n  { seed: ${seed}, moves: ${JSON.stringify(least)} },`, { cause: last });
      }
      stimuli += world.stimuli;
    }
    expect(stimuli).toBeGreaterThanOrEqual(stimuliWanted);
  }, 300_000);

  it.each(found)('has not forgotten: $about', ({ seed, moves }) => {
    expect(new World(seed).play(moves).stimuli).toBeGreaterThan(0);
  });
});
