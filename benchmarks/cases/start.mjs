import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** From the import to the first result, in a process that is new each time. The process tells how long it took; what Node needs before is not counted. */

const run = promisify(execFile);

const script = (name) => () => ({
  async run() {
    const { stdout } = await run(process.execPath, [fileURLToPath(new URL(`../first/${name}.mjs`, import.meta.url))], { timeout: 30_000 });
    return JSON.parse(stdout);
  },
});

export default {
  name: 'start',
  about: 'from the import to the first result in a fresh process',
  tables: (quick) => [
    {
      title: 'start: import to first result',
      unit: 'ms',
      scale: 1,
      per: 1,
      rounds: quick ? 3 : 11,
      settings: {},
      contestants: ['heddle', 'piscina', 'a bare Worker'],
      marks: [{ text: 'within 100 ms', of: 'heddle', atMostMs: 100 }],
    },
  ],
  contestants: { heddle: script('heddle'), piscina: script('piscina'), 'a bare Worker': script('worker') },
};
