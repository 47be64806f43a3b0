#!/usr/bin/env node
/**
 * Counts the words of all text files under node_modules, or of the files you name: `npm run demo -- 'logs/*.log'`.
 * Two lazy functions, written here, travel to the workers; a tree of merges brings their results together.
 *
 * Options: --inline runs in this thread, --scheduler=tcp://host:8786 on a Dask cluster (same answer, same keys; --python=PATH: a Python that has the package
 * distributed); --keys prints the key of the answer; --graph=PATH draws the graph there.
 */
import { parseArgs } from 'node:util';
import { Executor, lazy, plan, readBlocks, readBytes, visualize } from 'heddle';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inline: { type: 'boolean', default: false },
    scheduler: { type: 'string' },
    python: { type: 'string' },
    keys: { type: 'boolean', default: false },
    graph: { type: 'string', default: 'graph.svg' },
  },
});
const paths = positionals.length > 0 ? positionals : ['node_modules/**/*.{md,txt,js,ts}'];

/** Words of a block, each with its count. */
const count = lazy(function count(bytes) {
  const counts = new Map();
  for (const word of new TextDecoder()
    .decode(bytes)
    .toLowerCase()
    .match(/[a-z]+/g) ?? [])
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
});

/** Several tables of counts as one. */
const merge = lazy(function merge(tables) {
  const total = new Map();
  for (const table of tables) for (const [word, n] of table) total.set(word, (total.get(word) ?? 0) + n);
  return total;
});

/** Merges sixteen at a time, until one is left. */
function mergeTree(tables) {
  while (tables.length > 1)
    tables = Array.from({ length: Math.ceil(tables.length / 16) }, (_, i) => merge(tables.slice(i * 16, i * 16 + 16)));
  return tables[0];
}

const executor =
  options.scheduler === undefined
    ? new Executor({ engine: options.inline ? 'inline' : 'threads', progress: true })
    : new Executor(options.scheduler, { python: options.python, progress: true });
let total;
let counts;
try {
  const began = performance.now();
  const { paths: files } = await readBlocks(paths, { sample: false });
  const blocks = await readBytes(paths, { delimiter: '\n', lazy: true });
  total = mergeTree(blocks.map((block) => count(block)));
  if (total === undefined) throw new Error(`nothing to count: the ${files.length} files at ${paths.join(', ')} are all empty`);
  const { tasksBefore, tasksAfter, bytesToRead } = await plan(total);
  console.log(`${number(files.length)} files, ${number(bytesToRead)} bytes, ${number(blocks.length)} blocks`);
  console.log(`${number(tasksBefore)} tasks, ${number(tasksAfter)} after optimising, on ${executor.describeWorkers().length} workers`);

  const planned = performance.now();
  counts = await executor.compute(total);
  const seconds = (performance.now() - planned) / 1000;
  console.log(`counted in ${seconds.toFixed(2)} s, ${(bytesToRead / 1e6 / seconds).toFixed(1)} MB/s`);
  console.log(`(listed and planned in ${((planned - began) / 1000).toFixed(2)} s)`);
} finally {
  await executor.close();
}

const top = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 20);
console.log(`\nthe ${top.length} most frequent of ${number(counts.size)} words:`);
for (const [word, n] of top) console.log(`${number(n).padStart(12)}  ${word}`);
if (options.keys) console.log(`\nkey ${total.key}`);
console.log(`\n${await visualize(total, options.graph)} shows the graph`);

/** `12,345`. */
function number(n) {
  return n.toLocaleString('en-US');
}
