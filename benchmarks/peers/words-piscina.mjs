import { open } from 'node:fs/promises';
import { countWords } from './words.mjs';

const newline = 10;
const overlap = 64 * 1024;

/** The task of the hand-written program: reads the lines that begin in a range of a file, and counts their words. A line that begins just at the start belongs to it. */
export default async function countRange({ path, start, end }) {
  const file = await open(path);
  try {
    // one byte more in front tells whether a line begins at the start
    const from = Math.max(0, start - 1);
    let bytes = await read(file, from, end - from);
    let first = 0;
    if (start > 0) {
      first = bytes.indexOf(newline) + 1;
      if (first === 0) return new Map(); // no line begins here
    }
    while (bytes.length > 0 && bytes[bytes.length - 1] !== newline) {
      const more = await read(file, from + bytes.length, overlap);
      if (more.length === 0) break;
      const stop = more.indexOf(newline);
      bytes = Buffer.concat([bytes, stop < 0 ? more : more.subarray(0, stop + 1)]);
    }
    return countWords(bytes.subarray(first));
  } finally {
    await file.close();
  }
}

async function read(file, position, length) {
  const into = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(into, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return into.subarray(0, done);
}
