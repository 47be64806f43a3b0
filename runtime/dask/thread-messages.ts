import type { PackedError } from '../failure.ts';
import type { Blob, Header } from './wire.ts';

/** Every message between a sidecar and its threads. `id` is the worker's number for one run of a task. */
export type ToThread =
  | { readonly op: 'run'; readonly id: number; readonly attempt: number; readonly blobs: readonly Blob[] }
  | { readonly op: 'call'; readonly id: number; readonly blobs: readonly Blob[] }
  /** Nobody wants this task any more, or it takes too long. */
  | { readonly op: 'stop'; readonly id: number; readonly why: string }
  /** A definition that was asked for; without a blob nobody has it. */
  | { readonly op: 'code'; readonly digest: string; readonly blob: Blob | undefined }
  /** What the cluster says to the engine of this thread's tasks. */
  | { readonly op: 'link'; readonly header: Header; readonly blobs: readonly Blob[] };

export type FromThread =
  | { readonly op: 'done'; readonly id: number; readonly blobs: readonly Blob[] }
  | { readonly op: 'failed'; readonly id: number; readonly info: FailureInfo; readonly blobs: readonly Blob[] }
  | { readonly op: 'need'; readonly digests: readonly string[] }
  /** The task waits for tasks it submitted. */
  | { readonly op: 'secede'; readonly id: number }
  | { readonly op: 'link'; readonly header: Header; readonly blobs: readonly Blob[] };

/** What a task ended with, as it crosses the cluster; the error itself goes along as a blob. */
export interface FailureInfo {
  readonly kind: string;
  /** Of the task to blame. */
  readonly key?: string;
  readonly name?: string;
  /** One number for one failure, whoever carries it. */
  readonly failure?: string;
  readonly worker?: string;
  readonly attempt?: number;
  readonly text: string;
  readonly [field: string]: unknown;
}

/** How a thread gets a function: one of heddle's own, or by the hash under which the cluster has it. */
export type Reference = { readonly digest: string } | { readonly module: string; readonly name: string };

/** What Python must know of a task. */
export interface TaskMeta {
  readonly key: string;
  readonly name: string;
  readonly retries: number;
  readonly timeout: number | null;
  readonly grace: number;
  readonly allowedFailures: number;
}

/** What a thread must know of it. */
export interface TaskBody {
  /** The tape; functions and captured data by their place in `references`. */
  readonly tape: readonly unknown[];
  readonly references: readonly Reference[];
  /** Of the tasks fused into it, and of itself, last; with their names. */
  readonly keys: string | readonly string[];
  readonly names: readonly string[];
  readonly nouts: readonly (readonly [member: number, nout: number])[];
  readonly checkMutation: boolean;
  readonly setup: string | undefined;
  readonly loader: unknown;
  /** It could not be put into words: it fails with this. */
  readonly failure?: PackedError;
}
