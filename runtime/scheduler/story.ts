import { keyOf, type Task } from '../../graph/index.ts';
import { type LogRecord, Note } from './decision-log.ts';
import type { SchedulerState } from './state.ts';
import { State, type StateName, stateNames, targetOf, transitions, Why } from './transitions.ts';

/** One line of a task's story. */
export interface StoryEntry {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly from: StateName;
  readonly to: StateName;
  readonly worker?: string;
  readonly why: string;
}

/** Why a task ran where it ran, or did not run: `text` for people, the rest for programs. */
export interface Explanation {
  readonly key: string;
  readonly text: string;
  readonly outcome: 'ran' | 'reused' | 'recomputed' | 'waiting' | 'failed';
  readonly worker?: string;
  /** Workers that were weighed: the one that was chosen first, then the next best, a few at most. */
  readonly candidates: readonly { readonly worker: string; readonly bytesToMove: number; readonly occupancyMs: number }[];
}

/** A record of the log as people read it. */
interface Told extends LogRecord {
  readonly text: string;
}

/** What the log keeps of a key, the oldest first; a task that was fused into another has the other's story. */
export function storyOf(state: SchedulerState, key: string): StoryEntry[] {
  return recordsOf(state, key)
    .filter(({ what }) => what < Note.candidate)
    .map(({ time, from, what, worker, text }) => ({
      time,
      from: stateNames[from],
      to: stateNames[targetOf[what]!]!,
      ...(worker < 0 ? {} : { worker: nameOf(state, worker) }),
      why: text,
    }));
}

/** Why a key ran where it ran, or did not; `undefined` when nothing is known of it. */
export function explanationOf(state: SchedulerState, key: string): Explanation | undefined {
  const records = recordsOf(state, key);
  const row = liveRow(state, key);
  if (records.length === 0 && row === undefined) return undefined;
  const moves = records.filter(({ what }) => what < Note.candidate);
  const at = row === undefined ? State.forgotten : (state.state[row] as State);
  const lastSent = records.findLastIndex(({ what }) => what === Why.sent || what === Why.taken);
  const sent = records[lastSent];
  const candidates = sent === undefined ? [] : candidatesOf(state, records, lastSent);
  const outcome = outcomeOf(records, at);
  const parts = [first(outcome, at, moves, state, row), sent === undefined ? '' : where(state, sent, candidates)];
  return {
    key,
    outcome,
    text: parts.filter(Boolean).join('; '),
    ...(sent === undefined ? {} : { worker: nameOf(state, sent.worker) }),
    candidates,
  };
}

/** Records of a key, the oldest first. */
function recordsOf(state: SchedulerState, key: string): Told[] {
  const told: Told[] = [];
  const isKey = (keys: string | readonly string[]): boolean => (typeof keys === 'string' ? keys === key : keys.includes(key));
  const now: number[] = [];
  for (let row = 0; row < state.size; row++) if (isTask(state, row, key)) now.push(row);
  state.log.backwards(now, isKey, (record, keyThen) => {
    const other = keyThen(record.detail) ?? (state.tasks[record.detail] === undefined ? '(forgotten)' : state.key(record.detail));
    told.push({ ...record, text: record.what < Note.candidate ? tell(state, record, other) : '' });
  });
  return told.reverse();
}

function isTask(state: SchedulerState, row: number, key: string): boolean {
  const task = state.tasks[row];
  if (task === undefined) return false;
  if (isNamed(task, key)) return true;
  return state.sources[row]?.graph.members[state.graphRow[row]!]?.some((member) => isNamed(member, key)) ?? false;
}

function isNamed(task: Task, key: string): boolean {
  return task.givenKey === undefined ? key.endsWith(task.token) && keyOf(task) === key : task.givenKey === key;
}

function liveRow(state: SchedulerState, key: string): number | undefined {
  let found: number | undefined;
  for (let row = 0; row < state.size; row++)
    if (isTask(state, row, key) && (found === undefined || state.rowOf(state.tasks[row]!.id) === row)) found = row;
  return found;
}

/** A reason, with what the log keeps beside it. */
function tell(state: SchedulerState, { what, worker, detail, row }: LogRecord, other: string): string {
  const { text } = transitions[what]!;
  switch (what) {
    case Why.scattered:
    case Why.finished:
      return `${text}: ${detail} bytes on ${nameOf(state, worker)}`;
    case Why.sent:
    case Why.taken:
      return `${text}: ${nameOf(state, worker)}, with ${inMs(detail)} ms of work before it`;
    case Why.workerDied:
    case Why.stolen:
    case Why.resultLost:
      return `${text} (${nameOf(state, worker)})`;
    case Why.retrying:
      return `${text} (failure ${detail})`;
    case Why.inputLost:
      return `${text}: ${other}`;
    case Why.inputErred:
    case Why.cancelled:
      return detail === row ? text : `${text}: ${other}`;
    default:
      return text;
  }
}

function outcomeOf(records: readonly Told[], at: State): Explanation['outcome'] {
  const last = (...reasons: number[]): number => records.findLastIndex(({ what }) => reasons.includes(what));
  const finished = last(Why.finished, Why.scattered);
  if (at === State.erred) return 'failed';
  if (at !== State.memory && at !== State.released && at !== State.forgotten) return 'waiting';
  if (at !== State.memory && last(Why.threw, Why.killed, Why.lost, Why.inputErred, Why.cancelled) > finished) return 'failed';
  if (finished < 0 && at !== State.memory) return 'waiting';
  if (last(Note.reused) > finished) return 'reused';
  return records.filter(({ what }) => what === Why.finished).length > 1 ? 'recomputed' : 'ran';
}

function first(outcome: Explanation['outcome'], at: State, moves: readonly Told[], state: SchedulerState, row: number | undefined): string {
  const said = (...reasons: number[]): string => moves.findLast(({ what }) => reasons.includes(what))?.text ?? '';
  switch (outcome) {
    case 'failed':
      return `failed: ${said(Why.threw, Why.killed, Why.lost, Why.inputErred, Why.cancelled)}`;
    case 'waiting':
      return `${stateNames[at]}: ${at === State.waiting && row !== undefined ? waitsFor(state, row) : (moves.at(-1)?.text ?? 'nobody asks for it')}`;
    case 'reused':
      return 'reused: its result was here when it was asked for again';
    case 'recomputed': {
      const again = moves.findLastIndex(({ what }) => what === Why.finished);
      const before = moves.slice(0, again).findLast(({ what }) => what === Why.resultLost || what === Why.dropped);
      return `computed again: ${before?.text ?? 'its result was gone'}`;
    }
    case 'ran':
      return moves.at(-1)?.what === Why.scattered ? 'scattered: it is data, and did not run' : 'ran: nobody had its result';
  }
}

function waitsFor(state: SchedulerState, row: number): string {
  const missing: string[] = [];
  state.eachDependency(row, (dependency) => {
    if (state.state[dependency] !== State.memory) missing.push(`${state.key(dependency)} (${stateNames[state.state[dependency]!]})`);
  });
  const [one, ...others] = missing;
  return `it needs ${one ?? 'nothing more'}${others.length === 0 ? '' : ` and ${others.length} more`}`;
}

/** Who could have run it, as weighed before it was sent; of what waits in the common queue nobody is weighed: who has room takes it. */
function candidatesOf(state: SchedulerState, records: readonly Told[], sent: number): Explanation['candidates'] {
  const weighed: { worker: string; bytesToMove: number; occupancyMs: number }[] = [];
  for (let i = sent - 1; i >= 0 && records[i]!.what === Note.candidate; i--)
    weighed.unshift({ worker: nameOf(state, records[i]!.worker), bytesToMove: records[i]!.detail, occupancyMs: inMs(records[i]!.time) });
  if (weighed.length > 0) return weighed;
  const { worker, detail } = records[sent]!;
  return [{ worker: nameOf(state, worker), bytesToMove: 0, occupancyMs: inMs(detail) }];
}

function where(state: SchedulerState, { worker, what }: Told, candidates: Explanation['candidates']): string {
  const name = nameOf(state, worker);
  const weighed = candidates
    .map((one) => `${one.worker}: ${one.bytesToMove} bytes to move, ${one.occupancyMs} ms of work before it`)
    .join('; ');
  if (what === Why.taken) return `taken by ${name}, which was idle, from the queue of ${candidates[0]?.worker ?? 'another'} (${weighed})`;
  return candidates.length > 1 ? `on ${name}, where it would start first (${weighed})` : `on ${name}, which had room (${weighed})`;
}

function nameOf(state: SchedulerState, worker: number): string {
  return state.workers[worker]?.name ?? '';
}

/** Milliseconds, to the microsecond. */
function inMs(us: number): number {
  return Math.round(us) / 1000;
}
