import { fork } from 'node:child_process';
import { median, spread } from './statistics.mjs';

/**
 * Measures the contestants of one table in turns, A B C A B C …, so that a machine that grows slower or faster does so for all of them.
 * Each contestant lives in a process of its own from the first round to the last: its heap, its compiled code and its pool are nobody else's, and it sleeps while others run.
 *
 * A case file's default export:
 *
 *     { name, about, tables(quick) → Table[], close?(), contestants: { [name]: (settings) → Contestant } }
 *     Table       { title, unit, per, settings, contestants: [name], marks, rounds?, mostRounds?: { [name]: n }, wakes?, note? }
 *     Contestant  { warmUp?(), prepare?(round), run(round, lap) → answer, after?(round), close?() }
 *
 * `run` alone is timed. `lap(name)` ends a part of it; without one the whole is a single part. Answers of all contestants, in all rounds, must be deeply equal.
 * A contestant that cannot do it throws from `run`: the table says why. An `answer` may be `{ answer, ms }` when it took its own time elsewhere (a process it started).
 */

/** Longest that a single round may take. */
const roundDeadlineMs = 150_000;
/** How long a pool may take to end before its process is ended. */
const closeDeadlineMs = 3_000;
/** A contestant warms up for so long, in so many rounds at most: at first code runs in the interpreter. */
const warmUpMs = 500;
const mostWarmUps = 20;

/** One contestant in its process. */
class Lane {
  #child;
  #waiting;
  #ended;
  #file;
  #settings;
  name;
  failure;
  rounds = [];
  peakBytes = 0;

  constructor(file, name, settings) {
    this.name = name;
    this.#child = fork(new URL('contestant.mjs', import.meta.url), [], {
      serialization: 'advanced',
    });
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.on('message', (message) => this.#waiting?.resolve(message));
    this.#child.once('exit', (code, signal) => this.#waiting?.resolve({ error: `its process ended (${signal ?? code})` }));
    this.#child.once('error', (error) => this.#waiting?.resolve({ error: error.message }));
    this.#settings = settings;
    this.#file = file;
  }

  /** Loads the case in the process and opens the contestant. */
  open() {
    return this.#ask({ kind: 'open', file: this.#file, name: this.name, settings: this.#settings });
  }

  /** Sends a message and waits for the answer; a failure is remembered and ends the lane. */
  async #ask(message) {
    let timer;
    const reply = await new Promise((resolve) => {
      this.#waiting = { resolve };
      timer = setTimeout(() => resolve({ error: `no answer within ${roundDeadlineMs / 1000} s` }), roundDeadlineMs);
      if (this.#child.connected) this.#child.send(message);
      else resolve({ error: 'its process ended' });
    });
    clearTimeout(timer);
    this.#waiting = undefined;
    if (reply.error !== undefined) {
      this.failure = reply.error;
      this.#child.kill('SIGKILL');
    }
    return reply;
  }

  /** Lets the contestant warm up in its own way. False when it has none: then rounds do. */
  async warmUp() {
    return (await this.#ask({ kind: 'warmUp' })).isWarm === true;
  }

  /** One round; undefined when it failed. */
  async run(round) {
    const reply = await this.#ask({ kind: 'run', round });
    if (this.failure !== undefined) return undefined;
    this.peakBytes = Math.max(this.peakBytes, reply.peakBytes);
    return reply;
  }

  async close() {
    if (this.#child.connected) this.#child.send({ kind: 'close' });
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), closeDeadlineMs);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** Runs one table: each contestant warms up, then `rounds` rounds of all, as far as `budgetMs` goes, at least one. */
export async function runTable(file, table, { rounds, budgetMs, onProgress = () => {} }) {
  const lanes = table.contestants.map((name) => new Lane(file, name, table.settings));
  try {
    for (const lane of lanes) await lane.open(); // one after the other: starting is not to disturb starting
    let answer;
    let number = 0; // no two rounds have the same: contestants that remember results tell rounds apart by it
    const run = async (lane, what) => {
      onProgress(`${table.title}: ${what}, ${lane.name}`);
      const done = await lane.run(number++);
      if (done === undefined) return undefined;
      const said = JSON.stringify(done.answer);
      answer ??= { by: lane.name, said };
      if (said !== answer.said)
        throw new Error(`${table.title}: ${lane.name} answers ${said.slice(0, 200)}, ${answer.by} answers ${answer.said.slice(0, 200)}`);
      return done;
    };
    for (const lane of lanes) {
      const began = performance.now();
      onProgress(`${table.title}: warm-up, ${lane.name}`);
      if (await lane.warmUp()) continue;
      for (let i = 0; i < mostWarmUps && lane.failure === undefined && performance.now() - began < warmUpMs; i++)
        await run(lane, 'warm-up');
    }
    const began = performance.now();
    const wanted = table.rounds ?? rounds;
    for (let round = 1; round <= wanted; round++) {
      if (round > 1 && performance.now() - began > budgetMs) break;
      for (const lane of lanes) {
        if (lane.failure !== undefined || round > (table.mostRounds?.[lane.name] ?? wanted)) continue;
        if (table.wakes) await run(lane, 'waking'); // a process that slept through the others' rounds has a shrunken heap
        const done = await run(lane, `round ${round} of ${wanted}`);
        if (done !== undefined) lane.rounds.push(done);
      }
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
  }
  return summarise(table, lanes);
}

/** Rows of the table, a row for each contestant and part; and its marks. */
function summarise(table, lanes) {
  const yardstick = lanes.find((lane) => lane.name === (table.yardstick ?? 'heddle'));
  const rows = lanes.flatMap((lane) => {
    if (lane.rounds.length === 0) return [{ contestant: lane.name, part: '', failure: lane.failure }];
    const parts = Object.keys(lane.rounds[0].laps);
    return parts.map((part) => {
      const times = lane.rounds.map((round) => round.laps[part]);
      return {
        contestant: lane.name,
        part: parts.length === 1 ? '' : part,
        ...spread(times),
        perUnit: (median(times) * (table.scale ?? 1000)) / table.per,
        ratio: lane === yardstick ? 1 : ratioOf(lane, yardstick, part),
        cpuMs: parts.length === 1 ? median(lane.rounds.map((round) => round.cpuMs)) : undefined,
        peakBytes: lane.peakBytes,
        rounds: times.length,
        failure: lane.failure,
      };
    });
  });
  const marks = (table.marks ?? []).map((mark) => judge(mark, rows));
  return { title: table.title, unit: table.unit, note: table.note, rows, marks };
}

/** Time of one over time of another, round by round: what slows the machine slows both. The median of these. */
function ratioOf(lane, yardstick, part) {
  if (yardstick === undefined) return undefined;
  const ratios = [];
  for (const [i, round] of lane.rounds.entries()) {
    const other = yardstick.rounds[i]?.laps[part];
    if (other !== undefined) ratios.push(round.laps[part] / other);
  }
  return ratios.length === 0 ? undefined : median(ratios);
}

/** `{ text, peer, part?, atLeast }`: the peer takes so many times as long as heddle. `{ text, of, atMostMs }`: it takes no longer. */
function judge(mark, rows) {
  const wanted = mark.peer ?? mark.of;
  const row = rows.find((one) => one.contestant === wanted && (mark.part === undefined || one.part === mark.part));
  const value = mark.atMostMs === undefined ? row?.ratio : row?.median;
  if (value === undefined) return { text: mark.text, value: 'not measured', isReached: false };
  return mark.atMostMs === undefined
    ? { text: mark.text, value: `${value.toFixed(2)}×`, isReached: value >= mark.atLeast }
    : { text: mark.text, value: `${value.toFixed(0)} ms`, isReached: value <= mark.atMostMs };
}
