import { types } from 'node:util';
import type { FunctionState } from './function-state.ts';
import { taskOptionNames } from './options.ts';
import { brandSymbol } from './task.ts';

/** Options never ride among arguments; somebody who thinks so would see them ignored. */
export function warnOfOptions(state: FunctionState, args: readonly unknown[]): void {
  const last = args[args.length - 1];
  if (
    typeof last !== 'object' ||
    last === null ||
    (last as { readonly [brandSymbol]?: unknown })[brandSymbol] !== undefined ||
    Array.isArray(last) ||
    types.isProxy(last)
  )
    return;
  // options have few names, and a plain object's prototype has none itself; bytes, say, have a name for each
  const prototype: object | null = Object.getPrototypeOf(last);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) return;
  const names = Object.keys(last);
  if (names.length === 0 || names.length > taskOptionNames.size || !names.every((name) => taskOptionNames.has(name))) return;
  if (args.length <= state.parameterCount) return;
  process.emitWarning(
    `the last argument of ${state.name} looks like options (${names.join(', ')}), but it is passed to the function; options go with lazy(${state.name}, options) or .with(options)`,
    {
      type: 'HeddleWarning',
      code: 'HEDDLE_OPTIONS',
    },
  );
}
