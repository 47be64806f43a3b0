import { availableParallelism, hostname, networkInterfaces, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type ByteSize,
  type Duration,
  defaultPasses,
  describeWrong,
  HeddleError,
  type Pass,
  parseByteSize,
  parseDuration,
  rangeError,
  typeError,
  type WorkerDescription,
} from '../graph/index.ts';
import { type CheckedCluster, checkClusterOptions } from './cluster-options.ts';
import type { Engine } from './engine.ts';

/** One worker, when they are not all alike. */
export interface WorkerOptions {
  readonly name?: string | undefined;
  /** The host that locality hints are matched with. @default this machine */
  readonly host?: string | undefined;
  /** What its tasks may occupy together: `{ gpu: 1 }`. @default none */
  readonly resources?: Readonly<Record<string, number>> | undefined;
}

/** Options that every engine takes. */
export interface CommonOptions {
  /** Retries of a task that sets none. @default 0 */
  readonly retries?: number | undefined;
  /** A task that kills its worker more often than this fails with `ERR_KILLED_WORKER`. @default 3 */
  readonly allowedFailures?: number | undefined;
  /** How long a task waits for a worker that may run it, before `ERR_NO_WORKER`. @default no limit (a warning at once) */
  readonly noWorkerTimeout?: Duration | undefined;
  /** How long a cancelled task has to heed its `signal` before its thread is replaced. @default '2 s' */
  readonly cancelGrace?: Duration | undefined;
  /** A module that each worker imports once, before its first task. */
  readonly setup?: string | URL | undefined;
  /** Passes of the compiler, in order. @default heddle/graph's `defaultPasses` */
  readonly passes?: readonly object[] | undefined;
  /** Compares arguments before and after each task; a changed one is `ERR_MUTATED_ARGUMENT`. For tests. @default false */
  readonly checkMutation?: boolean | undefined;
  /** Shows a progress bar while work is going on. @default false */
  readonly progress?: boolean | undefined;
  /** Serves a page on loopback. Not there yet: `ERR_UNSUPPORTED`. @default false */
  readonly dashboard?: boolean | { readonly port?: number | undefined; readonly host?: string | undefined } | undefined;
  /** How long a task may be ready beside an idle worker before a warning (`HEDDLE_STALLED`) says why. @default '10 s' */
  readonly stalledAfter?: Duration | undefined;
  /** A file that the run is recorded in, for `replay` (heddle/runtime) and `heddle replay`: keys, sizes and times, no data. @default off */
  readonly record?: string | URL | undefined;
  /** Closes the executor when it fires. */
  readonly signal?: AbortSignal | undefined;
  /** Directory of the persistent result cache. Not there yet: `ERR_UNSUPPORTED`. @default off */
  readonly cache?: string | undefined;
}

/** Options of an executor in this process. */
export interface ExecutorOptions extends CommonOptions {
  /** `inline` runs in the caller's thread, for debugging; `processes` isolates each worker in a process; an object is an Engine of your own (heddle/runtime). @default 'threads' */
  readonly engine?: 'threads' | 'processes' | 'inline' | object | undefined;
  /** How many, or which. @default os.availableParallelism() */
  readonly workers?: number | readonly WorkerOptions[] | undefined;
  /** For results of all workers together: those used longest ago are spilled to files from 60 % of it on. @default 60 % of what the process may use */
  readonly memoryLimit?: ByteSize | undefined;
  /** Where results are spilled to, into a folder of the executor's own that goes when it closes. @default os.tmpdir() */
  readonly spillDirectory?: string | undefined;
  /** Blocks and byte results lie in shared memory: no copies between workers; some APIs refuse such views. @default false */
  readonly sharedMemory?: boolean | undefined;
  /** Environment of the workers. @default a copy of process.env */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** V8's limits for each worker, as in node:worker_threads. */
  readonly resourceLimits?:
    | {
        readonly maxOldGenerationSizeMb?: number | undefined;
        readonly maxYoungGenerationSizeMb?: number | undefined;
        readonly stackSizeMb?: number | undefined;
      }
    | undefined;
}

/** Options of an executor on a Dask cluster. */
export interface ClusterOptions extends CommonOptions {
  /** For `tls://`, all three: PEM text or file paths. */
  readonly tls?: { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined } | undefined;
  /** How long to wait for the scheduler, at the start and for any answer later: `ERR_CLUSTER`. @default '30 s' */
  readonly timeout?: Duration | undefined;
  /** The Python that runs the bridge; it needs the package distributed. @default 'python3' */
  readonly python?: string | undefined;
}

/** Options, checked and with their defaults. */
export interface CheckedOptions {
  /** A Dask cluster, in place of an engine on this machine. */
  readonly cluster: CheckedCluster | undefined;
  readonly engine: 'threads' | 'processes' | 'inline' | Engine;
  readonly workers: readonly WorkerDescription[];
  readonly retries: number;
  readonly allowedFailures: number;
  readonly noWorkerTimeoutMs: number;
  readonly cancelGraceMs: number;
  readonly stalledMs: number;
  readonly record: string | undefined;
  readonly setup: string | undefined;
  readonly passes: readonly Pass[];
  readonly checkMutation: boolean;
  readonly sharedMemory: boolean;
  readonly progress: boolean;
  readonly signal: AbortSignal | undefined;
  readonly memoryLimit: number;
  readonly spillDirectory: string | undefined;
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly resourceLimits: NonNullable<ExecutorOptions['resourceLimits']> | undefined;
}

const known: ReadonlySet<string> = new Set([
  'retries',
  'allowedFailures',
  'noWorkerTimeout',
  'cancelGrace',
  'stalledAfter',
  'record',
  'setup',
  'passes',
  'checkMutation',
  'progress',
  'dashboard',
  'signal',
  'cache',
  'engine',
  'workers',
  'memoryLimit',
  'spillDirectory',
  'sharedMemory',
  'env',
  'resourceLimits',
]);
/** In the contract, and not built yet. */
const later: ReadonlySet<string> = new Set(['dashboard', 'cache']);
/** What an engine cannot honour. */
const unsupported: Readonly<Record<string, readonly string[]>> = {
  threads: [],
  processes: ['sharedMemory'],
  inline: ['workers', 'sharedMemory', 'env', 'resourceLimits', 'setup'],
  other: ['workers', 'sharedMemory', 'env', 'resourceLimits', 'setup', 'memoryLimit', 'spillDirectory', 'record', 'stalledAfter'],
};

/** Checks an executor's options. Throws TypeError or RangeError (ERR_INVALID_OPTION), or ERR_UNSUPPORTED for what an engine cannot honour. */
export function checkExecutorOptions(given: unknown, more: unknown = {}): CheckedOptions {
  if (typeof given === 'string') {
    const { cluster, rest } = checkClusterOptions(given, more);
    return { ...checkExecutorOptions(rest), cluster };
  }
  if (typeof given !== 'object' || given === null)
    throw typeError('ERR_INVALID_OPTION', `new Executor() takes an object of options; it got ${describeWrong(given)}`);
  const options = given as ExecutorOptions;
  for (const [name, value] of Object.entries(options)) {
    if (!known.has(name)) throw typeError('ERR_INVALID_OPTION', `there is no executor option "${name}" (known: ${[...known].join(', ')})`);
    if (later.has(name) && value !== undefined && value !== false)
      throw new HeddleError('ERR_UNSUPPORTED', `executor option ${name} is not built yet; leave it out`);
  }
  const engine = checkEngine(options.engine ?? 'threads');
  for (const name of typeof engine === 'object' ? unsupported.other! : (unsupported[engine] ?? unsupported.other!)) {
    const value = options[name as keyof ExecutorOptions];
    if (value === undefined || (engine === 'processes' && value === false)) continue;
    throw new HeddleError(
      'ERR_UNSUPPORTED',
      `the engine ${typeof engine === 'string' ? engine : engine.name} cannot honour option ${name}; leave it out, or use threads`,
    );
  }
  return {
    cluster: undefined,
    engine,
    workers: checkWorkers(options.workers),
    retries: checkCount(options.retries ?? 0, 'retries', 0),
    allowedFailures: checkCount(options.allowedFailures ?? 3, 'allowedFailures', 0),
    noWorkerTimeoutMs: parseDuration(options.noWorkerTimeout ?? Number.POSITIVE_INFINITY, 'noWorkerTimeout'),
    stalledMs: parseDuration(options.stalledAfter ?? '10 s', 'stalledAfter'),
    record: options.record === undefined ? undefined : checkPath(options.record, 'record'),
    cancelGraceMs: parseDuration(options.cancelGrace ?? '2 s', 'cancelGrace'),
    setup: options.setup === undefined ? undefined : setupUrl(options.setup),
    passes: checkPasses(options.passes),
    checkMutation: checkFlag(options.checkMutation, 'checkMutation'),
    sharedMemory: checkFlag(options.sharedMemory, 'sharedMemory'),
    progress: checkFlag(options.progress, 'progress'),
    signal: options.signal,
    memoryLimit: options.memoryLimit === undefined ? defaultMemoryLimit() : checkMemoryLimit(options.memoryLimit),
    spillDirectory: checkSpillDirectory(options.spillDirectory),
    env: options.env,
    resourceLimits: options.resourceLimits,
  };
}

function checkEngine(engine: unknown): CheckedOptions['engine'] {
  if (engine === 'threads' || engine === 'processes' || engine === 'inline') return engine;
  if (
    typeof engine === 'object' &&
    engine !== null &&
    ['run', 'fetch', 'release', 'close'].every((name) => typeof (engine as Record<string, unknown>)[name] === 'function')
  )
    return engine as Engine;
  throw typeError(
    'ERR_INVALID_OPTION',
    `option engine must be 'threads', 'processes', 'inline' or an Engine; it is ${describeWrong(engine)}`,
  );
}

/** 60 % of what the process may use; a container's limit counts. */
function defaultMemoryLimit(): number {
  const machine = totalmem();
  const constrained = process.constrainedMemory?.() ?? 0;
  return Math.floor(0.6 * (constrained > 0 && constrained < machine ? constrained : machine));
}

function checkMemoryLimit(value: ByteSize): number {
  const bytes = parseByteSize(value, 'memoryLimit');
  if (bytes < 1) throw rangeError('ERR_INVALID_OPTION', `option memoryLimit must be at least 1 byte; it is ${bytes}`);
  return bytes;
}

function checkSpillDirectory(value: unknown): string | undefined {
  if (value !== undefined && (typeof value !== 'string' || value === ''))
    throw typeError('ERR_INVALID_OPTION', `option spillDirectory must be the path of a folder; it is ${describeWrong(value)}`);
  return value === undefined ? undefined : resolve(value);
}

function checkWorkers(workers: unknown): readonly WorkerDescription[] {
  const list: unknown = workers ?? availableParallelism();
  const options: readonly WorkerOptions[] =
    typeof list === 'number' ? new Array<WorkerOptions>(checkCount(list, 'workers', 1)).fill({}) : checkWorkerList(list);
  const seen = new Set<string>();
  return options.map((worker, i) => {
    const name = worker.name ?? `worker-${i}`;
    if (seen.has(name)) throw typeError('ERR_INVALID_OPTION', `two workers are called "${name}"; give each a name of its own`);
    seen.add(name);
    const resources = Object.freeze({ ...worker.resources });
    return Object.freeze(
      worker.host === undefined ? { name, host: hostname(), aliases: ownAliases(), resources } : { name, host: worker.host, resources },
    );
  });
}

let aliases: readonly string[] | undefined;

/** What else this machine is called: storages may know it by an address. */
function ownAliases(): readonly string[] {
  aliases ??= Object.freeze([
    'localhost',
    ...Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []),
  ]);
  return aliases;
}

function checkWorkerList(list: unknown): readonly WorkerOptions[] {
  if (!Array.isArray(list) || list.length === 0)
    throw typeError(
      'ERR_INVALID_OPTION',
      `option workers must be a number or a list of { name, host, resources }; it is ${describeWrong(list)}`,
    );
  for (const worker of list) {
    if (typeof worker !== 'object' || worker === null)
      throw typeError('ERR_INVALID_OPTION', `each of option workers must be an object; one is ${describeWrong(worker)}`);
    for (const name of Object.keys(worker))
      if (name !== 'name' && name !== 'host' && name !== 'resources')
        throw typeError('ERR_INVALID_OPTION', `a worker has no option "${name}" (known: name, host, resources)`);
  }
  return list;
}

function checkPasses(passes: readonly object[] | undefined): readonly Pass[] {
  if (passes === undefined) return defaultPasses;
  for (const pass of passes)
    if (typeof (pass as Partial<Pass>).name !== 'string' || typeof (pass as Partial<Pass>).run !== 'function')
      throw typeError('ERR_INVALID_OPTION', 'each of option passes must be a Pass: { name, run(graph, context) }');
  return passes as readonly Pass[];
}

function checkCount(value: unknown, name: string, least: number): number {
  if (typeof value !== 'number')
    throw typeError('ERR_INVALID_OPTION', `option ${name} must be a whole number >= ${least}; it is ${describeWrong(value)}`);
  if (!Number.isInteger(value) || value < least)
    throw rangeError('ERR_INVALID_OPTION', `option ${name} must be a whole number >= ${least}; it is ${value}`);
  return value;
}

function checkPath(value: unknown, name: string): string {
  if (value instanceof URL && value.protocol === 'file:') return fileURLToPath(value);
  if (typeof value === 'string' && value !== '') return value;
  throw typeError('ERR_INVALID_OPTION', `option ${name} must be a path, or a file: URL; it is ${describeWrong(value)}`);
}

function checkFlag(value: unknown, name: string): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw typeError('ERR_INVALID_OPTION', `option ${name} must be true or false; it is ${describeWrong(value)}`);
  return value === true;
}

/** A URL that any worker can import: a path is taken from the current directory, a package name stays. */
function setupUrl(setup: string | URL): string {
  if (setup instanceof URL || typeof setup !== 'string') return setup.href;
  return /^[./]|^[A-Za-z]:[\\/]/.test(setup) ? pathToFileURL(setup).href : setup;
}
