import { found } from './found.ts';
import { failureOf, shrink } from './shrink.ts';
import { randomMoves, World } from './world.ts';

/** Steps of the scheduler that a run of this test makes at least. */
const stimuliWanted = Number(process.env.HEDDLE_STIMULI ?? 1_000_000);
const firstSeed = Number(process.env.HEDDLE_SEED ?? 1);

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
        const last = failureOf(seed, least) ?? error;
        throw new Error(`${(last as Error).message}; for found.ts:\n  { about: '', seed: ${seed}, moves: ${JSON.stringify(least)} },`, {
          cause: last,
        });
      }
      stimuli += world.stimuli;
    }
    expect(stimuli).toBeGreaterThanOrEqual(stimuliWanted);
  }, 600_000);

  it.each(found)('has not forgotten: $about', ({ seed, moves }) => {
    expect(failureOf(seed, moves)).toBeUndefined();
  });
});
