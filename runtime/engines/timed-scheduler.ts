import { Scheduler, type SchedulerOptions } from '../scheduler/scheduler.ts';
import type { SchedulerState } from '../scheduler/state.ts';
import type { Command, Stimulus } from '../scheduler/stimulus.ts';
import type { Recorder } from './recorder.ts';

/** How often the scheduler looks for what waits too long, while there is work. */
const tickMs = 100;
const { timeOrigin } = performance;

/** What a timed scheduler tells the shell. */
export interface TimedListener {
  /** What follows from time passing. */
  ticked(commands: readonly Command[]): void;
  /** A fault in the scheduler itself: nothing it says can be relied on any more. */
  broken(error: Error): void;
}

/** The scheduler with a clock: tells it when things happen, and that time passes; notes each step where a run is recorded. */
export class TimedScheduler {
  readonly #scheduler: Scheduler;
  readonly #recorder: Recorder | undefined;
  readonly #listener: TimedListener;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SchedulerOptions, recorder: Recorder | undefined, listener: TimedListener) {
    this.#scheduler = new Scheduler(options);
    this.#recorder = recorder;
    this.#listener = listener;
    recorder?.started(options);
  }

  get state(): SchedulerState {
    return this.#scheduler.state;
  }

  step(stimulus: Stimulus): readonly Command[] {
    const now = Math.round(timeOrigin + performance.now()); // unlike Date, it never goes back
    let commands: readonly Command[] = [];
    try {
      commands = this.#scheduler.step(stimulus, now);
    } catch (error) {
      this.#listener.broken(error as Error);
    }
    this.#recorder?.stepped(now, stimulus, commands);
    return commands;
  }

  /** The clock ticks while there is work; it keeps no process alive. */
  setBusy(isBusy: boolean): void {
    if (isBusy === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = isBusy ? setInterval(() => this.#listener.ticked(this.step({ kind: 'tick' })), tickMs).unref() : undefined;
  }
}
