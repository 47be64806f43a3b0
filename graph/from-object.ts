import { typeError } from './errors.ts';
import { taskOf } from './handle.ts';
import { isLazyFunction, lazy, makeTask, value } from './lazy.ts';
import type { Value } from './lazy-types.ts';
import { fromObject, type GraphObject, type TaskMaker } from './object-graph.ts';
import type { Task } from './task.ts';
import { makeValue } from './value.ts';

/** Tasks of the wanted keys of a Dask-style graph: one key, or a list of keys, nested as you like. See `fromObject`. */
export function tasksFromObject(graph: GraphObject, keys: unknown): ReadonlyMap<string, Task> {
  const tasks = new Map<string, Task>();
  for (const [key, handle] of fromObject(graph, flatKeys(keys), valueMaker)) tasks.set(key, taskOf(handle)!);
  return tasks;
}

/** A key of the graph object is the whole key of its task. */
const valueMaker: TaskMaker<Value<unknown>> = {
  call: (fn, args, key) => {
    if (key === undefined) return makeValue(makeTask(fn, args));
    return makeValue(makeTask(isLazyFunction(fn) ? fn.with({ key }) : lazy(fn, { key }), args));
  },
  data: (content, key) => value(content, { key }),
};

function flatKeys(keys: unknown): Set<string> {
  const flat = new Set<string>();
  const todo: unknown[] = [keys];
  while (todo.length > 0) {
    const one = todo.pop();
    if (typeof one === 'string') flat.add(one);
    else if (Array.isArray(one)) for (let i = one.length - 1; i >= 0; i--) todo.push(one[i]);
    else throw typeError('ERR_INVALID_ARGUMENT', `get takes a key or a list of keys; ${typeof one} is none`);
  }
  return flat;
}
