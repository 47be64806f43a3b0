import type { Description, VisualizeOptions } from '../../graph/index.ts';
import { type Paint, unknownPaint } from './colors.ts';
import { type Draft, groupsOf, singlesOf } from './drafts.ts';
import { paintsOf } from './paint-drafts.ts';
import { bytesText, grouped, timeText, visible } from './text.ts';

/**
 * From a Description to what is drawn: one node a task, or above 500 tasks one node a name, with counts. Renderers only look at a Picture.
 *
 *     read ─▶ count ─┐                      read ×900 ─▶ count ×900 ─▶ merge ×60 ⟲
 *     read ─▶ count ─┴▶ merge               one picture a name: what a person can still read
 */

/** What a node's colour says. */
export type PictureColor = NonNullable<VisualizeOptions['color']>;
/** Where the graph grows to: `BT` has results on top, as Dask draws it. */
export type RankDirection = NonNullable<VisualizeOptions['rankdir']>;

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
