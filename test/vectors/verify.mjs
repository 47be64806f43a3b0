/**
 * Makes every token of cases.mjs with the built package and compares it with tokens.json: `node test/vectors/verify.mjs`, with any Node.
 * Ends with code 1 and a line for each difference. `--write` writes the file instead.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { lazy, tokenize, value } from 'heddle/graph';
import { calls, data } from './cases.mjs';

const file = new URL('./tokens.json', import.meta.url);
const made = {
  tokens: Object.fromEntries(Object.entries(data).map(([name, args]) => [name, tokenize(...args)])),
  keys: Object.fromEntries(Object.entries(calls(lazy, value)).map(([name, { key }]) => [name, key])),
};

if (process.argv.includes('--write')) writeFileSync(file, `${JSON.stringify(made, undefined, 2)}\n`);
else {
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  let wrong = 0;
  let right = 0;
  for (const part of ['tokens', 'keys']) {
    for (const name of new Set([...Object.keys(kept[part]), ...Object.keys(made[part])])) {
      if (kept[part][name] === made[part][name]) right++;
      else {
        wrong++;
        console.log(`${part} ${name}: kept ${kept[part][name]}, made ${made[part][name]}`);
      }
    }
  }
  console.log(`node ${process.versions.node}: ${right} equal, ${wrong} different`);
  process.exitCode = wrong === 0 ? 0 : 1;
}
