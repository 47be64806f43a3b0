import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { random } from './statistics.mjs';

/** Files to read, made once and kept under node_modules/.cache/heddle-bench. Made beside their place and renamed, so that a file that is there is whole. */

const folder = new URL('../node_modules/.cache/heddle-bench/', import.meta.url);
const mebibyte = 1024 ** 2;
/** Goes up when what is generated changes. */
const edition = 2;

/** A file of `size` bytes that no file system can hold in less. */
export function bytesFile(size) {
  return cached(`bytes-${size / mebibyte}MiB-${edition}`, size, () => {
    const next = random(1);
    const block = new Uint32Array((8 * mebibyte) / 4);
    for (let i = 0; i < block.length; i++) block[i] = next() * 4294967296;
    let part = 0;
    return () => {
      block[0] = part++;
      return new Uint8Array(block.buffer);
    };
  });
}

/** A text of `size` bytes: English words of the documents that npm installed, drawn by Zipf's law, in lines of about 80 characters. */
export function textFile(size) {
  return cached(`text-${size / mebibyte}MiB-${edition}`, size, async () => {
    const words = await vocabulary();
    const draw = zipf(words.length, random(2));
    return () => {
      const lines = [];
      for (let length = 0; length < 8 * mebibyte; ) {
        let line = words[draw()];
        while (line.length < 80) line += ` ${words[draw()]}`;
        lines.push(line);
        length += line.length + 1;
      }
      return Buffer.from(`${lines.join('\n')}\n`);
    };
  });
}

/** Removes all files. */
export function removeFiles() {
  return rm(folder, { recursive: true, force: true });
}

/** The path of a file, made if it is not there. `begin` gives a function that makes the next bytes. */
async function cached(name, size, begin) {
  const place = new URL(name, folder);
  if ((await stat(place).catch(() => undefined))?.size === size) return fileURLToPath(place);
  await mkdir(folder, { recursive: true });
  const unfinished = new URL(`${name}.${process.pid}.part`, folder);
  const file = await open(unfinished, 'w');
  try {
    const next = await begin();
    for (let written = 0; written < size; ) {
      const bytes = next().subarray(0, size - written);
      await file.writeFile(bytes); // goes on where the last one ended
      written += bytes.length;
    }
    await file.sync(); // writing back is not to disturb the first round
  } finally {
    await file.close();
  }
  await rename(unfinished, place);
  return fileURLToPath(place);
}

/** Words of the prose in the documents under node_modules, those of the most documents first, at most 30,000. */
async function vocabulary() {
  const root = fileURLToPath(new URL('../node_modules/', import.meta.url));
  const names = (await readdir(root, { recursive: true })).filter((name) => name.endsWith('.md')).sort();
  const documents = new Map();
  for (const name of names) {
    const text = await readFile(root + name, 'utf8').catch(() => ''); // a folder called x.md
    const prose = text.replace(/```[\s\S]*?```|`[^`]*`|\S*[/\\@#_=<>]\S*/g, ' '); // no code, paths or links
    for (const word of new Set(prose.toLowerCase().match(/(?<![\w.])[a-z]{2,20}(?![\w(])/g)))
      documents.set(word, (documents.get(word) ?? 0) + 1);
  }
  const words = [...documents].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([word]) => word);
  return words.slice(0, 30_000);
}

/** Draws 0 … count − 1, the k-th with a weight of 1 / (k + 1): by a table of as many places as make a binary search needless. */
function zipf(count, next) {
  const places = new Uint16Array(1 << 20);
  let total = 0;
  for (let k = 0; k < count; k++) total += 1 / (k + 1);
  let sum = 0;
  let at = 0;
  for (let k = 0; k < count; k++) {
    sum += 1 / (k + 1);
    const end = Math.round((sum / total) * places.length);
    while (at < end) places[at++] = k;
  }
  return () => places[(next() * places.length) | 0];
}
