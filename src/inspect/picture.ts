import type { DescribedTask, Description } from '../../graph/index.ts';
import { categoryPaint, type Paint, rampPaint, statusPaint, unknownPaint } from './colors.ts';
import { bytesText, grouped, shorten, timeText, visible } from './text.ts';

/**
 * From a Description to what is drawn: one node a task, or above 500 tasks one node a name, with counts. Renderers only look at a Picture.
 *
 *     read ─▶ count ─┐                      read ×900 ─▶ count ×900 ─▶ merge ×60 ⟲
 *     read ─▶ count ─┴▶ merge               one picture a name: what a person can still read
 */

/** What a node's colour says. */
export type PictureColor = 'name' | 'order' | 'worker' | 'status' | 'time';
/** Where the graph grows to: `BT` has results on top, as Dask draws it. */
export type RankDirection = 'BT' | 'TB' | 'LR' | 'RL';

/** What is known of a task that ran, or runs. */
export interface TaskRun {
  /** In the words of a Future (`finished`, `error`) or of the scheduler (`processing`, `memory`). */
  readonly status?: string | undefined;
  readonly milliseconds?: number | undefined;
  readonly worker?: string | undefined;
}

/** How a Picture is made. */
export interface PictureOptions {
  /** @default 'name' */
  readonly color?: PictureColor | undefined;
  /** @default 'BT' */
  readonly rankdir?: RankDirection | undefined;
  /** One node for all tasks of a name. @default true above 500 tasks */
  readonly group?: boolean | undefined;
  /** What is known of tasks that ran, by key; for the colours `status`, `time` and `worker`. */
  readonly runs?: ReadonlyMap<string, TaskRun> | undefined;
}

/** A task, or all tasks of a name. Names and keys are as they were written: each renderer escapes them. */
export interface PictureNode {
  readonly name: string;
  readonly kind: 'data' | 'call';
  /** The task's key, or some of the group's. */
  readonly keys: readonly string[];
  /** Tasks in it; 1 unless grouped. */
  readonly count: number;
  /** Keys, or names, of what was fused into it; empty when nothing was. */
  readonly members: readonly string[];
  /** First line of its label: never a line break, at most 28 characters. */
  readonly label: string;
  /** Second line of its label. */
  readonly detail: string;
  /** What hovering shows: `key`, `name` and so on, with nothing unseen in them; a list has an item a line. */
  readonly facts: readonly (readonly [name: string, text: string])[];
  readonly paint: Paint;
  readonly isOutput: boolean;
  readonly order: number | undefined;
  readonly workers: readonly string[];
  readonly hosts: readonly string[];
  readonly bytesToRead: number;
  readonly status: string | undefined;
  readonly milliseconds: number | undefined;
}

/** An arrow from a dependency to its dependent; both are positions in `nodes`. */
export interface PictureEdge {
  readonly from: number;
  readonly to: number;
  /** Dependencies it stands for; 1 unless grouped. */
  readonly count: number;
}

/** What renderers draw. */
export interface Picture {
  readonly nodes: readonly PictureNode[];
  readonly edges: readonly PictureEdge[];
  readonly rankdir: RankDirection;
  readonly color: PictureColor;
  readonly legend: readonly { readonly text: string; readonly paint: Paint }[];
  readonly isGrouped: boolean;
  /** Tasks of the graph, however many nodes they make. */
  readonly tasks: number;
  readonly dependencies: number;
}

/** More tasks than this are drawn by name. */
export const groupAbove = 500;
const groupKeysShown = 5;

/** A node before it has its colour. */
type Draft = Omit<PictureNode, 'paint' | 'facts'> & { readonly worker: string | undefined };

/** Makes the drawing rows of a Description. */
export function drawPicture(description: Description, options: PictureOptions = {}): Picture {
  const { color = 'name', rankdir = 'BT', runs } = options;
  const { tasks } = description;
  const isGrouped = options.group ?? tasks.length > groupAbove;
  const { drafts, edges } = isGrouped ? groupsOf(tasks, runs) : singlesOf(tasks, runs);
  const { paints, legend } = paintsOf(drafts, color);
  const nodes = drafts.map((draft, i): PictureNode => {
    const { worker: _, ...node } = draft;
    return { ...node, facts: factsOf(draft), paint: paints[i] ?? unknownPaint };
  });
  let dependencies = 0;
  for (const edge of edges) dependencies += edge.count;
  return { nodes, edges, rankdir, color, legend, isGrouped, tasks: tasks.length, dependencies };
}

function singlesOf(tasks: readonly DescribedTask[], runs: PictureOptions['runs']): { drafts: Draft[]; edges: PictureEdge[] } {
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

function groupsOf(tasks: readonly DescribedTask[], runs: PictureOptions['runs']): { drafts: Draft[]; edges: PictureEdge[] } {
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

function paintsOf(drafts: readonly Draft[], color: PictureColor): { paints: Paint[]; legend: Picture['legend'] } {
  if (color === 'order' || color === 'time') return rampPaints(drafts, color);
  const index = new Map<string, number>();
  const legend: { text: string; paint: Paint }[] = [];
  let unknown = false;
  const paints = drafts.map((draft) => {
    const word = color === 'name' ? draft.name : color === 'worker' ? draft.worker : draft.status;
    if (word === undefined) {
      unknown = true;
      return unknownPaint;
    }
    const known = index.get(word) ?? index.size;
    const paint = color === 'status' ? statusPaint(word) : categoryPaint(known);
    if (known === index.size) {
      index.set(word, known);
      legend.push({ text: shorten(visible(word), 40), paint });
    }
    return paint;
  });
  if (unknown) legend.push({ text: color === 'worker' ? 'any worker' : 'not known', paint: unknownPaint });
  return { paints, legend: color === 'name' ? [] : legend };
}

function rampPaints(drafts: readonly Draft[], color: 'order' | 'time'): { paints: Paint[]; legend: Picture['legend'] } {
  // times differ by powers of ten, orders by one
  const scale = color === 'time' ? (amount: number): number => Math.log10(Math.max(amount, 0.001)) : (amount: number): number => amount;
  const text = color === 'time' ? timeText : (order: number): string => `order ${grouped(order)}`;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  const amounts = drafts.map((draft) => (color === 'time' ? draft.milliseconds : draft.order));
  for (const amount of amounts) {
    if (amount === undefined) continue;
    least = Math.min(least, amount);
    most = Math.max(most, amount);
  }
  const span = scale(most) - scale(least);
  const paintOf = (amount: number): Paint => rampPaint(span > 0 ? (scale(amount) - scale(least)) / span : 0.5);
  const legend: { text: string; paint: Paint }[] = [];
  if (most >= least) legend.push({ text: text(least), paint: paintOf(least) });
  if (most > least) legend.push({ text: text(most), paint: paintOf(most) });
  if (amounts.includes(undefined)) legend.push({ text: 'not known', paint: unknownPaint });
  return { paints: amounts.map((amount) => (amount === undefined ? unknownPaint : paintOf(amount))), legend };
}

const membersShown = 12;

function factsOf(draft: Draft): [name: string, text: string][] {
  const facts: [string, string][] = [['name', visible(draft.name)]];
  if (draft.count > 1) facts.push(['tasks', grouped(draft.count)]);
  facts.push([draft.count > 1 ? 'keys' : 'key', listText(draft.keys, draft.count)]);
  if (draft.members.length > 0) facts.push(['fused', listText(draft.members, draft.members.length)]);
  if (draft.order !== undefined) facts.push(['order', grouped(draft.order)]);
  if (draft.bytesToRead > 0) facts.push(['reads', bytesText(draft.bytesToRead)]);
  if (draft.status !== undefined) facts.push(['status', visible(draft.status)]);
  if (draft.milliseconds !== undefined) facts.push(['time', timeText(draft.milliseconds)]);
  if (draft.worker !== undefined) facts.push(['worker', visible(draft.worker)]);
  else if (draft.workers.length > 0) facts.push(['workers', listText(draft.workers, draft.workers.length)]);
  if (draft.hosts.length > 0) facts.push(['hosts', listText(draft.hosts, draft.hosts.length)]);
  if (draft.isOutput) facts.push(['output', 'yes']);
  return facts;
}

/** One a line; `items` may be the first of `count` only. */
function listText(items: readonly string[], count: number): string {
  const shown = items.slice(0, membersShown);
  return [...shown.map(visible), ...(count > shown.length ? [`… ${grouped(count)} in all`] : [])].join('\n');
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
