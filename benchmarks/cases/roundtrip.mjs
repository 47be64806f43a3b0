import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { pools, workerCount } from '../pools.mjs';

/** One task at a time: the next begins when the result of the last is here. */

async function inTurn(count, run) {
  let total = 0;
  for (let i = 0; i < count; i++) total += await run(i);
  return total;
}

export default {
  name: 'roundtrip',
  about: 'one task at a time, there and back',
  tables: (quick) => {
    const count = quick ? 1_000 : 10_000;
    return [
      {
        title: `roundtrip: ${count.toLocaleString('en')} tasks one after the other`,
        unit: 'µs a task',
        per: count,
        settings: { count },
        contestants: ['heddle', 'piscina', 'tinypool', 'poolifier', 'workerpool', 'one postMessage each way'],
      },
    ];
  },
  contestants: {
    async heddle({ count }) {
      const { Executor, lazy } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount });
      const identity = lazy(function identity(value) {
        return value;
      });
      return {
        run(round) {
          const call = identity.with({ version: `${round}` });
          return inTurn(count, async (i) => {
            const future = executor.submit(call, i);
            const result = await future;
            future.release();
            return result;
          });
        },
        close: () => executor.close(),
      };
    },
    ...Object.fromEntries(
      Object.entries(pools).map(([name, open]) => [
        name,
        async ({ count }) => {
          const pool = await open();
          return { run: () => inTurn(count, (i) => pool.run(i)), close: () => pool.close() };
        },
      ]),
    ),
    async 'one postMessage each way'({ count }) {
      const worker = new Worker(new URL('../peers/echo.mjs', import.meta.url));
      await once(worker, 'message');
      let answer;
      worker.on('message', (message) => answer(message));
      return {
        run: () =>
          inTurn(count, (i) => {
            const answered = new Promise((resolve) => {
              answer = resolve;
            });
            worker.postMessage(i);
            return answered;
          }),
        close: () => worker.terminate(),
      };
    },
  },
};
