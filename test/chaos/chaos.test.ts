import { fileURLToPath } from 'node:url';
import { report } from '../fixtures/acceptance/helpers.ts';

interface Belongings {
  readonly descriptors: readonly string[];
  readonly threads: number;
  readonly resources: readonly string[];
}

const seed = Number(process.env.HEDDLE_SEED ?? Date.now() % 1_000_000_007);

describe.each([
  ['threads', 200],
  ['processes', 30],
])(`workers that are killed at random moments (HEDDLE_SEED=${seed}): %s, %d times`, (engine, kills) => {
  it('gives right answers every time, and leaves no thread, descriptor or file', async () => {
    const script = fileURLToPath(new URL('chaos.mjs', import.meta.url));
    const outcome = await report<{
      readonly kills: number;
      readonly memoryDeaths: number;
      readonly rounds: number;
      readonly before: Belongings;
      readonly after: Belongings;
      readonly spilled: readonly string[];
    }>([script, String(seed), String(kills), engine], { deadlineMs: 150_000 });
    expect(outcome.kills).toBeGreaterThanOrEqual(kills);
    expect(outcome.memoryDeaths).toBeGreaterThan(0);
    expect(outcome.rounds).toBeGreaterThan(2);
    expect(outcome.after.descriptors).toEqual(outcome.before.descriptors);
    expect(outcome.after.threads).toBeLessThanOrEqual(outcome.before.threads);
    expect(outcome.after.resources).toEqual(outcome.before.resources);
    expect(outcome.spilled).toEqual([]);
  }, 160_000);
});
