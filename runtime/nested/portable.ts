import { type Callee, type Capture, type CapturedData, Op, type Task, type TaskOptions } from '../../graph/index.ts';

/** A function on its way from a worker to the caller. */
type PortableSource =
  | { readonly kind: 'own'; readonly module: string; readonly name: string }
  | { readonly kind: 'payload'; readonly payload: Uint8Array; readonly id: string };

/** A task as a structured clone keeps it: dependencies by their place in the list, captures by their payloads. */
export interface PortableTask extends Omit<Task, 'callee' | 'dependencies' | 'options'> {
  readonly callee: { readonly name: string; readonly identity: string; readonly source: PortableSource } | undefined;
  readonly dependencies: readonly number[];
  readonly options: TaskOptions;
}

/** Tasks and all below them, dependencies first. */
export function toPortable(outputs: readonly Task[]): { readonly tasks: readonly PortableTask[]; readonly outputs: readonly number[] } {
  const places = new Map<Task, number>();
  const tasks: PortableTask[] = [];
  const stack = [...outputs].reverse();
  for (let task = stack.at(-1); task !== undefined; task = stack.at(-1)) {
    const missing = places.has(task) ? [] : task.dependencies.filter((dependency) => !places.has(dependency));
    if (missing.length > 0) {
      stack.push(...missing);
      continue;
    }
    stack.pop();
    if (places.has(task)) continue;
    places.set(task, tasks.length);
    tasks.push(portable(task, places));
  }
  return { tasks, outputs: outputs.map((task) => places.get(task)!) };
}

function portable(task: Task, places: ReadonlyMap<Task, number>): PortableTask {
  const { id, name, token, givenKey, callee, tape, argc, dependencies, hosts, bytesToRead, scattered } = task;
  return {
    id,
    name,
    token,
    givenKey,
    argc,
    hosts,
    bytesToRead,
    scattered,
    options: { ...task.options },
    tape: tape.map((item, i) => (tape[i - 1] === Op.captured && i % 2 === 1 ? captureOf(item as CapturedData) : item)),
    dependencies: dependencies.map((dependency) => places.get(dependency)!),
    callee: callee && {
      name: callee.name,
      identity: callee.identity,
      source: callee.source.kind === 'own' ? callee.source : { kind: 'payload', ...captureOf(callee.source) },
    },
  };
}

function captureOf({ capture }: { readonly capture: Capture }): { readonly payload: Uint8Array; readonly id: string } {
  return { payload: capture.payload, id: capture.id };
}

/** The tasks again, in the caller's thread. */
export function fromPortable({ tasks, outputs }: { readonly tasks: readonly PortableTask[]; readonly outputs: readonly number[] }): Task[] {
  const made: Task[] = [];
  for (const task of tasks) {
    const tape = task.tape.map((item, i) =>
      task.tape[i - 1] === Op.captured && i % 2 === 1
        ? ({ data: undefined, capture: sentCapture(item as never) } satisfies CapturedData)
        : item,
    );
    made.push(
      Object.freeze({
        ...task,
        tape,
        dependencies: task.dependencies.map((place) => made[place]!),
        callee: task.callee && calleeOf(task.callee),
      }),
    );
  }
  return outputs.map((place) => made[place]!);
}

const callees = new Map<string, Callee>();

/** One object for equal functions, as far as the last of them go. */
function calleeOf({ name, identity, source }: NonNullable<PortableTask['callee']>): Callee {
  let callee = callees.get(identity);
  if (callee === undefined) {
    callee = Object.freeze({
      name,
      identity,
      fn: undefined,
      source: source.kind === 'own' ? source : { kind: 'captured' as const, capture: sentCapture(source) },
    });
    if (callees.size >= 1000) callees.clear();
    callees.set(identity, callee);
  }
  return callee;
}

/** What a worker captured: to be sent on as it came. */
function sentCapture({ payload, id }: { readonly payload: Uint8Array; readonly id: string }): Capture {
  return { id, payload, impurities: new Set(), isFresh: () => true, objectAt: () => undefined };
}
