import type { WorkerDescription } from '../../graph/index.ts';
import type { Blob, Frame, Header } from './wire.ts';

/** A worker as the scheduler knows it. */
export interface ClusterWorker extends WorkerDescription {
  /** `tcp://127.0.0.2:40123` */
  readonly address: string;
  readonly nthreads: number;
  readonly status: string;
  readonly nbytes: number;
  readonly spilled: number;
  readonly processing: number;
}

/** What a link tells the engine. */
export interface LinkListener {
  /** The cluster can take work. */
  ready(workers: readonly ClusterWorker[]): void;
  /** Workers came or went. */
  workers(workers: readonly ClusterWorker[]): void;
  frame(frame: Frame): void;
  /** Nothing can run any more. */
  broken(error: Error): void;
}

/** A way to a Dask scheduler: over the bridge for a client, over the worker's own process for tasks that submit tasks. */
export interface Link {
  /** In order; what is sent before the cluster is ready waits. */
  send(header: Header, blobs?: readonly Blob[]): void;
  /** Keeps the process alive, or lets it end. */
  setBusy(isBusy: boolean): void;
  /** Ends it; resolves when nothing of it is left. */
  close(): Promise<void>;
}

export type OpenLink = (listener: LinkListener) => Link;

/** Workers as a frame has them. */
export function parseWorkers(found: unknown, hostnames?: ReadonlyMap<string, string>): ClusterWorker[] {
  return (found as readonly ClusterWorker[]).map((worker) => ({
    ...worker,
    aliases: [hostnames?.get(worker.address) ?? ''], // what its machine calls itself; `''` is nobody's name
    status: worker.status === 'paused' ? 'paused' : 'running',
  }));
}

/** Who came and who went, as listeners hear of it. */
export function changesOf(
  before: readonly ClusterWorker[],
  after: readonly ClusterWorker[],
): { readonly time: number; readonly worker: string; readonly change: 'joined' | 'left' }[] {
  const time = Date.now();
  const without = (some: readonly ClusterWorker[], others: readonly ClusterWorker[]): readonly ClusterWorker[] => {
    const addresses = new Set(others.map(({ address }) => address));
    return some.filter(({ address }) => !addresses.has(address));
  };
  return [
    ...without(after, before).map(({ name }) => ({ time, worker: name, change: 'joined' as const })),
    ...without(before, after).map(({ name }) => ({ time, worker: name, change: 'left' as const })),
  ];
}
