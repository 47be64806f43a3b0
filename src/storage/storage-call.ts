import { currentTask } from '../../runtime/index.ts';
import { fileStorage } from './file.ts';
import type { Storage, StorageCall } from './storage.ts';

/** What a storage gets from the task that reads or writes with it. */
export function storageCall(storage: Storage, options: unknown): StorageCall {
  // Local calls cannot be stopped halfway, so they need no signal.
  const signal = storage === fileStorage ? undefined : taskSignal();
  return { ...(signal === undefined ? {} : { signal }), ...(options === undefined ? {} : { storage: options }) };
}

/** `undefined` outside a task. */
function taskSignal(): AbortSignal | undefined {
  try {
    return currentTask().signal;
  } catch {
    return undefined;
  }
}

/** Whether the running task was begun before, and may have done its work already. */
export function isRetry(): boolean {
  try {
    return currentTask().attempt > 1;
  } catch {
    return false;
  }
}
