import { inspect } from 'node:util';
import { currentAnnotations, withAnnotations } from './annotate.ts';
import { type LazyParts, lazySymbol } from './canonical/describe.ts';
import { typeError } from './errors.ts';
import { type FunctionState, functionState } from './function-state.ts';
import { taskOf } from './handle.ts';
import type { AnyGenerator, GeneratorsCannotBeTasks, LazyFunction, ManyFunction, PlainOptions, Value } from './lazy-types.ts';
import { callTask, makeData, type OwnCall, ownTask } from './make-task.ts';
import { keyName } from './names.ts';
import { checkTaskOptions, type TaskOptions } from './options.ts';
import type { Callee } from './task.ts';
import { makeValue } from './value.ts';

export { currentAnnotations } from './annotate.ts';
export { makeData, makeTask, type OwnCall, ownFunction, sameTask, taskMaker } from './make-task.ts';

/**
 * Makes a function lazy. It travels to workers with what it captures; what cannot travel is an `ERR_CAPTURE`. A generator is an `ERR_GENERATOR`.
 * Generic functions: name the type, `lazy(first<number>)`. Overloaded ones: the last overload counts.
 */
export function lazy<A extends unknown[], R extends readonly unknown[] | readonly [], const N extends number>(
  fn: (this: void, ...args: A) => R | PromiseLike<R>,
  options: TaskOptions & { readonly nout: N },
): ManyFunction<A, R, N>;
export function lazy<A extends unknown[], R>(
  fn: ((this: void, ...args: A) => R) & ([R] extends [never] ? unknown : R extends AnyGenerator ? GeneratorsCannotBeTasks : unknown),
  options?: PlainOptions,
): LazyFunction<A, Awaited<R>>;
export function lazy(fn: unknown, options?: TaskOptions): unknown {
  if (isLazyFunction(fn))
    throw typeError('ERR_INVALID_ARGUMENT', `${fn.name} is lazy already; for other options use ${fn.name}.with(options)`);
  return makeLazy(functionState(fn), checkTaskOptions(options));
}

/** Wraps data as a Value. Its key begins with the type's name (`number-…`) unless named. */
export function value<T>(data: T, options?: { readonly name?: string | undefined; readonly key?: string | undefined }): Value<T> {
  const checked = checkTaskOptions(options);
  const other = Object.keys(checked).find((name) => name !== 'name' && name !== 'key');
  if (other !== undefined)
    throw typeError('ERR_INVALID_OPTION', `value() takes the options name and key, not ${other}; use value(data).with({ ${other} })`);
  const task = taskOf(data);
  return makeValue(task !== undefined && options === undefined ? task : makeData(data, checked));
}

/** Whether it came from `lazy()`, of any copy of the package. */
export function isLazyFunction(x: unknown): x is LazyFunction<readonly unknown[], unknown> {
  return typeof x === 'function' && Object.hasOwn(x, lazySymbol);
}

/** A Value of a call of one of heddle's own functions. */
export function callOwn<T>(callee: Callee, args: readonly unknown[], extra: OwnCall): Value<T> {
  return makeValue(ownTask(callee, args, extra));
}

interface Callable extends LazyPrototype {
  (...args: readonly unknown[]): unknown;
}
interface LazyPrototype {
  readonly [lazySymbol]: LazyParts;
  with(options: TaskOptions): unknown;
}

function makeLazy(state: FunctionState, options: TaskOptions): Callable {
  let annotations: TaskOptions | undefined;
  let merged: TaskOptions = options;
  const call = (...args: readonly unknown[]): unknown => {
    const around = currentAnnotations();
    if (around !== annotations) {
      merged = withAnnotations(options, around);
      annotations = around;
    }
    const given = args.length === 3 && isMapCall(args) ? firstOfMap(state, args) : args;
    return makeValue(callTask(state, given, merged));
  };
  Object.defineProperties(call, {
    name: { value: options.name === undefined ? state.name : keyName(options.name) },
    length: { value: state.fn.length },
    options: { value: options, enumerable: true },
    [lazySymbol]: { value: Object.freeze({ fn: state.fn, options }) },
  });
  return Object.setPrototypeOf(call, lazyPrototype) as Callable;
}

const lazyPrototype: LazyPrototype = Object.create(Function.prototype, {
  with: {
    value: function withOptions(this: Callable, options: TaskOptions): unknown {
      const { fn, options: own } = this[lazySymbol];
      return makeLazy(functionState(fn), Object.freeze({ ...own, ...checkTaskOptions(options) }));
    },
  },
  [inspect.custom]: {
    value: function inspectLazy(this: Callable): string {
      return `LazyFunction(${(this as unknown as { readonly name: string }).name})`;
    },
  },
}) as LazyPrototype;

/** `array.map(f)` calls `f(array[i], i, array)`. */
function isMapCall(args: readonly unknown[]): boolean {
  const [item, index, list] = args;
  return (
    typeof index === 'number' &&
    (Array.isArray(list) || ArrayBuffer.isView(list)) &&
    index in list &&
    Object.is((list as ArrayLike<unknown>)[index], item)
  );
}

function firstOfMap(state: FunctionState, args: readonly unknown[]): readonly unknown[] {
  if (state.fn.length < 2) return [args[0]];
  throw typeError(
    'ERR_INVALID_ARGUMENT',
    `${state.name} takes ${state.fn.length} parameters and was called as array.map does it, with item, index and array; say which you mean: array.map(x => ${state.name}(x))`,
  );
}
