import { randomBytes } from 'node:crypto';
import { withAnnotations } from './annotate.ts';
import { type EncodeOptions, encode } from './args.ts';
import { type LazyParts, lazySymbol } from './canonical/describe.ts';
import { digest, leafText, stringText } from './canonical/leaf.ts';
import { listText } from './canonical/text.ts';
import { giveBack, takeWriter } from './canonical/writer.ts';
import { decode } from './decode.ts';
import { type FunctionState, functionState } from './function-state.ts';
import { keyName, typeName } from './names.ts';
import { checkTaskOptions, noOptions, type TaskOptions } from './options.ts';
import { type Callee, keyOf, LeanTask, type Task, withParts } from './task.ts';
import { warnOfOptions } from './warn-of-options.ts';

/** A task that calls a plain function or a LazyFunction. No Value is made. */
export function makeTask(fn: unknown, args: readonly unknown[]): Task {
  return taskMaker(fn)(args);
}

/** The same for many calls of one function, which is looked at once. */
export function taskMaker(fn: unknown): (args: readonly unknown[]) => Task {
  const lazy = typeof fn === 'function' ? (fn as { readonly [lazySymbol]?: LazyParts })[lazySymbol] : undefined;
  const state = functionState(lazy === undefined ? fn : lazy.fn);
  const options = withAnnotations(lazy === undefined ? noOptions : lazy.options);
  const callee = state.callee();
  return (args) => call(state, callee, args, options);
}

/** A task that calls a function of the user's. `options` are merged and checked. */
export function callTask(state: FunctionState, args: readonly unknown[], options: TaskOptions): Task {
  return call(state, state.callee(), args, options);
}

function call(state: FunctionState, callee: Callee, args: readonly unknown[], options: TaskOptions): Task {
  if (args.length > state.fn.length) warnOfOptions(state, args);
  if (options.pure === undefined) state.warnIfImpure();
  const name = options.name === undefined ? callee.name : keyName(options.name);
  return finish(callee, name, args, options.traverse !== false, options, noExtra);
}

/** Wraps data. */
export function makeData(
  data: unknown,
  options: { readonly name?: string | undefined; readonly key?: string | undefined; readonly scattered?: boolean | undefined } = noOptions,
): Task {
  const { scattered, ...rest } = options;
  const merged = withAnnotations(checkTaskOptions(rest));
  return finish(
    undefined,
    merged.name === undefined ? typeName(data) : keyName(merged.name),
    [data],
    true,
    merged,
    scattered === true ? { scattered } : noExtra,
  );
}

/** What a task has beside its call. */
interface Extra {
  readonly hosts?: readonly string[] | undefined;
  readonly bytesToRead?: number | undefined;
  readonly scattered?: boolean;
  /** Text that is hashed in place of the arguments. */
  readonly content?: string | undefined;
}
const noExtra: Extra = Object.freeze({});
const contents = new WeakMap<Task, string>();

/** How arguments are encoded: four ways, and no object for each call. */
const ways = ['args', 'data'].flatMap((root) =>
  [false, true].flatMap((traverse) => [false, true].map((isPure) => ({ root, traverse, isPure }) as EncodeOptions)),
);

function finish(
  callee: Callee | undefined,
  name: string,
  args: readonly unknown[],
  traverse: boolean,
  options: TaskOptions,
  extra: Extra,
): Task {
  const { key, pure, version } = options;
  const isPure = pure !== false;
  const { hosts, bytesToRead, scattered, content } = extra;
  const writer = takeWriter();
  writer.begin(name, callee === undefined ? '=' : callee.identity, version === undefined ? '' : `~${leafText(version)}`);
  const { at, surplus } = writer;
  const way = (callee === undefined ? 4 : 0) + (traverse ? 2 : 0) + (isPure ? 1 : 0);
  const { tape, dependencies } = encode(args, writer, ways[way] as EncodeOptions);
  if (content !== undefined) {
    writer.at = at;
    writer.surplus = surplus;
    writer.raw(content);
  }
  const token = isPure ? writer.finish() : randomBytes(16).toString('hex');
  giveBack(writer);
  // a task asked to have the key it has anyway is that task
  const givenKey = key !== undefined && key !== `${name}-${token}` ? key : undefined;
  const extras = givenKey === undefined && extra === noExtra ? undefined : { givenKey, hosts, bytesToRead, scattered };
  const task = new LeanTask(name, token, callee, tape, args.length, dependencies, options, extras);
  if (content !== undefined) contents.set(task, content);
  return task;
}

/** The same task with other options on top. `handle` makes what stands for a dependency. */
export function remakeTask(task: Task, options: TaskOptions, handle: (task: Task) => unknown): Task {
  const merged = withAnnotations(Object.freeze({ ...task.options, ...options }));
  const { callee, scattered, hosts, bytesToRead } = task;
  if (!changesKey(options)) return withParts(task, { options: merged });
  const args = decode(task.tape, (i) => handle(task.dependencies[i] as Task));
  const name = options.name === undefined ? task.name : keyName(options.name);
  return finish(callee, name, args, callee === undefined || merged.traverse !== false, merged, {
    hosts,
    bytesToRead,
    scattered,
    content: contents.get(task),
  });
}

function changesKey({ name, key, pure, version }: TaskOptions): boolean {
  return name !== undefined || key !== undefined || pure !== undefined || version !== undefined;
}

/** Whether two tasks may stand under one key. */
export function sameTask(a: Task, b: Task): boolean {
  return a === b || (a.token === b.token && keyOf(a) === keyOf(b));
}

/** A function of one of heddle's own worker modules, `src/storage/read-block.js`. Raise `version` when what it does changes: keys change with it. */
export function ownFunction(module: string, name: string, version: number): Callee {
  return Object.freeze({
    name,
    identity: digest(`own${stringText(module)}${stringText(name)}${version}`),
    fn: undefined,
    source: Object.freeze({ kind: 'own', module, name }),
  });
}

/** What `callOwn` takes beside the arguments. */
export interface OwnCall {
  /** First part of the key. */
  readonly name: string;
  /** Hashed in place of the arguments. */
  readonly tokenOf?: readonly unknown[] | undefined;
  readonly hosts?: readonly string[] | undefined;
  readonly bytesToRead?: number | undefined;
  readonly pure?: boolean | undefined;
  readonly options?: TaskOptions | undefined;
}

/** A task that calls one of heddle's own functions; Values may be among the arguments. */
export function ownTask(callee: Callee, args: readonly unknown[], call: OwnCall): Task {
  const { name, tokenOf, hosts, bytesToRead, pure, options } = call;
  const own = checkTaskOptions({ name, pure, ...options });
  const merged = withAnnotations(own);
  return finish(callee, keyName(merged.name as string), args, true, merged, {
    hosts,
    bytesToRead,
    content: tokenOf && listText(tokenOf, 'tokenOf'),
  });
}
