import { Graph, keyOf, type Plan, type Task, type TaskOptions } from '../../graph/index.ts';
import type { SchedulerOptions } from './scheduler.ts';
import type { Limits } from './state.ts';
import type { Command, Stimulus } from './stimulus.ts';

/**
 * A run as lines of JSON, so that it can be gone through again: a line with what the scheduler was told at its start, then a line a stimulus, with its
 * time and the commands that followed. Tasks stand there by key, size and time; no argument, result, code or credential does.
 *
 *     {"scheduler":{…}}  {"at":1792…,"stimulus":{"kind":"finished",…},"commands":[{"kind":"run",…}]}  …
 */

/** Raised when lines of an older form cannot be gone through any more. */
const format = 1;

type Plain = Readonly<Record<string, unknown>>;
type PlainTask = readonly [id: string, name: string, token: string, givenKey: string | null, identity: string | null, isScattered: 0 | 1];

interface PlainLimits {
  readonly priority?: number;
  readonly resources?: Readonly<Record<string, number>>;
  readonly concurrency?: number;
  readonly timeout?: 1;
  readonly allowed?: readonly number[];
  readonly preferred?: readonly number[];
  readonly retries: number;
}

interface PlainPlan {
  readonly kind: 'submitted';
  readonly parent: number;
  readonly tasks: readonly PlainTask[];
  readonly members: readonly (readonly [graphRow: number, keys: readonly string[]])[];
  readonly dependencyStart: readonly number[];
  readonly dependencyRows: readonly number[];
  readonly held: readonly number[];
  readonly outputs: readonly number[];
  readonly order: readonly number[];
  readonly limits: readonly PlainLimits[];
  /** Graph row → place in `limits`; -1 for held rows. */
  readonly limitsOf: readonly number[];
}

/** The first line of a scheduler's life. Hosts play no part in what it does. */
export function startLine({ allowedFailures, stalledMs, workers }: SchedulerOptions): string {
  const plain = workers.map(({ name, resources }) => ({ name, resources }));
  return JSON.stringify({
    scheduler: { format, allowedFailures, stalledMs: Number.isFinite(stalledMs) ? stalledMs : null, workers: plain },
  });
}

/** The line of one step. */
export function stepLine(at: number, stimulus: Stimulus, commands: readonly Command[]): string {
  return JSON.stringify({ at, stimulus: plainStimulus(stimulus), commands });
}

/** What a line says; the commands stay text, to be compared. */
export type Line =
  | { readonly kind: 'start'; readonly options: SchedulerOptions }
  | { readonly kind: 'step'; readonly at: number; readonly stimulus: Stimulus; readonly commands: string };

/** Throws a SyntaxError for what is no line of a record. */
export function parseLine(text: string): Line {
  const { scheduler, at, stimulus, commands } = JSON.parse(text) as {
    scheduler?: Plain;
    at?: number;
    stimulus?: Plain;
    commands?: unknown;
  };
  if (scheduler !== undefined) {
    if (scheduler.format !== format)
      throw new SyntaxError(`a record of form ${String(scheduler.format)}; this version reads form ${format}`);
    const workers = (scheduler.workers as { name: string; resources: Record<string, number> }[]).map((worker) => ({ ...worker, host: '' }));
    const { allowedFailures, stalledMs } = scheduler as unknown as { allowedFailures: number; stalledMs: number | null };
    return { kind: 'start', options: { allowedFailures, stalledMs: stalledMs ?? Number.POSITIVE_INFINITY, workers } };
  }
  if (at === undefined || stimulus === undefined) throw new SyntaxError('this is no line of a record');
  return { kind: 'step', at, stimulus: stimulusOf(stimulus), commands: JSON.stringify(commands) };
}

function plainStimulus(stimulus: Stimulus): unknown {
  if (stimulus.kind === 'submitted') return plainPlan(stimulus);
  if (stimulus.kind === 'finished') return { ...stimulus, reports: Array.from(stimulus.reports) };
  if (stimulus.kind !== 'scattered') return stimulus;
  const { kind, task, workers, nbytes, limits } = stimulus;
  return { kind, task: plainTask(task), workers, nbytes, limits: plainLimits(limits) };
}

function stimulusOf(plain: Plain): Stimulus {
  if (plain.kind === 'submitted') return planOf(plain as unknown as PlainPlan);
  if (plain.kind !== 'scattered') return plain as unknown as Stimulus;
  const { kind, task, workers, nbytes, limits } = plain as unknown as {
    kind: 'scattered';
    task: PlainTask;
    workers: number[];
    nbytes: number;
    limits: PlainLimits;
  };
  return { kind, task: taskOf(task, optionsOf(limits)), workers, nbytes, limits: limitsOf(limits) };
}

function plainPlan({ kind, plan, limitsOf, parent }: Extract<Stimulus, { kind: 'submitted' }>): PlainPlan {
  const { graph, order } = plan;
  const limits: PlainLimits[] = [];
  const places = new Map<Limits, number>();
  const limitsOfRow = graph.tasks.map((_, row) => {
    if (graph.held[row] === 1) return -1;
    const one = limitsOf(row);
    let place = places.get(one);
    if (place === undefined) {
      place = limits.push(plainLimits(one)) - 1;
      places.set(one, place);
    }
    return place;
  });
  const members: [number, string[]][] = [];
  for (const [row, some] of graph.members.entries()) if (some !== undefined) members.push([row, some.map(keyOf)]);
  return {
    kind,
    parent,
    tasks: graph.tasks.map(plainTask),
    members,
    dependencyStart: [...graph.dependencyStart],
    dependencyRows: [...graph.dependencyRows],
    held: [...graph.held],
    outputs: [...graph.outputs],
    order: [...order],
    limits,
    limitsOf: limitsOfRow,
  };
}

function planOf({ kind, parent, limits, ...plain }: PlainPlan): Stimulus {
  const rebuilt = limits.map(limitsOf);
  const none: TaskOptions = {};
  const members: (readonly Task[] | undefined)[] = new Array(plain.tasks.length).fill(undefined);
  for (const [row, keys] of plain.members) members[row] = keys.map((key) => taskOf([key, key, key, key, null, 0], none));
  const graph = new Graph({
    tasks: plain.tasks.map((task, row) => taskOf(task, rebuilt[plain.limitsOf[row]!]?.options ?? none)),
    members,
    dependencyStart: Int32Array.from(plain.dependencyStart),
    dependencyRows: Int32Array.from(plain.dependencyRows),
    outputs: Int32Array.from(plain.outputs),
    held: Uint8Array.from(plain.held),
  });
  const plan = { graph, order: Int32Array.from(plain.order) } as Plan; // the scheduler looks at nothing else of it
  const source = { graph, rows: new Int32Array(graph.size) };
  return { kind, parent, plan, source, limitsOf: (row) => rebuilt[plain.limitsOf[row]!]! };
}

function plainTask({ id, name, token, givenKey, callee, scattered }: Task): PlainTask {
  return [id, name, token, givenKey ?? null, callee?.identity ?? null, scattered ? 1 : 0];
}

function taskOf([id, name, token, givenKey, identity, isScattered]: PlainTask, options: TaskOptions): Task {
  const callee = identity === null ? undefined : { name, identity, fn: undefined, source: { kind: 'own', module: '', name } as const };
  const nothing = { tape: [], argc: 0, dependencies: [], hosts: undefined, bytesToRead: 0 };
  return { id, name, token, givenKey: givenKey ?? undefined, callee, options, scattered: isScattered === 1, ...nothing };
}

function plainLimits({ options: { priority, resources, concurrency, timeout }, allowed, preferred, retries }: Limits): PlainLimits {
  return {
    ...(priority === undefined ? {} : { priority }),
    ...(resources === undefined ? {} : { resources }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(timeout === undefined ? {} : { timeout: 1 }),
    ...(allowed === undefined ? {} : { allowed: [...allowed] }),
    ...(preferred === undefined ? {} : { preferred }),
    retries,
  };
}

function optionsOf({ priority, resources, concurrency, timeout }: PlainLimits): TaskOptions {
  return { priority, resources, concurrency, timeout };
}

function limitsOf(plain: PlainLimits): Limits {
  const { allowed, preferred, retries } = plain;
  return { options: optionsOf(plain), allowed: allowed && new Set(allowed), preferred, retries };
}
