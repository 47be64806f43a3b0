/** The ground floor's door: what is to be computed. Authors of passes enter here (`heddle/graph`). */
export { annotate } from './annotate.ts';
export { type CompileOptions, compile, compileGraph, defaultPasses, isTopologicalOrder } from './compile.ts';
export { type DescribedTask, type Description, describeGraph, describePlan } from './describe.ts';
export {
  CancelledError,
  CaptureError,
  CycleError,
  type ErrorCode,
  errorCodes,
  type FailedTask,
  HeddleError,
  isHeddleError,
  isTaskFailure,
  KeyConflictError,
  KilledWorkerError,
  rangeError,
  SourceChangedError,
  TaskError,
  TimeoutError,
  typeError,
  UntokenizableError,
} from './errors.ts';
export { tasksFromObject } from './from-object.ts';
export { type Capture, capture, type Impurity } from './function/capture.ts';
export { addEntry } from './function/entry.ts';
export { type LoaderInfo, loaderOf, rememberLoader } from './function/loader.ts';
export { localFilesOf } from './function/module-identity.ts';
export type { Payload, PayloadNode, Shape, Slots } from './function/payload.ts';
export { type ImportPlace, importPlaceOf } from './function/place.ts';
export { mapPlace, type UserPlace } from './function/source-map.ts';
export type * from './future-types.ts';
export { Graph, type GraphParts, type PreferredWorkers } from './graph.ts';
export { isOnHost, workersNamed, workersOn } from './hosts.ts';
export { callOwn, isLazyFunction, lazy, makeData, makeTask, ownFunction, sameTask, taskMaker, value } from './lazy.ts';
export type * from './lazy-types.ts';
export type { GraphObject as DaskGraph } from './object-graph.ts';
export {
  type ByteSize,
  checkTaskOptions,
  type Duration,
  describeWrong,
  noOptions,
  parseByteSize,
  parseDuration,
  type TaskOptions,
  taskOptionNames,
} from './options.ts';
export type { Pass, PassContext, WorkerDescription } from './pass.ts';
export { cull } from './passes/cull.ts';
export { fuse } from './passes/fuse.ts';
export { inline } from './passes/inline.ts';
export { order } from './passes/order.ts';
export { place } from './passes/place.ts';
export type { PassReport, Plan } from './plan.ts';
export { encodeRow, type Program } from './program.ts';
export type * from './result-types.ts';
export { Op, type Tape } from './tape.ts';
export {
  brandSymbol,
  type Callee,
  type CapturedData,
  type FunctionSource,
  keyOf,
  type Task,
  type TaskHandle,
  taskSymbol,
  withParts,
} from './task.ts';
export { digest, tokenize, tokenizeSymbol } from './token.ts';
export { isValue, makeValue, setValueActions, taskOf } from './value.ts';
