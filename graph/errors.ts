/**
 * What heddle itself refuses. Match on `code`, not `instanceof`: an error that crossed a thread is a copy.
 * A message says what is wrong, which thing it is, and what to do.
 */
export type ErrorCode = `ERR_${string}`;

/** Added to what a failed task threw. */
export interface FailedTask {
  readonly key: string;
  readonly name: string;
  readonly worker: string;
  readonly attempt: number;
}

/** What heddle itself refuses; `code` is the contract. */
export class HeddleError extends Error {
  readonly code: ErrorCode;
  declare readonly task?: FailedTask;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.name = new.target.name;
  }
}

/** Code and inputs differ under one key that the user gave. */
export class KeyConflictError extends HeddleError {
  declare readonly code: 'ERR_KEY_CONFLICT';
  constructor(key: string) {
    super('ERR_KEY_CONFLICT', `two different tasks have the key "${key}"; give one of them another key, or leave the key to heddle`);
  }
}

/** An argument or captured thing cannot be hashed for sure. */
export class UntokenizableError extends HeddleError {
  declare readonly code: 'ERR_UNTOKENIZABLE';
  /** Where it lies: `args[0].db.conn`. */
  readonly path: string;
  constructor(path: string, what: string, cure: string) {
    super('ERR_UNTOKENIZABLE', `${path} is ${what}, which cannot be hashed; ${cure}`);
    this.path = path;
  }
}

/** A function cannot travel. */
export class CaptureError extends HeddleError {
  declare readonly code: 'ERR_CAPTURE';
  /** From the task's function to the offender: `load → helper → stream`. */
  readonly path: string;
  constructor(path: string, message: string, options?: ErrorOptions) {
    super('ERR_CAPTURE', message, options);
    this.path = path;
  }
}

/** A graph from outside goes round. */
export class CycleError extends HeddleError {
  declare readonly code: 'ERR_CYCLE';
  /** The keys along the cycle; the first is the last again. */
  readonly cycle: readonly string[];
  constructor(cycle: readonly string[]) {
    super('ERR_CYCLE', `the graph has a cycle: ${cycle.join(' → ')}; a task cannot depend on its own result`);
    this.cycle = cycle;
  }
}

/** A file changed between listing and reading. */
export class SourceChangedError extends HeddleError {
  declare readonly code: 'ERR_SOURCE_CHANGED';
  readonly path: string;
  constructor(path: string, detail: string) {
    super('ERR_SOURCE_CHANGED', `${path} changed after it was listed (${detail}); list it again with readBytes()`);
    this.path = path;
  }
}

/** A task killed its worker more than `allowedFailures` times. */
export class KilledWorkerError extends HeddleError {
  declare readonly code: 'ERR_KILLED_WORKER';
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_KILLED_WORKER', message, options);
  }
}

/** The task was cancelled; `cause` is the reason given. */
export class CancelledError extends HeddleError {
  declare readonly code: 'ERR_CANCELLED';
  constructor(key: string, reason?: unknown) {
    super('ERR_CANCELLED', `task ${key} was cancelled`, reason === undefined ? undefined : { cause: reason });
  }
}

/** A waiting call took longer than its `timeout`. */
export class TimeoutError extends HeddleError {
  declare readonly code: 'ERR_TIMEOUT';
  constructor(what: string, timeoutMs: number) {
    super('ERR_TIMEOUT', `${what} took longer than ${timeoutMs} ms`);
  }
}

/** A task threw something that is no Error: see `cause`. */
export class TaskError extends HeddleError {
  declare readonly code: 'ERR_TASK';
  declare readonly cause: unknown;
  constructor(message: string, cause: unknown) {
    super('ERR_TASK', message, { cause });
  }
}

/** A wrong type of argument: a `TypeError` with a code. */
export function typeError(code: ErrorCode, message: string): TypeError & { readonly code: ErrorCode } {
  return Object.assign(new TypeError(message), { code });
}

/** An argument out of its range: a `RangeError` with a code. */
export function rangeError(code: ErrorCode, message: string): RangeError & { readonly code: ErrorCode } {
  return Object.assign(new RangeError(message), { code });
}

/** Narrows by code, also a copy from another thread: `if (isHeddleError(e, 'ERR_TIMEOUT'))`. */
export function isHeddleError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is HeddleError & { readonly code: C } {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  const found = error.code;
  return typeof found === 'string' && found.startsWith('ERR_') && (code === undefined || found === code) && heddleCodes.has(found);
}

/** Every code heddle gives, so that Node's own `ERR_…` codes are not taken for ours. The docs' table is held against it by a test. */
export const errorCodes: readonly ErrorCode[] = [
  'ERR_CANCELLED',
  'ERR_CAPTURE',
  'ERR_CLUSTER',
  'ERR_COMPRESSED_BLOCKS',
  'ERR_COMPUTE_ON_IMPORT',
  'ERR_CYCLE',
  'ERR_DAMAGED',
  'ERR_EXECUTOR_CLOSED',
  'ERR_EXISTS',
  'ERR_FOREIGN_VALUE',
  'ERR_GENERATOR',
  'ERR_INVALID_ARGUMENT',
  'ERR_INVALID_OPTION',
  'ERR_KEY_CONFLICT',
  'ERR_KILLED_WORKER',
  'ERR_LOST',
  'ERR_MUTATED_ARGUMENT',
  'ERR_NESTED_VALUE',
  'ERR_NOT_FOUND',
  'ERR_NO_TASK',
  'ERR_NO_WORKER',
  'ERR_NOUT',
  'ERR_RELEASED',
  'ERR_SCHEDULER',
  'ERR_SOURCE_CHANGED',
  'ERR_SPILL',
  'ERR_STORAGE',
  'ERR_TASK',
  'ERR_TIMEOUT',
  'ERR_UNKNOWN_KEY',
  'ERR_UNKNOWN_SCHEME',
  'ERR_UNSENDABLE',
  'ERR_UNSUPPORTED',
  'ERR_UNTOKENIZABLE',
  'ERR_VALUE_USED',
  'ERR_VERSIONS',
];
const heddleCodes: ReadonlySet<string> = new Set(errorCodes);

/** Whether a task threw this; then `error.task` says which. */
export function isTaskFailure(error: unknown): error is Error & { readonly task: FailedTask } {
  if (typeof error !== 'object' || error === null || !('task' in error)) return false;
  const task: unknown = error.task;
  return typeof task === 'object' && task !== null && 'key' in task && 'attempt' in task;
}
