import { types } from 'node:util';
import { typeError } from './errors.ts';
import { checkMergedOptions, checkTaskOptions, noOptions, type TaskOptions } from './options.ts';

let current: TaskOptions = noOptions;

/** What the `annotate` blocks around this call ask for; inner ones win. The same object as long as they are the same. */
export function currentAnnotations(): TaskOptions {
  return current;
}

/** Gives every Value made inside `body` these options, where it sets none itself. `body` must be synchronous. */
export function annotate<R>(options: Omit<TaskOptions, 'key' | 'nout'>, body: () => R): R {
  if (typeof body !== 'function') throw typeError('ERR_INVALID_ARGUMENT', 'annotate(options, body) needs a function as its body');
  if (types.isAsyncFunction(body)) throw asyncBody();
  const checked = checkTaskOptions(options);
  for (const name of ['key', 'nout'] as const)
    if (checked[name] !== undefined)
      throw typeError('ERR_INVALID_OPTION', `option ${name} belongs to one task; give it to lazy(), not to annotate()`);
  const before = current;
  current = Object.freeze({ ...before, ...checked });
  try {
    const result = body();
    if (types.isPromise(result)) {
      result.catch(() => undefined); // this error is the one to see
      throw asyncBody();
    }
    return result;
  } finally {
    current = before;
  }
}

function asyncBody(): TypeError {
  return typeError(
    'ERR_INVALID_ARGUMENT',
    'the body of annotate() must be synchronous, or Values made after its first await would miss the options: await outside, make the Values inside',
  );
}

/** A task's own options over what is annotated. Throws when the whole makes no sense. */
export function withAnnotations(own: TaskOptions, annotations: TaskOptions = current): TaskOptions {
  const merged = annotations === noOptions ? own : own === noOptions ? annotations : Object.freeze({ ...annotations, ...own });
  if (merged !== noOptions) checkMergedOptions(merged);
  return merged;
}
