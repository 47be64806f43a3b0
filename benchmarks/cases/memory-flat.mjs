import { workerCount } from '../pools.mjs';
import { reduction } from '../reduction.mjs';

/** Many blocks are read, parsed and reduced: what is held at a time. `peak memory` is what to look at. */

export default {
  name: 'memory-flat',
  about: 'blocks read, parsed and reduced: how much is held at a time',
  tables(quick) {
    const blocks = quick ? 256 : 1024;
    return [
      {
        title: `memory-flat: ${blocks.toLocaleString('en')} blocks of 1 MiB`,
        unit: 'µs a block',
        per: blocks,
        settings: { blocks },
        contestants: ['heddle', 'all blocks first'],
        note: 'see peak memory; `node benchmarks/plot-memory.mjs` draws what is held over time, for 10,000 blocks',
      },
    ];
  },
  contestants: {
    heddle: ({ blocks }) => open(blocks, false),
    /** The same with every block in memory before the first is parsed: what it takes when roots are not held back. */
    'all blocks first': ({ blocks }) => open(blocks, true),
  },
};

async function open(blocks, areAllFirst) {
  const { Executor, lazy, wait } = await import('../heddle.mjs');
  let executor;
  return {
    async prepare() {
      executor = new Executor({ workers: workerCount, passes: await unfused() });
      await executor.run(() => 'ready');
    },
    async run(round) {
      const { blocksRead, total } = reduction(lazy, blocks, round);
      const kept = areAllFirst ? executor.compute(blocksRead) : [];
      await wait(kept);
      return (await executor.compute(total)).sum;
    },
    after: () => executor.close(),
  };
}

/** A block and what is parsed of it stay two tasks, as they are where several tasks read one block. */
async function unfused() {
  const { defaultPasses } = await import('../../dist/graph/index.js');
  return defaultPasses.filter(({ name }) => name !== 'fuse');
}
