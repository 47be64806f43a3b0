import { loaderOf } from '../../graph/index.ts';
import type { CheckedCluster } from '../cluster-options.ts';
import { bridgeTo } from '../dask/bridge.ts';
import type { Engine } from '../engine.ts';
import type { CheckedOptions } from '../executor-options.ts';
import { DaskEngine } from './dask.ts';

/** A Dask cluster as an engine. */
export function clusterEngine(cluster: CheckedCluster, options: CheckedOptions): Engine {
  const { retries, allowedFailures, cancelGraceMs, noWorkerTimeoutMs, checkMutation, setup } = options;
  const settings = { retries, allowedFailures, cancelGraceMs, noWorkerTimeoutMs, checkMutation, setup, loader: loaderOf() };
  return new DaskEngine({ name: 'dask', open: bridgeTo(cluster), ...settings });
}
