import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileStorage } from '../../../src/storage/file.ts';
import { readBlock } from '../../../src/storage/read-block.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { testStorage } from '../../conformance/storage.ts';
import { removeDirectory, temporaryDirectory, withoutRootRights } from '../../fixtures/storage/temporary.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

let root: string;
beforeEach(() => {
  root = temporaryDirectory();
});
afterEach(() => removeDirectory(root));

function put(name: string, text: string): string {
  mkdirSync(dirname(root + name), { recursive: true });
  writeFileSync(root + name, text);
  return root + name;
}

async function list(pattern: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  for await (const file of fileStorage.list(root + pattern, {})) files.push(file);
  return files;
}
const names = async (pattern: string): Promise<string[]> => (await list(pattern)).map(({ path }) => path.slice(root.length)).sort();
const write = (name: string, text: string, overwrite = false): Promise<number> =>
  fileStorage.write!(root + name, bytesOf(text), { overwrite });
const unfinished = (): string[] => (readdirSync(root, { recursive: true }) as string[]).filter((name) => name.includes('.heddle-'));

describe('local files', () => {
  let clock = 1_600_000_000;
  testStorage({
    skip: { hosts: 'a local file lies on this machine only' },
    open: async () => {
      const place = temporaryDirectory();
      return {
        storage: fileStorage,
        module: String(fileStorage.module),
        root: place,
        async put(name, bytes) {
          mkdirSync(dirname(place + name), { recursive: true });
          writeFileSync(place + name, bytes);
          utimesSync(place + name, clock, ++clock);
        },
        remove: (name) => rm(place + name),
        close: async () => removeDirectory(place),
      };
    },
  });
});

describe('listing local files', () => {
  it('takes size and time of change in nanoseconds for the identity', async () => {
    const path = put('f', 'hello');
    const { size, mtimeNs } = statSync(path, { bigint: true });
    expect(await list('f')).toEqual([{ path, size: 5, identity: `${size}-${mtimeNs}` }]);
  });

  it('sees a change of one microsecond', async () => {
    const path = put('f', 'hello');
    utimesSync(path, 1, 1_600_000_000.000001);
    const [before] = await list('f');
    utimesSync(path, 1, 1_600_000_000.000002);
    expect((await list('f'))[0]!.identity).not.toBe(before!.identity);
  });

  it('follows links to files', async () => {
    put('a', 'aaa');
    symlinkSync('a', `${root}link`);
    expect(await names('')).toEqual(['a', 'link']);
    expect((await list('link'))[0]!.size).toBe(3);
    expect(await names('l*')).toEqual(['link']);
  });

  it('looks into each real directory once, however many links lead there', async () => {
    put('data/2015/a', '');
    put('data/2015/b', '');
    symlinkSync('2015', `${root}data/0-latest`);
    symlinkSync('2015', `${root}data/z-latest`);
    expect(await names('data')).toEqual(['data/2015/a', 'data/2015/b']);
    expect(await names('data/**/a')).toEqual(['data/2015/a']);
  });

  it('follows a link that leads out of the tree, the first of several by name', async () => {
    put('archive/x', '');
    put('data/a', '');
    symlinkSync('../archive', `${root}data/zzz`);
    symlinkSync('../archive', `${root}data/old`);
    expect(await names('data/')).toEqual(['data/a', 'data/old/x']);
    expect(await names('data/**')).toEqual(['data/a', 'data/old/x']);
  });

  it('enters a linked directory that a glob names', async () => {
    put('archive/x', '');
    mkdirSync(`${root}data`);
    symlinkSync('../archive', `${root}data/old`);
    expect(await names('data/*/x')).toEqual(['data/old/x']);
    expect(await names('data/old/')).toEqual(['data/old/x']);
  });

  it('ends where links go round', async () => {
    put('a/f', '');
    put('b/g', '');
    symlinkSync('../b', `${root}a/to-b`);
    symlinkSync('../a', `${root}b/to-a`);
    symlinkSync('..', `${root}a/up`);
    symlinkSync('self', `${root}a/self`);
    expect(await names('')).toEqual(['a/f', 'b/g']);
    expect(await names('a')).toEqual(['a/f', 'a/to-b/g']);
    expect(await names('**/g')).toEqual(['b/g']);
    await expect(list('a/self')).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('links go round') });
    expect(await names('a/*/*/*/f')).toEqual(['a/up/b/to-a/f']);
  });

  it('leaves out links that lead nowhere, and what is no file', async () => {
    put('a', '');
    symlinkSync('nothing', `${root}broken`);
    execFileSync('mkfifo', [`${root}pipe`]);
    expect(await names('')).toEqual(['a']);
    expect(await names('*')).toEqual(['a']);
    expect(await list('broken')).toEqual([]);
  });

  it('refuses a pipe that is asked for by name', async () => {
    execFileSync('mkfifo', [`${root}pipe`]);
    await expect(list('pipe')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/pipe is a pipe, which cannot be read in blocks/),
    });
  });

  it('gives nothing for a directory without files and for a file with a closing slash', async () => {
    mkdirSync(`${root}empty/er`, { recursive: true });
    put('f', '');
    expect(await list('empty')).toEqual([]);
    expect(await list('f/')).toEqual([]);
    expect(await list('f/x')).toEqual([]);
    expect(await list('f/*')).toEqual([]);
  });

  it('shows no file that a write has not finished', async () => {
    put('a', '');
    put(`.heddle-${'0'.repeat(32)}.tmp`, 'half');
    put('.heddle-mine', '');
    expect(await names('')).toEqual(['.heddle-mine', 'a']);
    expect(await names('*')).toEqual(['.heddle-mine', 'a']);
    expect(await names('**')).toEqual(['.heddle-mine', 'a']);
  });

  it('says which directory it may not read', async () => {
    put('open/a', '');
    put('closed/b', '');
    chmodSync(`${root}closed`, 0o000);
    try {
      await withoutRootRights(async () => {
        for (const pattern of ['', '**/a', '*/a*', 'closed/']) {
          await expect(list(pattern)).rejects.toMatchObject({
            code: 'ERR_STORAGE',
            message: expect.stringMatching(/cannot list .*closed\/: permission denied; give this user the right to it.* \(EACCES\)/),
            cause: { code: 'EACCES' },
          });
        }
        await expect(list('closed/b')).rejects.toMatchObject({
          code: 'ERR_STORAGE',
          message: expect.stringMatching(/cannot look at .*closed\/b/),
        });
        expect(await names('open/')).toEqual(['open/a']);
      });
    } finally {
      chmodSync(`${root}closed`, 0o755);
    }
  });

  it('takes no storage options', async () => {
    const listing = fileStorage.list(root, { storage: { region: 'eu' } })[Symbol.asyncIterator]();
    await expect(listing.next()).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_OPTION',
      message: expect.stringContaining('"region"'),
    });
  });

  it('walks a deep tree without recursion', async () => {
    const deep = 'd/'.repeat(1500);
    execFileSync(
      process.execPath,
      ['-e', `for (let i = 0; i < 1500; i++) { require('fs').mkdirSync('d'); process.chdir('d') } require('fs').writeFileSync('f', '')`],
      { cwd: root, timeout: 20_000 },
    );
    expect(await names('')).toEqual([`${deep}f`]);
  });
});

describe('reading local files', () => {
  const source = { scheme: 'file', module: 'src/storage/file.js', storage: undefined, delimiter: null, notZero: false };

  it('says which file it may not read', async () => {
    const path = put('secret', 'x');
    chmodSync(path, 0o000);
    const [file] = await list('secret');
    await withoutRootRights(() => {
      expect(() => readBlock({ source, file: file!, codec: null, start: 0, end: 1 })).toThrow(
        expect.objectContaining({
          code: 'ERR_STORAGE',
          message: expect.stringMatching(/cannot read .*secret: permission denied/),
          cause: expect.objectContaining({ code: 'EACCES' }),
        }),
      );
    });
  });

  it('refuses a file that has become a directory', async () => {
    const path = put('f', 'x');
    const [file] = await list('f');
    rmSync(path);
    mkdirSync(path);
    await expect(fileStorage.read(file!, 0, new Uint8Array(1), {})).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED', path });
  });

  it('refuses a file that changes while it is read', async () => {
    const path = put('f', '0123456789');
    const [file] = await list('f');
    const opened = await fileStorage.open!(file!, {});
    await opened.read(0, new Uint8Array(5));
    truncateSync(path, 7);
    expect(() => opened.verify()).toThrow(
      expect.objectContaining({ code: 'ERR_SOURCE_CHANGED', path, message: expect.stringContaining('it had 10 bytes, now it has 7') }),
    );
    await opened.close();
  });

  it('reads on undisturbed when the path gets another file: it has the old one open', async () => {
    put('f', '0123456789');
    const [file] = await list('f');
    const opened = await fileStorage.open!(file!, {});
    await rename(put('g', 'something else'), `${root}f`);
    const into = new Uint8Array(10);
    expect(await opened.read(0, into)).toBe(10);
    await opened.verify();
    await opened.close();
    expect(new TextDecoder().decode(into)).toBe('0123456789');
  });

  it('closes the file, also after an error', async () => {
    const path = put('f', '0123456789');
    const [file] = await list('f');
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    const before = openFiles();
    for (let i = 0; i < 20; i++) readBlock({ source, file: file!, codec: null, start: 0, end: 10 });
    truncateSync(path, 3);
    for (let i = 0; i < 20; i++)
      expect(() => readBlock({ source, file: file!, codec: null, start: 0, end: 10 })).toThrow(
        expect.objectContaining({ code: 'ERR_SOURCE_CHANGED' }),
      );
    expect(openFiles()).toBeLessThanOrEqual(before + 5);
  });

  it('is synchronous from end to end', async () => {
    put('f', '0123456789');
    const [file] = await list('f');
    expect(readBlock({ source, file: file!, codec: null, start: 2, end: 5 })).toEqual(bytesOf('234'));
  });
});

describe('writing local files', () => {
  it('leaves nothing behind when it may not write', async () => {
    mkdirSync(`${root}closed`);
    chmodSync(`${root}closed`, 0o555);
    await withoutRootRights(async () => {
      await expect(write('closed/f', 'x')).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringMatching(/cannot write .*closed\/f: permission denied.* \(EACCES\)/),
        cause: { code: 'EACCES' },
      });
      await expect(write('closed/new/f', 'x')).rejects.toMatchObject({ code: 'ERR_STORAGE' });
    });
    expect(readdirSync(`${root}closed`)).toEqual([]);
  });

  it('refuses a directory where a file is meant, with and without overwrite', async () => {
    mkdirSync(`${root}d`);
    for (const overwrite of [false, true]) {
      await expect(write('d', 'x', overwrite)).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringMatching(/it is a directory; end the path with "\/"/),
      });
    }
    expect(unfinished()).toEqual([]);
  });

  it('refuses a file where a directory is meant', async () => {
    put('f', 'x');
    await expect(write('f/g', 'x')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('one of its directories is a file'),
    });
    await expect(write('f/g/h', 'x')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('one of its directories is a file'),
    });
  });

  it('refuses to replace what is no ordinary file', async () => {
    execFileSync('mkfifo', [`${root}pipe`]);
    await expect(write('pipe', 'x', true)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('no ordinary file'),
    });
    expect(statSync(`${root}pipe`).isFIFO()).toBe(true);
  });

  it('refuses a name that is too long', async () => {
    await expect(write('x'.repeat(300), 'x')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('the name is too long'),
    });
    expect(await write('x'.repeat(255), 'x')).toBe(1);
    expect(unfinished()).toEqual([]);
  });

  it('replaces what a link points at, and keeps the rights of what it replaces', async () => {
    const path = put('real', 'old');
    chmodSync(path, 0o640);
    symlinkSync('real', `${root}link`);
    await write('link', 'new', true);
    expect(readlinkSync(`${root}link`)).toBe('real');
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it('writes a new file, so that readers of the old one are not disturbed', async () => {
    const path = put('f', 'old');
    linkSync(path, `${root}kept`);
    await write('f', 'new', true);
    expect(readFileSync(`${root}kept`, 'utf8')).toBe('old');
  });

  it('does not write through a link that leads nowhere', async () => {
    symlinkSync('nothing', `${root}broken`);
    await expect(write('broken', 'x')).rejects.toMatchObject({ code: 'ERR_EXISTS' });
    expect(unfinished()).toEqual([]);
  });
});
