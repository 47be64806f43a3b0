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
    Array.isArray(last)
  )
    return;
  let count = 0;
  for (const name in last) {
    if (!taskOptionNames.has(name)) return;
    count++;
  }
  if (count === 0 || args.length <= state.parameterCount) return;
  process.emitWarning(
    `the last argument of ${state.name} looks like options (${Object.keys(last).join(', ')}), but it is passed to the function; options go with lazy(${state.name}, options) or .with(options)`,
    {
      type: 'HeddleWarning',
      code: 'HEDDLE_OPTIONS',
    },
  );
}
