import { types } from 'node:util';
import { type FailedTask, TaskError } from '../graph/index.ts';
import { mapStack } from './stack.ts';
import { decodeTable, type ErrorClass } from './worker/decode.ts';
import { errorBase, Kind, kindOf } from './worker/kinds.ts';
import { buildTable, describeLost, type ErrorSeed, type Table } from './worker/table.ts';

/** What a task threw, on its way to another thread. Plain data: a structured clone and `v8.serialize` keep it. */
export interface PackedError {
  /** `false`: something was thrown that is no Error. */
  readonly isError: boolean;
  /** Whether `value` is a table; else it is a primitive. */
  readonly rich: boolean;
  readonly value: unknown;
  /** In one short line, for logs: `TypeError: x is not a function`. */
  readonly text: string;
}

/** Where the class of an error can be found again; `module` and `export` name it, any other form is for the caller's own `ResolveClass`. */
export type ClassPlace = Readonly<Record<string, unknown>>;

/** Finds a class by what `describeClass` said of it in the worker: the class, `undefined`, or a promise of either. */
export type ResolveClass = (place: ClassPlace) => unknown;

const longest = 1 << 20;

/** A longer text is cut with a note of it, so that one error cannot fill the memory of all who keep it. */
function cut(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}… [cut by heddle: ${text.length} characters in all]`;
}

/** Makes what was thrown ready to travel; never throws itself. `describeClass` says where a class of the user's can be found again. */
export function packError(thrown: unknown, describeClass?: (ctor: object) => unknown): PackedError {
  try {
    return pack(thrown, describeClass);
  } catch (error) {
    const { table } = buildTable(new Error(`the task failed, and what it threw cannot be read: ${describeLost(error)}`));
    return { isError: true, rich: true, value: table, text: 'Error: what the task threw cannot be read' };
  }
}

function pack(thrown: unknown, describeClass: ((ctor: object) => unknown) | undefined): PackedError {
  if (typeof thrown === 'function' || typeof thrown === 'symbol')
    return { isError: false, rich: false, value: describeLost(thrown), text: summary(thrown) };
  if (typeof thrown !== 'object' || thrown === null) return { isError: false, rich: false, value: thrown, text: summary(thrown) };
  const kind = kindOf(thrown);
  if (kind === Kind.refused) return { isError: false, rich: false, value: describeLost(thrown), text: summary(thrown) };
  const { table } = buildTable(thrown, { describeClass, cut });
  const isError = kind === Kind.error || kind === Kind.domException;
  return { isError, rich: true, value: table, text: isError ? errorLine(table) : summary(thrown) };
}

function summary(thrown: unknown): string {
  const text = typeof thrown === 'string' ? JSON.stringify(thrown.slice(0, 200)) : describeLost(thrown);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function errorLine(table: Table): string {
  const { message, name } = decodeTable(table) as Error;
  const line = `${String(name)}: ${String(message)}`;
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/**
 * The original error again: name, message, own fields, causes, and its class where that is builtin, heddle's own, or found by `resolveClass` or an import
 * (then a promise comes back). With `task`, stacks are mapped to the user's sources and the error says which task failed.
 */
export function unpackError(packed: PackedError, task?: FailedTask, resolveClass?: ResolveClass): Error | Promise<Error> {
  const classes = new Map<ErrorSeed, ErrorClass>();
  const waiting: Promise<void>[] = [];
  const table = packed.rich ? (packed.value as Table) : undefined;
  for (let id = 0; table !== undefined && id < table.kinds.length; id++) {
    if ((table.kinds[id]! & 15) !== Kind.error) continue;
    const seed = table.seeds[id] as ErrorSeed;
    if (typeof seed.place !== 'object' || seed.place === null || seed.own) continue;
    const found = findClass(seed, seed.place as ClassPlace, resolveClass);
    if (types.isPromise(found))
      waiting.push((found as Promise<ErrorClass | undefined>).then((late) => void (late !== undefined && classes.set(seed, late))));
    else if (found !== undefined) classes.set(seed, found as ErrorClass);
  }
  const finish = (): Error => {
    const value =
      table === undefined
        ? packed.value
        : decodeTable(table, { classOf: (seed) => classes.get(seed), mapStack: task === undefined ? (stack) => stack : mapStackSafely });
    return packed.isError ? withTask(value as Error, task) : withTask(notAnError(value, packed.text), task);
  };
  return waiting.length === 0 ? finish() : Promise.all(waiting).then(finish);
}

/** What was thrown in this very thread as the failure of `task`: itself, or as the cause of a `TaskError`. */
export function failureOf(thrown: unknown, task: FailedTask): Error {
  if (typeof thrown === 'object' && thrown !== null) {
    const kind = kindOf(thrown);
    if (kind === Kind.error || kind === Kind.domException) return withTask(thrown as Error, task);
  }
  return withTask(notAnError(thrown, summary(thrown)), task);
}

function notAnError(value: unknown, text: string): Error {
  return new TaskError(`the task threw ${text}, which is no Error; see \`cause\`, and throw \`new Error(…)\` to have a stack`, value);
}

function withTask(error: Error, task: FailedTask | undefined): Error {
  try {
    if (task !== undefined && !('task' in error))
      Object.defineProperty(error, 'task', { value: Object.freeze({ ...task }), enumerable: true, writable: true, configurable: true });
  } catch {
    // a frozen error stays as it is
  }
  return error;
}

function mapStackSafely(stack: string): string {
  try {
    return mapStack(stack);
  } catch {
    return stack;
  }
}

function findClass(
  seed: ErrorSeed,
  place: ClassPlace,
  resolveClass: ResolveClass | undefined,
): ErrorClass | undefined | Promise<ErrorClass | undefined> {
  let found: unknown;
  try {
    found = resolveClass?.(place);
  } catch {
    found = undefined;
  }
  if (typeof found === 'function') return checked(found, seed);
  if (types.isPromise(found)) {
    return found.then(
      (late) => checked(late, seed),
      () => undefined,
    );
  }
  return typeof place.module === 'string' && typeof place.export === 'string' ? importClass(seed, place.module, place.export) : undefined;
}

async function importClass(seed: ErrorSeed, module: string, name: string): Promise<ErrorClass | undefined> {
  try {
    const loaded: Readonly<Record<string, unknown>> = await import(module);
    return checked(loaded[name], seed);
  } catch {
    return undefined; // then a stand-in of the same name has to do
  }
}

/** Only a class of errors of the same name is taken: a module may have changed since. */
function checked(found: unknown, seed: ErrorSeed): ErrorClass | undefined {
  if (typeof found !== 'function' || typeof found.prototype !== 'object' || found.prototype === null) return undefined;
  return found.name === seed.className && errorBase(found.prototype) !== undefined ? (found as unknown as ErrorClass) : undefined;
}
