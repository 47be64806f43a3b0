#!/usr/bin/env node
/**
 * Draws the picture in the README: `node examples/picture.mjs [path]` (docs/word-count.svg).
 * It draws a small file in four blocks. The file's place and date are always the same, so the keys in the picture are too where the temporary folder has the same path.
 */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lazy, readBytes } from 'heddle';

const [path = fileURLToPath(new URL('../docs/word-count.svg', import.meta.url))] = process.argv.slice(2);

const logs = join(tmpdir(), 'heddle-picture');
mkdirSync(logs, { recursive: true });
writeFileSync(join(logs, 'words.txt'), 'warp and weft\n'.repeat(8));
utimesSync(join(logs, 'words.txt'), 1_700_000_000, 1_700_000_000);

const blocks = await readBytes(join(logs, '*.txt'), { blockSize: 28, delimiter: '\n', lazy: true });
const count = lazy(function count(bytes) {
  return new TextDecoder().decode(bytes).match(/\w+/g)?.length ?? 0;
});
const sum = lazy(function sum(counts) {
  return counts.reduce((a, b) => a + b, 0);
});
console.log(await sum(blocks.map((block) => count(block))).visualize(path));
