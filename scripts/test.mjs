/**
 * The whole suite, in parts one after the other: a jest keeps the modules of every file it has run, and those of all files are more than a heap holds.
 * With arguments it is one jest that takes them. Ends with the totals of all parts as a plain line.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const parts = 4;
const jest = fileURLToPath(new URL('../node_modules/jest/bin/jest.js', import.meta.url));
const color = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};

/** Runs jest with its output shown; its exit code and totals. */
function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--experimental-vm-modules', '--no-warnings', jest, ...args], {
      stdio: ['inherit', 'pipe', 'pipe'],
      env: { ...process.env, ...color },
    });
    let said = '';
    for (const name of ['stdout', 'stderr'])
      child[name].on('data', (chunk) => {
        process[name].write(chunk);
        said += chunk;
      });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const totals = [...said.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/gm)]
        .at(-1)
        ?.slice(1)
        .map((count) => Number(count ?? 0));
      resolve({ code: code ?? 1, signal, totals });
    });
  });
}

const args = process.argv.slice(2);
const runs = [];
if (args.length > 0) runs.push(await run(args));
else for (let part = 1; part <= parts; part++) runs.push(await run([`--shard=${part}/${parts}`]));
const sum = [0, 0, 0];
for (const { totals, code, signal } of runs) {
  if (totals === undefined) console.error(`a part of the tests ended without totals (${signal ?? `exit code ${code}`})`);
  for (const [i, count] of (totals ?? []).entries()) sum[i] += count;
}
if (runs.length > 1) console.log(`${sum[0]} passed, ${sum[1]} failed, ${sum[2]} skipped`);
process.exitCode = runs.every(({ code, totals }) => code === 0 && totals !== undefined) ? 0 : 1;
