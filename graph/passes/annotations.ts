import type { TaskOptions } from '../options.ts';

/**
 * Whether two tasks may run as one: what their options ask of the runtime is the same.
 * A `timeout` is meant for one attempt of one task, and `concurrency` counts runs of one function, so tasks with these are never run as one.
 */
export function sameAnnotations(a: TaskOptions, b: TaskOptions): boolean {
  if (a.timeout !== undefined || b.timeout !== undefined || a.concurrency !== undefined || b.concurrency !== undefined) return false;
  if (a === b) return true;
  return (
    a.retries === b.retries &&
    (a.priority ?? 0) === (b.priority ?? 0) &&
    (a.allowOtherWorkers ?? false) === (b.allowOtherWorkers ?? false) &&
    sameWorkers(a.workers, b.workers) &&
    sameResources(a.resources, b.resources)
  );
}

function sameWorkers(a: TaskOptions['workers'], b: TaskOptions['workers']): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  const listA = typeof a === 'string' ? [a] : a;
  const listB = typeof b === 'string' ? [b] : b;
  return listA.length === listB.length && listA.every((worker) => listB.includes(worker));
}

function sameResources(a: TaskOptions['resources'], b: TaskOptions['resources']): boolean {
  if (a === b) return true;
  const amountsA = Object.entries(a ?? {});
  const amountsB = new Map(Object.entries(b ?? {}));
  return amountsA.length === amountsB.size && amountsA.every(([name, amount]) => amountsB.get(name) === amount);
}
