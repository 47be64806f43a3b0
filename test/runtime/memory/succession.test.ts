/** A worker that is on its way to the place of another may never get there: until it does, nothing that is known of the other changes. */
import type { Crew } from '../../../runtime/engines/crew.ts';
import type { LocalOptions } from '../../../runtime/engines/local-options.ts';
import { Memory } from '../../../runtime/engines/memory.ts';
import { DurationGroups } from '../../../runtime/scheduler/durations.ts';
import { SchedulerState } from '../../../runtime/scheduler/state.ts';
import type { Stimulus } from '../../../runtime/scheduler/stimulus.ts';

describe('a worker on its way to the place of one that is paused', () => {
  const told: Stimulus[] = [];
  const workers = [{ name: 'a', host: 'here', resources: {} }];
  const memory = new Memory({
    options: { name: 'threads', workers, memoryLimit: 1000, spillDirectory: undefined, isLive: false } as unknown as LocalOptions,
    crew: () => ({ post: () => {} }) as unknown as Crew,
    state: () => new SchedulerState(new DurationGroups()),
    step: (stimulus) => void told.push(stimulus),
    listener: () => ({ warning: () => {} }),
  });
  afterAll(async () => {
    memory.rest();
    await memory.close();
  });

  it('leaves it paused, and takes its place unpaused', () => {
    const { figures } = memory.settings(0);
    memory.began(0);
    new Float64Array(figures!)[0] = 900;
    memory.weigh();
    expect(told).toEqual([{ kind: 'paused', worker: 0, isPaused: true }]);
    memory.settings(0);
    expect(memory.isPaused(0)).toBe(true);
    memory.began(0);
    expect(memory.isPaused(0)).toBe(false);
  });
});
