import type { DescribedTask } from '../../graph/index.ts';
import type { PictureEdge, PictureNode, PictureOptions, TaskRun } from './picture.ts';
import { grouped, shorten, visible } from './text.ts';

const groupKeysShown = 5;

/** A node before it has its colour. */
export type Draft = Omit<PictureNode, 'paint' | 'facts'> & { readonly worker: string | undefined };

/** Nodes and edges, before colours and hovering text. */
export interface Drafts {
  readonly drafts: Draft[];
  readonly edges: PictureEdge[];
}

/** A node a task. */
export function singlesOf(tasks: readonly DescribedTask[], runs: PictureOptions['runs']): Drafts {
  const edges: PictureEdge[] = [];
  const drafts = tasks.map((task, to): Draft => {
    for (const from of task.dependencies) edges.push({ from, to, count: 1 });
    const run = runOf(task, runs);
    const members = task.members.length > 1 ? task.members : [];
    const token = tokenPart(task);
    return {
      name: task.name,
      kind: task.kind,
      keys: [task.key],
      count: 1,
      members,
      label: shorten(visible(task.name), 28),
      detail: members.length > 0 ? `${token} · ${grouped(members.length)} fused` : token,
      isOutput: task.isOutput,
      order: task.order,
      workers: task.workers ?? [],
      hosts: task.hosts ?? [],
      bytesToRead: task.bytesToRead,
      status: run?.status,
      milliseconds: run?.milliseconds,
      worker: run?.worker ?? (task.workers?.length === 1 ? task.workers[0] : undefined),
    };
  });
  return { drafts, edges };
}

/** Lower is what a group is shown as when its tasks differ: what needs a look comes first. */
const urgency = ['error', 'erred', 'lost', 'cancelled', 'no-worker', 'processing', 'queued', 'pending', 'waiting'];

/** A node a name, for data and calls apart. */
export function groupsOf(tasks: readonly DescribedTask[], runs: PictureOptions['runs']): Drafts {
  interface Group {
    readonly first: DescribedTask;
    readonly keys: string[];
    readonly statuses: Set<string>;
    readonly ranOn: Set<string | undefined>;
    readonly workers: Set<string>;
    readonly hosts: Set<string>;
    count: number;
    fused: number;
    bytes: number;
    outputs: number;
    order: number | undefined;
    milliseconds: number | undefined;
  }
  const groups: Group[] = [];
  const byName = { data: new Map<string, number>(), call: new Map<string, number>() };
  const groupOfTask = new Int32Array(tasks.length);
  const counts = new Map<number, number>();
  for (const [row, task] of tasks.entries()) {
    let at = byName[task.kind].get(task.name);
    if (at === undefined) {
      at = groups.length;
      byName[task.kind].set(task.name, at);
      groups.push({
        first: task,
        keys: [],
        statuses: new Set(),
        ranOn: new Set(),
        workers: new Set(),
        hosts: new Set(),
        count: 0,
        fused: 0,
        bytes: 0,
        outputs: 0,
        order: undefined,
        milliseconds: undefined,
      });
    }
    groupOfTask[row] = at;
    const group = groups[at];
    if (group === undefined) continue;
    const run = runOf(task, runs);
    group.count += 1;
    group.fused += task.members.length > 1 ? task.members.length : 0;
    group.bytes += task.bytesToRead;
    group.outputs += task.isOutput ? 1 : 0;
    if (group.keys.length < groupKeysShown) group.keys.push(task.key);
    if (task.order !== undefined && (group.order === undefined || task.order < group.order)) group.order = task.order;
    if (run?.milliseconds !== undefined) group.milliseconds = (group.milliseconds ?? 0) + run.milliseconds;
    if (run?.status !== undefined) group.statuses.add(run.status);
    group.ranOn.add(run?.worker ?? (task.workers?.length === 1 ? task.workers[0] : undefined));
    for (const worker of task.workers ?? []) group.workers.add(worker);
    for (const host of task.hosts ?? []) group.hosts.add(host);
  }
  for (const [row, task] of tasks.entries()) {
    for (const dependency of task.dependencies) {
      const pair = (groupOfTask[dependency] ?? 0) * groups.length + (groupOfTask[row] ?? 0);
      counts.set(pair, (counts.get(pair) ?? 0) + 1);
    }
  }
  const drafts = groups.map((group): Draft => {
    const fused = group.fused > 0 ? ` · ${grouped(group.fused)} fused` : '';
    return {
      name: group.first.name,
      kind: group.first.kind,
      keys: group.keys,
      count: group.count,
      members: group.count === 1 && group.first.members.length > 1 ? group.first.members : [],
      label: shorten(visible(group.first.name), 28),
      detail: group.count === 1 ? tokenPart(group.first) + fused : `× ${grouped(group.count)}${fused}`,
      isOutput: group.outputs > 0,
      order: group.order,
      workers: [...group.workers],
      hosts: [...group.hosts],
      bytesToRead: group.bytes,
      status: urgency.find((status) => group.statuses.has(status)) ?? group.statuses.values().next().value,
      milliseconds: group.milliseconds,
      worker: group.ranOn.size === 1 ? group.ranOn.values().next().value : undefined,
    };
  });
  const edges = [...counts].map(
    ([pair, count]): PictureEdge => ({ from: Math.floor(pair / groups.length), to: pair % groups.length, count }),
  );
  return { drafts, edges };
}

/** The first hex digits of `<name>-<32 hex>`; a key that the user gave as it is, where it fits. */
function tokenPart(task: DescribedTask): string {
  const match = /-([0-9a-f]{32})$/.exec(task.key);
  return match?.[1] === undefined ? shorten(visible(task.key), 28) : match[1].slice(0, 8);
}

function runOf(task: DescribedTask, runs: PictureOptions['runs']): TaskRun | undefined {
  if (runs === undefined) return undefined;
  const own = runs.get(task.key);
  if (own !== undefined) return own;
  for (const member of task.members) {
    const run = runs.get(member);
    if (run !== undefined) return run;
  }
  return undefined;
}
