/**
 * A task's arguments, and whole fused tasks, as a tape for a stack machine: each op pushes one thing, or takes some from the stack and pushes one.
 * Flat, so that it is cheap to clone to another thread; postfix, so that neither nesting nor a long fused chain needs recursion.
 *
 *     merge([count(block, '\n'), 7])   →   dependency 0 · literal '\n' · call count 2 · literal 7 · array 2 · call merge 1
 */
export const Op = {
  /** `literal, data`: pushes data that a structured clone keeps as it is. */
  literal: 0,
  /** `captured, CapturedData`: pushes data with functions or class instances in it. */
  captured: 1,
  /** `dependency, i`: pushes the result of the task's i-th dependency. */
  dependency: 2,
  /** `array, n`: takes n, pushes them as an array. */
  array: 3,
  /** `object, names`: takes one for each name, pushes a plain object. */
  object: 4,
  /** `map, n`: takes n keys and values in turn, pushes a Map. */
  map: 5,
  /** `set, n`: takes n, pushes a Set. */
  set: 6,
  /** `call, callee, argc, member`: takes argc, pushes what the function gives. Made by the plan's encoder, never in a task's own tape. */
  call: 7,
} as const;

/** Ops with their operands, one after the other. */
export type Tape = readonly unknown[];
