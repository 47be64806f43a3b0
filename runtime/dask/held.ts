import type { Task } from '../../graph/index.ts';
import type { Sink } from '../engine.ts';

/** An output that somebody holds. */
export interface Held {
  readonly handle: number;
  readonly task: Task;
  /** The cluster's name for it. */
  readonly key: string;
  sink: Sink | undefined;
  holds: number;
  state: 'pending' | 'finished' | 'failed';
}

/** Ended for good: the same task begins anew when it is submitted again. */
export function isGone(error: Error): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return code === 'ERR_CANCELLED' || code === 'ERR_EXECUTOR_CLOSED' || code === 'ERR_LOST' || code === 'ERR_NO_WORKER';
}
