import { types } from 'node:util';
import { digest } from './canonical/leaf.ts';
import { Walk } from './canonical/walk.ts';
import { typeError } from './errors.ts';
import { type Capture, capture } from './function/capture.ts';
import { parseAlone } from './function/parse.ts';
import { taskOf } from './handle.ts';
import { functionName } from './names.ts';
import { describeWrong } from './options.ts';
import type { Callee } from './task.ts';

/** A function that tasks may call. */
export type TaskableFunction = (...args: never) => unknown;

/** What is kept of each function while it lives: what it is, looked up at its first call and again when a variable it captures has changed. */
export class FunctionState {
  readonly fn: TaskableFunction;
  readonly name: string;
  #callee: Callee | undefined;
  #capture: Capture | undefined;
  #isWarned = false;

  constructor(fn: TaskableFunction) {
    this.fn = fn;
    this.name = functionName(fn);
  }

  /** The same object as long as the function is the same. Throws a CaptureError for what cannot travel. */
  callee(): Callee {
    if (this.#callee !== undefined && this.#capture?.isFresh() === true) return this.#callee;
    const taken = this.capture();
    const identity = digest(new Walk(taskOf, refuseCaptured).text(this.fn, this.name));
    this.#callee = Object.freeze({ name: this.name, identity, fn: this.fn, source: Object.freeze({ kind: 'captured', capture: taken }) });
    return this.#callee;
  }

  /** Fresh, or the one that is kept. */
  capture(): Capture {
    if (this.#capture?.isFresh() !== true) {
      this.#capture = capture(this.fn, { label: this.name });
      this.#callee = undefined;
    }
    return this.#capture as Capture;
  }

  /** Once a function, when its code reaches what differs from call to call. */
  warnIfImpure(): void {
    if (this.#isWarned || this.#capture === undefined) return;
    this.#isWarned = true;
    if (this.#capture.impurities.size === 0) return;
    const code = Function.prototype.toString.call(this.fn);
    if (warnedCode.has(code)) return; // one literal in a loop makes many functions
    warnedCode.add(code);
    const reached = [...this.#capture.impurities].map((impurity) => impurityTexts[impurity]).join(', ');
    process.emitWarning(
      `${this.name} reaches ${reached}, yet equal calls share one key and run once. Say lazy(${this.name}, { pure: false }) when each call must run, { pure: true } when one result will do`,
      { type: 'HeddleWarning', code: 'HEDDLE_IMPURE' },
    );
  }

  /** Parameters as they are declared, defaults counted; Infinity when any number may come. */
  get parameterCount(): number {
    try {
      const { unit, offset } = parseAlone(Function.prototype.toString.call(this.fn), true);
      const node = unit.functions.get(offset)?.node;
      if (node === undefined || !('params' in node)) return Number.POSITIVE_INFINITY;
      return node.params.some(({ type }) => type === 'RestElement') ? Number.POSITIVE_INFINITY : node.params.length;
    } catch {
      return Number.POSITIVE_INFINITY; // native, bound, or newer than the parser
    }
  }
}

/** Texts of functions that were warned of. */
const warnedCode = new Set<string>();

const impurityTexts = {
  clock: 'a clock',
  randomness: 'randomness',
  environment: 'the environment',
  file: 'files',
  network: 'the network',
} as const;

const states = new WeakMap<TaskableFunction, FunctionState>();

/** The state of a function. Throws for what can be no task: a non-function, a generator function, a class. */
export function functionState(fn: unknown): FunctionState {
  const known = states.get(fn as TaskableFunction);
  if (known !== undefined) return known;
  if (typeof fn !== 'function') throw typeError('ERR_INVALID_ARGUMENT', `a task needs a function; this is ${describeWrong(fn)}`);
  if (types.isGeneratorFunction(fn))
    throw typeError(
      'ERR_GENERATOR',
      `${functionName(fn)} is a generator function, and a task gives one result: return an array, or make one task an item`,
    );
  if (!types.isProxy(fn) && /^class\b/.test(Function.prototype.toString.call(fn)))
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `${functionName(fn)} is a class, which cannot be called: pass (...args) => new ${functionName(fn)}(...args)`,
    );
  const state = new FunctionState(fn as TaskableFunction);
  states.set(state.fn, state);
  return state;
}

const captures = new WeakMap<TaskableFunction, Capture>();

/** The capture of a function that is an argument, kept while it is fresh. Any function may be one. */
export function captureOf(fn: TaskableFunction): Capture {
  const state = states.get(fn);
  if (state !== undefined) return state.capture();
  let taken = captures.get(fn);
  if (taken?.isFresh() !== true) {
    taken = capture(fn, { label: functionName(fn) });
    captures.set(fn, taken);
  }
  return taken;
}

function refuseCaptured(_: unknown, path: string): never {
  throw typeError('ERR_VALUE_USED', `${path} captures a Value, which has no data inside a task: pass it as an argument`);
}
