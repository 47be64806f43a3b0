import type { Capture } from './function/capture.ts';
import type { TaskOptions } from './options.ts';
import type { Tape } from './tape.ts';

/** How a worker gets a function. */
export type FunctionSource =
  /** One of heddle's own modules, by its path under the built package: `src/storage/read-block.js`. */
  | { readonly kind: 'own'; readonly module: string; readonly name: string }
  /** What `capture` made of the user's function: source and captured variables, or a module and an export. */
  | { readonly kind: 'captured'; readonly capture: Capture };

/** A function that tasks call. */
export interface Callee {
  /** Its own name, as keys show it. */
  readonly name: string;
  /** 32 hex digits: what the function is (source and captures, or module and content). */
  readonly identity: string;
  /** The function in this thread; `undefined` for heddle's own modules until they are loaded. */
  readonly fn: ((...args: never) => unknown) | undefined;
  readonly source: FunctionSource;
}

/** Data with functions or class instances in it: the thing itself for this thread, its capture for others. */
export interface CapturedData {
  readonly data: unknown;
  readonly capture: Capture;
}

/** One node of a graph as it was written: a call, or data. Immutable; Values and Futures are handles on it. */
export interface Task {
  /** Unique in a graph: the token, or the key that the user gave. Never shown. */
  readonly id: string;
  /** First part of the key. */
  readonly name: string;
  /** 32 hex digits over name, code and arguments; the key is `<name>-<token>` unless given. */
  readonly token: string;
  /** The key the user gave. */
  readonly givenKey: string | undefined;
  /** `undefined`: the tape itself is the data. */
  readonly callee: Callee | undefined;
  /** The arguments. */
  readonly tape: Tape;
  /** How many arguments the tape leaves on the stack (1 for data). */
  readonly argc: number;
  /** What the tape's `dependency` ops refer to; each once. */
  readonly dependencies: readonly Task[];
  /** Frozen; `name`, `key`, `pure` and `version` have already done their work. */
  readonly options: TaskOptions;
  /** Hosts that hold the bytes it reads. */
  readonly hosts: readonly string[] | undefined;
  /** Bytes it reads from storage. */
  readonly bytesToRead: number;
  /** Scattered data: it has no tape to be made from again. */
  readonly scattered: boolean;
}

/** What few tasks have. */
export interface TaskExtras {
  readonly givenKey?: string | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly bytesToRead?: number | undefined;
  readonly scattered?: boolean | undefined;
}

/** A task in little room: a graph has millions, and most have nothing that is rare. */
export class LeanTask implements Task {
  readonly name: string;
  readonly token: string;
  readonly callee: Callee | undefined;
  readonly tape: Tape;
  readonly argc: number;
  readonly dependencies: readonly Task[];
  readonly options: TaskOptions;
  readonly extras: TaskExtras | undefined;

  constructor(
    name: string,
    token: string,
    callee: Callee | undefined,
    tape: Tape,
    argc: number,
    dependencies: readonly Task[],
    options: TaskOptions,
    extras: TaskExtras | undefined,
  ) {
    this.name = name;
    this.token = token;
    this.callee = callee;
    this.tape = tape;
    this.argc = argc;
    this.dependencies = dependencies;
    this.options = options;
    this.extras = extras;
  }

  get id(): string {
    return this.extras?.givenKey ?? this.token;
  }

  get givenKey(): string | undefined {
    return this.extras?.givenKey;
  }

  get hosts(): readonly string[] | undefined {
    return this.extras?.hosts;
  }

  get bytesToRead(): number {
    return this.extras?.bytesToRead ?? 0;
  }

  get scattered(): boolean {
    return this.extras?.scattered === true;
  }
}

/** The same task with other parts. */
export function withParts(task: Task, parts: Partial<Omit<Task, 'id'>>): Task {
  const { name, token, callee, tape, argc, dependencies, options, givenKey, hosts, bytesToRead, scattered } = task;
  const all = { name, token, callee, tape, argc, dependencies, options, givenKey, hosts, bytesToRead, scattered, ...parts };
  return new LeanTask(all.name, all.token, all.callee, all.tape, all.argc, all.dependencies, all.options, {
    givenKey: all.givenKey,
    hosts: all.hosts,
    bytesToRead: all.bytesToRead,
    scattered: all.scattered,
  });
}

/** `<name>-<32 hex>`, or the key that the user gave. */
export function keyOf(task: Task): string {
  return task.givenKey ?? `${task.name}-${task.token}`;
}

/** Under this symbol Values and Futures show their task; each copy of the package has its own. */
export const taskSymbol: unique symbol = Symbol('heddle.task');

/** On the prototype of Values and Futures of every copy of the package. */
export const brandSymbol: unique symbol = Symbol.for('heddle.brand') as never;

/** A Value or Future of this copy of the package. */
export interface TaskHandle {
  readonly [taskSymbol]: Task;
}
