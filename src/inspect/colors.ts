/**
 * Which colour says what. Every set here can be told apart with all common kinds of colour blindness, and no picture says by colour alone what the hover text does not say too.
 *
 *     name, worker   Paul Tol's "light" set, made for coloured cells with dark text; after nine it begins again
 *     order, time    a ramp from dark to light (viridis), so that it also reads in grey
 *     status         five of the light set
 */

/** A background with the text and the border that can be read on it. */
export interface Paint {
  readonly fill: string;
  readonly ink: string;
  readonly border: string;
}

const light = ['#77aadd', '#ee8866', '#eedd88', '#ffaabb', '#44bb99', '#99ddff', '#bbcc33', '#c9a9e0', '#d2b48c'] as const;
const ramp = ['#440154', '#46327e', '#365c8d', '#277f8e', '#1fa187', '#4ac16d', '#a0da39', '#fde725'] as const;

/** Where nothing is known. */
export const unknownPaint: Paint = paint('#e4e7ec');

const statusFills: ReadonlyMap<string, string> = new Map([
  ['waiting', '#e4e7ec'],
  ['pending', '#e4e7ec'],
  ['queued', '#99ddff'],
  ['no-worker', '#c9a9e0'],
  ['processing', '#eedd88'],
  ['memory', '#44bb99'],
  ['finished', '#44bb99'],
  ['released', '#a9d8c8'],
  ['forgotten', '#a9d8c8'],
  ['error', '#ee8866'],
  ['erred', '#ee8866'],
  ['cancelled', '#d2b48c'],
  ['lost', '#d2b48c'],
]);

/** The colour of the `index`-th thing of a kind. */
export function categoryPaint(index: number): Paint {
  return paint(light[index % light.length] ?? light[0]);
}

/** The colour of a task's status, in the words of Futures or of the scheduler. */
export function statusPaint(status: string): Paint {
  const fill = statusFills.get(status);
  return fill === undefined ? unknownPaint : paint(fill);
}

/** The colour of a share from 0 to 1. */
export function rampPaint(share: number): Paint {
  const at = Math.min(1, Math.max(0, share)) * (ramp.length - 1);
  const below = Math.min(Math.floor(at), ramp.length - 2);
  return paint(mix(ramp[below] ?? ramp[0], ramp[below + 1] ?? ramp[0], at - below));
}

function paint(fill: string): Paint {
  const dark = luminance(fill) < 0.21;
  return { fill, ink: dark ? '#ffffff' : '#1d2433', border: dark ? mix(fill, '#ffffff', 0.35) : mix(fill, '#1d2433', 0.38) };
}

function channels(color: string): [number, number, number] {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16)) as [number, number, number];
}

function mix(from: string, to: string, share: number): string {
  const end = channels(to);
  return `#${channels(from)
    .map((one, i) =>
      Math.round(one + ((end[i] ?? 0) - one) * share)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** Relative luminance as WCAG has it. */
function luminance(color: string): number {
  const [r, g, b] = channels(color).map((one) => (one / 255 <= 0.03928 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4)) as [
    number,
    number,
    number,
  ];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
