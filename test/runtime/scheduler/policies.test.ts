import { State } from '../../../runtime/scheduler/transitions.ts';
import { Desk } from './desk.ts';

describe('placement', () => {
  /** a lies with worker 0 (big), b with worker 1 (small). */
  function twoInputs(a: number, b: number): Desk {
    const desk = new Desk(2);
    const [one, two] = [desk.task('a', [], { on: [0] }), desk.task('b', [], { on: [1] })];
    desk.submit(one, two);
    desk.finish(0, ['a'], { nbytes: a });
    desk.finish(1, ['b'], { nbytes: b });
    return desk;
  }

  it('goes where fewer bytes have to be brought', () => {
    for (const [a, b, to] of [
      [1e7, 10, 0],
      [10, 1e7, 1],
    ] as const) {
      const desk = twoInputs(a, b);
      expect(desk.submit(desk.task('c', [desk.scheduler.state.tasks[desk.row('a')]!, desk.scheduler.state.tasks[desk.row('b')]!]))).toEqual(
        [`run ${to} c`],
      );
    }
  });

  it('counts the work that a worker has in its queue', () => {
    const desk = twoInputs(1e6, 10); // moving a takes about 1.1 ms
    desk.time('busy', 3_000);
    desk.submit(desk.task('busy0', [], { on: [0] }), desk.task('busy1', [], { on: [0] }));
    const { tasks } = desk.scheduler.state;
    expect(desk.submit(desk.task('c', [tasks[desk.row('a')]!, tasks[desk.row('b')]!]))).toEqual(['run 1 c']);
  });

  it('moves bytes at the bandwidth that was measured', () => {
    const desk = twoInputs(1e6, 10);
    for (let i = 0; i < 30; i++) desk.step({ kind: 'moved', rows: [desk.row('a')], us: 100_000 }); // 10 MB/s: 100 ms for a
    expect(desk.scheduler.state.bandwidth.bytesPerSecond).toBeLessThan(2e7);
    desk.time('busy', 3_000);
    desk.submit(desk.task('busy0', [], { on: [0] }), desk.task('busy1', [], { on: [0] }));
    const { tasks } = desk.scheduler.state;
    desk.submit(desk.task('c', [tasks[desk.row('a')]!, tasks[desk.row('b')]!]));
    expect(desk.isIn('c', State.queued)).toBe(true); // worth the wait
    desk.finish(0, ['busy0']);
    expect(desk.finish(0, ['busy1'])).toEqual(['run 0 c']);
  });

  it('prefers near workers, and does not wait for them', () => {
    const desk = new Desk(2);
    expect(desk.submit(desk.task('a', [], { near: [1] }))).toEqual(['run 1 a']);
    desk.time('b', 50_000);
    expect(desk.submit(desk.task('b0', [], { near: [1] }), desk.task('b1', [], { near: [1] }))).toEqual(['run 0 b0']);
  });

  it('runs what has the higher priority first, then what was submitted first, then what the plan ranks first', () => {
    const desk = new Desk(1);
    desk.submit(desk.task('long', [], { timeout: 1_000 }));
    desk.submit(desk.task('x0'), desk.task('x1'));
    desk.submit(desk.task('y', [], { priority: -1 }), desk.task('z', [], { priority: 1 }));
    desk.submit(desk.task('x2'));
    expect(desk.finish(0, ['long'])).toEqual(['run 0 z']);
    const order: string[] = [];
    for (let sent = ['z']; sent.length > 0; ) {
      sent = desk.finish(0, sent).flatMap((command) => command.split(' ').slice(2));
      order.push(...sent);
    }
    expect(order).toEqual(['x0', 'x1', 'x2', 'y']);
  });
});

describe('restrictions', () => {
  it('let what no worker may run wait, and run it when one joins that may', () => {
    const desk = new Desk(2);
    expect(desk.submit(desk.task('a', [], { resources: { gpu: 1 } }))).toEqual(['no-worker a']);
    expect(desk.isIn('a', State.noWorker)).toBe(true);
    expect(desk.step({ kind: 'worker-joined', worker: 2, description: { name: 'w2', host: 'here', resources: { gpu: 1 } } })).toEqual([
      'run 2 a',
    ]);
  });

  it('hold for resources: no more at once than there are', () => {
    const desk = new Desk([{ gpu: 2 }, {}]);
    const wish = { resources: { gpu: 1 } };
    desk.time('a', 10);
    expect(desk.submit(desk.task('a0', [], wish), desk.task('a1', [], wish), desk.task('a2', [], wish))).toEqual(['run 0 a0 a1']);
    expect(desk.finish(0, ['a1'])).toEqual(['run 0 a2']);
  });

  it('wait for a worker that is starting again', () => {
    const desk = new Desk(2);
    desk.step({ kind: 'worker-left', worker: 1, wanted: true });
    expect(desk.submit(desk.task('a', [], { on: [1] }))).toEqual([]);
    expect(desk.step({ kind: 'worker-joined', worker: 1 })).toEqual(['run 1 a']);
  });
});

describe('stealing', () => {
  it('takes from the queue of a busy worker at once', () => {
    const desk = new Desk(2);
    const a = desk.task('a', [], { on: [0] });
    desk.submit(a);
    desk.finish(0, ['a'], { nbytes: 100 });
    desk.time('b', 20_000);
    const tasks = Array.from({ length: 4 }, (_, i) => desk.task(`b${i}`, [a]));
    const sent = desk.submit(...tasks);
    expect(sent).toEqual(['run 0 b0', 'run 1 b1']);
  });

  it('leaves what costs more to move than to wait for', () => {
    const desk = new Desk(2);
    const a = desk.task('a', [], { on: [0] });
    desk.submit(a);
    desk.finish(0, ['a'], { nbytes: 1e9 });
    desk.time('b', 20_000);
    expect(desk.submit(...Array.from({ length: 4 }, (_, i) => desk.task(`b${i}`, [a])))).toEqual(['run 0 b0']);
  });

  /** Worker 0 has ten tasks in hand, all expected to be short; worker 1 is busy with one of its own. */
  function longBatch(wish = {}): Desk {
    const desk = new Desk(2);
    desk.time('short', 300);
    desk.submit(desk.task('own', [], { on: [1] }));
    const tasks = Array.from({ length: 10 }, (_, i) => desk.task(`short${i}`, [], { near: [0], ...wish }));
    expect(desk.submit(...tasks)).toEqual([`run 0 ${tasks.map(({ id }) => id).join(' ')}`]);
    return desk;
  }

  it('asks back half of what a worker has not begun when another has nothing to do', () => {
    const desk = longBatch();
    expect(desk.finish(1, ['own'])).toEqual(['steal 0 short9 short8 short7 short6 short5']);
    expect(desk.isIn('short9', State.processing)).toBe(true); // until the worker gives it back
    expect(desk.step({ kind: 'returned', worker: 0, rows: [desk.row('short9')] })).toEqual(['run 1 short9']);
    expect(desk.whereIs('short9')).toBe(1);
    expect(desk.scheduler.state.attempts[desk.row('short9')]).toBe(1);
    // short8 had begun: it ends where it is, and goes nowhere else
    expect(desk.finish(0, ['short8']).filter((command) => command.includes('short8'))).toEqual([]);
    expect(desk.whereIs('short8')).toBe(0);
  });

  it('asks nobody twice at a time', () => {
    const desk = longBatch();
    desk.finish(1, ['own']);
    expect(desk.step({ kind: 'tick' })).toEqual([]);
  });

  it('is not worth it for work that will be done in a moment', () => {
    const desk = new Desk(2);
    desk.time('short', 10);
    desk.submit(desk.task('own', [], { on: [1] }));
    desk.submit(...Array.from({ length: 10 }, (_, i) => desk.task(`short${i}`, [], { near: [0] })));
    expect(desk.finish(1, ['own'])).toEqual([]);
    desk.now += 50; // but it should have been done by now
    expect(desk.step({ kind: 'tick' })).toEqual(['steal 0 short9 short8 short7 short6 short5']);
  });

  it('respects fences', () => {
    const desk = longBatch({ on: [0] });
    expect(desk.finish(1, ['own'])).toEqual([]);
    desk.now += 10_000;
    expect(desk.step({ kind: 'tick' })).toEqual([]);
  });

  it('gives a stolen task back to the queues when its thief is gone', () => {
    const desk = longBatch();
    desk.finish(1, ['own']);
    desk.step({ kind: 'worker-left', worker: 1, wanted: false });
    desk.step({ kind: 'returned', worker: 0, rows: [desk.row('short9')] });
    expect(desk.whereIs('short9')).toBe(0);
    expect(desk.isIn('short9', State.processing)).toBe(true);
  });
});

describe('the watchdog', () => {
  it('says which task has long been ready beside an idle worker, and how many', () => {
    const desk = new Desk(2);
    desk.submit(desk.task('long', [], { on: [0] }));
    desk.submit(desk.task('a0', [], { on: [0] }), desk.task('a1', [], { on: [0] }));
    const ticks = (ms: number): string[] => {
      const said: string[] = [];
      for (const end = desk.now + ms; desk.now < end; ) {
        desk.now += 100;
        said.push(...desk.step({ kind: 'tick' }));
      }
      return said;
    };
    expect(ticks(9_000)).toEqual([]);
    expect(ticks(2_000)).toEqual(['stalled a0 beside 1: false, 2']);
    expect(ticks(9_000)).toEqual([]); // once in ten seconds
    desk.finish(0, ['long']);
    expect(new Set(ticks(30_000))).toEqual(new Set(['stalled a1 beside 1: false, 1'])); // a0 runs; it is a1 that waits
  });

  it('is silent while every worker has something to do', () => {
    const desk = new Desk(1);
    desk.submit(desk.task('a0'), desk.task('a1'));
    for (let i = 0; i < 1_000; i++) {
      desk.now += 100;
      expect(desk.step({ kind: 'tick' })).toEqual([]);
    }
  });
});
