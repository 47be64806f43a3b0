import { Op } from '../../graph/index.ts';
import { refuseHandles } from './refuse.ts';

/** A function as the tape calls it: with exactly its arguments, and no `this`. */
export type Callable = (...args: unknown[]) => unknown;

/** What a call site of tapes knows: callee index → function. */
export interface CallSite {
  readonly callees: readonly Callable[];
}

/** Looks on as calls are made. What it throws counts as thrown by that member. */
export interface Observer {
  /** Before a call, with the very arguments. */
  before?(member: number, args: unknown[]): void;
  /** After it, with what it gave (awaited). */
  after?(member: number, args: unknown[], result: unknown): void;
  /** Makes the call in place of the interpreter, to give it a context. */
  invoke?(member: number, fn: Callable, args: unknown[]): unknown;
}

/** What a member of a fused task threw. Not an Error: it is unwrapped before anybody sees it, and has no stack to pay for. */
export class MemberFailure {
  readonly member: number;
  readonly thrown: unknown;
  constructor(member: number, thrown: unknown) {
    this.member = member;
    this.thrown = thrown;
  }
}

/**
 * Runs `tape` from `start` to `end` and gives what is left on the stack. Synchronous until a call gives a promise, then a promise itself; one loop carries
 * on after each of them, so neither a long chain nor deep nesting grows anything but the stack's array. Streams, iterators and Values as
 * the result of a call are refused (`refuseHandles`). Throws (or rejects with) a `MemberFailure`.
 */
export function interpret(
  tape: readonly unknown[],
  start: number,
  end: number,
  results: readonly unknown[],
  callee: (index: number) => Callable,
  captured: (data: unknown) => unknown,
  observer?: Observer,
): unknown | Promise<unknown> {
  const run = new Run(tape, start, end, results, callee, captured, observer);
  const pending = run.step();
  return pending === undefined ? run.result() : run.finish(pending);
}

class Run {
  readonly #tape: readonly unknown[];
  readonly #start: number;
  readonly #end: number;
  readonly #results: readonly unknown[];
  readonly #callee: (index: number) => Callable;
  readonly #captured: (data: unknown) => unknown;
  readonly #observer: Observer | undefined;
  readonly #stack: unknown[] = [];
  #at: number;
  /** Of the call that is waited for. */
  #member = 0;
  #args: unknown[] | undefined;

  constructor(
    tape: readonly unknown[],
    start: number,
    end: number,
    results: readonly unknown[],
    callee: (index: number) => Callable,
    captured: (data: unknown) => unknown,
    observer: Observer | undefined,
  ) {
    this.#tape = tape;
    this.#start = start;
    this.#end = end;
    this.#at = start;
    this.#results = results;
    this.#callee = callee;
    this.#captured = captured;
    this.#observer = (observer?.before ?? observer?.after ?? observer?.invoke) ? observer : undefined;
  }

  result(): unknown {
    return this.#stack[0];
  }

  /** Up to the end, or to a promise, which is returned. */
  step(): PromiseLike<unknown> | undefined {
    const tape = this.#tape;
    const stack = this.#stack;
    while (this.#at < this.#end) {
      const at = this.#at;
      switch (tape[at]) {
        case Op.call: {
          this.#at = at + 4;
          const pending = this.#call(tape[at + 1] as number, tape[at + 2] as number, tape[at + 3] as number);
          if (pending !== undefined) return pending;
          break;
        }
        case Op.dependency:
          this.#at = at + 2;
          stack.push(this.#results[tape[at + 1] as number]);
          break;
        case Op.literal:
          this.#at = at + 2;
          stack.push(tape[at + 1]);
          break;
        case Op.captured:
          this.#at = at + 2;
          try {
            stack.push(this.#captured(tape[at + 1]));
          } catch (thrown) {
            throw new MemberFailure(memberAt(tape, at, this.#start, this.#end), thrown);
          }
          break;
        default:
          this.#at = at + 2;
          collect(tape[at], tape[at + 1], stack);
      }
    }
    return undefined;
  }

  /** The rest, from a promise on: one async function for however many there are. */
  async finish(first: PromiseLike<unknown>): Promise<unknown> {
    let pending: PromiseLike<unknown> | undefined = first;
    while (pending !== undefined) {
      let result: unknown;
      try {
        result = await pending;
      } catch (thrown) {
        throw new MemberFailure(this.#member, thrown);
      }
      this.#done(this.#member, this.#args, result);
      pending = this.step();
    }
    return this.#stack[0];
  }

  #call(index: number, argc: number, member: number): PromiseLike<unknown> | undefined {
    const stack = this.#stack;
    const observer = this.#observer;
    let args: unknown[] | undefined;
    let result: unknown;
    let pending: PromiseLike<unknown> | undefined;
    try {
      const fn = this.#callee(index);
      if (observer === undefined) result = argc < 3 ? callShort(fn, stack, argc) : fn(...stack.splice(stack.length - argc, argc));
      else {
        args = argc === 0 ? [] : stack.splice(stack.length - argc, argc);
        observer.before?.(member, args);
        result = observer.invoke === undefined ? fn(...args) : observer.invoke(member, fn, args);
      }
      if (isThenable(result)) pending = result;
    } catch (thrown) {
      throw new MemberFailure(member, thrown);
    }
    if (pending === undefined) this.#done(member, args, result);
    else {
      this.#member = member;
      this.#args = args;
    }
    return pending;
  }

  #done(member: number, args: unknown[] | undefined, result: unknown): void {
    const observer = this.#observer;
    const isThing = (typeof result === 'object' && result !== null) || typeof result === 'function';
    if (isThing || observer?.after !== undefined) {
      try {
        // also of members inside a fused chain: what is refused must not depend on what was fused
        if (isThing) refuseHandles(result);
        observer?.after?.(member, args ?? [], result);
      } catch (thrown) {
        throw new MemberFailure(member, thrown);
      }
    }
    this.#stack.push(result);
  }
}

/** Most calls have up to two arguments: no array is made for them. */
function callShort(fn: Callable, stack: unknown[], argc: number): unknown {
  if (argc === 0) return fn();
  const last = stack.pop();
  return argc === 1 ? fn(last) : fn(stack.pop(), last);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** Takes what a container holds from the stack and pushes the container: a fresh one each time. */
function collect(op: unknown, operand: unknown, stack: unknown[]): void {
  switch (op) {
    case Op.array: {
      const n = operand as number;
      stack.push(stack.splice(stack.length - n, n));
      return;
    }
    case Op.object: {
      const names = operand as readonly string[];
      const from = stack.length - names.length;
      const made: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        if (name === '__proto__')
          Object.defineProperty(made, name, { value: stack[from + i], enumerable: true, writable: true, configurable: true });
        else made[name] = stack[from + i];
      }
      stack.length = from;
      stack.push(made);
      return;
    }
    case Op.map: {
      const from = stack.length - itemsOf(op, operand);
      const made = new Map<unknown, unknown>();
      for (let i = from; i < stack.length; i += 2) made.set(stack[i], stack[i + 1]);
      stack.length = from;
      stack.push(made);
      return;
    }
    case Op.set: {
      const n = operand as number;
      stack.push(new Set(stack.splice(stack.length - n, n)));
      return;
    }
    default:
      throw new TypeError(`a task's tape has the unknown op ${String(op)}`);
  }
}

/** How many things an op takes from the stack. */
function itemsOf(op: unknown, operand: unknown): number {
  switch (op) {
    case Op.array:
    case Op.set:
    case Op.map:
      return operand as number;
    case Op.object:
      return (operand as readonly string[]).length;
    default:
      return 0;
  }
}

/** The member whose argument is made by the op at `at`: the call that takes it, or the container it ends up in, from the stack. */
function memberAt(tape: readonly unknown[], at: number, start: number, end: number): number {
  let above = 0; // things on the stack above ours
  let lastMember = 0;
  for (let i = start; i < end; i += tape[i] === Op.call ? 4 : 2) {
    if (tape[i] === Op.call) lastMember = tape[i + 3] as number;
    if (i <= at) continue;
    const takes = tape[i] === Op.call ? (tape[i + 2] as number) : itemsOf(tape[i], tape[i + 1]);
    if (takes <= above) above += 1 - takes;
    else if (tape[i] === Op.call) return tape[i + 3] as number;
    else above = 0;
  }
  return lastMember;
}
