import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, Graph, lazy, tokenize } from '../../graph/index.ts';
import { Executor } from '../../runtime/index.ts';
import { tasksOfValues } from '../inspect/values.ts';
import { readBytes } from '../storage/read-bytes.ts';
import { countBytes, noop } from './bench-tasks.ts';

/** One thing to measure. `open` prepares what is not measured; `run` gives the amount done. */
export interface Measure {
  readonly name: string;
  readonly unit: string;
  open(): Promise<{ run(): Promise<number> | number; close?(): Promise<void> }>;
}

/** Amounts a second, over the runs. */
export interface MeasureResult {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Runs a measure once to warm up, then some times. */
export async function runMeasure(measure: Measure, runs: number): Promise<MeasureResult> {
  const opened = await measure.open();
  try {
    await opened.run();
    const rates: number[] = [];
    for (let i = 0; i < runs; i++) {
      const began = performance.now();
      const amount = await opened.run();
      rates.push(amount / ((performance.now() - began) / 1000));
    }
    rates.sort((a, b) => a - b);
    const middle = rates.length >> 1;
    const median = rates.length % 2 === 1 ? (rates[middle] ?? 0) : ((rates[middle - 1] ?? 0) + (rates[middle] ?? 0)) / 2;
    return { name: measure.name, unit: measure.unit, median, least: rates[0] ?? 0, most: rates.at(-1) ?? 0 };
  } finally {
    await opened.close?.();
  }
}

const keyCount = 20_000;
const treeLeaves = 20_000;
const noopCount = 20_000;
const fileBytes = 256 * 1024 ** 2;
let round = 0;

/** What `heddle bench` measures. */
export const measures: readonly Measure[] = [
  {
    name: 'keys of small calls',
    unit: 'keys/s',
    open: async () => ({
      run() {
        for (let i = 0; i < keyCount; i++) tokenize('count', i, { delimiter: '\n', size: 100 });
        return keyCount;
      },
    }),
  },
  {
    name: 'build and compile a tree',
    unit: 'tasks/s',
    open: async () => {
      const leaf = lazy(function leaf(n: number): number {
        return n;
      });
      const merge = lazy(function merge(parts: number[]): number {
        return parts.length;
      });
      return {
        run() {
          let level = Array.from({ length: treeLeaves }, (_, i) => leaf(i));
          while (level.length > 1) {
            const next: typeof level = [];
            for (let i = 0; i < level.length; i += 8) next.push(merge(level.slice(i, i + 8)));
            level = next;
          }
          const graph = tasksOfValues(level, 'bench');
          compile(graph, { workers: [{ name: 'worker', host: 'localhost', resources: {} }] });
          return Graph.from(graph).size;
        },
      };
    },
  },
  {
    name: 'no-op tasks, queued',
    unit: 'tasks/s',
    open: async () => {
      const executor = new Executor();
      const call = lazy(noop, { pure: false }); // a key of its own for each, or they would be one task
      return {
        async run() {
          const futures = Array.from({ length: noopCount }, () => executor.submit(call));
          await Promise.all(futures);
          return noopCount;
        },
        close: () => executor.close(),
      };
    },
  },
  {
    name: 'one task there and back',
    unit: 'trips/s',
    open: async () => {
      const executor = new Executor();
      const call = lazy(noop, { pure: false });
      return {
        async run() {
          for (let i = 0; i < 500; i++) await executor.submit(call);
          return 500;
        },
        close: () => executor.close(),
      };
    },
  },
  {
    name: 'read a cached file (256 MiB)',
    unit: 'MB/s',
    open: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'heddle-bench-'));
      const path = join(folder, 'data');
      await writeFile(path, Buffer.alloc(fileBytes, 'heddle\n'));
      const executor = new Executor();
      return {
        async run() {
          // other code, other keys: nothing is taken from an earlier run
          const length = lazy(countBytes, { version: `run ${round++}` });
          const blocks = await readBytes(path, { blockSize: '8 MiB', lazy: true });
          const lengths = await Promise.all(executor.compute(blocks.map((block) => length(block))));
          const bytes = lengths.reduce((sum, one) => sum + one, 0);
          if (bytes !== fileBytes) throw new Error(`read ${bytes} bytes of ${fileBytes}`);
          return bytes / 1e6;
        },
        async close() {
          await executor.close();
          await rm(folder, { recursive: true, force: true });
        },
      };
    },
  },
];
