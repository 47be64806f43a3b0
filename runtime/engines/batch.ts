import { type Callee, encodeRow, keyOf, type Task } from '../../graph/index.ts';
import type { SchedulerState } from '../scheduler/state.ts';
import { type Definition, headerLength, TaskFlag, type ToWorker } from '../worker/protocol.ts';
import type { Claims } from './claims.ts';
import type { Definitions } from './definitions.ts';

/** Rows for one worker as one message: headers, tapes, keys, and what the worker does not know yet. */
export function encodeBatch(
  state: SchedulerState,
  definitions: Definitions,
  worker: number,
  rows: readonly number[],
  claims: Claims | undefined,
): Extract<ToWorker, { kind: 'run' }> {
  const tape: unknown[] = [];
  const names: string[] = [];
  const tokens: string[] = [];
  const keys: (string | readonly string[])[] = [];
  const nouts: (readonly [number, number, number])[] = [];
  const define: (readonly [number, Definition])[] = [];
  const tell = (index: number): void => {
    const definition = definitions.tell(worker, index);
    if (definition !== undefined) define.push([index, definition]);
  };
  const calleeIndex = (callee: Callee): number => {
    const index = definitions.callee(callee);
    tell(index);
    return index;
  };
  let used = 0;
  for (const row of rows) {
    const source = state.sources[row]!;
    const graphRow = state.graphRow[row]!;
    const task = state.tasks[row]!;
    const members = source.graph.members[graphRow];
    const start = tape.length;
    const inputs = encodeRow(source.graph, graphRow, calleeIndex, tape);
    definitions.numberData(tape, start, tell);
    if (members !== undefined)
      for (const [member, one] of members.entries()) if (one.options.nout !== undefined) nouts.push([row, member, one.options.nout]);
    if (task.options.nout !== undefined) nouts.push([row, members?.length ?? 0, task.options.nout]);
    let name = -1;
    if (members !== undefined) keys.push([...members.map(keyOf), keyOf(task)]);
    else if (task.givenKey !== undefined) keys.push(task.givenKey);
    else {
      name = nameIndex(names, task);
      tokens.push(task.token);
    }
    if (used + headerLength + 2 * inputs.length > scratch.length) grow(used + headerLength + 2 * inputs.length);
    scratch[used++] = row;
    scratch[used++] = state.attempts[row]!;
    scratch[used++] = state.holders[row]! > 0 ? TaskFlag.wanted : 0;
    scratch[used++] = tape.length;
    scratch[used++] = inputs.length;
    scratch[used++] = name;
    scratch[used++] = claims === undefined ? -1 : claims.ticket(worker, row);
    for (let i = 0; i < inputs.length; i++) {
      const inputRow = source.rows[inputs[i]!]!;
      scratch[used++] = inputRow;
      scratch[used++] = state.worker[inputRow]!;
    }
  }
  return { kind: 'run', define, header: scratch.slice(0, used), tape, names, tokens: tokens.join(''), keys, nouts };
}

/** Neighbours mostly share their name. */
function nameIndex(names: string[], { name }: Task): number {
  if (names[names.length - 1] === name) return names.length - 1;
  const known = names.indexOf(name);
  return known >= 0 ? known : names.push(name) - 1;
}

/** Headers are written here before they are cut to size. */
let scratch = new Int32Array(4096);

function grow(size: number): void {
  const larger = new Int32Array(2 * size);
  larger.set(scratch);
  scratch = larger;
}
