import { type Computed, isValue, taskOf } from '../graph/index.ts';
import { eachLeaf, replaceLeaves } from './containers.ts';
import { resolveExecutor } from './defaults.ts';
import type { Executor } from './executor.ts';

/** Computes Values (and containers of them, at any depth) together; shared tasks run once. Always a tuple: `const [x] = await compute(v)`. */
export async function compute<const X extends readonly unknown[]>(...values: X): Promise<{ -readonly [K in keyof X]: Computed<X[K]> }> {
  return (await computeWith(resolveExecutor(), values)) as { -readonly [K in keyof X]: Computed<X[K]> };
}

/** The same on a given executor. */
export async function computeWith(executor: Executor, values: readonly unknown[]): Promise<unknown[]> {
  const futures = new Map<string, ReturnType<Executor['begin']>>();
  eachLeaf(values, (leaf) => {
    if (!isValue(leaf)) return;
    const task = taskOf(leaf)!;
    if (!futures.has(task.id)) futures.set(task.id, executor.begin(task));
  });
  const started = replaceLeaves(values, (leaf) =>
    isValue(leaf) ? { kind: 'value', value: futures.get(taskOf(leaf)!.id) } : { kind: 'keep' },
  );
  try {
    return (await executor.gather(started)) as unknown[];
  } finally {
    for (const future of futures.values()) future.release();
  }
}

/** Begins Values and keeps their results with the workers; the same tuple, of Values that hold results. */
export async function persist<X extends readonly unknown[]>(...values: X): Promise<X> {
  return resolveExecutor().persist(values);
}
