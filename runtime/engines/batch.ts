import { encodeRow, keyOf } from '../../graph/index.ts';
import type { SchedulerState } from '../scheduler/state.ts';
import { type Definition, TaskFlag, type ToWorker } from '../worker/protocol.ts';
import type { Definitions } from './definitions.ts';

/** Rows for one worker as one message: headers, tapes, keys, and what the worker does not know yet. */
export function encodeBatch(
  state: SchedulerState,
  definitions: Definitions,
  worker: number,
  rows: readonly number[],
): Extract<ToWorker, { kind: 'run' }> {
  const header: number[] = [];
  const tape: unknown[] = [];
  const keys: (string | readonly string[])[] = [];
  const nouts: (readonly [number, number, number])[] = [];
  const define: (readonly [number, Definition])[] = [];
  const tell = (index: number): void => {
    const definition = definitions.tell(worker, index);
    if (definition !== undefined) define.push([index, definition]);
  };
  const calleeIndex = (callee: Parameters<Definitions['callee']>[0]): number => {
    const index = definitions.callee(callee);
    tell(index);
    return index;
  };
  for (const row of rows) {
    const source = state.sources[row]!;
    const graphRow = state.graphRow[row]!;
    const task = state.tasks[row]!;
    const members = source.graph.members[graphRow];
    const start = tape.length;
    const inputs = encodeRow(source.graph, graphRow, calleeIndex, tape);
    definitions.numberData(tape, start, tell);
    let flags = state.holders[row]! > 0 ? TaskFlag.wanted : 0;
    const noted = nouts.length;
    if (members !== undefined)
      for (const [member, one] of members.entries()) if (one.options.nout !== undefined) nouts.push([row, member, one.options.nout]);
    if (task.options.nout !== undefined) nouts.push([row, members?.length ?? 0, task.options.nout]);
    if (nouts.length > noted) flags |= TaskFlag.nout;
    keys.push(members === undefined ? keyOf(task) : [...members.map(keyOf), keyOf(task)]);
    header.push(row, state.attempts[row]!, flags, tape.length, inputs.length);
    for (const input of inputs) {
      const inputRow = source.rows[input]!;
      header.push(inputRow, state.worker[inputRow]!);
    }
  }
  return { kind: 'run', define, header, tape, keys, nouts };
}
