import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { Executor, lazy, readBlocks, readBytes, registerStorage, writeBytes } from 'heddle';
import { removeDirectory, temporaryDirectory, withoutRootRights } from '../../fixtures/storage/temporary.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

let root: string;
beforeEach(() => {
  root = temporaryDirectory();
});
afterEach(() => removeDirectory(root));

function put(name: string, content: string | Uint8Array): string {
  mkdirSync(dirname(root + name), { recursive: true });
  writeFileSync(root + name, content);
  return root + name;
}
const filesBelow = (path: string): string[] =>
  (readdirSync(path, { recursive: true, withFileTypes: true }) as { name: string; isFile(): boolean }[])
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
const anything = undefined as never;

describe.each(['threads', 'inline'] as const)('storage on the engine %s', (engine) => {
  let executor: Executor;
  beforeAll(() => {
    executor = new Executor({ engine, ...(engine === 'threads' ? { workers: 2 } : {}) });
  });
  afterAll(() => executor.close());

  const read = async (url: Parameters<typeof readBytes>[0], options: object = {}): Promise<string[]> =>
    (await Promise.all(await readBytes(url, { executor, ...options }))).map((block) => textOf(block));
  const keys = async (url: Parameters<typeof readBytes>[0], options: object = {}): Promise<string[]> =>
    (await readBytes(url, { ...options, lazy: true })).map(({ key }) => key);

  describe('readBytes', () => {
    it('gives Futures that have begun', async () => {
      const [future] = await readBytes(put('f', 'hello'), { executor });
      expect(inspect(future)).toMatch(/^<Future: status: (pending|finished), key: read_bytes-[0-9a-f]{32}>$/);
      expect(textOf(await future!)).toBe('hello');
    });

    it('gives Values under lazy, and reads nothing', async () => {
      const path = put('f', 'hello');
      const [value] = await readBytes(path, { lazy: true });
      expect(inspect(value)).toMatch(/^Value\('read_bytes-[0-9a-f]{32}'\)$/);
      expect(textOf(await executor.compute(value!))).toBe('hello');
    });

    it.each([
      [5, 26],
      [15, 8],
      [45, 2],
      [1500, 1],
    ])('cuts 133 bytes at blockSize %i into %i blocks that rejoin', async (blockSize, count) => {
      const text = '0123456789abcdefghi'.repeat(7);
      const blocks = await read(put('f', text), { blockSize });
      expect(blocks).toHaveLength(count);
      expect(blocks.join('')).toBe(text);
    });

    it('ends blocks at delimiters', async () => {
      const text = Array.from({ length: 300 }, (_, i) => `line ${i}\n`).join('');
      const blocks = await read(put('f', text), { blockSize: '0.5 kB', delimiter: '\n' });
      expect(blocks.length).toBeGreaterThan(4);
      expect(blocks.join('')).toBe(text);
      for (const block of blocks) expect(block).toMatch(/^(line \d+\n)*$/);
      expect((await read(root, { blockSize: 100, delimiter: bytesOf('9\nline') })).join('')).toBe(text);
    });

    it('drops each header once under notZero', async () => {
      put('a.csv', `id\n${'1\n'.repeat(50)}`);
      put('b.csv', `id\n${'2\n'.repeat(50)}`);
      expect((await read(`${root}*.csv`, { blockSize: 20, delimiter: '\n', notZero: true })).join('')).toBe(
        '1\n'.repeat(50) + '2\n'.repeat(50),
      );
    });

    it('gives no blocks for an empty file', async () => {
      expect(await read(put('f', ''))).toEqual([]);
      expect(await read(put('f', ''), { blockSize: null })).toEqual([]);
    });

    it('sorts by code units, and keeps the order of a list', async () => {
      for (const name of ['b', 'a', 'B', 'ä', 'a-1', 'a/1', 'a10', 'a2'].filter((one) => one !== 'a')) put(`d/${name}`, `${name} `);
      expect((await read(`${root}d/`)).join('')).toBe('B a-1 a/1 a10 a2 b ä ');
      expect((await read([`${root}d/b`, `${root}d/a*`, `${root}d/B`])).join('')).toBe('b a-1 a10 a2 B ');
      expect((await read([`${root}d/b`, `${root}d/b`])).join('')).toBe('b b ');
    });

    it('takes file: URLs, URL objects and relative paths for the same file, under the same key', async () => {
      const path = put('a b#?.txt', 'x');
      const [key] = await keys(path);
      for (const url of [pathToFileURL(path), pathToFileURL(path).href, relative(process.cwd(), path), `${root}./x/../a b#?.txt`]) {
        expect(await keys(url)).toEqual([key]);
        expect(await read(url)).toEqual(['x']);
      }
    });

    it('makes equal keys in another process, and others for another file, time, size, range, delimiter or codec', async () => {
      const path = put('f.gz', gzipSync('1\n2\n3\n4\n'));
      const [key] = await keys(path);
      const script = `import { readBytes } from 'heddle'; const [value] = await readBytes(process.argv[1], { lazy: true }); console.log(value.key)`;
      expect(
        execFileSync(process.execPath, ['--input-type=module', '-e', script, path], { encoding: 'utf8', timeout: 20_000 }).trim(),
      ).toBe(key);
      const other = put('g.gz', readFileSync(path));
      const all = [
        await keys(path),
        await keys(other),
        await keys(path, { blockSize: 10 }),
        await keys(path, { delimiter: '\n' }),
        await keys(path, { delimiter: '\n', notZero: true }),
        await keys(path, { blockSize: null }),
        await keys(path, { delimiter: '\n\n' }),
      ].flat();
      utimesSync(path, 1, 1);
      all.push(...(await keys(path)));
      appendFileSync(path, 'x');
      utimesSync(path, 1, 1);
      all.push(...(await keys(path)));
      expect(new Set(all).size).toBe(all.length);
      expect(await keys(path, { blockSize: null, compression: null })).toEqual(await keys(path));
    });

    it('unpacks whole files', async () => {
      put('a.gz', gzipSync('aaa'));
      put('b', 'bbb');
      expect(await read(root, { blockSize: null })).toEqual(['aaa', 'bbb']);
      expect(await read(`${root}a.gz`, { blockSize: null, compression: 'gzip' })).toEqual(['aaa']);
      await expect(read(`${root}b`, { blockSize: null, compression: 'gzip' })).rejects.toMatchObject({
        code: 'ERR_DAMAGED',
        message: expect.stringContaining(`${root}b is damaged`),
      });
    });

    it('names a damaged file', async () => {
      const path = put('a.gz', gzipSync('x'.repeat(10_000)).subarray(0, 20));
      await expect(read(path, { blockSize: null })).rejects.toMatchObject({
        code: 'ERR_DAMAGED',
        message: expect.stringContaining(path),
        task: { name: 'read_bytes' },
      });
    });

    it('gives each block an ordinary ArrayBuffer of its own', async () => {
      const blocks = await Promise.all(await readBytes(put('f', 'x'.repeat(100)), { executor, blockSize: 30, delimiter: 'x' }));
      for (const block of blocks) {
        expect(block.buffer.byteLength).toBe(block.byteLength);
        expect(Object.prototype.toString.call(block.buffer)).toBe('[object ArrayBuffer]');
      }
    });

    it('feeds lazy functions', async () => {
      put('a', 'one two three');
      put('b', 'four five');
      const count = lazy(function count(bytes: Uint8Array) {
        return new TextDecoder().decode(bytes).split(' ').length;
      });
      const sum = lazy(function sum(numbers: number[]) {
        return numbers.reduce((a, b) => a + b, 0);
      });
      const blocks = await readBytes(root, { lazy: true });
      expect(await executor.compute(sum(blocks.map((block) => count(block))))).toBe(5);
    });

    it.each<[string, (path: string) => unknown, RegExp]>([
      ['vanishes', (path) => rmSync(path), /it is gone/],
      ['shrinks', (path) => truncateSync(path, 3), /it had 10 bytes, now it has 3/],
      ['grows', (path) => appendFileSync(path, 'more'), /it had 10 bytes, now it has 14/],
      ['is written anew', (path) => utimesSync(path, 1, 1), /its time of change is another/],
      ['becomes a directory', (path) => [rmSync(path), mkdirSync(path)], /it is a directory now/],
    ])('refuses a file that %s between listing and reading', async (_, change, message) => {
      const path = put('f', '0123456789');
      const values = await readBytes(path, { lazy: true, blockSize: 5 });
      change(path);
      for (const value of values)
        await expect(executor.compute(value)).rejects.toMatchObject({
          code: 'ERR_SOURCE_CHANGED',
          path,
          message: expect.stringMatching(message),
        });
      if (existsSync(path) && _ !== 'becomes a directory')
        expect((await read(path, { blockSize: 5 })).join('')).toBe(readFileSync(path, 'utf8'));
    });

    it('says which file it may not read', async () => {
      const path = put('f', 'x');
      chmodSync(path, 0o000);
      await withoutRootRights(async () => {
        await expect(read(path)).rejects.toMatchObject({
          code: 'ERR_STORAGE',
          message: expect.stringMatching(/cannot read .*f: permission denied/),
          cause: { code: 'EACCES' },
        });
      });
    });

    it.each<[string, unknown, object, object]>([
      ['a missing path', '/nowhere/x', {}, { code: 'ERR_NOT_FOUND', message: expect.stringContaining('/nowhere/x') }],
      ['a glob without a match', '/nowhere/*.csv', {}, { code: 'ERR_NOT_FOUND', message: expect.stringContaining('/nowhere/*.csv') }],
      [
        'a missing path in a list',
        [process.execPath, '/nowhere/x'],
        {},
        { code: 'ERR_NOT_FOUND', message: expect.stringContaining('/nowhere/x') },
      ],
      ['a missing file: URL', 'file:///nowhere/x', {}, { code: 'ERR_NOT_FOUND', message: expect.stringContaining('file:///nowhere/x') }],
      ['a Set', new Set(['/x']), {}, { name: 'TypeError', message: expect.stringContaining('Set') }],
      ['an empty list', [], {}, { name: 'TypeError', message: expect.stringContaining('empty') }],
      ['a number', 42, {}, { name: 'TypeError' }],
      [
        'an unknown scheme',
        'gopher://me:secret@host/x',
        {},
        { code: 'ERR_UNKNOWN_SCHEME', message: expect.not.stringContaining('secret') },
      ],
      ['blockSize 0', '/x', { blockSize: 0 }, { name: 'RangeError' }],
      ['a negative blockSize', '/x', { blockSize: -1 }, { name: 'RangeError' }],
      ['blockSize 5.5', '/x', { blockSize: 5.5 }, { name: 'RangeError' }],
      ["blockSize '12 parsecs'", '/x', { blockSize: '12 parsecs' }, { name: 'TypeError', message: expect.stringContaining('12 parsecs') }],
      ['an empty delimiter', '/x', { delimiter: '' }, { message: expect.stringContaining('delimiter is empty') }],
      [
        'a codec with a block size',
        process.execPath,
        { compression: 'gzip', blockSize: '1 MB' },
        { code: 'ERR_COMPRESSED_BLOCKS', message: expect.stringContaining('blockSize: null') },
      ],
      [
        'what is no executor',
        '/x',
        { executor: 5 },
        { name: 'TypeError', message: expect.stringContaining('executor must be an Executor') },
      ],
      ['a misspelt option', '/x', { blocksize: 5 }, { name: 'TypeError', message: expect.stringContaining('"blocksize"') }],
      [
        'an option for another storage',
        process.execPath,
        { storage: { region: 'eu' } },
        { name: 'TypeError', message: expect.stringContaining('"region"') },
      ],
    ])('rejects %s', async (_, url, options, expected) => {
      await expect(readBytes(url as string, { executor, ...options })).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_/),
        ...expected,
      });
    });

    it('shows the pattern of an empty directory', async () => {
      mkdirSync(`${root}empty`);
      await expect(read(`${root}empty/`)).rejects.toMatchObject({
        code: 'ERR_NOT_FOUND',
        message: expect.stringContaining(`${root}empty/`),
      });
    });

    it('ends listing with its signal', async () => {
      const reason = new Error('enough');
      await expect(readBytes(put('f', 'x'), { executor, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      const controller = new AbortController();
      for (let i = 0; i < 300; i++) put(`many/${i}`, 'x');
      const listing = readBytes(`${root}many`, { lazy: true, signal: controller.signal });
      setImmediate(() => controller.abort(reason));
      await expect(listing).rejects.toBe(reason);
    });
  });

  describe('readBlocks', () => {
    it('gives blocks by file, the paths, and a sample', async () => {
      put('a', 'aaa\nbbb\n');
      put('b', 'ccc\n');
      const { sample, blocks, paths } = await readBlocks(root, { blockSize: 4, delimiter: '\n', sample: 2 });
      expect(paths).toEqual([`${root}a`, `${root}b`]);
      expect(textOf(sample!)).toBe('aaa\n');
      const texts = await Promise.all(blocks.map((file) => Promise.all(executor.compute(file).map(async (block) => textOf(await block)))));
      expect(texts).toEqual([['aaa\nbbb\n', ''], ['ccc\n']]);
    });

    it('shows 10 kB unless told otherwise, none when not asked for, and the header', async () => {
      const path = put('f', `header\n${'0123456789\n'.repeat(3000)}`);
      expect((await readBlocks(path)).sample).toHaveLength(10_000);
      expect((await readBlocks(path, { sample: false })).sample).toBeNull();
      expect((await readBlocks(path, { sample: 0 })).sample).toHaveLength(0);
      expect((await readBlocks(path, { sample: '1 MB' })).sample).toHaveLength(7 + 33_000);
      const { sample } = await readBlocks(path, { sample: 100, delimiter: '\n', notZero: true });
      expect(textOf(sample!)).toMatch(/^header\n(0123456789\n)+$/);
      expect(sample!.length).toBe(7 + 9 * 11);
      expect(textOf((await readBlocks(path, { sample: 5, delimiter: '|' })).sample!)).toHaveLength(7 + 33_000);
    });

    it('unpacks the sample', async () => {
      const lines = Array.from({ length: 100_000 }, (_, i) => `line ${i}\n`).join('');
      const path = put('f.gz', gzipSync(lines));
      const { sample } = await readBlocks(path, { blockSize: null, delimiter: '\n', sample: 20 });
      expect(textOf(sample!)).toBe('line 0\nline 1\nline 2\n');
    });

    it('names an empty file beside others', async () => {
      put('a', '');
      put('b', 'x');
      const { sample, blocks, paths } = await readBlocks(root);
      expect([sample!.length, blocks.map((file) => file.length), paths.length]).toEqual([0, [0, 1], 2]);
    });

    it('has no option lazy', async () => {
      await expect(readBlocks(put('f', 'x'), { lazy: true } as never)).rejects.toMatchObject({
        name: 'TypeError',
        message: expect.stringContaining('"lazy"'),
      });
    });
  });

  describe('writeBytes', () => {
    const write = async (path: string, parts: Iterable<unknown>, options: object = {}): Promise<number[]> =>
      Promise.all(await writeBytes(path, parts as Iterable<Uint8Array>, { executor, ...options }));

    it('writes parts into a directory that it makes', async () => {
      expect(await write(`${root}new/out/`, [bytesOf('a'), bytesOf('bb'), bytesOf('')])).toEqual([1, 2, 0]);
      expect(filesBelow(`${root}new/out`)).toEqual(['0', '1', '2']);
      expect(readFileSync(`${root}new/out/1`, 'utf8')).toBe('bb');
    });

    it('pads numbers, so that reading gives the parts in their order', async () => {
      await write(
        `${root}out/part.*.dat`,
        Array.from({ length: 11 }, (_, i) => bytesOf(`${i} `)),
      );
      expect(filesBelow(`${root}out`)).toEqual(
        ['00', '01', '02', '03', '04', '05', '06', '07', '08', '09', '10'].map((n) => `part.${n}.dat`),
      );
      expect((await read(`${root}out/`)).join('')).toBe('0 1 2 3 4 5 6 7 8 9 10 ');
    });

    it('takes no parts at all', async () => {
      expect(await write(`${root}out/`, [])).toEqual([]);
      expect(existsSync(`${root}out`)).toBe(false);
    });

    it('writes Values and Futures', async () => {
      const text = Array.from({ length: 1000 }, (_, i) => `${i}\n`).join('');
      const blocks = await readBytes(put('in', text), { blockSize: 500, delimiter: '\n', lazy: true });
      const upper = lazy(function upper(bytes: Uint8Array) {
        return new TextEncoder().encode(`${new TextDecoder().decode(bytes).length}|`);
      });
      await write(`${root}copy/`, blocks);
      expect((await read(`${root}copy/`)).join('')).toBe(text);
      await write(
        `${root}lengths/`,
        blocks.map((block) => executor.compute(upper(block))),
      );
      expect(
        (await read(`${root}lengths/`))
          .join('')
          .split('|')
          .map(Number)
          .reduce((a, b) => a + b),
      ).toBe(text.length);
    });

    it('gives Values under lazy, writes nothing before they run, and no two with one key', async () => {
      const first = await writeBytes(`${root}out/`, [bytesOf('a')], { lazy: true });
      const second = await writeBytes(`${root}out/`, [bytesOf('a')], { lazy: true });
      expect(first[0]!.key).toMatch(/^write_bytes-[0-9a-f]{32}$/);
      expect(first[0]!.key).not.toBe(second[0]!.key);
      expect(existsSync(`${root}out`)).toBe(false);
      expect(await executor.compute(first[0]!)).toBe(1);
    });

    it('refuses to replace, and replaces when asked to', async () => {
      await write(`${root}out/`, [bytesOf('old')]);
      await expect(write(`${root}out/`, [bytesOf('new')])).rejects.toMatchObject({
        code: 'ERR_EXISTS',
        message: expect.stringContaining(`${root}out/0`),
      });
      expect(readFileSync(`${root}out/0`, 'utf8')).toBe('old');
      await write(`${root}out/`, [bytesOf('new')], { overwrite: true });
      expect(readFileSync(`${root}out/0`, 'utf8')).toBe('new');
      expect(filesBelow(`${root}out`)).toEqual(['0']);
    });

    it('packs', async () => {
      for (const compression of ['gzip', 'deflate', 'brotli'] as const) {
        await write(`${root}${compression}/`, [bytesOf('x'.repeat(1000))], { compression });
        expect(await read(`${root}${compression}/`, { blockSize: null, compression })).toEqual(['x'.repeat(1000)]);
      }
    });

    it('refuses what is no bytes at once, and writes nothing', async () => {
      for (const part of ['text', 42, undefined, [1, 2], new ArrayBuffer(2)]) {
        await expect(write(`${root}out/`, [bytesOf('a'), part])).rejects.toMatchObject({
          name: 'TypeError',
          code: 'ERR_INVALID_ARGUMENT',
          message: expect.stringContaining('part 1'),
        });
      }
      expect(existsSync(`${root}out`)).toBe(false);
    });

    it('refuses a task that gives no bytes, naming the type', async () => {
      const text = lazy(function text() {
        return 'text';
      });
      await expect(write(`${root}out/`, [text()])).rejects.toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(/is a string, and only bytes can be written/),
      });
      expect(existsSync(`${root}out/0`)).toBe(false);
    });

    it.each<[string, unknown, RegExp]>([
      ['one part', bytesOf('x'), /put it into an array/],
      ['a text', 'text', /got a string/],
      ['nothing', anything, /got undefined/],
    ])('refuses %s for the list of parts', async (_, parts, message) => {
      await expect(writeBytes(`${root}out/`, parts as never, { executor })).rejects.toMatchObject({
        name: 'TypeError',
        message: expect.stringMatching(message),
      });
    });

    it('says that a directory is read-only', async () => {
      mkdirSync(`${root}closed`);
      chmodSync(`${root}closed`, 0o555);
      await withoutRootRights(async () => {
        await expect(write(`${root}closed/`, [bytesOf('x')])).rejects.toMatchObject({
          code: 'ERR_STORAGE',
          message: expect.stringMatching(/cannot write .*closed\/0: permission denied/),
        });
      });
      expect(readdirSync(`${root}closed`)).toEqual([]);
    });

    it('refuses a directory where a file is meant', async () => {
      mkdirSync(`${root}out`);
      await expect(write(`${root}out`, [bytesOf('x')])).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining('it is a directory'),
      });
    });

    it.each<[string, object, object]>([
      ['an unknown option', { atomic: true }, { name: 'TypeError', message: expect.stringContaining('"atomic"') }],
      ["compression 'infer'", { compression: 'infer' }, { name: 'TypeError' }],
      ['overwrite 1', { overwrite: 1 }, { name: 'TypeError' }],
    ])('refuses %s', async (_, options, expected) => {
      await expect(writeBytes(`${root}out/`, [bytesOf('x')], { executor, ...options })).rejects.toMatchObject(expected);
    });
  });
});

describe('storage on threads', () => {
  it('reads into shared memory when the executor is asked for it', async () => {
    const path = put('f', '1\n2\n3\n');
    const packed = put('g', gzipSync('unpacked'));
    const executor = new Executor({ workers: 2, sharedMemory: true });
    try {
      const blocks = await Promise.all([
        ...(await readBytes(path, { executor, blockSize: 2, delimiter: '\n' })),
        ...(await readBytes(packed, { executor, blockSize: null, compression: 'gzip' })),
      ]);
      for (const block of blocks) expect(Object.prototype.toString.call(block.buffer)).toBe('[object SharedArrayBuffer]');
      expect(blocks.map((block) => Buffer.from(block).toString()).join('')).toBe('1\n2\n3\nunpacked');
    } finally {
      await executor.close();
    }
  });

  it('writes a part once though its worker dies right after', async () => {
    const executor = new Executor({ workers: 2 });
    try {
      const marker = `${root}marker`;
      const die = lazy(async function die(nbytes: number, path: string) {
        const fs = await import('node:fs');
        if (!fs.existsSync(path)) {
          fs.writeFileSync(path, '');
          // In a worker this ends the thread, past every way to catch it.
          (process as unknown as { reallyExit(code: number): never }).reallyExit(1);
        }
        return nbytes;
      });
      const [written] = await writeBytes(`${root}out/`, [bytesOf('hello')], { lazy: true });
      expect(await executor.compute(die(written!, marker))).toBe(5);
      expect(readFileSync(`${root}out/0`, 'utf8')).toBe('hello');
      expect(filesBelow(`${root}out`)).toEqual(['0']);
    } finally {
      await executor.close();
    }
  });
});

describe('a storage of the user', () => {
  let counting: Parameters<typeof registerStorage>[0];
  beforeAll(async () => {
    counting = ((await import('../../fixtures/storage/counting-storage.mjs' as string)) as { default: typeof counting }).default;
    registerStorage(counting);
  });

  const storage = { secret: 'open sesame' };

  it('is read in workers, with its options, which are in no key and no error', async () => {
    const executor = new Executor({ workers: 2 });
    try {
      const blocks = await Promise.all(await readBytes('counting://host/1000', { executor, blockSize: 500, delimiter: '\n', storage }));
      expect(blocks.length).toBeGreaterThan(4);
      expect(blocks.map((block) => textOf(block)).join('')).toBe(Array.from({ length: 1000 }, (_, i) => `${i}\n`).join(''));
    } finally {
      await executor.close();
    }
    const key = async (options: object): Promise<string> =>
      (await readBytes('counting://me:password@host/5', { lazy: true, storage: { ...storage, ...options } }))[0]!.key;
    expect(await key({ user: 'one' })).toBe(await key({ user: 'two' }));
    expect(await key({ place: 'one' })).not.toBe(await key({ place: 'two' }));
    await expect(readBytes('counting://me:password@host/0', { lazy: true, storage })).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.not.stringMatching(/password|sesame/),
    });
  });

  it('cannot be written when it only reads', async () => {
    await expect(writeBytes('counting://host/', [bytesOf('x')])).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' });
  });

  it('cannot take a scheme that is taken', () => {
    expect(() => registerStorage(counting)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }));
  });
});

describe('a program that reads and writes', () => {
  it('ends by itself', () => {
    put('in', 'hello');
    const script = `import { readBytes, writeBytes } from 'heddle';
      const blocks = await readBytes(process.argv[1] + 'in');
      console.log(await Promise.all(await writeBytes(process.argv[1] + 'out/', blocks)));`;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script, root], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect({ stdout, status }).toEqual({ stdout: '[ 5 ]\n', status: 0 });
  });

  it('loads neither picomatch nor zlib for plain paths', () => {
    const script = `import { createRequire } from 'node:module'; import { readBytes } from 'heddle';
      await readBytes(process.argv[1], { lazy: true });
      console.log(Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes('picomatch')).length);`;
    expect(
      execFileSync(process.execPath, ['--input-type=module', '-e', script, put('f', 'x')], {
        encoding: 'utf8',
        timeout: 20_000,
        cwd: process.cwd(),
      }),
    ).toBe('0\n');
  });
});
