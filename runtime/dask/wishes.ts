import { keyOf, type Task } from '../../graph/index.ts';
import type { ClusterWorker } from './link.ts';
import { isCalled } from './submission.ts';

/** Whether one of the workers may run a task. */
export function mayRun({ options }: Task, workers: readonly ClusterWorker[]): boolean {
  const { workers: wanted, resources = {} } = options;
  const names = wanted === undefined || options.allowOtherWorkers === true ? undefined : typeof wanted === 'string' ? [wanted] : wanted;
  if (names === undefined && Object.keys(resources).length === 0) return true;
  return workers.some(
    (worker) =>
      (names === undefined || names.some((name) => isCalled(worker, name))) &&
      Object.entries(resources).every(([name, amount]) => (worker.resources[name] ?? 0) >= amount),
  );
}

/** What a task asks for that no worker has. */
export function wishText(task: Task): string {
  const { workers, resources } = task.options;
  const asked = [workers && `workers ${JSON.stringify(workers)}`, resources && `resources ${JSON.stringify(resources)}`];
  return `no worker may run ${keyOf(task)} (it asks for ${asked.filter(Boolean).join(' and ')})`;
}

/** Those whose task is one of `roots`, or depends on one. */
export function dependantsOf<H extends { readonly task: Task }>(roots: readonly Task[], all: readonly H[]): H[] {
  const reaches = new Map<Task, boolean>(roots.map((task) => [task, true]));
  const ids = new Set(roots.map(({ id }) => id));
  const look = (start: Task): boolean => {
    const stack = [start];
    for (let task = stack.at(-1); task !== undefined; task = stack.at(-1)) {
      const missing = reaches.has(task) || ids.has(task.id) ? [] : task.dependencies.filter((one) => !reaches.has(one));
      if (missing.length > 0) {
        stack.push(...missing);
        continue;
      }
      stack.pop();
      if (!reaches.has(task)) reaches.set(task, ids.has(task.id) || task.dependencies.some((one) => reaches.get(one) === true));
    }
    return reaches.get(start) === true;
  };
  return all.filter(({ task }) => look(task));
}
