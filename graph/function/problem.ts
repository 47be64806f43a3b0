import { CaptureError } from '../errors.ts';
import type { Script } from './script.ts';
import { userPlace } from './source-map.ts';

/** Why something cannot travel, before anybody knows the way to it. */
export class Problem extends Error {
  /** `is a Promise`. */
  readonly what: string;
  /** `await it first`. */
  readonly cure: string;
  readonly script: Script | undefined;
  readonly offset: number | undefined;
  /** A last step of the way: the name itself. */
  readonly step: string | undefined;

  constructor(what: string, cure: string, at: { readonly script?: Script; readonly offset?: number; readonly step?: string } = {}) {
    super(what);
    this.what = what;
    this.cure = cure;
    this.script = at.script;
    this.offset = at.offset;
    this.step = at.step;
  }
}

/** The way from the root to a thing. */
export interface Trail {
  readonly parent: Trail | undefined;
  /** A variable's name, or `.prop`, `[0]`. */
  readonly step: string;
  /** Where the code names it. */
  readonly script?: Script;
  readonly offset?: number;
}

/** `load → helper → config.db`. */
export function trailText(trail: Trail): string {
  const steps: string[] = [];
  for (let at: Trail | undefined = trail; at !== undefined; at = at.parent) steps.push(at.step);
  return steps
    .reverse()
    .map((step, i) => (i === 0 || /^[.[(]/.test(step) ? step : ` → ${step}`))
    .join('');
}

/** The error a user sees. */
export function captureError(problem: Problem, trail: Trail): CaptureError {
  const end: Trail = problem.step === undefined ? trail : { parent: trail, step: problem.step };
  let place: Trail | Problem | undefined = problem.script === undefined ? trail : problem;
  while (place !== undefined && place.script === undefined) place = (place as Trail).parent;
  let root = trail;
  while (root.parent !== undefined) root = root.parent;
  const path = trailText(end);
  const at =
    place?.script === undefined || place.offset === undefined ? undefined : userPlace(place.script, place.script.placeOf(place.offset));
  const named = end.parent === undefined ? 'it' : `"${end.step.replace(/^\./, '')}"`;
  const where = at === undefined ? '' : ` (${at.file}:${at.line}:${at.column})`;
  return new CaptureError(
    path,
    `${root.step} cannot be sent to a worker: ${named} ${problem.what}; ${problem.cure}. The way to it: ${path}${where}`,
  );
}
