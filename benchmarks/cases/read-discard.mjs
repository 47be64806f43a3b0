import { bytesFile } from '../files.mjs';
import { workerCount } from '../pools.mjs';
import { blockBytes, byteLength, stream, twoDd } from '../reading.mjs';

/** A file in the page cache, read in blocks of 8 MiB and let go. */

const readBy =
  (options) =>
  ({ path }) => ({
    async run() {
      let bytes = 0;
      await stream(path, options, (chunk) => {
        bytes += chunk.length;
      });
      return bytes;
    },
  });

export default {
  name: 'read-discard',
  about: 'reading a page-cached file and letting it go',
  async tables(quick) {
    const size = (quick ? 128 : 1024) * 1024 ** 2;
    return [
      {
        title: `read-discard: ${size / 1024 ** 2} MiB`,
        unit: 'ms a GiB',
        scale: 1,
        per: size / 1024 ** 3,
        settings: { path: await bytesFile(size) },
        contestants: ['heddle', 'Node stream', 'Node stream, 8 MiB', 'two dd'],
        marks: [{ text: 'the default Node stream takes ≥ 5× as long', peer: 'Node stream', atLeast: 5 }],
      },
    ];
  },
  contestants: {
    async heddle({ path }) {
      const { Executor, lazy, readBytes } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount });
      return {
        async run(round) {
          const length = lazy(byteLength, { version: `${round}` });
          const blocks = await readBytes(path, { blockSize: blockBytes, lazy: true });
          const lengths = await executor.gather(executor.compute(blocks.map((block) => length(block))));
          return lengths.reduce((sum, one) => sum + one, 0);
        },
        close: () => executor.close(),
      };
    },
    'Node stream': readBy({}),
    'Node stream, 8 MiB': readBy({ highWaterMark: blockBytes }),
    'two dd': ({ path }) => ({ run: () => twoDd(path) }),
  },
};
