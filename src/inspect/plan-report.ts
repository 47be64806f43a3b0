import { compile, isOnHost, type Plan } from '../../graph/index.ts';
import { type Executor, resolveExecutor } from '../../runtime/index.ts';
import { bytesText, grouped, shorten, timeText, visible } from './text.ts';
import { tasksOfValues, type Values } from './values.ts';

/** What would happen: nothing runs. */
export interface PlanReport {
  readonly text: string;
  /** Tasks as written. */
  readonly tasksBefore: number;
  /** Tasks after optimising. */
  readonly tasksAfter: number;
  readonly passes: readonly {
    readonly name: string;
    readonly tasksBefore: number;
    readonly tasksAfter: number;
    readonly milliseconds: number;
  }[];
  readonly bytesToRead: number;
  /** Blocks whose hosts are known: how many, and how many of them can be read by a worker on such a host. Events show what came of it (`isLocal`). */
  readonly localReads: { readonly tasks: number; readonly bytes: number; readonly localTasks: number; readonly localBytes: number };
  /** Tasks whose results the persistent cache holds. */
  readonly cacheHits: number;
  /** The most results held at one time. */
  readonly peakResults: number;
  /** Preferred workers get theirs; what may run anywhere is dealt out evenly, as the scheduler would when all tasks took equally long. */
  readonly tasksByWorker: ReadonlyMap<string, number>;
}

/** Options of `plan`. */
export interface PlanOptions {
  /** Whose workers it is planned for. @default the newest open executor, or a new one */
  readonly executor?: Executor | undefined;
}

/** A dry run. */
export async function plan(values: Values, options: PlanOptions = {}): Promise<PlanReport> {
  const tasks = tasksOfValues(values, 'plan');
  return reportOf(compile(tasks, { workers: resolveExecutor(options.executor).describeWorkers() }));
}

/** The report of a Plan. */
export function reportOf(compiled: Plan): PlanReport {
  const { tasksBefore, tasksAfter, passes, bytesToRead, peakResults } = compiled;
  const numbers = {
    tasksBefore,
    tasksAfter,
    passes,
    bytesToRead,
    localReads: localReadsOf(compiled),
    cacheHits: 0,
    peakResults,
    tasksByWorker: dealOut(compiled),
  };
  return Object.freeze({ text: textOf(numbers), ...numbers });
}

function localReadsOf({ graph, preferred, workers }: Plan): PlanReport['localReads'] {
  const reads = { tasks: 0, bytes: 0, localTasks: 0, localBytes: 0 };
  for (let row = 0; row < graph.size; row++) {
    const hosts = graph.hosts(row);
    if (hosts === undefined || graph.held[row] === 1) continue;
    const bytes = graph.bytesToRead(row);
    reads.tasks += 1;
    reads.bytes += bytes;
    if (!preferred[row]?.some((index) => hosts.some((host) => isOnHost(workers[index]!, host)))) continue;
    reads.localTasks += 1;
    reads.localBytes += bytes;
  }
  return Object.freeze(reads);
}

function dealOut(compiled: Plan): ReadonlyMap<string, number> {
  const counts = compiled.workers.map(() => 0);
  let free = 0;
  for (let row = 0; row < compiled.tasksAfter; row++) {
    const [best] = compiled.preferred[row] ?? [];
    if (best === undefined) free += 1;
    else counts[best] = (counts[best] ?? 0) + 1;
  }
  // the emptiest are filled up to one level: the highest that the free tasks reach
  const byCount = counts.map((_, i) => i).sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0));
  let filled = 0;
  let sum = 0;
  while (filled < byCount.length) {
    const next = counts[byCount[filled] ?? 0] ?? 0;
    if (filled > 0 && next * filled - sum >= free) break;
    sum += next;
    filled += 1;
  }
  const total = sum + free;
  for (const [at, worker] of byCount.slice(0, filled).entries())
    counts[worker] = Math.floor(total / filled) + (at < total % filled ? 1 : 0);
  return new Map(compiled.workers.map(({ name }, i) => [name, counts[i] ?? 0]));
}

const workersShown = 16;

function textOf(report: Omit<PlanReport, 'text'>): string {
  const columns = (name: string, before: string, after: string, time: string): string =>
    `  ${name.padEnd(14)}${before.padStart(11)}${after.padStart(11)}${time.padStart(11)}`;
  const fact = (name: string, text: string): string => `${name.padEnd(16)}${text}`;
  const workers = [...report.tasksByWorker].map(([name, count]) => `${shorten(visible(name), 40)} ${grouped(count)}`);
  const more = workers.length > workersShown ? [`… (${grouped(workers.length)} workers)`] : [];
  return [
    `Plan: ${grouped(report.tasksBefore)} ${report.tasksBefore === 1 ? 'task' : 'tasks'} as written, ${grouped(report.tasksAfter)} after optimising`,
    '',
    columns('pass', 'before', 'after', 'time'),
    ...report.passes.map((pass) =>
      columns(shorten(visible(pass.name), 14), grouped(pass.tasksBefore), grouped(pass.tasksAfter), timeText(pass.milliseconds)),
    ),
    '',
    fact('to read', report.bytesToRead === 0 ? 'nothing' : bytesText(report.bytesToRead)),
    ...(report.localReads.tasks === 0 ? [] : [fact('read locally', localText(report.localReads))]),
    fact('from the cache', report.cacheHits === 0 ? 'nothing' : `${grouped(report.cacheHits)} results`),
    fact('held at most', `${grouped(report.peakResults)} ${report.peakResults === 1 ? 'result' : 'results'} at a time (one worker)`),
    fact('tasks a worker', [...workers.slice(0, workersShown), ...more].join(', ')),
  ].join('\n');
}

function localText({ tasks, bytes, localTasks, localBytes }: PlanReport['localReads']): string {
  const share = bytes === 0 ? localTasks / tasks : localBytes / bytes;
  return `${Math.floor(share * 100)} % (${grouped(localTasks)} of ${grouped(tasks)} blocks have a worker on a host that holds them)`;
}
