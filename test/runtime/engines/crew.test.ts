/** A worker that is to take the place of another, and needs too long for it. */
import { jest } from '@jest/globals';
import { Crew } from '../../../runtime/engines/crew.ts';
import type { StartWorker } from '../../../runtime/pool/transport.ts';
import { noLimit } from '../../../runtime/worker/accounts.ts';
import type { FromWorker, ToWorker } from '../../../runtime/worker/protocol.ts';

interface Started {
  readonly posted: ToWorker[];
  readonly say: (message: FromWorker) => void;
  isEnded: boolean;
}

function crewOf(started: Started[], told: string[]): Crew {
  const start: StartWorker = (_, say) => {
    const one: Started = { posted: [], say, isEnded: false };
    started.push(one);
    return {
      post: (message) => {
        one.posted.push(message);
        if (message.kind === 'has') queueMicrotask(() => say({ kind: 'held', request: message.request, rows: [] }));
      },
      meet: () => {},
      setBusy: () => {},
      terminate: async () => {
        one.isEnded = true;
      },
    };
  };
  return new Crew({
    names: ['a'],
    start,
    settings: {} as never,
    memory: { settings: () => noLimit, began: () => {}, ended: () => {}, rest: () => {} },
    claims: undefined,
    listener: {
      joined: () => void told.push('joined'),
      left: (_, _cause, wanted, kept) => void told.push(`left ${wanted} ${kept.length}`),
      broken: (error) => void told.push(`broken ${error.message}`),
      message: () => {},
      executor: () => undefined,
      warn: () => {},
    },
  });
}

describe('an heir', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] }));
  afterEach(() => void jest.useRealTimers());

  it.each([
    ['never answers', false],
    ['is there and brings nothing over', true],
  ])('that %s is dropped after 30 s; another takes the place, with nothing', async (_, isReady) => {
    const started: Started[] = [];
    const told: string[] = [];
    const crew = crewOf(started, told);
    const [old] = started as [Started];
    old.say({ kind: 'ready' });
    const succession = crew.succeed(0, [7], (brought) => brought);
    await jest.advanceTimersByTimeAsync(10);
    expect(started.length).toBe(2);
    const heir = started[1]!;
    if (isReady) {
      heir.say({ kind: 'ready' });
      expect(heir.posted).toEqual([{ kind: 'inherit', rows: [7] }]);
    }
    await jest.advanceTimersByTimeAsync(29_000);
    expect([old.isEnded, heir.isEnded, told]).toEqual([false, false, ['joined']]);
    await jest.advanceTimersByTimeAsync(2_000);
    await succession;
    expect([old.isEnded, heir.isEnded, started.length]).toEqual([true, true, 3]);
    expect(told).toEqual(['joined', 'left true 0']);
    heir.say({ kind: 'inherited', rows: [7] }); // too late
    started[2]!.say({ kind: 'ready' });
    expect(told).toEqual(['joined', 'left true 0', 'joined']);
    await crew.close(new Error('closed'));
    expect(started.every(({ isEnded }) => isEnded)).toBe(true);
  });

  it('that is late and not needed any more changes nothing', async () => {
    const started: Started[] = [];
    const told: string[] = [];
    const crew = crewOf(started, told);
    started[0]!.say({ kind: 'ready' });
    const succession = crew.succeed(0, [7], () => undefined);
    await jest.advanceTimersByTimeAsync(31_000);
    await succession;
    expect([started.length, started[0]!.isEnded, started[1]!.isEnded, told]).toEqual([2, false, true, ['joined']]);
    await crew.close(new Error('closed'));
  });
});
