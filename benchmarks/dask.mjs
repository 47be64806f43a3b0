import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { tsImport } from 'tsx/esm/api';

/** Dask in a process of its own: `threads` or `distributed`. Its Python comes from the same virtual environment as that of the tests. */
export async function openDask(scheduler) {
  const { dask, pythonVenv } = await tsImport('../test/services/python-venv.ts', import.meta.url);
  const script = fileURLToPath(new URL('peers/dask-load.py', import.meta.url));
  const child = spawn(await pythonVenv(dask), ['-W', 'ignore', script, scheduler], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /** What came out, and the milliseconds it says it took. */
    async run(form, count) {
      child.stdin.write(`${JSON.stringify({ form, count })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('Dask ended; see above');
      return JSON.parse(value);
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}
