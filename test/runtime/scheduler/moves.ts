/** Chance that replays: mulberry32. */
export function dice(seed: number): (sides: number) => number {
  let at = seed | 0;
  return (sides) => {
    at = (at + 0x6d2b79f5) | 0;
    let t = Math.imul(at ^ (at >>> 15), at | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  };
}

/** One thing that happens, with two numbers that choose to whom and how. */
export type Move = readonly [kind: MoveKind, a: number, b: number];

/** What can happen, and how often. */
const weights = {
  submit: 14,
  scatter: 2,
  nest: 6,
  deliver: 60,
  bring: 30,
  begin: 60,
  end: 60,
  fail: 3,
  report: 60,
  die: 2,
  join: 6,
  release: 12,
  cancel: 2,
  retry: 3,
  reuse: 1,
  tick: 4,
  fetch: 2,
  leak: 1,
  spoil: 1,
  succeed: 8,
} as const;
export type MoveKind = keyof typeof weights;
const bag = Object.entries(weights).flatMap(([kind, n]) => new Array<MoveKind>(n).fill(kind as MoveKind));

export function randomMoves(seed: number, length: number): Move[] {
  const roll = dice(seed ^ 0x5bd1e995);
  return Array.from({ length }, () => [bag[roll(bag.length)]!, roll(1 << 16), roll(1 << 16)] as const);
}
