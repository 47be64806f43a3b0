import type { PackedError } from '../failure.ts';
import type { NestedReply, NestedRequest } from '../nested/messages.ts';
import type { Way } from './links.ts';

/** Every message between the shell and its workers, and between workers. */

/** How a worker gets a function or captured data; `live` only where both sides share a thread. */
export type Definition =
  | { readonly kind: 'own'; readonly module: string; readonly name: string }
  | { readonly kind: 'payload'; readonly payload: Uint8Array }
  | { readonly kind: 'live'; readonly thing: unknown };

/**
 * Numbers a task takes in a batch's header before its inputs: row, attempt, flags, end of its tape, number of inputs, and its name (an index, or -1 when
 * its key stands among the keys), and its ticket (-1: none); then row and holder of each input.
 */
export const headerLength = 7;
/** Tasks of a worker that can be taken back at a time, about. */
export const claimSlots = 1024;
/** Flags of a task in a header. */
export const TaskFlag = {
  /** A Future holds it: send a small result along with the report. */
  wanted: 1,
} as const;

export type ToWorker =
  /** Tasks, in the order they should run. Tapes lie one after the other. */
  | {
      readonly kind: 'run';
      readonly define: readonly (readonly [index: number, definition: Definition])[];
      readonly header: Int32Array;
      readonly tape: readonly unknown[];
      readonly names: readonly string[];
      /** The tokens of those tasks that have a name, one after the other. */
      readonly tokens: string;
      /** For each of the others its key, or the keys of all tasks fused into it, the outlet last. */
      readonly keys: readonly (string | readonly string[])[];
      readonly nouts: readonly (readonly [row: number, member: number, nout: number])[];
    }
  /** These results are not needed any more. */
  | { readonly kind: 'free'; readonly rows: readonly number[] }
  /** Send these results to the shell. */
  | { readonly kind: 'fetch'; readonly request: number; readonly rows: readonly number[] }
  /** Which of these results are here? */
  | { readonly kind: 'has'; readonly request: number; readonly rows: readonly number[] }
  /** Keep this as the result of a row. */
  | { readonly kind: 'put'; readonly row: number; readonly rich: boolean; readonly value: unknown; readonly captured?: Definition }
  /** Nobody wants this task any more: drop it if it waits, tell it if it runs. */
  | { readonly kind: 'stop'; readonly row: number; readonly reason: unknown }
  /** Another worker has nothing to do: give back those of these tasks that have not begun. */
  | { readonly kind: 'steal'; readonly rows: readonly number[] }
  /** These tasks were taken back before they began. */
  | { readonly kind: 'drop'; readonly rows: readonly number[] }
  /** A way to another worker, which may be a new one in an old place. */
  | { readonly kind: 'peer'; readonly worker: number; readonly way: Way }
  /** Tells a running task of what it submitted. */
  | { readonly kind: 'nested'; readonly reply: NestedReply }
  /** Run a function outside the scheduler. */
  | { readonly kind: 'call'; readonly request: number; readonly definition: Definition };

export type FromWorker =
  /** It can take tasks. */
  | { readonly kind: 'ready' }
  /** Set-up failed: it will take none. */
  | { readonly kind: 'unfit'; readonly error: PackedError }
  /** Row, bytes and microseconds of each finished task, in turn; small results that are wanted come along. */
  | {
      readonly kind: 'finished';
      readonly reports: Float64Array;
      readonly rows: readonly number[];
      readonly values: readonly unknown[];
      /** Results that were brought in from others since the last report, and how many microseconds it took. */
      readonly moves?: readonly Move[];
    }
  /** A task's function threw; `member` says which of the fused ones. */
  | { readonly kind: 'failed'; readonly row: number; readonly attempt: number; readonly member: number; readonly error: PackedError }
  /** A task was not run: these inputs cannot leave their worker. */
  | {
      readonly kind: 'unmoved';
      readonly row: number;
      readonly inputs: readonly number[];
      readonly attempt: number;
      readonly member: number;
      readonly error: PackedError;
    }
  /** A task was not run: it was stopped before it began, or inputs were gone from where they were said to be. */
  | {
      readonly kind: 'returned';
      readonly row: number;
      readonly missing: readonly { readonly holder: number; readonly rows: readonly number[] }[];
    }
  /** Tasks that were asked back and have begun. */
  | { readonly kind: 'kept'; readonly rows: readonly number[] }
  | { readonly kind: 'held'; readonly request: number; readonly rows: readonly number[] }
  | { readonly kind: 'fetched'; readonly request: number; readonly results: readonly Fetched[] }
  | { readonly kind: 'called'; readonly request: number; readonly rich: boolean; readonly value: unknown; readonly error?: PackedError }
  /** A running task asks something of its executor. */
  | { readonly kind: 'nested'; readonly request: NestedRequest }
  /** Something was written to the console, by a task if there is a key. */
  | { readonly kind: 'console'; readonly key: string | undefined; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  /** Something went wrong outside any running task. */
  | { readonly kind: 'stray'; readonly key: string | undefined; readonly error: PackedError };

/** Results brought from one worker to another in so many microseconds. */
export interface Move {
  readonly rows: readonly number[];
  readonly us: number;
}

/** A result as it comes to the shell, or why it cannot come. */
export type Fetched =
  | { readonly kind: 'value'; readonly rich: boolean; readonly value: unknown }
  | { readonly kind: 'unsendable'; readonly error: PackedError }
  | { readonly kind: 'gone' };

/** Between workers: each request has a number of its own, so that a late answer is never taken for another's. */
export type BetweenWorkers =
  | { readonly kind: 'want'; readonly request: number; readonly rows: readonly number[] }
  | {
      readonly kind: 'give';
      readonly request: number;
      readonly results: readonly Fetched[];
      /** When the holder turned to it, in milliseconds since the epoch. */
      readonly began: number;
    };

/** What a worker is told at its start. */
export interface WorkerSettings {
  readonly index: number;
  readonly name: string;
  /** Where it is settled who has a task that was sent; only where worker and shell share memory. */
  readonly claims?: SharedArrayBuffer | undefined;
  readonly setup: string | undefined;
  readonly checkMutation: boolean;
  readonly sharedMemory: boolean;
  /** How the user's TypeScript is loaded, when a loader is on. */
  readonly loader: unknown;
}
