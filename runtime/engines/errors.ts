import { HeddleError } from '../../graph/index.ts';
import type { FromWorker } from '../worker/protocol.ts';

/** The executor is closed. */
export function closedError(): HeddleError {
  return new HeddleError('ERR_EXECUTOR_CLOSED', 'the executor is closed; results that were not fetched before are gone');
}

/** A result is gone and cannot be made again. */
export function lostError(key: string, cause?: Error): HeddleError {
  return new HeddleError(
    'ERR_LOST',
    `${key} is lost with the worker that held it, and cannot be made again`,
    cause === undefined ? undefined : { cause },
  );
}

/** The warning of an error that no running task will report. */
export function lateError(
  { key, error }: Extract<FromWorker, { kind: 'stray' }>,
  worker: string,
): { time: number; code: string; message: string } {
  const who = key === undefined ? 'something' : `task ${key}`;
  return { time: Date.now(), code: 'HEDDLE_LATE_ERROR', message: `${who} on ${worker} threw after it had ended: ${error.text}` };
}
