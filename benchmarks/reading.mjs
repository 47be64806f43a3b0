import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** What both reading cases share. A file is read once before the first round, so that it lies in the page cache. */

export const blockBytes = 8 * 1024 ** 2;

/** Reads a file as a stream of Node and hands on its chunks. */
export async function stream(path, options, take) {
  const reader = createReadStream(path, options);
  reader.on('data', take);
  await once(reader, 'close');
}

/** Two `dd` side by side, half a file each, to /dev/null: what the machine can do. Gives the bytes they say they read. */
export async function twoDd(path) {
  const blocks = Math.ceil((await stat(path)).size / blockBytes);
  const half = Math.ceil(blocks / 2);
  const read = await Promise.all(
    [0, half].map(async (skip) => {
      const dd = spawn('dd', [`if=${path}`, 'of=/dev/null', `bs=${blockBytes}`, `skip=${skip}`, `count=${half}`], {
        env: { ...process.env, LC_ALL: 'C' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      dd.stderr.setEncoding('utf8').on('data', (text) => {
        said += text;
      });
      const [code] = await once(dd, 'close');
      const bytes = /^(\d+) bytes/m.exec(said);
      if (code !== 0 || bytes === null) throw new Error(`dd: ${said.trim().split('\n')[0]}`);
      return Number(bytes[1]);
    }),
  );
  return read[0] + read[1];
}

/** Bytes of a block: the user's function of the reading cases. */
export function byteLength(bytes) {
  return bytes.byteLength;
}
