import { HeddleError, type TaskOptions, type WorkerDescription, workersNamed } from '../../graph/index.ts';
import type { Limits } from '../scheduler/state.ts';

/** The workers that some names mean; `undefined` means all. Nobody is an error: what is put somewhere must go somewhere. Throws ERR_NO_WORKER. */
export function someWorkersNamed(workers: readonly WorkerDescription[], names: readonly string[] | undefined): readonly number[] {
  const found = names === undefined ? [...workers.keys()] : workersNamed(workers, names);
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
  const named = options.workers === undefined ? undefined : workersNamed(workers, options.workers);
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
