import type { Callee, CapturedData, Plan, Task, WorkerDescription } from '../graph/index.ts';
import type { NestedHost } from './nested/host.ts';
import type { Explanation, StoryEntry } from './scheduler/story.ts';
import type { StateName } from './scheduler/transitions.ts';

/** One output of a plan, as its engine sees it: where to tell how it went. Told once, unless it is retried. */
export interface Sink {
  /** The engine's number for it, set by `run` and `put`. */
  handle: number;
  /** Its result is with a worker; small ones come along. */
  finished(hasValue: boolean, value: unknown): void;
  /** It ended in an error, perhaps of a task below it; one failure is one object for all. */
  failed(error: Error | Promise<Error>): void;
}

/** A result as it came, or why it could not. */
export type Outcome = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'error'; readonly error: Error };

/** A task went from one state to another. */
export interface TaskTransition {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly key: string;
  readonly from: StateName;
  readonly to: StateName;
  readonly worker?: string;
  /** Of a task that read a stored block and finished: whether it ran on a host that holds the block. Left out where hosts are not known. */
  readonly isLocal?: boolean;
}

/** A task wrote to the console. */
export interface ConsoleEvent {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly key: string;
  readonly worker: string;
  /** `log` for what went to stdout, `error` for stderr. */
  readonly level: string;
  readonly stream: 'stdout' | 'stderr';
  /** As it was written, line ends included. */
  readonly text: string;
}

/** What an engine tells whoever listens. */
export interface EngineListener {
  /** Left out while nobody listens, so that nothing is made of each transition. */
  task?: ((event: TaskTransition) => void) | undefined;
  /** Left out while nobody listens: then the engine shows it on the caller's console. */
  console?: ((event: ConsoleEvent) => void) | undefined;
  worker?(event: { readonly time: number; readonly worker: string; readonly change: 'joined' | 'left' | 'paused' | 'resumed' }): void;
  warning(event: { readonly time: number; readonly code: string; readonly message: string }): void;
}

/** What is known of a worker. */
export interface WorkerInfo extends WorkerDescription {
  readonly status: 'starting' | 'running' | 'paused' | 'closing';
  /** Bytes of results it holds, in memory and spilled. */
  readonly nbytes: number;
  readonly spilled: number;
  readonly processing: number;
}

/** Data to be laid on workers; `captured` when a structured clone would lose some of it. */
export interface Putting {
  readonly data: unknown;
  readonly captured: CapturedData | undefined;
}

/** On which workers. */
export interface Where {
  readonly broadcast: boolean;
  readonly workers: readonly string[] | undefined;
}

/** Looking inside: plain data by key and worker name; a promise of it where others must be asked. */
export interface EngineView {
  workers(): WorkerInfo[] | Promise<WorkerInfo[]>;
  whoHas(): Map<string, string[]> | Promise<Map<string, string[]>>;
  nbytes(): Map<string, number> | Promise<Map<string, number>>;
  processing(): Map<string, string[]> | Promise<Map<string, string[]>>;
  /** What is kept of what happened to a task, the oldest first. */
  story(key: string): StoryEntry[];
  /** `undefined`: nothing is known of the key any more. */
  explain(key: string): Explanation | undefined;
}

/**
 * What runs plans. It knows tasks, workers and results, no Future and no file.
 * All of it is synchronous but what must wait for workers; the conformance suite `test/conformance/engine.ts` says what each method means.
 */
export interface Engine {
  readonly name: string;
  /** The workers it has, or will have in a moment. */
  readonly workers: readonly WorkerDescription[];
  /** Who is told of transitions; set before the first `run`. */
  listener: EngineListener;
  /** How many tasks it knows of. */
  readonly size: number;
  /** The task under an id, whose result is here or being made: a plan need not go below it. */
  find(id: string): Task | undefined;
  /** Begins a plan. Each output is held once for its sink, in the order of `plan.graph.outputs`. `parent`: the handle of the running task that submitted it. */
  run(plan: Plan, sinks: readonly Sink[], parent?: number): void;
  /** A running task waits for others, which may need its place. */
  secede?(handle: number): void;
  /** Lays data on workers as the result of a task, held once for its sink. */
  put(task: Task, what: Putting, where: Where, sink: Sink): void;
  /** Results of finished outputs, in order. */
  fetch(handles: readonly number[]): Promise<Outcome[]>;
  /** A result is asked for again that is held already: a line in its story. */
  reused?(handle: number): void;
  /** Gives up one hold. */
  release(handle: number): void;
  /** Stops tasks and what depends on them; resolves when none of them runs any more. */
  cancel(handles: readonly number[], options: { readonly reason: unknown; readonly force: boolean }): Promise<void>;
  /** Runs failed outputs again, with their failed ancestors. */
  retry(handles: readonly number[]): void;
  /** Runs a function once on each worker, outside the scheduler. */
  call(callee: Callee, workers: readonly string[] | undefined): Promise<Map<string, unknown>>;
  /** Cancels everything, forgets every result, starts fresh workers. */
  restart(): Promise<void>;
  /** Where running tasks find the executor they run on; an engine whose tasks submit none leaves it out. */
  attach?(executor: unknown, nested: NestedHost): void;
  readonly view: EngineView;
  /** Ends the workers; outputs that are not done fail with ERR_EXECUTOR_CLOSED. */
  close(): Promise<void>;
}
