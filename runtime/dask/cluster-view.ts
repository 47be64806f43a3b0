import { HeddleError } from '../../graph/index.ts';
import type { EngineView, WorkerInfo } from '../engine.ts';
import { parseWorkers } from './link.ts';

/** What looking inside needs to know of the engine. */
export interface ViewSource {
  /** Asks the scheduler. */
  look(what: 'workers' | 'whoHas' | 'nbytes' | 'processing'): Promise<unknown>;
  nameOf(address: string): string;
  /** The user's key for the cluster's. */
  keyOf(key: string): string;
}

/** What the scheduler knows, by heddle's keys and the workers' names. */
export function clusterView({ look, nameOf, keyOf }: ViewSource): EngineView {
  const entries = async <T>(what: 'whoHas' | 'nbytes' | 'processing'): Promise<[string, T][]> =>
    Object.entries((await look(what)) as Record<string, T>);
  return {
    workers: async () =>
      parseWorkers(await look('workers')).map(
        ({ name, host, resources, status, nbytes, spilled, processing }): WorkerInfo => ({
          name,
          host,
          resources,
          status: status as WorkerInfo['status'],
          nbytes,
          spilled,
          processing,
        }),
      ),
    whoHas: async () => new Map((await entries<string[]>('whoHas')).map(([key, addresses]) => [keyOf(key), addresses.map(nameOf)])),
    nbytes: async () => new Map((await entries<number>('nbytes')).map(([key, size]) => [keyOf(key), size])),
    story: () => refuse('story'),
    explain: () => refuse('explain'),
    processing: async () => new Map((await entries<string[]>('processing')).map(([address, keys]) => [nameOf(address), keys.map(keyOf)])),
  };
}

function refuse(what: string): never {
  throw new HeddleError(
    'ERR_UNSUPPORTED',
    `a Dask cluster decides by itself, so ${what}() knows nothing of it; see the cluster's own page`,
  );
}
