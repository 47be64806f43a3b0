import { CycleError, HeddleError, typeError } from './errors.ts';
import { taskSymbol } from './task.ts';

/** Dask's graph of plain objects: `[function, ...arguments]`, a key, data, or lists of these. */
export type GraphObject = Readonly<Record<string, unknown>> | ReadonlyMap<string, unknown>;

/** How tasks are made. `Handle` is what stands for a task among arguments. */
export interface TaskMaker<Handle extends object> {
  /** A task that calls `fn`; handles among the arguments, also inside lists, are its dependencies. Without a key it gets a derived one. */
  readonly call: (fn: GraphFunction, args: readonly unknown[], key: string | undefined) => Handle;
  /** A task that is data; handles in it are its dependencies. */
  readonly data: (content: unknown, key: string) => Handle;
}

/** A function at the head of a task. */
export type GraphFunction = (...args: never) => unknown;

/** What a key that names another key calls: the same result under a key of its own. */
export function same<T>(result: T): T {
  return result;
}

/**
 * Makes tasks of the wanted keys and of all that they need, in Dask's way:
 *
 *     { x: 1, y: [inc, 'x'], z: [sum, ['x', 'y', [inc, 'y']]], last: 'z' }
 *
 * An array whose first element is a function is a task. A text that is a key of the graph is that task's result; other texts are data. Lists are searched at any depth,
 * objects and Maps are not. A task inside arguments becomes a task of its own with a derived key. Ends in a CycleError with the path when a key needs itself.
 */
export function fromObject<Handle extends object>(
  graph: GraphObject,
  keys: Iterable<string>,
  make: TaskMaker<Handle>,
): ReadonlyMap<string, Handle> {
  const definitions = definitionsOf(graph);
  const handles = new Map<string, Handle>();
  const wanted = new Map<string, Handle>();
  for (const key of keys) {
    if (!definitions.has(key)) throw new HeddleError('ERR_UNKNOWN_KEY', unknownKey(key, definitions));
    if (!handles.has(key)) makeWithDependencies(key, definitions, handles, make);
    wanted.set(key, handles.get(key)!);
  }
  return wanted;
}

function definitionsOf(graph: unknown): ReadonlyMap<string, unknown> {
  if (Object.prototype.toString.call(graph) === '[object Map]') return graph as ReadonlyMap<string, unknown>;
  if (typeof graph === 'object' && graph !== null && !Array.isArray(graph)) return new Map(Object.entries(graph));
  throw typeError('ERR_INVALID_ARGUMENT', 'a graph must be an object or a Map of keys to tasks, such as { y: [increment, 1] }');
}

function unknownKey(key: unknown, definitions: ReadonlyMap<string, unknown>): string {
  if (typeof key !== 'string') return `a key must be a text; ${typeof key} is none`;
  const known = [...definitions.keys()].slice(0, 5).map((one) => JSON.stringify(one));
  return `the graph has no key ${JSON.stringify(key)} (it has ${known.join(', ')}${definitions.size > 5 ? ', …' : ''})`;
}

/** Depth first by keys, with a stack of its own: the keys on it are the path from `root`. */
function makeWithDependencies<Handle extends object>(
  root: string,
  definitions: ReadonlyMap<string, unknown>,
  handles: Map<string, Handle>,
  make: TaskMaker<Handle>,
): void {
  const path: { readonly key: string; readonly found: Found; next: number }[] = [];
  const open = new Set<string>();
  const enter = (key: string): void => {
    open.add(key);
    path.push({ key, found: search(definitions.get(key), definitions), next: 0 });
  };
  enter(root);
  while (path.length > 0) {
    const top = path[path.length - 1]!;
    const next = top.found.keys[top.next++];
    if (next === undefined) {
      handles.set(top.key, makeOne(top.key, definitions.get(top.key), top.found, handles, make));
      open.delete(top.key);
      path.pop();
    } else if (open.has(next)) {
      const keys = path.map((step) => step.key);
      throw new CycleError([...keys.slice(keys.indexOf(next)), next]);
    } else if (!handles.has(next)) enter(next);
  }
}

/** What a definition holds. */
interface Found {
  /** Keys of the graph among it, each once. */
  readonly keys: readonly string[];
  readonly hasTasks: boolean;
}

function search(definition: unknown, definitions: ReadonlyMap<string, unknown>): Found {
  const keys = new Set<string>();
  let hasTasks = false;
  const seen = new Set<unknown>();
  const todo: unknown[] = [definition];
  while (todo.length > 0) {
    const one = todo.pop();
    if (typeof one === 'string') {
      if (definitions.has(one)) keys.add(one);
    } else if (isHandle(one)) hasTasks = true;
    else if (Array.isArray(one) && !seen.has(one)) {
      seen.add(one);
      if (typeof one[0] === 'function') hasTasks = true;
      for (let i = one.length - 1; i >= 0; i--) todo.push(one[i]);
    }
  }
  return { keys: [...keys], hasTasks };
}

function isHandle(value: unknown): boolean {
  return typeof value === 'object' && value !== null && taskSymbol in value;
}

function makeOne<Handle extends object>(
  key: string,
  definition: unknown,
  found: Found,
  handles: ReadonlyMap<string, Handle>,
  make: TaskMaker<Handle>,
): Handle {
  if (found.keys.length === 0 && !found.hasTasks) return make.data(definition, key);
  if (Array.isArray(definition) && typeof definition[0] === 'function') {
    const args = replaceKeys(definition.slice(1), key, handles, make);
    return make.call(definition[0] as GraphFunction, args, key);
  }
  const [content] = replaceKeys([definition], key, handles, make);
  return Array.isArray(definition) ? make.data(content, key) : make.call(same, [content], key);
}

/** A list with keys and tasks at any depth replaced by handles; lists without any stay the very same. */
function replaceKeys<Handle extends object>(
  list: readonly unknown[],
  key: string,
  handles: ReadonlyMap<string, Handle>,
  make: TaskMaker<Handle>,
): readonly unknown[] {
  const path: { readonly list: readonly unknown[]; readonly made: unknown[]; isChanged: boolean }[] = [
    { list, made: [], isChanged: false },
  ];
  const open = new Set<unknown>([list]);
  for (;;) {
    const top = path[path.length - 1]!;
    if (top.made.length < top.list.length) {
      const item = top.list[top.made.length];
      if (Array.isArray(item)) {
        if (open.has(item))
          throw typeError(
            'ERR_INVALID_ARGUMENT',
            `a list in the task of key ${JSON.stringify(key)} holds itself; give such data a key of its own`,
          );
        open.add(item);
        path.push({ list: item, made: [], isChanged: false });
        continue;
      }
      const handle = typeof item === 'string' ? handles.get(item) : undefined;
      top.made.push(handle ?? item);
      if (handle !== undefined) top.isChanged = true;
      continue;
    }
    path.pop();
    open.delete(top.list);
    const above = path[path.length - 1];
    if (above === undefined) return top.made;
    const isTask = typeof top.list[0] === 'function';
    above.made.push(isTask ? make.call(top.list[0] as GraphFunction, top.made.slice(1), undefined) : top.isChanged ? top.made : top.list);
    if (isTask || top.isChanged) above.isChanged = true;
  }
}
