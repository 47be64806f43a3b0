import { closeSync, openSync, writeSync } from 'node:fs';
import { startLine, stepLine } from '../scheduler/record.ts';
import type { SchedulerOptions } from '../scheduler/scheduler.ts';
import type { Command, Stimulus } from '../scheduler/stimulus.ts';

/** Writes a run to a file, line by line; a process that ends in the middle leaves all but its last moments there. */
export class Recorder {
  readonly #path: string;
  readonly #warn: (message: string) => void;
  #file: number | undefined;
  #lines: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #atExit = (): void => this.#write();

  /** Throws what the system says when the file cannot be made. */
  constructor(path: string, warn: (message: string) => void) {
    this.#path = path;
    this.#warn = warn;
    this.#file = openSync(path, 'w');
    process.once('exit', this.#atExit);
  }

  started(options: SchedulerOptions): void {
    this.#add(startLine(options));
  }

  stepped(at: number, stimulus: Stimulus, commands: readonly Command[]): void {
    if (this.#file !== undefined) this.#add(stepLine(at, stimulus, commands));
  }

  #add(line: string): void {
    this.#lines.push(line, '\n');
    this.#length += line.length;
    if (this.#length > 1 << 18) this.#write();
    else this.#timer ??= setTimeout(() => this.#write(), 50).unref();
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bytes = Buffer.from(this.#lines.join(''));
    this.#lines = [];
    this.#length = 0;
    try {
      for (let at = 0; this.#file !== undefined && at < bytes.length; ) at += writeSync(this.#file, bytes, at);
    } catch (error) {
      this.close();
      this.#warn(`the run is not recorded in ${this.#path} any more: ${(error as Error).message}`);
    }
  }

  /** Writes what is left, and closes the file. */
  close(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#write();
    process.off('exit', this.#atExit);
    if (this.#file === undefined) return; // writing failed
    this.#file = undefined;
    closeSync(file);
  }
}
