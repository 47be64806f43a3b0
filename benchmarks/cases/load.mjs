import { openDask } from '../dask.mjs';
import { workerCount } from '../pools.mjs';

/**
 * What scheduling costs when there is much of it: graphs are built and run, on two workers. Dask would take minutes for a million tasks: it gets a part of them, and its time is
 * multiplied by what was left out, which does it a favour if anything.
 */
const modulus = 1_000_003;

/** Two of the layer before, the same as in peers/dask-load.py; undefined in the first layer. */
function inputs(i, width) {
  const start = (Math.floor(i / width) - 1) * width;
  if (start < 0) return undefined;
  const a = (i * 7919 + 12345) % width;
  const b = (i * 104729 + 54321) % width;
  return [start + a, start + (a === b ? (b + 1) % width : b)];
}

/** What must come out. */
const answers = {
  map: (count) => (count * (count - 1)) / 2,
  tree: (count) => answers.map(Math.floor(count / 2)),
  layered(count) {
    const width = Math.ceil(count / 64);
    const values = [];
    for (let i = 0; i < count; i++) {
      const [a, b] = inputs(i, width) ?? [];
      values.push(a === undefined ? i % modulus : (i + values[a] + values[b]) % modulus);
    }
    return values.slice(count - width).reduce((all, one) => all + one, 0) % modulus;
  },
};

/** Rounds must not take over results of each other: each has other code. */
async function openHeddle() {
  const { Executor, lazy } = await import('../heddle.mjs');
  const executor = new Executor({ workers: workerCount });
  const calls = {
    identity: lazy(function identity(x) {
      return x;
    }),
    add: lazy(function add(a, b) {
      return a + b;
    }),
    step: lazy(function step(i, a, b) {
      return (i + a + b) % 1_000_003;
    }),
    last: lazy(function last(parts) {
      return parts.reduce((all, one) => all + one, 0) % 1_000_003;
    }),
  };
  const of = (round) => Object.fromEntries(Object.entries(calls).map(([name, call]) => [name, call.with({ version: `${round}` })]));
  const result = async (value) => {
    const future = executor.compute(value);
    try {
      return await future;
    } finally {
      future.release();
    }
  };
  const forms = {
    /** In parts of 100,000, whose Futures are let go: what a program does that has a million things to do. */
    async map(count, { identity }) {
      const part = 100_000;
      let sum = 0;
      for (let from = 0; from < count; from += part) {
        const items = Array.from({ length: Math.min(part, count - from) }, (_, i) => from + i);
        const futures = executor.map(identity, items);
        for (const one of await executor.gather(futures)) sum += one;
        for (const future of futures) future.release();
      }
      return sum;
    },
    async tree(count, { identity, add }) {
      let level = Array.from({ length: Math.floor(count / 2) }, (_, i) => identity(i));
      while (level.length > 1) {
        const above = [];
        for (let i = 0; i + 1 < level.length; i += 2) above.push(add(level[i], level[i + 1]));
        if (level.length % 2 === 1) above.push(level.at(-1));
        level = above;
      }
      return await result(level[0]);
    },
    async layered(count, { step, last }) {
      const width = Math.ceil(count / 64);
      const values = [];
      for (let i = 0; i < count; i++) {
        const [a, b] = inputs(i, width) ?? [];
        values.push(a === undefined ? step(i, 0, 0) : step(i, values[a], values[b]));
      }
      return await result(last(values.slice(count - width)));
    },
  };
  return { run: (form, count, round) => forms[form](count, of(round)), close: () => executor.close() };
}

const check = (form, count, answer) => {
  if (answer !== answers[form](count)) throw new Error(`${form} of ${count}: ${answer} is not ${answers[form](count)}`);
  return 'right';
};

/** Dask, which gets one of so many tasks. */
const dask = (scheduler) => async (settings) => {
  const { form, count, parts } = settings;
  const share = Math.floor(count / parts[scheduler]);
  const process = await openDask(scheduler);
  return {
    async warmUp() {
      await process.run(form, 1000);
    },
    async run() {
      const { ms, answer } = await process.run(form, share);
      return { answer: check(form, share, answer), ms: (ms * count) / share };
    },
    close: () => process.close(),
  };
};

function table(title, form, count, parts) {
  const shares = Object.entries(parts).map(([scheduler, part]) => `${scheduler}: ${Math.floor(count / part).toLocaleString('en')}`);
  return {
    title: `load: ${title}`,
    unit: 'µs a task',
    per: count,
    settings: { form, count, parts },
    contestants: ['heddle', 'dask threads', 'dask distributed'],
    rounds: 3,
    note: `tasks that Dask runs (${shares.join(', ')}), its time taken in proportion`,
    marks: [
      { text: 'Dask’s threaded scheduler takes ≥ 10× as long', peer: 'dask threads', atLeast: 10 },
      { text: 'Dask’s distributed scheduler takes ≥ 300× as long', peer: 'dask distributed', atLeast: 300 },
    ],
  };
}

export default {
  name: 'load',
  about: 'a million tiny tasks, against Dask',
  tables: (quick) => {
    const [million, hundredThousand] = quick ? [50_000, 10_000] : [1_000_000, 100_000];
    const few = quick ? { threads: 5, distributed: 10 } : { threads: 10, distributed: 100 };
    return [
      table(`${million.toLocaleString('en')} tasks through map`, 'map', million, few),
      table(`a reduction in pairs of ${million.toLocaleString('en')} tasks`, 'tree', million, few),
      table(`${hundredThousand.toLocaleString('en')} tasks in 64 random layers`, 'layered', hundredThousand, {
        threads: 1,
        distributed: 5,
      }),
    ];
  },
  contestants: {
    async heddle({ form, count }) {
      const heddle = await openHeddle();
      return {
        async warmUp() {
          for (let i = 1; i <= 3; i++) await heddle.run(form, 20_000, -i);
        },
        run: async (round) => check(form, count, await heddle.run(form, count, round)),
        close: () => heddle.close(),
      };
    },
    'dask threads': dask('threads'),
    'dask distributed': dask('distributed'),
  },
};
