import type { Command, Stimulus } from '../../../runtime/scheduler/stimulus.ts';
import { transitions, Why } from '../../../runtime/scheduler/transitions.ts';
import { found } from './found.ts';
import { randomMoves } from './moves.ts';
import { failureOf, shrink } from './shrink.ts';
import { World } from './world.ts';

/** Steps of the scheduler that a run of this test makes at least. */
const stimuliWanted = Number(process.env.HEDDLE_STIMULI ?? 1_000_000);
const firstSeed = Number(process.env.HEDDLE_SEED ?? 1);

/** Everything that can happen to the scheduler, and everything it can say; the compiler holds that nothing is missing here. */
const stimuli: Record<Stimulus['kind'], number> = {
  'worker-joined': 0, 'worker-left': 0, paused: 0, submitted: 0, seceded: 0, scattered: 0, finished: 0, failed: 0, returned: 0,
  kept: 0, missing: 0, immovable: 0, moved: 0, reused: 0, tick: 0, released: 0, cancelled: 0, retried: 0,
}; // biome-ignore format: a table
const commands: Record<Command['kind'], number> = {
  run: 0, free: 0, done: 0, erred: 0, killed: 0, lost: 0, stop: 0, steal: 0, stalled: 0, 'no-worker': 0, forgotten: 0,
}; // biome-ignore format: a table
/** By number: how often a task went from one state to another for that reason. */
const reasons = transitions.map(() => 0);

/** Counts what happens in a world. */
function tally(world: World): World {
  const { log } = world.scheduler.state;
  const moved = log.moved.bind(log);
  const forgot = log.forgot.bind(log);
  log.moved = (row, why, ...rest) => {
    reasons[why]!++;
    moved(row, why, ...rest);
  };
  log.forgot = (...record) => {
    reasons[Why.forgotten]!++;
    forgot(...record);
  };
  world.onStep = (_, stimulus, said) => {
    stimuli[stimulus.kind]++;
    for (const { kind } of said) commands[kind]++;
  };
  return world;
}

const never = (counts: Record<string, number>): string[] => Object.keys(counts).filter((kind) => counts[kind] === 0);

describe('the scheduler in a simulated world', () => {
  it('loses nothing, runs nothing twice at a time, and leaves nothing behind, in a million steps', () => {
    let steps = 0;
    for (let seed = firstSeed; steps < stimuliWanted; seed++) {
      const moves = randomMoves(seed, 60 + ((seed * 37) % 1_500));
      const world = tally(new World(seed));
      try {
        world.play(moves);
      } catch (error) {
        const least = shrink(seed, moves, failureOf(seed, moves) ?? (error as Error));
        const last = failureOf(seed, least) ?? error;
        throw new Error(`${(last as Error).message}; for found.ts:\n  { about: '', seed: ${seed}, moves: ${JSON.stringify(least)} },`, {
          cause: last,
        });
      }
      steps += world.stimuli;
    }
    expect(steps).toBeGreaterThanOrEqual(stimuliWanted);
  }, 600_000);

  it('meets every stimulus, says every command, and takes every way of the table', () => {
    expect([never(stimuli), never(commands)]).toEqual([[], []]);
    expect(transitions.filter((_, number) => reasons[number] === 0).map(({ why }) => why)).toEqual([]);
    if (process.env.HEDDLE_STIMULI !== undefined)
      console.log(stimuli, commands, Object.fromEntries(transitions.map(({ why }, i) => [why, reasons[i]])));
  });

  it.each(found)('has not forgotten: $about', ({ seed, moves }) => {
    expect(failureOf(seed, moves)).toBeUndefined();
  });
});
