import { readFile } from 'node:fs/promises';
import { bytesFile } from '../files.mjs';
import { workerCount } from '../pools.mjs';
import { blockBytes, stream, twoDd } from '../reading.mjs';

/** A file in the page cache, read in blocks of 8 MiB that stay in memory: with heddle, on the workers. Each answers how many bytes it then holds. */

export default {
  name: 'read-keep',
  about: 'reading a page-cached file and keeping it in memory',
  async tables(quick) {
    const size = (quick ? 128 : 1024) * 1024 ** 2;
    return [
      {
        title: `read-keep: ${size / 1024 ** 2} MiB`,
        unit: 'ms a GiB',
        scale: 1,
        per: size / 1024 ** 3,
        settings: { path: await bytesFile(size) },
        contestants: ['heddle', 'heddle, shared memory', 'Node stream, 8 MiB', 'readFile', 'two dd'],
        note: 'two dd keep nothing: they are here as the limit of reading',
      },
    ];
  },
  contestants: {
    heddle: ({ path }) => keeper(path, {}),
    'heddle, shared memory': ({ path }) => keeper(path, { sharedMemory: true }),
    'Node stream, 8 MiB': ({ path }) => {
      let kept = [];
      return {
        async run() {
          await stream(path, { highWaterMark: blockBytes }, (chunk) => kept.push(chunk));
          return kept.reduce((sum, one) => sum + one.length, 0);
        },
        after() {
          kept = [];
        },
      };
    },
    readFile: ({ path }) => {
      let kept;
      return {
        async run() {
          kept = await readFile(path);
          return kept.length;
        },
        after() {
          kept = undefined;
        },
      };
    },
    'two dd': ({ path }) => ({ run: () => twoDd(path) }),
  },
};

/** `persist` leaves the blocks with the workers; the executor tells their sizes, and no block comes to this thread. Each round has workers of its own, with nothing in memory. */
async function keeper(path, options) {
  const { Executor, readBytes, wait } = await import('../heddle.mjs');
  let executor;
  return {
    async prepare() {
      executor = new Executor({ workers: workerCount, ...options });
      await executor.run(() => 'ready');
    },
    async run() {
      const blocks = await readBytes(path, { blockSize: blockBytes, lazy: true });
      const { done } = await wait(executor.compute(executor.persist(blocks)));
      const sizes = await executor.nbytes(done);
      // a size counts some bytes for the object, too: whole KiB are the block's
      return [...sizes.values()].reduce((sum, one) => sum + Math.floor(one / 1024) * 1024, 0);
    },
    after: () => executor.close(),
  };
}
