import { HeddleError, type TaskOptions, type WorkerDescription } from '../../graph/index.ts';
import type { Limits } from '../scheduler/state.ts';

/** Whether a worker is meant by one of some names, hosts or `host:port`s. */
export function isNamed(worker: WorkerDescription, names: readonly string[]): boolean {
  return names.some((name) => name === worker.name || name === worker.host || name === worker.host.split(':')[0]);
}

/** Indexes of the workers that some names mean; `undefined` means all. */
export function workersNamed(workers: readonly WorkerDescription[], names: readonly string[] | undefined): number[] {
  return [...workers.keys()].filter((index) => names === undefined || isNamed(workers[index]!, names));
}

/** As `workersNamed`, but nobody is an error: what is put somewhere must go somewhere. Throws ERR_NO_WORKER. */
export function someWorkersNamed(workers: readonly WorkerDescription[], names: readonly string[] | undefined): number[] {
  const found = workersNamed(workers, names);
  if (found.length === 0)
    throw new HeddleError(
      'ERR_NO_WORKER',
      `no worker is called ${JSON.stringify(names)} (there are ${workers.map(({ name }) => name).join(', ')})`,
    );
  return found;
}

/** What options and place of a row mean for the workers at hand. Rows with the same options share one object, by `cache`. */
export function limitsFor(
  options: TaskOptions,
  preferred: readonly number[] | undefined,
  workers: readonly WorkerDescription[],
  retries: number,
  cache: Map<TaskOptions, Limits>,
): Limits {
  if (preferred === undefined || options.workers !== undefined) {
    const known = cache.get(options);
    if (known !== undefined) return known;
  }
  const names = typeof options.workers === 'string' ? [options.workers] : options.workers;
  const named = names === undefined ? undefined : workersNamed(workers, names);
  const isFence = named !== undefined && options.allowOtherWorkers !== true;
  const limits: Limits = {
    options,
    allowed: isFence ? new Set(named) : undefined,
    preferred: isFence ? undefined : (named ?? preferred),
    retries: options.retries ?? retries,
  };
  if (preferred === undefined || options.workers !== undefined) cache.set(options, limits);
  return limits;
}
