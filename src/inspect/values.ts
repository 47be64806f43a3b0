import { type AnyValue, brandSymbol, type Task, taskOf, typeError } from '../../graph/index.ts';

/** What looking takes: a Value, or many. */
export type Values = AnyValue | Iterable<AnyValue>;

/** The tasks of a Value or of an iterable of Values. Anything else is a TypeError; a Value of another copy of the package an `ERR_FOREIGN_VALUE`. */
export function tasksOfValues(values: unknown, what: string): Task[] {
  if (isHandle(values)) return [taskIn(values)];
  if (typeof values !== 'object' || values === null || !(Symbol.iterator in values))
    throw typeError('ERR_INVALID_ARGUMENT', `${what} takes a Value or an iterable of Values; it was given ${nameOf(values)}`);
  const tasks: Task[] = [];
  for (const one of values as Iterable<unknown>) {
    if (!isHandle(one))
      throw typeError('ERR_INVALID_ARGUMENT', `${what} takes a Value or an iterable of Values; item ${tasks.length} is ${nameOf(one)}`);
    tasks.push(taskIn(one));
  }
  if (tasks.length === 0) throw typeError('ERR_INVALID_ARGUMENT', `${what} was given no Values; give it at least one`);
  return tasks;
}

function taskIn(handle: object): Task {
  const task = taskOf(handle);
  if (task === undefined) throw typeError('ERR_INVALID_ARGUMENT', 'a thing that calls itself a Value has no task');
  return task;
}

/** Whether something is a Value or Future, of this copy of the package or another. */
export function isHandle(value: unknown): value is AnyValue {
  return typeof value === 'object' && value !== null && brandSymbol in value;
}

function nameOf(value: unknown): string {
  if (typeof value === 'function') return 'a function (call it to get a Value)';
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value)) return 'an array';
    return 'then' in value && typeof value.then === 'function' ? 'a Promise (await it first)' : 'an object that is no Value';
  }
  return typeof value === 'string' ? 'a text' : String(value);
}
