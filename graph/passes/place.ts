import type { Graph, PreferredWorkers } from '../graph.ts';
import { workersNamed, workersOn } from '../hosts.ts';
import type { TaskOptions } from '../options.ts';
import type { Pass, WorkerDescription } from '../pass.ts';

/**
 * Says which workers a row had best run on.
 *
 * Why: a block that lies on a worker's host need not cross the network. It is a preference, never a condition: a row runs elsewhere when those workers are busy or gone.
 * What: the workers on the hosts that hold the row's bytes, those on the first host first; else the workers that its option `workers` names.
 * Where both are there, hosts choose among the workers that the option allows. That no other worker may run it is the scheduler's to see to.
 *
 *     read  hosts h1 h2      workers  0: h2   1: h3   2: h1      →   read prefers 2, then 0
 *     count                                                          count: any
 */
export const place: Pass = {
  name: 'place',
  run: (graph, { workers }) => graph.with({ preferred: preferences(graph, workers) }),
};

function preferences(graph: Graph, workers: readonly WorkerDescription[]): PreferredWorkers {
  const preferred: (readonly number[] | undefined)[] = [];
  const byHosts = new Map<string, readonly number[]>();
  const byOptions = new Map<TaskOptions, readonly number[]>();
  for (let row = 0; row < graph.size; row++) {
    const { options } = graph.tasks[row]!;
    const hosts = graph.hosts(row);
    if ((hosts === undefined && options.workers === undefined) || graph.held[row] === 1) continue;
    const local = hosts === undefined ? noWorkers : remembered(byHosts, hosts.join('\n'), () => workersOn(workers, hosts));
    const { workers: wanted } = options;
    const named = wanted === undefined ? undefined : remembered(byOptions, options, () => workersNamed(workers, wanted));
    const best = choose(local, named, options.allowOtherWorkers === true);
    if (best.length === 0) continue;
    while (preferred.length < row) preferred.push(undefined);
    preferred.push(best);
  }
  return preferred;
}

const noWorkers: readonly number[] = [];

function choose(local: readonly number[], named: readonly number[] | undefined, allowOthers: boolean): readonly number[] {
  if (named === undefined) return local;
  const both = local.filter((worker) => named.includes(worker));
  if (both.length > 0) return both;
  return allowOthers && local.length > 0 ? local : named;
}

/** Rows have few different hosts and options: equal ones share one list. */
function remembered<K>(known: Map<K, readonly number[]>, key: K, find: () => readonly number[]): readonly number[] {
  let workers = known.get(key);
  if (workers === undefined) {
    workers = find();
    known.set(key, workers);
  }
  return workers;
}
