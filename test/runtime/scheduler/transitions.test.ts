import { readFileSync } from 'node:fs';
import { noOptions } from '../../../graph/options.ts';
import { DurationGroups } from '../../../runtime/scheduler/durations.ts';
import { SchedulerState } from '../../../runtime/scheduler/state.ts';
import { isLegal, State, stateNames, targetOf, transitions, Why } from '../../../runtime/scheduler/transitions.ts';
import { makeTask } from './random-tasks.ts';

function tableWithOneRow(): { state: SchedulerState; row: number } {
  const state = new SchedulerState(new DurationGroups());
  const limits = { options: noOptions, allowed: undefined, preferred: undefined, retries: 0 };
  return { state, row: state.add(makeTask('a', []), undefined, 0, limits) };
}

describe('transitions', () => {
  it('stand in ARCHITECTURE.md as they stand in the code', () => {
    const page = readFileSync(new URL('../../../ARCHITECTURE.md', import.meta.url), 'utf8');
    const table = page.slice(page.indexOf('| From | To | Why | When |'));
    const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
    expect(rows).toEqual(transitions.map(({ from, to, why, text }) => `| ${from.join(', ')} | ${to} | ${why} | ${text} |`));
  });

  it('name every reason once, and reach every state', () => {
    expect(new Set(transitions.map(({ why }) => why)).size).toBe(transitions.length);
    expect(new Set(transitions.map(({ to }) => to))).toEqual(new Set(stateNames));
    for (const [number, { why, from, to }] of transitions.entries()) {
      expect(Why[why]).toBe(number);
      expect(stateNames[targetOf[number]!]).toBe(to);
      expect(stateNames.filter((_, state) => isLegal(state as State, number))).toEqual(expect.arrayContaining([...from]));
    }
  });

  it('are errors when they are not in the table, and then change nothing', () => {
    const { state, row } = tableWithOneRow();
    expect(() => state.move(row, Why.finished)).toThrow(
      expect.objectContaining({ code: 'ERR_SCHEDULER', message: expect.stringContaining('task a is released and cannot become memory') }),
    );
    expect(state.state[row]).toBe(State.released);
    expect(state.counts[State.released]).toBe(1);
    state.move(row, Why.needed);
    expect(() => state.forget(row)).toThrow(expect.objectContaining({ code: 'ERR_SCHEDULER' }));
    expect(state.state[row]).toBe(State.waiting);
  });

  it('are each refused from all states but those of the table', () => {
    for (const [why, { from }] of transitions.entries())
      for (let at = 0; at < stateNames.length; at++)
        expect(isLegal(at as State, why)).toBe((from as readonly string[]).includes(stateNames[at]!));
  });
});
