import { describeWrong, HeddleError, parseDuration, typeError } from '../graph/index.ts';
import type { ClusterOptions } from './executor-options.ts';

/** A cluster's address and how to reach it, checked. */
export interface CheckedCluster {
  readonly address: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  readonly timeoutMs: number;
  readonly python: string;
}

/** Options of executors that a cluster has no use for, and whose business they are there. */
const notHonoured: ReadonlyMap<string, string> = new Map([
  ['workers', 'the cluster has its own workers; start them with `dask worker`, or name some in the option workers of a task'],
  ['memoryLimit', 'memory is the business of its workers (dask worker --memory-limit)'],
  ['spillDirectory', 'spilling is the business of its workers (dask worker --local-directory)'],
  ['sharedMemory', 'its workers are processes, perhaps on several machines'],
  ['env', 'its workers have the environment they were started in'],
  ['resourceLimits', 'the heap of each thread follows the memory limit of its worker (dask worker --memory-limit)'],
  ['record', "only heddle's own scheduler writes one"],
  ['stalledAfter', "Dask's scheduler watches over its workers itself"],
  ['engine', 'the address says which engine it is'],
]);

/** The options of `new Executor(address, options)`, and those among them that every engine has. Throws as `checkExecutorOptions`. */
export function checkClusterOptions(address: string, given: unknown): { readonly cluster: CheckedCluster; readonly rest: object } {
  if (typeof given !== 'object' || given === null)
    throw typeError('ERR_INVALID_OPTION', `new Executor(address, options) takes an object of options; it got ${describeWrong(given)}`);
  const { tls, timeout, python, ...rest } = given as ClusterOptions;
  for (const [name, why] of notHonoured)
    if ((rest as Record<string, unknown>)[name] !== undefined)
      throw new HeddleError('ERR_UNSUPPORTED', `a Dask cluster cannot honour option ${name}: ${why}; leave it out`);
  const scheme = /^(tcp|tls):\/\/[^/\s@]+:\d+$/.exec(address)?.[1];
  if (scheme === undefined)
    throw typeError(
      'ERR_INVALID_OPTION',
      `the address of a Dask scheduler looks like tcp://host:8786 or tls://host:8786; it is ${describeWrong(address)}`,
    );
  if (python !== undefined && (typeof python !== 'string' || python === ''))
    throw typeError('ERR_INVALID_OPTION', `option python must be the path of a Python; it is ${describeWrong(python)}`);
  const timeoutMs = parseDuration(timeout ?? '30 s', 'timeout');
  return { cluster: { address, tls: checkTls(scheme, tls), timeoutMs: Math.min(timeoutMs, 2 ** 30), python: python ?? 'python3' }, rest };
}

function checkTls(scheme: string, tls: ClusterOptions['tls']): CheckedCluster['tls'] {
  if (scheme === 'tcp') {
    if (tls !== undefined)
      throw typeError('ERR_INVALID_OPTION', 'option tls is for tls:// addresses; a tcp:// connection is not encrypted');
    return undefined;
  }
  const { ca, cert, key } = tls ?? {};
  if (typeof ca !== 'string' || typeof cert !== 'string' || typeof key !== 'string')
    throw typeError('ERR_INVALID_OPTION', 'a tls:// scheduler needs option tls: { ca, cert, key }, each PEM text or the path of a file');
  return { ca, cert, key };
}
