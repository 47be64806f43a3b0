// Random graphs whose answers are known, on workers that are killed at random moments; then a look at what is left of it all.
// node chaos.mjs <seed> <kills> <engine>: prints a line of JSON, and ends with code 0 when everything was right.
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { currentTask, Executor, lazy } from 'heddle';

const seed = Number(process.argv[2]);
const wantedKills = Number(process.argv[3]);
const random = numbers(seed);
const below = (n) => Math.floor(random() * n);
const folder = mkdtempSync(join(tmpdir(), 'heddle-chaos-'));
const spillDirectory = join(folder, 'spilled');
const names = ['one', 'two', 'three'];
const options = {
  engine: process.argv[4],
  workers: names.map((name) => ({ name })),
  allowedFailures: 1_000_000, // innocent tasks die very often here
  cancelGrace: 5,
  resourceLimits: { maxOldGenerationSizeMb: 48 },
  ...spilling(),
};

/** Numbers from 0 to 1, the same for the same seed. */
function numbers(from) {
  let state = from >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4_294_967_296;
  };
}

/** Room for a part of the results only. */
function spilling() {
  return {};
}

/**
 * What the descriptors of this process stand for. A module that was being read when its thread ended is left out: Node 20 never closes it
 * (a worker without heddle that imports and ends shows the same; Node 22 and 24 do not).
 */
function descriptors() {
  const targets = [];
  for (const name of readdirSync('/proc/self/fd')) {
    let target = '';
    try {
      target = readlinkSync(join('/proc/self/fd', name));
    } catch {
      continue; // that of the directory itself
    }
    if (!/\.[cm]?js$/.test(target)) targets.push(target.replace(/\d+/g, 'n'));
  }
  return targets.sort();
}

/** What the process has: descriptors, threads, and what keeps it alive. */
function belongings() {
  const isLinux = existsSync('/proc/self/status');
  return {
    descriptors: isLinux ? descriptors() : [],
    threads: isLinux ? Number(/^Threads:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) : 0,
    resources: process
      .getActiveResourcesInfo()
      .filter((name) => !/^(TTYWrap|PipeWrap|FSReqPromise|Timeout|Immediate)$/.test(name))
      .sort(),
  };
}

/** A result that is too large to come along with a report, so that it dies with its worker; `death` ends the worker of a task, `once` is a file that has it do so once. */
const node = lazy(async function node(round, place, inputs, milliseconds, death, once) {
  let n = place + 1;
  for (const input of inputs) {
    if (input.bytes.length !== 20_000 || input.bytes[0] !== input.n % 251 || input.bytes.at(-1) !== input.n % 251)
      throw new Error(`round ${round}: an input of ${place} is torn`);
    n = (n * 31 + input.n) % 1_000_003;
  }
  if (death !== 'none' && !existsSync(once)) {
    writeFileSync(once, '');
    if (death === 'exit') process.reallyExit(7);
    if (death === 'later') setTimeout(() => process.reallyExit(8), 1); // while it, or another, is at work
    if (death === 'memory') for (let all = {}; ; ) all = { all, more: [{ place }, { n }] };
  }
  const end = performance.now() + milliseconds;
  if (place % 3 === 0) await new Promise((resolve) => setTimeout(resolve, milliseconds));
  else while (performance.now() < end);
  return { n, bytes: new Uint8Array(20_000).fill(n % 251) };
});
const last = lazy(function last(inputs) {
  return inputs.map(({ n }) => n);
});

let kills = 0;
let memoryDeaths = 0;
const rounds = [];

/** One graph: its Values, and what they come to. */
function graph(round) {
  const size = 30 + below(60);
  const values = [];
  const answers = [];
  for (let place = 0; place < size; place++) {
    const inputs = place === 0 ? [] : Array.from({ length: below(4) }, () => below(place));
    const dice = random();
    let death = dice < 0.03 ? 'exit' : dice < 0.045 ? 'later' : 'none';
    if (memoryDeaths < 4 && kills > (memoryDeaths + 1) * 20) {
      death = 'memory';
      memoryDeaths++;
    }
    values.push(node(round, place, inputs.map((input) => values[input]), below(4), death, join(folder, `${round}-${place}`))); // biome-ignore format: a call
    answers.push(inputs.reduce((n, input) => (n * 31 + answers[input]) % 1_000_003, place + 1));
  }
  const some = Array.from({ length: 5 }, () => below(size));
  return { total: last(values), answers, some: some.map((place) => ({ value: values[place], answer: answers[place] })) };
}

/** Graph after graph, until enough workers were killed. */
async function compute(executor, lane) {
  for (let i = 0; kills < wantedKills; i++) {
    const round = `${lane}.${i}`;
    const { total, answers, some } = graph(round);
    const futures = [executor.compute(total), ...some.map(({ value }) => executor.compute(value))];
    const results = await executor.gather(futures, { timeout: '40 s' }).catch(async (error) => {
      console.error(`seed ${seed}, round ${round}: ${error.stack}`);
      console.error(futures.map(({ status }) => status).join(), await executor.workers(), await executor.processing());
      throw error;
    });
    for (const future of futures) future.release();
    rounds.push(round);
    const right = JSON.stringify([answers, ...some.map(({ answer }) => answer)]);
    const got = JSON.stringify(results.map((one) => one.n ?? one));
    if (got !== right) throw new Error(`seed ${seed}, round ${round}: ${got} is not ${right}`);
  }
}

/** Ends workers from outside, and by cancelling tasks that never look up. */
async function reap(executor) {
  while (kills < wantedKills) {
    await pause(5 + below(60));
    const workers = names[below(names.length)];
    if (random() < 0.6) await executor.run(() => process.reallyExit(9), { workers, timeout: '20 s' }).catch(() => undefined);
    else {
      const endless = executor.submit(
        lazy(
          (_) => {
            for (;;);
          },
          { workers, pure: false, name: 'endless' },
        ),
        kills,
      );
      await pause(below(30));
      await executor.cancel(endless, { force: random() < 0.5 });
      endless.release();
    }
  }
}

async function open() {
  const executor = new Executor(options);
  executor.on('worker', ({ change }) => {
    if (change === 'left') kills++;
  });
  try {
    await Promise.all([compute(executor, 'a'), compute(executor, 'b'), reap(executor)]);
    // after all that it works as if nothing had been
    const alive = lazy(() => currentTask().worker, { pure: false });
    for (const name of names) if ((await executor.submit(alive.with({ workers: name }))) !== name) throw new Error(`${name} is gone`);
  } finally {
    await executor.close();
  }
}

/** Threads take a moment to be gone. */
async function settled(before) {
  for (let i = 0; ; i++) {
    const after = belongings();
    const isBack =
      after.descriptors.length <= before.descriptors.length &&
      after.threads <= before.threads &&
      after.resources.length <= before.resources.length;
    if (isBack || i === 100) return after;
    await pause(50);
  }
}

const warmUp = new Executor({ workers: 1 });
await warmUp.submit((x) => x + 1, 1);
await warmUp.close();
await pause(50);
const before = belongings();
await open();
const after = await settled(before);
const spilled = existsSync(spillDirectory) ? readdirSync(spillDirectory, { recursive: true }) : [];
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ kills, memoryDeaths, rounds: rounds.length, before, after, spilled }));
