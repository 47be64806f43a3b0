import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { HeddleError } from '../graph/index.ts';
import { Replay, type ReplayedStep } from './scheduler/replay.ts';
import { type Explanation, explanationOf, type StoryEntry, storyOf } from './scheduler/story.ts';

/** What came of going through a recorded run again. */
export interface ReplayReport {
  /** Steps that were gone through. */
  readonly steps: number;
  /** The first step whose commands are not those that were recorded: another version decides otherwise. */
  readonly differs: ReplayedStep | undefined;
  /** Whether the last line was cut off: the process ended while it was written. */
  readonly isCut: boolean;
  /** As `Executor.story`, at the end of the run. */
  story(key: string): StoryEntry[];
  /** As `Executor.explain`; `undefined` when nothing is known of the key. */
  explain(key: string): Explanation | undefined;
}

/**
 * Goes through a run that was recorded (`new Executor({ record: path })`) step by step, and compares what the scheduler decides with what it decided then.
 * `onStep` sees each. Nothing is run. Throws ERR_DAMAGED for what is no record.
 */
export async function replay(path: string | URL, onStep: (step: ReplayedStep) => void = () => {}): Promise<ReplayReport> {
  const run = new Replay();
  let steps = 0;
  let differs: ReplayedStep | undefined;
  let failed: { readonly line: number; readonly error: Error } | undefined;
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    line++;
    if (failed !== undefined) throw damaged(path, failed.line, failed.error); // only the last line may be cut off
    try {
      const step = run.take(text);
      if (step === undefined) continue;
      steps++;
      if (step.replayed !== step.recorded) differs ??= step;
      onStep(step);
    } catch (error) {
      failed = { line, error: error as Error };
    }
  }
  const state = run.scheduler?.state;
  if (state === undefined || (failed !== undefined && !(failed.error instanceof SyntaxError)))
    throw damaged(path, failed?.line ?? 1, failed?.error ?? new Error('it is empty'));
  return { steps, differs, isCut: failed !== undefined, story: (key) => storyOf(state, key), explain: (key) => explanationOf(state, key) };
}

function damaged(path: string | URL, line: number, cause: Error): HeddleError {
  return new HeddleError('ERR_DAMAGED', `${String(path)}, line ${line}, cannot be gone through again: ${cause.message}`, { cause });
}
