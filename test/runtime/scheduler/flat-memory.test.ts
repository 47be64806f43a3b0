import type { Task } from '../../../graph/task.ts';
import type { Command } from '../../../runtime/scheduler/stimulus.ts';
import { State } from '../../../runtime/scheduler/transitions.ts';
import { Desk } from './desk.ts';

/** Microseconds. */
const costs = new Map([
  ['read', 8_000],
  ['parse', 3_000],
]);

/**
 * read ─▶ parse ─┐
 * read ─▶ parse ─┤ reduce, sixteen at a time ─▶ … ─▶ one        run by workers that take each task's own time, on a virtual clock
 */
function runReduction(blocks: number, workers: number): { readonly most: number; readonly mostReads: number; readonly ran: number } {
  const desk = new Desk(workers);
  const { state } = desk.scheduler;
  let level: Task[] = Array.from({ length: blocks }, (_, i) => desk.task(`parse${i}`, [desk.task(`read${i}`)]));
  for (let depth = 0; level.length > 1; depth++) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 16) }, (_, i) =>
      desk.task(`reduce${'x'.repeat(depth)}_${i}`, below.slice(16 * i, 16 * i + 16)),
    );
  }
  /** By worker: rows it was sent, in order, and when it is done with the first. */
  const queues: number[][] = Array.from({ length: workers }, () => []);
  const doneAt = new Array<number>(workers).fill(Number.POSITIVE_INFINITY);
  let us = 0;
  let most = 0;
  let mostReads = 0;
  let ran = 0;
  const costOf = (row: number): number => costs.get(state.tasks[row]!.name) ?? 500;
  const take = (commands: readonly Command[]): void => {
    for (const command of commands) {
      if (command.kind !== 'run') continue;
      if (queues[command.worker]!.length === 0) doneAt[command.worker] = us + costOf(command.rows[0]!);
      queues[command.worker]!.push(...command.rows);
    }
  };
  const step = desk.scheduler.step.bind(desk.scheduler);
  desk.scheduler.step = (stimulus, now) => {
    const commands = step(stimulus, now);
    take(commands);
    return commands;
  };
  desk.submit(level[0]!);
  for (;;) {
    const worker = doneAt.indexOf(Math.min(...doneAt));
    if (doneAt[worker] === Number.POSITIVE_INFINITY) break;
    us = doneAt[worker]!;
    desk.now = 1_000_000 + Math.floor(us / 1000);
    const row = queues[worker]!.shift()!;
    doneAt[worker] = queues[worker]!.length > 0 ? us + costOf(queues[worker]![0]!) : Number.POSITIVE_INFINITY;
    const cost = costOf(row);
    ran++;
    desk.step({ kind: 'finished', worker, reports: [row, cost === costs.get('read') ? 1e6 : 1e4, cost] });
    most = Math.max(most, state.counts[State.memory]!);
    let reads = 0;
    if (ran % 16 === 0)
      for (let one = 0; one < state.size; one++) if (state.state[one] === State.memory && state.nbytes[one] === 1e6) reads++;
    mostReads = Math.max(mostReads, reads);
  }
  return { most, mostReads, ran };
}

describe('root tasks are held back', () => {
  it('so a reduction over 10,000 blocks holds a few blocks a worker at any time', () => {
    const workers = 4;
    const { most, mostReads, ran } = runReduction(10_000, workers);
    expect(ran).toBeGreaterThan(20_000);
    expect(mostReads).toBeLessThanOrEqual(4 * workers); // blocks as they were read
    expect(most).toBeLessThanOrEqual(16 * 4 + 16 * workers); // with parts of each level that wait for their neighbours
  });
});
