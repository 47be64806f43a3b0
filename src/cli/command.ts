import type { Command } from 'commander';

/** Adds one command to the program. Its modules are loaded when it runs, not before. */
export type AddCommand = (program: Command) => void;

/** A mistake of the person at the keyboard: shown as it is, never with a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
