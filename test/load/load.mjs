// A load of tiny tasks, and what memory it takes. node --expose-gc load.mjs <form> <tasks>: prints a line of JSON.
import { Executor, lazy } from 'heddle';

const [, , form, count] = process.argv;
const n = Number(count);
const increment = (x) => x + 1;
const add = lazy((a, b) => a + b);
const start = lazy((x) => x);

const rss = () => process.memoryUsage().rss / 2 ** 20;
const executor = new Executor({ workers: 2 });
await executor.run(() => 1);
globalThis.gc();
const before = rss();
let peak = before;
const timer = setInterval(() => {
  peak = Math.max(peak, rss());
}, 20);

function* upTo(end) {
  for (let i = 0; i < end; i++) yield i;
}

function pairs(level) {
  const above = [];
  for (let i = 0; i + 1 < level.length; i += 2) above.push(add(level[i], level[i + 1]));
  if (level.length % 2 === 1) above.push(level.at(-1));
  return above;
}

/** A tree over that many numbers, from one on: twice as many tasks. */
function sumInPairs(leaves, from) {
  let level = Array.from({ length: leaves }, (_, i) => start(from + i));
  while (level.length > 1) level = pairs(level);
  return level[0];
}

/** A result whose Future is let go. */
async function released(future) {
  try {
    return await future;
  } finally {
    future.release();
  }
}

const forms = {
  /** As one call: a Future an item, all of them held until the end. */
  async map() {
    const futures = executor.map(increment, upTo(n));
    const results = await executor.gather(futures);
    for (const future of futures) future.release();
    return results.reduce((a, b) => a + b, 0);
  },
  /** In parts of 10,000, each let go before the next is begun. */
  async batches() {
    let total = 0;
    for (let from = 0; from < n; from += 10_000) {
      const futures = executor.map(
        increment,
        Array.from({ length: Math.min(10_000, n - from) }, (_, i) => from + i),
      );
      for (const result of await executor.gather(futures)) total += result;
      for (const future of futures) future.release();
    }
    return total;
  },
  /** A reduction in pairs, as one graph: each result has its lineage as long as something is held that it is needed for. */
  async tree() {
    return await released(executor.compute(sumInPairs(n / 2, 0)));
  },
  /** The same reduction fed in parts of some 8,000 tasks: sums of parts are data, and have no lineage. */
  async parts() {
    const size = 4096;
    const parts = [];
    for (let from = 0; from < n / 2; from += size)
      parts.push(await released(executor.compute(sumInPairs(Math.min(size, n / 2 - from), from))));
    let level = parts.map((sum) => start(sum));
    while (level.length > 1) level = pairs(level);
    return await released(executor.compute(level[0]));
  },
};

const begun = performance.now();
const total = await forms[form]();
const seconds = (performance.now() - begun) / 1000;
clearInterval(timer);
peak = Math.max(peak, rss());
globalThis.gc();
await new Promise((resolve) => setTimeout(resolve, 100));
globalThis.gc();
const after = rss();
await executor.close();
const round = (x) => Math.round(x * 10) / 10;
console.log(
  JSON.stringify({
    form,
    n,
    total,
    seconds: round(seconds),
    before: round(before),
    peak: round(peak),
    after: round(after),
    heap: round(process.memoryUsage().heapUsed / 2 ** 20),
  }),
);
