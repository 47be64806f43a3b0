import { noOptions, type TaskOptions } from '../../../graph/options.ts';
import { Op } from '../../../graph/tape.ts';
import type { Callee, Task } from '../../../graph/task.ts';
import type { Limits } from '../../../runtime/scheduler/state.ts';

const callees: readonly Callee[] = ['f', 'g', 'h'].map((name) => ({
  name,
  identity: name,
  fn: undefined,
  source: { kind: 'own', module: 'none', name },
}));
/** Any worker may run it, any time. */
export const noLimits: Limits = { options: noOptions, allowed: undefined, preferred: undefined, retries: 0 };

/** A task that depends on others, with nothing in it to run. */
export function makeTask(id: string, dependencies: readonly Task[], options: TaskOptions = noOptions, which = id.length): Task {
  return {
    id,
    name: `f${id.length}`,
    token: id,
    givenKey: id,
    callee: callees[which % callees.length]!,
    tape: dependencies.flatMap((_, i) => [Op.dependency, i]),
    argc: dependencies.length,
    dependencies,
    options,
    hosts: undefined,
    bytesToRead: 0,
    overlap: 1,
    scattered: false,
  };
}

/** A random graph, layered or not, and what its tasks ask for. */
export function randomTasks(roll: (sides: number) => number, workers: number, limits: Map<TaskOptions, Limits>): Task[] {
  limits.set(noOptions, noLimits);
  const wishes = Array.from({ length: 4 }, (): TaskOptions => {
    const options: TaskOptions = {
      ...(roll(3) === 0 ? { priority: roll(3) - 1 } : {}),
      ...(roll(3) === 0 ? { concurrency: 1 + roll(2) } : {}),
      ...(roll(4) === 0 ? { timeout: 1_000 } : {}),
      ...(roll(4) === 0 ? { resources: roll(5) === 0 ? { tpu: 1 } : { gpu: 1 } } : {}),
    };
    const some = Array.from({ length: workers }, (_, i) => i).filter(() => roll(2) === 0);
    const isFenced = some.length > 0 && options.resources === undefined && roll(2) === 0;
    limits.set(options, {
      options,
      allowed: isFenced ? new Set(some) : undefined,
      preferred: !isFenced && roll(2) === 0 ? some : undefined,
      retries: roll(3),
    });
    return options;
  });
  const tasks: Task[] = [];
  const size = 2 + roll(30);
  const width = 1 + roll(4);
  for (let i = 0; i < size; i++) {
    const inputs = new Set<Task>();
    for (let n = i === 0 ? 0 : roll(width + 1); n > 0; n--) inputs.add(tasks[roll(4) === 0 ? roll(i) : Math.max(0, i - 1 - roll(6))]!);
    const task = makeTask(`t${'x'.repeat(roll(6))}${i}`, [...inputs], roll(3) === 0 ? wishes[roll(4)]! : noOptions, roll(3));
    tasks.push(inputs.size === 0 && i % 2 === 0 ? { ...task, overlap: 3 } : task);
  }
  return tasks;
}
