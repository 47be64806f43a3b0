import { HeddleError } from './errors.ts';
import { brandSymbol, type Task, type TaskHandle, taskSymbol } from './task.ts';

/** The task behind a Value or Future; `undefined` for anything else. One of another copy of the package is an ERR_FOREIGN_VALUE. */
export function taskOf(handle: unknown): Task | undefined {
  if ((typeof handle !== 'object' && typeof handle !== 'function') || handle === null) return undefined;
  const brand = (handle as { readonly [brandSymbol]?: unknown })[brandSymbol];
  if (brand === undefined) return undefined;
  const task = (handle as Partial<TaskHandle>)[taskSymbol];
  if (task !== undefined) return task;
  // the prototype itself is no handle
  if (Object.hasOwn(handle, 'constructor')) return undefined;
  throw new HeddleError(
    'ERR_FOREIGN_VALUE',
    `this ${String(brand)} was made by another copy of heddle; make one copy of the package (npm ls heddle, npm dedupe), and no mix of import and require`,
  );
}

/** The task behind a Value of this copy of the package. */
export function isValueHandle(x: unknown): x is TaskHandle {
  return taskOf(x) !== undefined && (x as { readonly [brandSymbol]?: unknown })[brandSymbol] === 'Value';
}
