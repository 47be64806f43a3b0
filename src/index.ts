/** The package's face: every public name, once. */
import { setValueActions } from '../graph/index.ts';
import { accompanyExecutors, resolveExecutor } from '../runtime/index.ts';
import { visualize } from './inspect/visualize.ts';
import { attachProgress } from './progress/attach-progress.ts';

setValueActions({
  compute: (value, options) => (options?.executor ?? resolveExecutor()).compute(value),
  persist: (value, options) => (options?.executor ?? resolveExecutor()).persist(value),
  visualize: (value, path, options) => visualize(value, path, options),
});

accompanyExecutors((executor, { progress }) => (progress ? attachProgress(executor) : undefined));

export {
  type AnyFuture,
  type AnyValue,
  annotate,
  type ByteSize,
  CancelledError,
  CaptureError,
  type CompletionQueue,
  type Computed,
  CycleError,
  type DaskGraph,
  type Duration,
  type ExecutorChoice,
  type FailedTask,
  type Future,
  type FutureHandle,
  type GatherErrors,
  type Gathered,
  type GraphFormat,
  HeddleError,
  isHeddleError,
  isTaskFailure,
  KeyConflictError,
  KilledWorkerError,
  type Lazy,
  type LazyArguments,
  type LazyFunction,
  lazy,
  type ManyFunction,
  type ManyValue,
  type Scattered,
  SourceChangedError,
  type Started,
  TaskError,
  type TaskOptions,
  TimeoutError,
  type Tokenizable,
  tokenize,
  tokenizeSymbol,
  UntokenizableError,
  type Value,
  type VisualizeOptions,
  value,
} from '../graph/index.ts';
export {
  type AsyncMapInputs,
  asCompleted,
  type CancelOptions,
  type ClusterOptions,
  type CommonOptions,
  compute,
  currentTask,
  Executor,
  type ExecutorEvents,
  type ExecutorOptions,
  type Explanation,
  type FutureStatus,
  type MapInputs,
  persist,
  type ReturnWhen,
  type StoryEntry,
  type TaskContext,
  type TaskState,
  type WaitOptions,
  type WorkerInfo,
  type WorkerOptions,
  wait,
} from '../runtime/index.ts';
export { type PlanReport, plan } from './inspect/plan-report.ts';
export { type GraphlibGraph, toGraphlib } from './inspect/to-graphlib.ts';
export { visualize } from './inspect/visualize.ts';
export { progress } from './progress/progress.ts';
export type { Compression } from './storage/compression.ts';
export type { HdfsOptions, HdfsTls } from './storage/hdfs/options.ts';
export type { HttpOptions } from './storage/http/options.ts';
export { type Blocks, type ReadBlocksOptions, readBlocks } from './storage/read-blocks.ts';
export { type ReadBytesOptions, readBytes } from './storage/read-bytes.ts';
export type { ReadOptions } from './storage/read-options.ts';
export { registerStorage } from './storage/registry.ts';
export type { S3Options } from './storage/s3/options.ts';
export type { Storage, StoredFile } from './storage/storage.ts';
export type { Location } from './storage/url.ts';
export { type WriteBytesOptions, writeBytes } from './storage/write-bytes.ts';
