import { describe, expect, it } from '@jest/globals';
import { runWithCollector } from '../../fixtures/memory/run.ts';

describe('released tasks', () => {
  it('leave nothing behind: 100,000 of every kind, in the caller and in its workers', async () => {
    const grown = await runWithCollector<{ heapGrown: number; rssGrown: number }>('released.mjs', ['all', 100_000]);
    expect(grown.heapGrown).toBeLessThan(6 * 2 ** 20); // some 60 bytes a task would be more
    expect(grown.rssGrown).toBeLessThan(200 * 2 ** 20);
  }, 150_000);

  it('are not kept by one that was submitted with them and stays', async () => {
    const { bytesEach } = await runWithCollector<{ bytesEach: number }>('kept.mjs');
    expect(bytesEach).toBeLessThan(300_000); // the arguments of all are some 2,000,000
  }, 60_000);
});

describe('Futures that nobody released', () => {
  it('are let go of when they are collected, with what their task made', async () => {
    const told = await runWithCollector<Record<string, unknown>>('dropped.mjs');
    expect(told).toEqual({
      finishedIsGone: true,
      keptIsHere: true,
      secondHoldKeeps: true,
      awaited: 42,
      gathered: [0, 2, 4],
      doneCallback: 'finished',
      fireAndForget: true,
      persisted: 7,
      persistedGone: true,
      pendingIsStopped: true,
      nestedGone: true,
    });
  }, 60_000);
});
