import { parseLine } from './record.ts';
import { Scheduler } from './scheduler.ts';

/** One step of a run, gone through again. */
export interface ReplayedStep {
  /** Which line of the record, from 1. */
  readonly line: number;
  /** When it happened, in milliseconds since the epoch. */
  readonly at: number;
  readonly kind: string;
  /** The commands as they were recorded, and as they follow now: JSON. */
  readonly recorded: string;
  readonly replayed: string;
}

/** Goes through the lines of a record, a step at a time. `scheduler` is the one that the last step went to. */
export class Replay {
  scheduler: Scheduler | undefined;
  #line = 0;

  /** Takes one line; the step it was, or `undefined` for the start of a scheduler. Throws SyntaxError for what is no line of a record. */
  take(text: string): ReplayedStep | undefined {
    this.#line++;
    const line = parseLine(text);
    if (line.kind === 'start') {
      this.scheduler = new Scheduler(line.options);
      return undefined;
    }
    if (this.scheduler === undefined) throw new SyntaxError('the record does not begin with a scheduler');
    const replayed = JSON.stringify(this.scheduler.step(line.stimulus, line.at));
    return { line: this.#line, at: line.at, kind: line.stimulus.kind, recorded: line.commands, replayed };
  }
}
