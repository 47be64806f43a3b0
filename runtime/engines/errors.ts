import { HeddleError } from '../../graph/index.ts';

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
