import { pools, workerCount } from '../pools.mjs';

/** Many tasks queued at once, each giving back its argument: what a task costs beside its work. */

const sum = (results) => results.reduce((total, one) => total + one, 0);

/** The tasks of each round have other code, so that no result of an earlier round is taken. */
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

export default {
  name: 'noop',
  about: 'tasks that do nothing, queued at once, two workers',
  tables: (quick) => {
    const count = quick ? 10_000 : 100_000;
    return [
      {
        title: `noop: ${count.toLocaleString('en')} tasks at once`,
        unit: 'µs a task',
        per: count,
        settings: { count },
        wakes: true,
        contestants: ['heddle', 'heddle lazy graph', 'piscina', 'tinypool', 'poolifier', 'workerpool'],
        marks: [{ text: 'piscina’s default takes ≥ 8× as long', peer: 'piscina', atLeast: 8 }],
      },
    ];
  },
  contestants: {
    /** A Future each. */
    async heddle({ count }) {
      const { Executor, lazy } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount });
      const identity = lazy(function identity(value) {
        return value;
      });
      let futures = [];
      return {
        async run(round) {
          futures = executor.map(identity.with({ version: `${round}` }), numbers(count));
          return sum(await executor.gather(futures));
        },
        after() {
          for (const future of futures) future.release();
        },
        close: () => executor.close(),
      };
    },
    /** One Future; the results stay with the workers, where a last task adds them up. */
    async 'heddle lazy graph'({ count }) {
      const { Executor, lazy } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount });
      const identity = lazy(function identity(value) {
        return value;
      });
      const total = lazy(function total(parts) {
        return parts.reduce((all, one) => all + one, 0);
      });
      return {
        async run(round) {
          const call = identity.with({ version: `${round}` });
          const future = executor.compute(total(numbers(count).map((i) => call(i))));
          const result = await future;
          future.release();
          return result;
        },
        close: () => executor.close(),
      };
    },
    ...Object.fromEntries(
      Object.entries(pools).map(([name, open]) => [
        name,
        async ({ count }) => {
          const pool = await open();
          return {
            run: async () => sum(await Promise.all(numbers(count).map((i) => pool.run(i)))),
            close: () => pool.close(),
          };
        },
      ]),
    ),
  },
};
