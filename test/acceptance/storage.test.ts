// Section 4 of the contract, on local files.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect, types } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Executor, lazy, type ReadBytesOptions, readBlocks, readBytes, registerStorage, writeBytes } from 'heddle';
import { failure, fixture, report, temporaryFolder, thrown } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** A new folder with these files. */
function tree(files: Readonly<Record<string, string | Uint8Array>>): string {
  const place = mkdtempSync(join(folder, 'tree-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), content);
  }
  return place;
}

/** The blocks' contents, read lazily. */
async function blocksOf(url: Parameters<typeof readBytes>[0], options: Omit<ReadBytesOptions, 'lazy'> = {}): Promise<string[]> {
  const blocks = await readBytes(url, { ...options, lazy: true });
  return (await executor.gather(executor.compute(blocks))).map(text);
}

/** 133 bytes without a repetition that hides a shift. */
const content133 = Array.from({ length: 133 }, (_, i) => String.fromCharCode(33 + ((i * 7) % 90))).join('');

describe('readBytes', () => {
  it('gives Futures that have begun', async () => {
    const place = tree({ a: 'content' });
    const [block] = await readBytes(join(place, 'a'));
    expect(block!.key).toMatch(/^read_bytes-[0-9a-f]{32}$/);
    expect(inspect(block)).toMatch(/^<Future: status: (pending|finished), key: read_bytes-[0-9a-f]{32}>$/);
    expect(text(await block!)).toBe('content');
  });

  it('gives Values with lazy: true, under the keys of the eager read', async () => {
    const place = tree({ a: 'content' });
    const [eager] = await readBytes(join(place, 'a'));
    const [block] = await readBytes(join(place, 'a'), { lazy: true });
    expect(inspect(block)).toBe(`Value('${eager!.key}')`);
    expect(text(await block!.compute())).toBe('content');
  });

  it('gives Uint8Arrays over an ArrayBuffer of their own', async () => {
    const place = tree({ a: content133 });
    for (const future of await readBytes(join(place, 'a'), { blockSize: 45 })) {
      const block = await future;
      expect(Object.prototype.toString.call(block)).toBe('[object Uint8Array]');
      expect(Buffer.isBuffer(block)).toBe(false);
      expect(types.isArrayBuffer(block.buffer)).toBe(true);
      expect([block.byteOffset, block.byteLength]).toEqual([0, block.buffer.byteLength]);
      expect((await new Response(block as Uint8Array<ArrayBuffer>).arrayBuffer()).byteLength).toBe(block.length);
    }
    const inTask = lazy((block: Uint8Array) => [
      Object.prototype.toString.call(block.buffer),
      block.byteOffset,
      block.byteLength - block.buffer.byteLength,
      Object.prototype.toString.call(block),
    ]);
    const [block] = await readBytes(join(place, 'a'), { lazy: true });
    expect(await inTask(block!).compute()).toEqual(['[object ArrayBuffer]', 0, 0, '[object Uint8Array]']);
  });

  it('gives blocks in shared memory under sharedMemory', async () => {
    const place = tree({ a: 'a\nb\n' });
    const own = new Executor({ workers: 2, sharedMemory: true });
    try {
      const [block] = await readBytes(join(place, 'a'), { executor: own });
      const bytes = await block!;
      expect(types.isSharedArrayBuffer(bytes.buffer)).toBe(true);
      expect(text(bytes)).toBe('a\nb\n');
    } finally {
      await own.close();
    }
  });

  it('reads a large file in blocks that rejoin to it', async () => {
    const bytes = new Uint8Array(3_000_001);
    for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 31 + (i >> 8)) & 255;
    const place = tree({ big: bytes });
    const blocks = await executor.gather(await readBytes(join(place, 'big'), { blockSize: '64 KiB' }));
    expect(blocks).toHaveLength(Math.floor(3_000_001 / 65_536));
    expect(Buffer.concat(blocks).equals(Buffer.from(bytes))).toBe(true);
  });
});

describe('paths', () => {
  it('may be one file, as a path, a relative path, a file: URL and a URL object, under one key', async () => {
    const place = tree({ 'a file.txt': 'x' });
    const path = join(place, 'a file.txt');
    const keys: string[] = [];
    for (const url of [path, relative(process.cwd(), path), pathToFileURL(path).href, pathToFileURL(path)]) {
      const blocks = await readBytes(url, { lazy: true });
      expect(blocks).toHaveLength(1);
      keys.push(blocks[0]!.key);
    }
    expect(new Set(keys).size).toBe(1);
  });

  it('may be a directory, which is walked', async () => {
    const place = tree({ b: 'B', 'a/z': 'AZ', 'a/b/c': 'ABC' });
    expect(await blocksOf(place)).toEqual(['ABC', 'AZ', 'B']);
    expect(await blocksOf(`${place}/`)).toEqual(['ABC', 'AZ', 'B']);
    expect(await blocksOf(pathToFileURL(`${place}/`).href)).toEqual(['ABC', 'AZ', 'B']);
  });

  it('may be a glob', async () => {
    const place = tree({ '1.log': '1', '2.log': '2', '10.log': '10', 'x.txt': 'x', 'sub/3.log': '3', 'sub/deep/4.log': '4' });
    expect(await blocksOf(join(place, '*.log'))).toEqual(['1', '10', '2']);
    expect(await blocksOf(join(place, '?.log'))).toEqual(['1', '2']);
    expect(await blocksOf(join(place, '[1-2].log'))).toEqual(['1', '2']);
    expect(await blocksOf(join(place, '*.{txt,log}'))).toEqual(['1', '10', '2', 'x']);
    expect(await blocksOf(join(place, '**/*.log'))).toEqual(['1', '10', '2', '3', '4']);
    expect(await blocksOf(join(place, 'sub/**'))).toEqual(['3', '4']);
    expect(await blocksOf(join(place, '*/3.log'))).toEqual(['3']);
    expect(await blocksOf(`file://${place}/*.txt`)).toEqual(['x']);
  });

  it('is relative to the folder of the process, also as a glob', async () => {
    const place = tree({ '1.log': '1', '2.log': '2' });
    expect(await blocksOf(join(relative(process.cwd(), place), '*.log'))).toEqual(['1', '2']);
  });

  it('may be a list, which keeps its order, each entry expanded in place', async () => {
    const place = tree({ 'z/2': 'z2', 'z/1': 'z1', a: 'a' });
    expect(await blocksOf([join(place, 'z'), join(place, 'a')])).toEqual(['z1', 'z2', 'a']);
    expect(await blocksOf([pathToFileURL(join(place, 'a')), join(place, 'z', '*')])).toEqual(['a', 'z1', 'z2']);
  });

  it('is sorted by code units', async () => {
    const place = tree({ b: 'b', B: 'B', ä: 'ä', a: 'a', '10': '10', '9': '9' });
    const { paths } = await readBlocks(place);
    expect(paths.map((path) => basename(path))).toEqual(['10', '9', 'B', 'a', 'b', 'ä']);
  });

  it('that has glob characters and exists as it is written is taken as it is', async () => {
    const place = tree({ '[1].txt': 'brackets', '1.txt': 'one', 'what?.txt': 'question' });
    expect(await blocksOf(join(place, '[1].txt'))).toEqual(['brackets']);
    expect(await blocksOf(join(place, 'what?.txt'))).toEqual(['question']);
  });

  it('may have spaces, percent signs, hashes and other letters', async () => {
    const names = ['a b', '100%', '%20', 'a#b', 'grün', '文'];
    const place = tree(Object.fromEntries(names.map((name) => [name, name])));
    for (const name of names) {
      expect((await executor.gather(await readBytes(join(place, name))))[0]).toEqual(new Uint8Array(Buffer.from(name)));
      expect((await executor.gather(await readBytes(pathToFileURL(join(place, name)))))[0]).toEqual(new Uint8Array(Buffer.from(name)));
    }
  });

  it('may go through symbolic links, and a ring of links ends', async () => {
    const place = tree({ 'real/a': 'A' });
    symlinkSync(join(place, 'real', 'a'), join(place, 'link'));
    symlinkSync(place, join(place, 'real', 'ring'));
    expect(await blocksOf(join(place, 'link'))).toEqual(['A']);
    const contents = await blocksOf(join(place, 'real'));
    expect(contents[0]).toBe('A');
    expect(contents.length).toBeLessThan(100);
  });

  it('of an unknown scheme is an ERR_UNKNOWN_SCHEME that shows no password', async () => {
    const error = await failure(() => readBytes('gopher://user:hunter2@host/a'));
    expect(error.code).toBe('ERR_UNKNOWN_SCHEME');
    expect(error.message).toContain('gopher');
    expect(error.message).toContain('file');
    expect(error.message).not.toContain('hunter2');
  });
});

describe('blocks', () => {
  const place = tree({ a: content133, empty: '' });

  it.each([
    [5, 26],
    [15, 8],
    [45, 2],
    [1500, 1],
  ])('of 133 bytes at block size %d are %d', async (blockSize, count) => {
    const contents = await blocksOf(join(place, 'a'), { blockSize });
    expect(contents).toHaveLength(count);
    expect(contents.join('')).toBe(content133);
    const sizes = contents.map((block) => block.length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  it('of 133 bytes at block size 45 are cut at 0 and 66', async () => {
    expect(await blocksOf(join(place, 'a'), { blockSize: 45 })).toEqual([content133.slice(0, 66), content133.slice(66)]);
  });

  it('are one a file with null, and by default for small files', async () => {
    expect(await blocksOf(join(place, 'a'), { blockSize: null })).toEqual([content133]);
    expect(await blocksOf(join(place, 'a'))).toEqual([content133]);
  });

  it('take their size as text', async () => {
    expect(await blocksOf(join(place, 'a'), { blockSize: '45 B' })).toHaveLength(2);
    expect(await blocksOf(join(place, 'a'), { blockSize: '0.045 kB' })).toHaveLength(2);
    expect(await blocksOf(join(place, 'a'), { blockSize: '0.0625KiB' })).toHaveLength(2);
  });

  it('are none for an empty file', async () => {
    expect(await blocksOf(join(place, 'empty'))).toEqual([]);
    expect(await blocksOf(join(place, 'empty'), { blockSize: 5, delimiter: '\n' })).toEqual([]);
    expect(await blocksOf([join(place, 'empty'), join(place, 'a')])).toEqual([content133]);
  });
});

/** Where blocks end, by the sentence of the contract: just after the first delimiter at or after the even cut. */
function expectedBlocks(content: string, blockSize: number, delimiter: string): string[] {
  if (content === '') return [];
  const count = Math.max(1, Math.floor(content.length / blockSize));
  const ends = Array.from({ length: count }, (_, i) => {
    if (i === count - 1) return content.length;
    const at = content.indexOf(delimiter, Math.floor(((i + 1) * content.length) / count));
    return at < 0 ? content.length : at + delimiter.length;
  });
  return ends.map((end, i) => content.slice(i === 0 ? 0 : ends[i - 1], end));
}

describe('delimiters', () => {
  it('end each block just after one', async () => {
    const content = 'one\ntwo\nthree\nfour\nfive\n';
    const place = tree({ a: content });
    expect(await blocksOf(join(place, 'a'), { blockSize: 8, delimiter: '\n' })).toEqual(['one\ntwo\nthree\n', 'four\n', 'five\n']);
  });

  it('leave a record that begins exactly at a border to the block before', async () => {
    const place = tree({ a: 'aaa\nbbb\n' });
    expect(await blocksOf(join(place, 'a'), { blockSize: 4, delimiter: '\n' })).toEqual(['aaa\nbbb\n', '']);
  });

  it('keep empty blocks', async () => {
    const place = tree({ a: `${'x'.repeat(99)}\n` });
    const contents = await blocksOf(join(place, 'a'), { blockSize: 10, delimiter: '\n' });
    expect(contents).toEqual([`${'x'.repeat(99)}\n`, ...Array(9).fill('')]);
  });

  it('may be missing from the file', async () => {
    const place = tree({ a: 'no ends at all' });
    expect(await blocksOf(join(place, 'a'), { blockSize: 5, delimiter: '\n' })).toEqual(['no ends at all', '']);
  });

  it('may be many bytes long, straddle borders, be bytes, or be UTF-8 text', async () => {
    const place = tree({ a: 'first<<END>>second<<END>>third', utf: Buffer.from('eins§zwei§drei§vier') });
    for (const blockSize of [1, 2, 3, 5, 7, 9, 11, 13]) {
      const options = { blockSize, delimiter: '<<END>>' };
      expect(await blocksOf(join(place, 'a'), options)).toEqual(expectedBlocks('first<<END>>second<<END>>third', blockSize, '<<END>>'));
    }
    expect(await blocksOf(join(place, 'a'), { blockSize: 10, delimiter: new Uint8Array(Buffer.from('<<END>>')) })).toEqual(
      expectedBlocks('first<<END>>second<<END>>third', 10, '<<END>>'),
    );
    const blocks = await executor.gather(await readBytes(join(place, 'utf'), { blockSize: 7, delimiter: '§' }));
    expect(
      blocks.every(
        (block) =>
          block.length === 0 ||
          Buffer.from(block).toString('utf8').endsWith('§') ||
          block === blocks.at(-1) ||
          Buffer.from(block).toString('utf8').endsWith('vier'),
      ),
    ).toBe(true);
    expect(Buffer.concat(blocks).toString('utf8')).toBe('eins§zwei§drei§vier');
  });

  it('cut any content as the contract says, and the blocks rejoin to the file byte for byte', async () => {
    let n = 0;
    const place = tree({});
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', '\n', 'ab', 'ba\n'), { maxLength: 60 }).map((parts) => parts.join('')),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom('\n', 'ab', 'a', 'ba\n', 'aa'),
        async (content, blockSize, delimiter) => {
          const path = join(place, String(n++));
          writeFileSync(path, content, 'latin1');
          const contents = await blocksOf(path, { blockSize, delimiter });
          expect(contents).toEqual(expectedBlocks(content, blockSize, delimiter));
          expect(contents.join('')).toBe(content);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are found wherever they lie in long stretches of other bytes', async () => {
    let n = 0;
    const place = tree({});
    const around = fc
      .tuple(fc.constantFrom(4_096, 16_384, 65_536, 131_072, 262_144), fc.integer({ min: -8, max: 8 }))
      .map(([border, shift]) => border + shift);
    await fc.assert(
      fc.asyncProperty(
        fc.array(around, { maxLength: 6 }),
        fc.integer({ min: 20_000, max: 150_000 }),
        fc.constantFrom('\n', '<<END>>', 'xxy'),
        async (positions, blockSize, delimiter) => {
          const content = Buffer.alloc(300_000, 'x');
          for (const position of positions) content.write(delimiter, position, 'latin1');
          const path = join(place, String(n++));
          writeFileSync(path, content);
          const contents = await blocksOf(path, { blockSize, delimiter });
          expect(contents.map((block) => block.length)).toEqual(
            expectedBlocks(content.toString('latin1'), blockSize, delimiter).map((block) => block.length),
          );
          expect(contents.join('') === content.toString('latin1')).toBe(true);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('are found when megabytes lie between them', async () => {
    const content = `${'x'.repeat(2_500_000)};${'y'.repeat(1_300_000)};end`;
    const place = tree({ a: content });
    const contents = await blocksOf(join(place, 'a'), { blockSize: '200 kB', delimiter: ';' });
    expect(contents).toHaveLength(Math.floor(content.length / 200_000));
    expect(contents.filter((block) => block !== '').map((block) => block.length)).toEqual([2_500_001, 1_300_001, 3]);
  });
});

describe('notZero', () => {
  it('drops the bytes up to and with the first delimiter of each file, and repeats nothing', async () => {
    const content = 'name,age\nann,1\nbob,2\ncid,3\n';
    const place = tree({ a: content, b: 'name,age\ndan,4\n' });
    for (const blockSize of [3, 5, 8, 9, 10, 13, 100, null]) {
      const contents = await blocksOf([join(place, 'a'), join(place, 'b')], { blockSize, delimiter: '\n', notZero: true });
      expect(contents.join('')).toBe('ann,1\nbob,2\ncid,3\ndan,4\n');
    }
    expect(await blocksOf(join(place, 'a'), { blockSize: null, delimiter: '\n', notZero: true })).toEqual(['ann,1\nbob,2\ncid,3\n']);
  });

  it('leaves of any content what follows the first delimiter', async () => {
    let n = 0;
    const place = tree({});
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', '\n', 'ab', 'ba\n'), { minLength: 1, maxLength: 60 }).map((parts) => parts.join('')),
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom('\n', 'ab', 'ba\n'),
        async (content, blockSize, delimiter) => {
          fc.pre(content.includes(delimiter));
          const path = join(place, String(n++));
          writeFileSync(path, content, 'latin1');
          const contents = await blocksOf(path, { blockSize, delimiter, notZero: true });
          expect(contents.join('')).toBe(content.slice(content.indexOf(delimiter) + delimiter.length));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('leaves nothing of a file that is only a header', async () => {
    const place = tree({ a: 'header\n' });
    expect((await blocksOf(join(place, 'a'), { delimiter: '\n', notZero: true })).join('')).toBe('');
  });
});

describe('compression', () => {
  const content = 'name,age\nann,1\nbob,2\n'.repeat(2_000);
  const place = tree({
    'a.gz': gzipSync(content),
    'a.br': brotliCompressSync(content),
    'a.deflate': deflateSync(content),
    'a.bin': gzipSync(content),
    'a.txt': content,
    'two.gz': Buffer.concat([gzipSync('first'), gzipSync('second')]),
  });

  it('is undone when it is named', async () => {
    expect(await blocksOf(join(place, 'a.bin'), { blockSize: null, compression: 'gzip' })).toEqual([content]);
    expect(await blocksOf(join(place, 'a.br'), { blockSize: null, compression: 'brotli' })).toEqual([content]);
    expect(await blocksOf(join(place, 'a.deflate'), { blockSize: null, compression: 'deflate' })).toEqual([content]);
  });

  it('is inferred by the ending when blockSize is null', async () => {
    expect(await blocksOf([join(place, 'a.gz'), join(place, 'a.br'), join(place, 'a.txt')], { blockSize: null })).toEqual([
      content,
      content,
      content,
    ]);
    expect((await blocksOf(join(place, 'a.gz'), { blockSize: null, compression: null }))[0]).toBe(text(readFileSync(join(place, 'a.gz'))));
  });

  it('is left alone without blockSize: null', async () => {
    expect((await blocksOf(join(place, 'a.gz'))).join('')).toBe(text(readFileSync(join(place, 'a.gz'))));
  });

  it('of several members is undone whole', async () => {
    expect(await blocksOf(join(place, 'two.gz'), { blockSize: null })).toEqual(['firstsecond']);
  });

  it('goes with notZero and a delimiter', async () => {
    expect((await blocksOf(join(place, 'a.gz'), { blockSize: null, delimiter: '\n', notZero: true })).join('')).toBe(content.slice(9));
  });
});

describe('keys of reads', () => {
  const key = async (path: string, options: Omit<ReadBytesOptions, 'lazy'> = {}) =>
    (await readBytes(path, { ...options, lazy: true }))[0]!.key;

  it('cover path, range, delimiter and codec', async () => {
    const place = tree({ a: content133, b: content133 });
    const [a, b] = [join(place, 'a'), join(place, 'b')];
    const keys = [
      await key(a),
      await key(b),
      await key(a, { blockSize: 45 }),
      await key(a, { blockSize: 15 }),
      await key(a, { blockSize: 45, delimiter: '\n' }),
      await key(a, { blockSize: 45, delimiter: ';' }),
      await key(a, { blockSize: null, compression: 'gzip' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(await key(a)).toBe(keys[0]);
    const blocks = await readBytes(a, { blockSize: 15, lazy: true });
    expect(new Set(blocks.map((block) => block.key)).size).toBe(blocks.length);
  });

  it('change with the size and the time of the last change, finer than a millisecond', async () => {
    const place = tree({ a: 'content' });
    const path = join(place, 'a');
    utimesSync(path, 1_000, 1_000.25);
    const first = await key(path);
    utimesSync(path, 1_000, 1_000.250004);
    const second = await key(path);
    utimesSync(path, 1_000, 1_000.25);
    expect(second).not.toBe(first);
    expect(await key(path)).toBe(first);
    truncateSync(path, 3);
    utimesSync(path, 1_000, 1_000.25);
    expect(await key(path)).not.toBe(first);
  });

  it('are equal in another process', async () => {
    const place = tree({ a: content133 });
    const here = (await readBytes(join(place, 'a'), { blockSize: 45, delimiter: '\n', lazy: true })).map((block) => block.key);
    expect(await report<string[]>([fixture('read-keys.mjs'), join(place, 'a')], { cwd: place })).toEqual(here);
  });

  it('never cover where the block will run', async () => {
    const place = tree({ a: content133 });
    const own = new Executor({ engine: 'inline' });
    try {
      const [there] = await readBytes(join(place, 'a'), { executor: own });
      expect(there!.key).toBe(await key(join(place, 'a')));
      expect(text(await there!)).toBe(content133);
    } finally {
      await own.close();
    }
  });
});

describe('readBlocks', () => {
  it('gives a sample, the blocks by file, and the paths', async () => {
    const place = tree({ a: content133, b: 'b', empty: '' });
    const { sample, blocks, paths } = await readBlocks(place, { blockSize: 45 });
    expect(paths).toEqual([join(place, 'a'), join(place, 'b'), join(place, 'empty')]);
    expect(blocks.map((ofFile) => ofFile.length)).toEqual([2, 1, 0]);
    expect(text(sample!)).toBe(content133);
    const keys = (await readBytes(place, { blockSize: 45, lazy: true })).map((block) => block.key);
    expect(blocks.flat().map((block) => block.key)).toEqual(keys);
    expect(text(await blocks[0]![1]!.compute())).toBe(content133.slice(66));
  });

  it('ends the sample at the next delimiter', async () => {
    const place = tree({ a: 'first line\nsecond line\nthird line\n' });
    const sample = async (options: Parameters<typeof readBlocks>[1]) => {
      const blocks = await readBlocks(join(place, 'a'), options);
      return blocks.sample === null ? null : text(blocks.sample);
    };
    expect(await sample({ sample: 5, delimiter: '\n' })).toBe('first line\n');
    expect(await sample({ sample: 12, delimiter: '\n' })).toBe('first line\nsecond line\n');
    expect(await sample({ sample: 5 })).toBe('first');
    expect(await sample({ sample: '1 kB', delimiter: '\n' })).toBe('first line\nsecond line\nthird line\n');
    expect(await sample({ sample: false })).toBeNull();
  });

  it('takes 10 kB for the sample by default, unpacked', async () => {
    const long = 'x'.repeat(25_000);
    const place = tree({ a: long, 'a.gz': gzipSync('y'.repeat(25_000)) });
    expect((await readBlocks(join(place, 'a'))).sample).toHaveLength(10_000);
    expect(text((await readBlocks(join(place, 'a.gz'), { blockSize: null })).sample!)).toBe('y'.repeat(10_000));
  });
});

describe('writeBytes', () => {
  const bytes = (content: string) => new Uint8Array(Buffer.from(content));
  const place = (): string => mkdtempSync(join(folder, 'out-'));
  const contents = (at: string) => Object.fromEntries(readdirSync(at).map((name) => [name, readFileSync(join(at, name), 'utf8')]));

  it('writes each part to a file of a directory and gives the numbers of bytes', async () => {
    const at = join(place(), 'new', 'deep');
    const futures = await writeBytes(`${at}/`, [bytes('one'), bytes('three')]);
    for (const future of futures) expect(future.key).toMatch(/^write_bytes-[0-9a-f]{32}$/);
    expect(await Promise.all(futures)).toEqual([3, 5]);
    expect(contents(at)).toEqual({ 0: 'one', 1: 'three' });
  });

  it('pads numbers to the width of n - 1', async () => {
    const parts = (n: number) => Array.from({ length: n }, (_, i) => bytes(`part ${i}`));
    const ten = place();
    await Promise.all(await writeBytes(`${ten}/`, parts(10)));
    expect(readdirSync(ten).sort()).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    const eleven = place();
    await Promise.all(await writeBytes(join(eleven, 'part-*.dat'), parts(11)));
    expect(readdirSync(eleven).sort()).toEqual(Array.from({ length: 11 }, (_, i) => `part-${String(i).padStart(2, '0')}.dat`));
    expect(readFileSync(join(eleven, 'part-10.dat'), 'utf8')).toBe('part 10');
    const none = await writeBytes(`${place()}/`, []);
    expect(none).toEqual([]);
  });

  it('takes Values and Futures, file: URLs, and is lazy when it is asked to be', async () => {
    const at = place();
    const make = lazy((content: string) => new Uint8Array(Buffer.from(content)));
    const values = await writeBytes(pathToFileURL(`${at}/`), [make('a'), executor.submit(make, 'bb'), bytes('ccc')], { lazy: true });
    expect(readdirSync(at)).toEqual([]);
    expect(inspect(values[0])).toMatch(/^Value\('write_bytes-[0-9a-f]{32}'\)$/);
    expect(await executor.gather(executor.compute(values))).toEqual([1, 2, 3]);
    expect(contents(at)).toEqual({ 0: 'a', 1: 'bb', 2: 'ccc' });
  });

  it('is impure: writing again writes again', async () => {
    const at = place();
    const first = await writeBytes(`${at}/`, [bytes('a')], { overwrite: true });
    await Promise.all(first);
    writeFileSync(join(at, '0'), 'changed');
    const second = await writeBytes(`${at}/`, [bytes('a')], { overwrite: true });
    await Promise.all(second);
    expect(second[0]!.key).not.toBe(first[0]!.key);
    expect(contents(at)).toEqual({ 0: 'a' });
  });

  it('packs with a codec', async () => {
    const at = place();
    await Promise.all(await writeBytes(join(at, '*.gz'), [bytes('packed')], { compression: 'gzip' }));
    expect(await blocksOf(join(at, '0.gz'), { blockSize: null })).toEqual(['packed']);
  });

  it('leaves nothing but the parts behind', async () => {
    const at = place();
    const futures = await writeBytes(
      `${at}/`,
      Array.from({ length: 20 }, (_, i) => bytes('x'.repeat(i * 1_000))),
    );
    await Promise.all(futures);
    expect(readdirSync(at)).toHaveLength(20);
  });

  it('writes empty parts and views of larger buffers exactly', async () => {
    const at = place();
    const larger = bytes('0123456789');
    expect(await Promise.all(await writeBytes(`${at}/`, [new Uint8Array(0), larger.subarray(3, 6), Buffer.from('buffer')]))).toEqual([
      0, 3, 6,
    ]);
    expect(contents(at)).toEqual({ 0: '', 1: '345', 2: 'buffer' });
  });

  it('a file read in blocks and written again is the same, byte for byte', async () => {
    const original = new Uint8Array(500_000).map((_, i) => (i * i) & 255);
    const from = tree({ a: original });
    const at = place();
    const blocks = await readBytes(join(from, 'a'), { blockSize: 50_000, delimiter: '\n', lazy: true });
    await Promise.all(await writeBytes(`${at}/`, blocks));
    expect(Buffer.concat(await executor.gather(await readBytes(at))).equals(Buffer.from(original))).toBe(true);
  });
});

describe('registerStorage', () => {
  it('refuses a scheme that is taken', () => {
    const error = thrown(() =>
      registerStorage({ schemes: ['file'], module: import.meta.url, list: async function* () {}, read: async () => 0 }),
    );
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain('file');
  });
});

describe('the process that reads', () => {
  it('ends by itself with eager blocks that nobody awaits', async () => {
    const place = tree({ a: 'a', b: 'b' });
    chmodSync(place, 0o755);
    expect(await report<unknown>([fixture('reads-and-ends.mjs'), place])).toEqual({ blocks: 2 });
    expect(existsSync(place)).toBe(true);
  });
});
