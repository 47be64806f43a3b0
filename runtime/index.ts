/** The first floor's door: when and where things are computed. Authors of engines enter here (`heddle/runtime`). */
export type { CancelOptions, Future, FutureStatus, ReturnWhen, WaitOptions } from '../graph/index.ts';
export { builtRoot } from './built-root.ts';
export { compute, computeWith, persist } from './compute.ts';
export { currentTask, type TaskContext } from './current-task.ts';
export { type LocalCluster, type LocalClusterOptions, startLocalCluster } from './dask/local-cluster.ts';
export { resolveExecutor } from './defaults.ts';
export type { Engine, EngineListener, EngineView, Outcome, Sink, TaskTransition, WorkerInfo } from './engine.ts';
export type { ExecutorEvents, TaskState } from './events.ts';
export { type AsyncMapInputs, accompanyExecutors, Executor, type MapInputs } from './executor.ts';
export type { ClusterOptions, CommonOptions, ExecutorOptions, WorkerOptions } from './executor-options.ts';
export { waitFor } from './limits.ts';
export { type ReplayReport, replay } from './replay.ts';
export type { ReplayedStep } from './scheduler/replay.ts';
export type { Explanation, StoryEntry } from './scheduler/story.ts';
export { mapStack } from './stack.ts';
export { asCompleted, wait } from './waiting.ts';
export { allocateBytes } from './worker/allocate.ts';
export { originOf, restore, startLoader } from './worker/restore.ts';
