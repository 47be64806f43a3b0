import { compile } from '../../../graph/compile.ts';
import type { Task } from '../../../graph/task.ts';
import { Scheduler } from '../../../runtime/scheduler/scheduler.ts';
import type { Limits, Source } from '../../../runtime/scheduler/state.ts';
import type { Command } from '../../../runtime/scheduler/stimulus.ts';
import { call } from '../../conformance/pass.ts';

/**
 *     read ── count          three reads overlap on a worker; counts do not
 *     read ── count
 *     …
 */
const limits: Limits = { options: {}, allowed: undefined, preferred: undefined, retries: 0 };

/** Rows sent by commands, by worker. */
function sent(commands: readonly Command[]): Map<number, number[]> {
  const rows = new Map<number, number[]>();
  for (const command of commands)
    if (command.kind === 'run') rows.set(command.worker, [...(rows.get(command.worker) ?? []), ...command.rows]);
  return rows;
}

interface Begun {
  readonly scheduler: Scheduler;
  readonly source: Source;
  readonly first: Map<number, number[]>;
}

function begin(workers: number, tasks: readonly Task[], passes?: readonly []): Begun {
  const names = Array.from({ length: workers }, (_, i) => ({ name: `w${i}`, host: 'here', resources: {} }));
  const scheduler = new Scheduler({ allowedFailures: 3, stalledMs: Number.POSITIVE_INFINITY, workers: names });
  for (const index of names.keys()) scheduler.step({ kind: 'worker-joined', worker: index }, 0);
  const plan = compile(tasks, { workers: names, ...(passes && { passes }) });
  const source = { graph: plan.graph, rows: new Int32Array(plan.graph.size) };
  const commands = scheduler.step({ kind: 'submitted', plan, source, limitsOf: () => limits, parent: -1 }, 0);
  return { scheduler, source, first: sent(commands) };
}

const slowUs = 100_000;
const read = (i: number, overlap: number): Task => call(`read-${i}`, [], { overlap });
const counts = (sizes: Map<number, number[]>): number[] => [...sizes.values()].map((rows) => rows.length);

describe('tasks that overlap', () => {
  it('are sent side by side, as many as they say, to each worker', () => {
    expect(
      counts(
        begin(
          2,
          Array.from({ length: 10 }, (_, i) => read(i, 3)),
        ).first,
      ),
    ).toEqual([3, 3]);
    expect(
      counts(
        begin(
          2,
          Array.from({ length: 10 }, (_, i) => read(i, 1)),
        ).first,
      ),
    ).toEqual([1, 1]);
  });

  it('are made up for one by one as they end, also when they are slow', () => {
    const { scheduler, first } = begin(
      1,
      Array.from({ length: 10 }, (_, i) => read(i, 3)),
    );
    const [row] = first.get(0)!;
    expect(counts(sent(scheduler.step({ kind: 'finished', worker: 0, reports: [row!, 8, slowUs] }, 0)))).toEqual([1]);
    expect(scheduler.state.workers[0]).toMatchObject({ overlapping: 3 });
  });

  it('overlap when they are fused with what uses them: by the least of a row', () => {
    const used = Array.from({ length: 10 }, (_, i) => call(`count-${i}`, [read(i, i === 0 ? 2 : 4)]));
    const { source, first } = begin(1, used);
    expect(source.graph.size).toBe(10);
    expect(source.graph.overlap(0)).toBe(2);
    expect(counts(first)[0]).toBeGreaterThan(1);
  });

  it('leave room for one task that works, and wait while it does', () => {
    const used = Array.from({ length: 10 }, (_, i) => call(`count-${i}`, [read(i, 3)]));
    const { scheduler, source, first } = begin(1, used, []);
    const [row] = first.get(0)!;
    const next = sent(scheduler.step({ kind: 'finished', worker: 0, reports: [row!, 8, slowUs] }, 0)).get(0)!;
    expect(next.map((one) => source.graph.tasks[source.rows.indexOf(one)]!.name.split('-')[0])).toEqual(['count']);
    const second = first.get(0)![1]!;
    expect(counts(sent(scheduler.step({ kind: 'finished', worker: 0, reports: [second, 8, slowUs] }, 0)))).toEqual([]);
    const after = sent(scheduler.step({ kind: 'finished', worker: 0, reports: [next[0]!, 8, slowUs] }, 0)).get(0)!;
    expect(after.map((one) => source.graph.tasks[source.rows.indexOf(one)]!.name.split('-')[0])).toEqual(['count']);
  });

  it('count for their share of the time only', () => {
    const { scheduler } = begin(
      1,
      Array.from({ length: 4 }, (_, i) => read(i, 4)),
    );
    expect(scheduler.state.workers[0]!.occupancyUs).toBeCloseTo(5000);
    scheduler.step({ kind: 'worker-left', worker: 0, wanted: false }, 0);
    expect(scheduler.state.workers[0]).toMatchObject({ occupancyUs: 0, overlapping: 0, overlapUs: 0 });
  });
});
