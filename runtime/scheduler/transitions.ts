/**
 * Where a task may stand, and every way from one state to another. What is not in the table is a fault in heddle, and an error.
 *
 *     forgotten ─▶ released ─▶ waiting ─▶ queued ─▶ processing ─▶ memory      and back: a result is let go or lost,
 *                                 └─▶ no-worker ─┘       └─▶ erred            a run comes to nothing, a worker dies
 *
 * Each row is a reason: it says where it may find a task, and where it takes it. So a task's story is a list of reasons.
 */

/** Where a task stands, as in Dask's scheduler; `forgotten` is a free row. */
export const State = { forgotten: 0, released: 1, waiting: 2, noWorker: 3, queued: 4, processing: 5, memory: 6, erred: 7 } as const;
export type State = (typeof State)[keyof typeof State];
/** The same by number, as events show them. */
export const stateNames = ['forgotten', 'released', 'waiting', 'no-worker', 'queued', 'processing', 'memory', 'erred'] as const;
export type StateName = (typeof stateNames)[number];

/** One reason for which a task goes from one state to another. */
export interface Transition {
  readonly why: string;
  readonly from: readonly StateName[];
  readonly to: StateName;
  /** In a sentence that begins with the task. */
  readonly text: string;
}

const unfinished = ['waiting', 'no-worker', 'queued'] as const;

/** Every transition. Order is the number that the log keeps. */
export const transitions = [
  { why: 'submitted', from: ['forgotten'], to: 'released', text: 'a plan or scattered data brings it in' },
  { why: 'scattered', from: ['released'], to: 'memory', text: 'it is data that was scattered' },
  { why: 'scatteredAgain', from: ['erred'], to: 'released', text: 'it was lost, and is scattered again' },
  { why: 'needed', from: ['released'], to: 'waiting', text: 'a Future holds it, or an unfinished dependent waits for it' },
  { why: 'ready', from: ['waiting'], to: 'queued', text: 'all its dependencies are in memory' },
  { why: 'unplaced', from: ['waiting'], to: 'no-worker', text: 'no worker may run it, not even one that is starting' },
  { why: 'placed', from: ['no-worker'], to: 'queued', text: 'a worker that may run it joined' },
  { why: 'sent', from: ['queued'], to: 'processing', text: 'a worker has room' },
  { why: 'taken', from: ['queued'], to: 'processing', text: 'an idle worker takes it from the queue of a busy one' },
  { why: 'finished', from: ['processing'], to: 'memory', text: 'it finished' },
  { why: 'retrying', from: ['processing'], to: 'waiting', text: 'it threw or ran out of time, and has retries left' },
  { why: 'givenBack', from: ['processing'], to: 'waiting', text: 'its worker gave it back unrun: an input was gone, or could not come' },
  { why: 'stolen', from: ['processing'], to: 'waiting', text: 'its worker had not begun it, and another was idle' },
  { why: 'wantedAgain', from: ['processing'], to: 'waiting', text: 'it was told to stop, and is wanted again since' },
  { why: 'workerDied', from: ['processing'], to: 'waiting', text: 'its worker died while it was there' },
  { why: 'workerGone', from: ['queued'], to: 'waiting', text: 'the worker it waited for is gone' },
  { why: 'inputLost', from: ['queued', 'no-worker'], to: 'waiting', text: 'an input was lost with its worker' },
  { why: 'threw', from: ['processing'], to: 'erred', text: 'it threw or ran out of time, and has no retries left' },
  { why: 'killed', from: ['processing'], to: 'erred', text: 'it ended its worker more than `allowedFailures` times' },
  { why: 'lost', from: ['released'], to: 'erred', text: 'it was scattered data, and its worker is gone' },
  { why: 'inputErred', from: ['processing', ...unfinished], to: 'erred', text: 'a dependency erred: it carries the same error' },
  { why: 'cancelled', from: ['released', 'processing', ...unfinished], to: 'erred', text: 'it, or what it depends on, was cancelled' },
  { why: 'dropped', from: ['memory'], to: 'released', text: 'nobody needs its result: it is freed' },
  { why: 'resultLost', from: ['memory'], to: 'released', text: 'the only worker that held its result died, or has it no more' },
  { why: 'excused', from: ['erred'], to: 'released', text: 'nobody needs it any more' },
  { why: 'retried', from: ['erred'], to: 'released', text: 'it, or what depends on it, is retried' },
  { why: 'unneeded', from: ['processing', ...unfinished], to: 'released', text: 'nobody needs it any more' },
  { why: 'forgotten', from: ['released'], to: 'forgotten', text: 'no dependent is left that it would have to be made again for' },
] as const satisfies readonly Transition[];

/** Reasons by name. */
export const Why = Object.fromEntries(transitions.map(({ why }, i) => [why, i])) as {
  readonly [K in (typeof transitions)[number]['why']]: number;
};

/** Reason → state it leads to. */
export const targetOf: Uint8Array = Uint8Array.from(transitions, ({ to }) => stateNames.indexOf(to));
/** Reason → states it may come from, a bit each. */
const sources = Uint8Array.from(transitions, ({ from }) => from.reduce((bits, one) => bits | (1 << stateNames.indexOf(one)), 0));

/** Whether a task may leave a state for a reason. */
export function isLegal(from: State, why: number): boolean {
  return ((sources[why]! >> from) & 1) === 1;
}
