import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { textFile } from '../files.mjs';
import { countWords, mergeCounts } from '../peers/words.mjs';
import { workerCount } from '../pools.mjs';

/** Counting the words of a text with ordinary code (decode, split, a Map): the same two functions for each contestant. Blocks of 8 MiB that end at lines. */

const blockBytes = 8 * 1024 ** 2;

/** The whole table in short, so that answers can be compared. */
function summary(counts) {
  let words = 0;
  for (const count of counts.values()) words += count;
  const sorted = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return {
    words,
    different: counts.size,
    table: createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 16),
    top: sorted.slice(0, 3),
  };
}

export default {
  name: 'word-count',
  about: 'counting words with ordinary code',
  async tables(quick) {
    const size = (quick ? 32 : 512) * 1024 ** 2;
    return [
      {
        title: `word-count: ${size / 1024 ** 2} MiB of text`,
        unit: 's a GiB',
        scale: 1 / 1000,
        per: size / 1024 ** 3,
        rounds: quick ? undefined : 3,
        settings: { path: await textFile(size), warmUpPath: await textFile(32 * 1024 ** 2) },
        contestants: ['heddle', 'piscina', 'readline'],
        mostRounds: { readline: quick ? 1 : 2 },
        marks: [{ text: 'within 15 % of the same code hand-written on piscina', peer: 'piscina', atLeast: 1 / 1.15 }],
      },
    ];
  },
  contestants: {
    async heddle({ path, warmUpPath }) {
      const { Executor, lazy, readBytes } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount });
      const merge = lazy(mergeCounts);
      const countAll = async (file, version) => {
        const count = lazy(countWords, { version });
        const blocks = await readBytes(file, { blockSize: blockBytes, delimiter: '\n', lazy: true });
        let tables = blocks.map((block) => count(block));
        while (tables.length > 1)
          tables = Array.from({ length: Math.ceil(tables.length / 8) }, (_, i) => merge(tables.slice(8 * i, 8 * i + 8)));
        const future = executor.compute(tables[0]);
        const counts = await future;
        future.release();
        return summary(counts);
      };
      return { warmUp: () => countAll(warmUpPath, 'warm-up'), run: (round) => countAll(path, `${round}`), close: () => executor.close() };
    },
    /** Tables are merged here, while the workers count on. */
    async piscina({ path, warmUpPath }) {
      const { Piscina } = await import('piscina');
      const pool = new Piscina({
        filename: fileURLToPath(new URL('../peers/words-piscina.mjs', import.meta.url)),
        minThreads: workerCount,
        maxThreads: workerCount,
      });
      const countAll = async (file) => {
        const { size } = await stat(file);
        const total = new Map();
        const tasks = [];
        for (let start = 0; start < size; start += blockBytes) {
          const task = pool.run({ path: file, start, end: Math.min(size, start + blockBytes) });
          tasks.push(task.then((counts) => addTo(total, counts)));
        }
        await Promise.all(tasks);
        return summary(total);
      };
      return { warmUp: () => countAll(warmUpPath), run: () => countAll(path), close: () => pool.destroy() };
    },
    /** One thread, line by line. */
    readline({ path, warmUpPath }) {
      const countAll = async (file) => {
        const total = new Map();
        const lines = createInterface({ input: createReadStream(file, { highWaterMark: 1024 ** 2 }), crlfDelay: Number.POSITIVE_INFINITY });
        for await (const line of lines) for (const word of line.split(/\s+/)) if (word !== '') total.set(word, (total.get(word) ?? 0) + 1);
        return summary(total);
      };
      return { warmUp: () => countAll(warmUpPath), run: () => countAll(path) };
    },
  },
};

function addTo(total, counts) {
  for (const [word, count] of counts) total.set(word, (total.get(word) ?? 0) + count);
}
