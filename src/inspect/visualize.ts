import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  compile,
  type Description,
  describeGraph,
  describePlan,
  Graph,
  type Task,
  typeError,
  type VisualizeOptions,
} from '../../graph/index.ts';
import { type Executor, resolveExecutor } from '../../runtime/index.ts';
import type { TaskRun } from './picture.ts';
import type { Renderer } from './renderer.ts';
import { tasksOfValues, type Values } from './values.ts';
import { writeAtomically } from './write-atomically.ts';

/** Options of `visualize`, and those that only this floor can have. */
export interface PictureOptions extends VisualizeOptions {
  /** One node for all tasks of a name. @default true above 500 tasks */
  readonly group?: boolean | undefined;
  /** What is known of tasks that ran, by key; for the colours `status`, `time` and `worker`. @default nothing */
  readonly runs?: ReadonlyMap<string, TaskRun> | undefined;
  /** Whose workers the plan is for, with `optimize`. @default the newest open executor, or a new one */
  readonly executor?: Executor | undefined;
}

const choices = {
  color: ['name', 'order', 'worker', 'status', 'time'],
  rankdir: ['BT', 'TB', 'LR', 'RL'],
} as const;
const optionNames = ['format', 'color', 'optimize', 'rankdir', 'group', 'runs', 'executor'];

/** Draws a graph; resolves to the text, or to the path when one is given. Nothing runs. */
export function visualize(
  values: Values,
  path: string | undefined,
  options: PictureOptions & { readonly format: 'png' },
): Promise<string | Uint8Array>;
export function visualize(values: Values, path?: string | undefined, options?: PictureOptions): Promise<string>;
export async function visualize(values: Values, path?: string | undefined, options: PictureOptions = {}): Promise<string | Uint8Array> {
  checkOptions(options);
  const [{ drawPicture }, { renderers }] = await Promise.all([import('./picture.ts'), import('./renderers.ts')]); // most programs draw nothing
  const renderer = chooseRenderer(renderers, path, options.format);
  const picture = drawPicture(describe(tasksOfValues(values, 'visualize'), options), options);
  const drawn = await renderer.render(picture);
  if (path === undefined) return drawn;
  await writeAtomically(path.startsWith('file:') ? fileURLToPath(path) : resolve(path), drawn);
  return path;
}

function describe(tasks: readonly Task[], { optimize, color, executor }: PictureOptions): Description {
  if (optimize) return describePlan(compile(tasks, { workers: resolveExecutor(executor).describeWorkers() }));
  // order is the plan's decision, but it can be asked for what was written too: a plan without passes
  if (color === 'order') return describePlan(compile(tasks, { workers: [], passes: [] }));
  return describeGraph(Graph.from(tasks));
}

function chooseRenderer(renderers: readonly Renderer[], path: unknown, format: unknown): Renderer {
  const formats = renderers.map((one) => one.format).join(', ');
  if (path !== undefined && (typeof path !== 'string' || path === ''))
    throw typeError('ERR_INVALID_ARGUMENT', 'the path of a picture must be a text, or undefined to get the picture itself');
  if (format !== undefined) {
    const named = renderers.find((one) => one.format === format);
    if (named === undefined) throw typeError('ERR_INVALID_OPTION', `there is no picture format ${shown(format)} (known: ${formats})`);
    return named;
  }
  if (path === undefined) return chooseRenderer(renderers, undefined, 'svg');
  const lower = (path as string).toLowerCase();
  const byEnding = renderers.find((one) => one.endings.some((ending) => lower.endsWith(ending)));
  if (byEnding === undefined) {
    const endings = renderers.flatMap((one) => one.endings).join(', ');
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `the path ${shown(path)} does not say which format to draw; end it in one of ${endings}, or set option format (${formats})`,
    );
  }
  return byEnding;
}

function checkOptions(options: unknown): asserts options is PictureOptions {
  if (typeof options !== 'object' || options === null)
    throw typeError('ERR_INVALID_ARGUMENT', `the options of visualize must be an object; they are ${shown(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!optionNames.includes(name))
      throw typeError('ERR_INVALID_OPTION', `visualize has no option ${shown(name)} (known: ${optionNames.join(', ')})`);
    if (value === undefined) continue;
    if (name === 'color' || name === 'rankdir') {
      const known: readonly unknown[] = choices[name];
      if (!known.includes(value))
        throw typeError('ERR_INVALID_OPTION', `option ${name} must be one of ${known.join(', ')}; it is ${shown(value)}`);
    } else if ((name === 'optimize' || name === 'group') && typeof value !== 'boolean')
      throw typeError('ERR_INVALID_OPTION', `option ${name} must be true or false; it is ${shown(value)}`);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
