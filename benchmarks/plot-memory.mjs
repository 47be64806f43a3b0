import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { defaultPasses } from '../dist/graph/index.js';
import { Executor, lazy } from './heddle.mjs';
import { blockBytes, expected, reduction } from './reduction.mjs';

/** `node benchmarks/plot-memory.mjs [--blocks 10000] [--out plot.svg]`: bytes of results held over the time of one reduction. */
const { values } = parseArgs({ options: { blocks: { type: 'string', default: '10000' }, out: { type: 'string' } } });
const blocks = Number(values.blocks);
const executor = new Executor({ workers: 2, passes: defaultPasses.filter(({ name }) => name !== 'fuse') });
const samples = [];
const began = performance.now();
const sample = async () => {
  const held = [...(await executor.nbytes()).values()];
  samples.push([performance.now() - began, held.filter((one) => one >= blockBytes).length]);
};
const timer = setInterval(sample, 10);
const { sum } = await executor.compute(reduction(lazy, blocks, 0).total);
clearInterval(timer);
await executor.close();
if (sum !== expected(blocks)) throw new Error(`the sum is ${sum}, and should be ${expected(blocks)}`);

const most = Math.max(...samples.map(([, held]) => held));
console.log(`${blocks} blocks of 1 MiB; held at a time, in ${samples.length} looks: ${most} at most`);
const columns = 72;
const rows = Math.max(1, Math.min(12, most));
const columnOf = (ms) => Math.min(columns - 1, Math.floor((ms / samples.at(-1)[0]) * columns));
const tops = new Array(columns).fill(0);
for (const [ms, held] of samples) tops[columnOf(ms)] = Math.max(tops[columnOf(ms)], held);
for (let row = rows; row >= 1; row--)
  console.log(
    `${String(Math.round((most * row) / rows)).padStart(5)} ${tops.map((top) => (top >= (most * row) / rows ? '█' : ' ')).join('')}`,
  );
console.log(`      0 s${`${(samples.at(-1)[0] / 1000).toFixed(1)} s`.padStart(columns - 3)}`);
if (values.out !== undefined) {
  const points = samples.map(
    ([ms, held]) => `${((ms / samples.at(-1)[0]) * 600).toFixed(1)},${(150 - (held / Math.max(1, most)) * 140).toFixed(1)}`,
  );
  writeFileSync(
    values.out,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 170"><polyline fill="none" stroke="#36c" points="${points.join(' ')}"/><text x="4" y="166" font-size="11">${blocks} blocks of 1 MiB read, parsed and reduced: blocks held, ${most} at most</text></svg>\n`,
  );
}
