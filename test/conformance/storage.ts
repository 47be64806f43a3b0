/** What every storage must do. Each implementation's test calls `testStorage` with a way to reach a fresh place of its own. */
import { cutFile } from '../../src/storage/blocks.ts';
import { readBlock } from '../../src/storage/read-block.ts';
import type { Storage, StoredFile } from '../../src/storage/storage.ts';
import { parseLocation } from '../../src/storage/url.ts';
import { writeBlock } from '../../src/storage/write-block.ts';

/** An empty place in a storage, and a way to put files there behind heddle's back. */
export interface StoragePlace {
  readonly storage: Storage;
  /** Where a worker finds it. */
  readonly module: string;
  /** The location under which everything lies, as a user writes it; ends with `/`. */
  readonly root: string;
  /** How a name is written in a location. @default as it is */
  readonly encode?: (name: string) => string;
  /** The user's `storage` option. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Makes or replaces a file; the time of change is another each time. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Cases that a storage cannot have, each with the reason. */
export interface StorageSkips {
  readonly hosts?: string;
  /** Directories and globs. */
  readonly listing?: string;
  readonly write?: string;
}

/** How a storage is tested. */
export interface StorageConformance {
  readonly open: () => Promise<StoragePlace>;
  readonly skip?: StorageSkips;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const sourceChanged = expect.objectContaining({ code: 'ERR_SOURCE_CHANGED', path: expect.any(String) });

/** Bytes of which no two stretches are alike for long. */
export function varied(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const { imul } = Math;
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 16;
  }
  return bytes;
}

/** Defines the suite's cases; call it in a `describe`. */
export function testStorage({ open, skip = {} }: StorageConformance): void {
  let place: StoragePlace;
  beforeEach(async () => {
    place = await open();
  });
  afterEach(() => place.close());

  const unless = (reason: string | undefined) =>
    reason === undefined
      ? it
      : (name: string, _test: () => Promise<void>, _deadlineMs?: number) => it.skip(`${name} (${reason})`, () => {});
  const pathOf = (name: string): string => parseLocation(place.root + (place.encode?.(name) ?? name)).path;
  const call = () => (place.options === undefined ? {} : { storage: place.options });
  const list = async (pattern: string, signal?: AbortSignal): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of place.storage.list(pathOf(pattern), { ...call(), ...(signal === undefined ? {} : { signal }) }))
      files.push(file);
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  };
  const namesOf = async (pattern: string): Promise<string[]> =>
    (await list(pattern)).map(({ path }) => path.slice(pathOf('').length)).sort();
  const only = async (name: string): Promise<StoredFile> => {
    const files = await list(name);
    expect(files).toHaveLength(1);
    return files[0]!;
  };
  const read = async (file: StoredFile, offset: number, length: number): Promise<Uint8Array> => {
    const into = new Uint8Array(length);
    let done = 0;
    for (let nbytes = -1; nbytes !== 0 && done < length; done += nbytes)
      nbytes = await place.storage.read(file, offset + done, into.subarray(done), call());
    return into.subarray(0, done);
  };
  const write = (name: string, data: Uint8Array, overwrite = false): Promise<number> =>
    place.storage.write!(pathOf(name), data, { ...call(), overwrite });
  const content = async (name: string): Promise<Uint8Array> => {
    const file = await only(name);
    return read(file, 0, (file.size ?? 1_000_000) + 1);
  };
  const source = (delimiter: string | null = null, notZero = false) => ({
    scheme: parseLocation(place.root).scheme,
    module: place.module,
    storage: place.options,
    delimiter: delimiter === null ? null : bytesOf(delimiter),
    notZero,
  });

  describe('list', () => {
    beforeEach(async () => {
      for (const name of ['a.csv', 'b.csv', 'b.txt', 'deep/a.csv', 'deep/er/b.csv', 'other/c.csv']) await place.put(name, bytesOf(name));
    });

    it('gives a file its size, a path that can be listed again, and an identity', async () => {
      const file = await only('deep/a.csv');
      expect(file).toMatchObject({ path: pathOf('deep/a.csv'), size: 10, identity: expect.stringMatching(/./) });
      expect(await only('deep/a.csv')).toEqual(file);
    });

    const listing = unless(skip.listing);
    listing('gives all files below a directory, with and without its closing slash', async () => {
      expect(await namesOf('deep/')).toEqual(['deep/a.csv', 'deep/er/b.csv']);
      expect(await namesOf('deep')).toEqual(['deep/a.csv', 'deep/er/b.csv']);
      expect(await namesOf('')).toHaveLength(6);
    });

    const globs: [string, string[]][] = [
      ['*', ['a.csv', 'b.csv', 'b.txt']],
      ['*.csv', ['a.csv', 'b.csv']],
      ['?.txt', ['b.txt']],
      ['[!a].csv', ['b.csv']],
      ['[a-c].*', ['a.csv', 'b.csv', 'b.txt']],
      ['{a,b}.{csv,txt}', ['a.csv', 'b.csv', 'b.txt']],
      ['*/?.csv', ['deep/a.csv', 'other/c.csv']],
      ['**/b.csv', ['b.csv', 'deep/er/b.csv']],
      ['**', ['a.csv', 'b.csv', 'b.txt', 'deep/a.csv', 'deep/er/b.csv', 'other/c.csv']],
      ['deep/**/*.csv', ['deep/a.csv', 'deep/er/b.csv']],
      ['**/er/*', ['deep/er/b.csv']],
      ['{deep/er,other}/*.csv', ['deep/er/b.csv', 'other/c.csv']],
      ['*/', ['deep/a.csv', 'deep/er/b.csv', 'other/c.csv']],
      ['d*/', ['deep/a.csv', 'deep/er/b.csv']],
      ['x*', []],
      ['nowhere/**', []],
    ];
    for (const [glob, names] of globs)
      listing(`expands the glob ${glob}`, async () => {
        expect(await namesOf(glob)).toEqual(names);
      });

    it('gives nothing for what is not there', async () => {
      expect(await list('nothing')).toEqual([]);
      expect(await list('deep/nothing/')).toEqual([]);
    });

    listing('takes a name with glob characters as it is, when it exists', async () => {
      await place.put('x[1]{a}*?.csv', bytesOf('literal'));
      await place.put('x1a.csv', bytesOf('other'));
      expect(await namesOf('x[1]{a}*?.csv')).toEqual(['x[1]{a}*?.csv']);
      expect(textOf(await content('x[1]{a}*?.csv'))).toBe('literal');
    });

    it('bears names of any characters', async () => {
      const names = [
        'with space.txt',
        'ünïcödé 😀.txt',
        '100%.txt',
        'a#b.txt',
        'a&b=c+d.txt',
        "it's (1).txt",
        '.hidden',
        'constructor',
        '__proto__',
      ];
      for (const name of names) await place.put(`odd/${name}`, bytesOf(name));
      for (const name of names) expect(textOf(await content(`odd/${name}`))).toBe(name);
      if (skip.listing !== undefined) return;
      expect(await namesOf('odd/')).toEqual(names.map((name) => `odd/${name}`).sort());
      expect(await namesOf('odd/*')).toHaveLength(names.length);
    });

    listing(
      'gives every one of many files',
      async () => {
        const all = Array.from({ length: 1200 }, (_, i) => `many/${i}`);
        for (let i = 0; i < all.length; i += 40) await Promise.all(all.slice(i, i + 40).map((name) => place.put(name, bytesOf(name))));
        expect(await namesOf('many/')).toEqual(all.sort());
      },
      120_000,
    );

    it('ends with its signal', async () => {
      const reason = new Error('enough');
      await expect(list('', AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('gives a file another identity when its content is another of the same size', async () => {
      const before = await only('a.csv');
      await place.put('a.csv', bytesOf('A.CSV'));
      const after = await only('a.csv');
      expect(after.size).toBe(before.size);
      expect(after.identity).not.toBe(before.identity);
    });

    unless(skip.hosts)('tells which hosts hold which bytes', async () => {
      const { hosts, size } = await only('a.csv');
      expect(hosts!.reduce((sum, { length }) => sum + length, 0)).toBe(size);
      for (const range of hosts!) expect(range.hosts.length).toBeGreaterThan(0);
    });
  });

  describe('read', () => {
    it('reads at an offset, up to the end, and nothing beyond it', async () => {
      await place.put('f', bytesOf('0123456789'));
      const file = await only('f');
      expect(textOf(await read(file, 0, 10))).toBe('0123456789');
      expect(textOf(await read(file, 3, 4))).toBe('3456');
      expect(textOf(await read(file, 8, 10))).toBe('89');
      expect(textOf(await read(file, 10, 10))).toBe('');
    });

    it('reads an empty file', async () => {
      await place.put('f', new Uint8Array(0));
      const file = await only('f');
      expect(file.size).toBe(0);
      expect(await read(file, 0, 10)).toHaveLength(0);
    });

    it('reads into a part of a buffer and leaves the rest alone', async () => {
      await place.put('f', bytesOf('0123456789'));
      const buffer = new Uint8Array(8).fill(46);
      await place.storage.read(await only('f'), 2, buffer.subarray(2, 5), call());
      expect(textOf(buffer)).toBe('..234...');
    });

    it('reads megabytes as they are', async () => {
      const bytes = varied(5_000_003);
      await place.put('f', bytes);
      expect(same(await content('f'), bytes)).toBe(true);
    });

    it.each<[string, (name: string) => Promise<void>]>([
      ['another content of the same size', (name) => place.put(name, bytesOf('9876543210'))],
      ['grown', (name) => place.put(name, bytesOf('0123456789+'))],
      ['shrunk', (name) => place.put(name, bytesOf('01234'))],
      ['emptied', (name) => place.put(name, new Uint8Array(0))],
      ['gone', (name) => place.remove(name)],
    ])('refuses a file that is %s since it was listed', async (_, change) => {
      await place.put('f', bytesOf('0123456789'));
      const file = await only('f');
      await change('f');
      await expect(place.storage.read(file, 0, new Uint8Array(10), call())).rejects.toEqual(sourceChanged);
      await expect((async () => readBlock({ source: source(), file, codec: null, start: 0, end: 10 }))()).rejects.toEqual(sourceChanged);
      await expect((async () => readBlock({ source: source('5'), file, codec: null, start: 2, end: 7 }))()).rejects.toEqual(sourceChanged);
    });
  });

  describe('write', () => {
    const test = unless(skip.write);

    test('writes all bytes and says how many', async () => {
      expect(await write('f', bytesOf('hello'))).toBe(5);
      expect(textOf(await content('f'))).toBe('hello');
    });

    test('makes the directories', async () => {
      await write('new/deep/er/f', bytesOf('hello'));
      expect(await namesOf('new/')).toEqual(['new/deep/er/f']);
    });

    test('writes an empty file', async () => {
      expect(await write('f', new Uint8Array(0))).toBe(0);
      expect((await only('f')).size).toBe(0);
    });

    test('writes a part of a buffer, a Buffer, and shared memory', async () => {
      await write('a', bytesOf('0123456789').subarray(3, 6));
      await write('b', Buffer.from('pooled'));
      const shared = new Uint8Array(new SharedArrayBuffer(3));
      shared.set(bytesOf('abc'));
      await write('c', shared);
      expect(await Promise.all(['a', 'b', 'c'].map(async (name) => textOf(await content(name))))).toEqual(['345', 'pooled', 'abc']);
    });

    test('writes megabytes as they are', async () => {
      const bytes = varied(9_000_001);
      expect(await write('f', bytes)).toBe(bytes.length);
      expect(same(await content('f'), bytes)).toBe(true);
    });

    test('bears names of any characters', async () => {
      for (const name of ['with space', 'ünïcödé 😀', '100%25', 'a#b?c', 'x*[y]{z}']) {
        await write(`odd/${name}`, bytesOf(name));
        expect(textOf(await content(`odd/${name}`))).toBe(name);
      }
    });

    test('refuses to replace, and leaves what is there', async () => {
      await place.put('f', bytesOf('old'));
      await expect(write('f', bytesOf('new'))).rejects.toMatchObject({ code: 'ERR_EXISTS', message: expect.stringContaining(pathOf('f')) });
      expect(textOf(await content('f'))).toBe('old');
      expect(await namesOf('')).toEqual(['f']);
    });

    test('replaces when asked to', async () => {
      await place.put('f', bytesOf('old and long'));
      expect(await write('f', bytesOf('new'), true)).toBe(3);
      expect(textOf(await content('f'))).toBe('new');
      expect(await namesOf('')).toEqual(['f']);
    });

    test('lets one of many writers win, whole', async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, (_, i) => write('f', new Uint8Array(100_000).fill(i))));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'ERR_EXISTS' });
      expect(new Set(await content('f')).size).toBe(1);
      expect(await namesOf('')).toEqual(['f']);
    });

    test('writes a part through writeBlock, packed when asked for', async () => {
      const target = {
        scheme: parseLocation(place.root).scheme,
        module: place.module,
        storage: place.options,
        codec: null,
        overwrite: false,
      };
      expect(await writeBlock({ target, path: pathOf('plain'), part: 0 }, bytesOf('hello'))).toBe(5);
      const packed = await writeBlock({ target: { ...target, codec: 'gzip' }, path: pathOf('f.gz'), part: 0 }, bytesOf('hello'));
      const file = await only('f.gz');
      expect(file.size).toBe(packed);
      expect(textOf(await readBlock({ source: source(), file, codec: 'gzip', start: 0, end: file.size! }))).toBe('hello');
    });

    test('refuses what is no bytes and writes nothing', async () => {
      const target = {
        scheme: parseLocation(place.root).scheme,
        module: place.module,
        storage: place.options,
        codec: null,
        overwrite: false,
      };
      await expect(writeBlock({ target, path: pathOf('f'), part: 3 }, 'text')).rejects.toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(/part 3 .* is a string/),
      });
      expect(await list('f')).toEqual([]);
    });
  });

  describe('blocks', () => {
    const text = Array.from({ length: 500 }, (_, i) => `record ${i}${'.'.repeat(i % 37)}\n`).join('');
    const blocks = async (name: string, blockSize: number, delimiter: string | null, notZero = false): Promise<Uint8Array[]> => {
      const file = await only(name);
      const cuts = file.size === null ? [{ start: 0, end: null }] : cutFile(file.size, blockSize);
      return await Promise.all(
        cuts.map(({ start, end }) => readBlock({ source: source(delimiter, notZero), file, codec: null, start, end })),
      );
    };

    it.each([1000, 4999, 100_000])('rejoin to the file, cut at %i', async (blockSize) => {
      await place.put('f', bytesOf(text));
      expect((await blocks('f', blockSize, null)).map(textOf).join('')).toBe(text);
      const whole = (await blocks('f', blockSize, '\n')).map(textOf);
      expect(whole.join('')).toBe(text);
      for (const block of whole) expect(block).toMatch(/^(record.*\n)*$/);
      expect((await blocks('f', blockSize, '.\nrecord ')).map(textOf).join('')).toBe(text);
    });

    it('lose only the header under notZero', async () => {
      await place.put('f', bytesOf(`the header\n${text}`));
      expect((await blocks('f', 1000, '\n', true)).map(textOf).join('')).toBe(text);
    });

    it('have memory of their own', async () => {
      await place.put('f', bytesOf(text));
      for (const block of await blocks('f', 1000, '\n')) {
        expect(block.byteOffset).toBe(0);
        expect(block.byteLength).toBe(block.buffer.byteLength);
        expect(Object.prototype.toString.call(block.buffer)).toBe('[object ArrayBuffer]');
        expect(Buffer.isBuffer(block)).toBe(false);
      }
    });

    it('are many and read at the same time', async () => {
      const bytes = varied(3_000_000);
      await place.put('f', bytes);
      expect(same(Buffer.concat(await blocks('f', 100_000, null)), bytes)).toBe(true);
    });
  });
}
