import { fileURLToPath } from 'node:url';

/** The pools, each with two workers whose only task gives back its argument: `run(value)`, `close()`. Otherwise as each comes. */

export const workerCount = 2;
const pathOf = (name) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));

export const pools = {
  async piscina() {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({ filename: pathOf('identity.mjs'), minThreads: workerCount, maxThreads: workerCount });
    return { run: (value) => pool.run(value), close: () => pool.destroy() };
  },
  async tinypool() {
    const { Tinypool } = await import('tinypool');
    const pool = new Tinypool({ filename: pathOf('identity.mjs'), minThreads: workerCount, maxThreads: workerCount });
    return { run: (value) => pool.run(value), close: () => pool.destroy() };
  },
  async poolifier() {
    const { FixedThreadPool } = await import('poolifier');
    const pool = new FixedThreadPool(workerCount, pathOf('identity-poolifier.mjs'));
    return { run: (value) => pool.execute(value), close: () => pool.destroy() };
  },
  async workerpool() {
    const { default: workerpool } = await import('workerpool');
    const pool = workerpool.pool(pathOf('identity-workerpool.mjs'), {
      workerType: 'thread',
      minWorkers: workerCount,
      maxWorkers: workerCount,
    });
    return { run: (value) => pool.exec('identity', [value]), close: () => pool.terminate() };
  },
};
