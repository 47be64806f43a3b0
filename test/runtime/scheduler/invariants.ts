import { State } from '../../../runtime/scheduler/state.ts';
import type { SimulatedShell } from './simulated-shell.ts';

/** Jest's `expect` is too slow for what is asked millions of times. */
export function must(holds: boolean, claim: string, subject: number): void {
  if (!holds) throw new Error(`not true any more: ${claim} (${subject})`);
}

function isUnfinished(state: number): boolean {
  return state === State.waiting || state === State.noWorker || state === State.queued || state === State.processing;
}

/** What must hold at every moment: the table with itself, and with the world. */
export function checkClosely(world: SimulatedShell): void {
  const { state } = world.scheduler;
  const counts = new Array<number>(8).fill(0);
  const holds = new Map<number, number>();
  for (const { row } of world.held) holds.set(row, (holds.get(row) ?? 0) + 1);
  const bytes = new Array<number>(world.workers.length).fill(0);
  const queued = new Map<number, { rows: number; us: number }>();
  for (let row = 0; row < state.size; row++) {
    if (state.tasks[row] === undefined) {
      must(state.state[row] === State.forgotten, 'a free row is forgotten', row);
      continue;
    }
    const at = state.state[row]!;
    counts[at]!++;
    const held = holds.get(row) ?? 0;
    let pending = 0;
    state.eachDependency(row, (dependency) => void (state.state[dependency] !== State.memory && pending++));
    let waiters = 0;
    state.eachDependent(row, (dependent) => void (isUnfinished(state.state[dependent]!) && waiters++));
    must(state.holders[row] === held, 'holds are counted', row);
    must(state.waiters[row] === waiters, 'waiting dependents are counted', row);
    must(at !== State.waiting || state.pending[row] === pending, 'missing dependencies are counted', row);
    must(at !== State.queued || pending === 0, 'what is queued has all it needs', row);
    must(at !== State.processing || world.inHand.get(row) === state.worker[row], 'what is processed is with its worker', row);
    must(at !== State.waiting || pending > 0 || world.inHand.has(row), 'what waits, waits for something', row);
    must(at === State.released || at === State.erred || at === State.processing || held + waiters > 0, 'nothing is kept for nobody', row);
    must(at !== State.released || held + waiters === 0, 'what is needed is not released', row);
    if (at === State.memory)
      for (const holder of state.holdersOf(row)) {
        bytes[holder]! += state.nbytes[row]!;
        const { stored, spoilt, inbox } = world.workers[holder]!;
        const isComing = (): boolean => inbox.some((one) => one.kind === 'put' && one.rows.includes(row));
        must(stored.has(row) || spoilt.has(row) || isComing(), 'a result is where it is said to be', row);
      }
    if (at === State.queued) {
      const sum = queued.get(state.queue[row]!) ?? { rows: 0, us: 0 };
      queued.set(state.queue[row]!, { rows: sum.rows + 1, us: sum.us + state.expectedUs[row]! });
    }
  }
  for (let at = 1; at < 8; at++) must(state.counts[at] === counts[at], 'states are counted', at);
  for (let queue = -2; queue < world.workers.length; queue++) {
    must(state.queuedRows(queue) === (queued.get(queue)?.rows ?? 0), 'what is queued is counted', queue);
    must(isClose(state.queuedUs(queue), queued.get(queue)?.us ?? 0), 'work in queues is summed', queue);
  }
  checkWorkers(world, bytes);
}

/** What is cheap to look at after every step. */
export function checkQuickly({ scheduler: { state } }: SimulatedShell): void {
  if (state.queuedRows(-1) === 0) return;
  for (const worker of state.workers)
    must(
      !worker.running || worker.paused || worker.inFlight.size > worker.seceded.size,
      'work that anybody may do does not wait beside an idle worker',
      worker.index,
    );
}

/** After the memory policy has looked: where nobody is at work, nothing waits for a worker that is only paused. */
export function checkNotHeldUp({ scheduler: { state } }: SimulatedShell): void {
  if (state.counts[State.queued] === 0 || state.workers.some(({ inFlight, seceded }) => inFlight.size > seceded.size)) return;
  for (let row = 0; row < state.size; row++) {
    if (state.state[row] !== State.queued || state.workers[state.queue[row]!]?.running === false) continue; // that one is starting
    const { allowed, options } = state.limits[row]!;
    for (const { index, running, paused, resources } of state.workers) {
      const has = Object.entries(options.resources ?? {}).every(([name, amount]) => (resources[name] ?? 0) >= amount);
      must(!running || !paused || !has || allowed?.has(index) === false, 'nothing waits for ever for a worker that is paused', row);
    }
  }
}

function checkWorkers(world: SimulatedShell, bytes: readonly number[]): void {
  const { state } = world.scheduler;
  const perFunction = new Map<string, number>();
  for (const worker of state.workers) {
    const { isAlive, isComing } = world.workers[worker.index]!;
    must(worker.running === (isAlive && !isComing), 'who is there is known', worker.index);
    must(isClose(worker.nbytes, bytes[worker.index]!), 'bytes held are summed', worker.index);
    must(!worker.running || worker.paused === (world.memory?.isPaused(worker.index) ?? false), 'who is paused is known', worker.index);
    let us = 0;
    let asked = 0;
    const occupied = new Map<string, number>();
    for (const row of worker.inFlight) {
      must(world.inHand.get(row) === worker.index, 'what is in flight is with its worker', row);
      if (world.scheduler.isAskedBack(row)) asked++;
      if (worker.seceded.has(row)) continue;
      us += state.expectedUs[row]!;
      const { resources, concurrency } = state.limits[row]!.options;
      for (const [name, amount] of Object.entries(resources ?? {})) occupied.set(name, (occupied.get(name) ?? 0) + amount);
      if (concurrency !== undefined) {
        const { identity } = state.tasks[row]!.callee!;
        perFunction.set(identity, (perFunction.get(identity) ?? 0) + 1);
      }
    }
    must(worker.asked === asked, 'what was asked back is counted', worker.index);
    must(isClose(worker.occupancyUs, us), 'work in flight is summed', worker.index);
    for (const [name, amount] of worker.occupied) must(amount === (occupied.get(name) ?? 0), 'resources in use are summed', worker.index);
    for (const [name, amount] of occupied)
      must(amount <= (worker.resources[name] ?? 0), 'no more is used of a resource than there is', worker.index);
  }
  for (const count of perFunction.values()) must(count <= 2, 'no more of a function run at once than it allows', count);
}

/** After the last Future let go: the table is empty, and so are the workers. */
export function checkNothingLeft(world: SimulatedShell): void {
  const { state } = world.scheduler;
  must(state.live === 0, 'every key is forgotten', state.live);
  for (const [at, count] of state.counts.entries()) must(count === 0, 'every row is free', at);
  for (const worker of world.workers) must(worker.stored.size === 0, 'every result is dropped', worker.index);
  must(world.inHand.size === 0, 'nobody has anything in hand', world.inHand.size);
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
}
