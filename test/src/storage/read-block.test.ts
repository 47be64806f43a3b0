import { randomBytes } from 'node:crypto';
import { types } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BlockRequest, packSource, unpackSource } from '../../../src/storage/block-request.ts';
import { type Codec, pack } from '../../../src/storage/compression.ts';
import { readBlock, readBlockTask } from '../../../src/storage/read-block.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { testStorage } from '../../conformance/storage.ts';
import { memory } from '../../fixtures/storage/mem-storage.ts';
import { memory as sizeless } from '../../fixtures/storage/sizeless-storage.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

async function fileAt(path: string, from = memory): Promise<StoredFile> {
  for await (const file of from.storage.list(path, {})) return file;
  throw new Error(`no ${path}`);
}

function request(
  file: StoredFile,
  options: {
    delimiter?: string;
    notZero?: boolean;
    codec?: Codec;
    storage?: unknown;
    start?: number;
    end?: number | null;
    from?: typeof memory;
  } = {},
): BlockRequest {
  const { delimiter, notZero = false, codec = null, storage, start = 0, end = file.size, from = memory } = options;
  return {
    source: {
      scheme: 'mem',
      module: String(from.storage.module),
      storage,
      delimiter: delimiter === undefined ? null : bytesOf(delimiter),
      notZero,
    },
    file,
    codec,
    start,
    end,
  };
}

describe('a storage in memory', () => {
  let places = 0;
  testStorage({
    open: async () => {
      const root = `mem://place-${++places}/`;
      return {
        storage: memory.storage,
        module: String(memory.storage.module),
        root,
        options: { region: 'here' },
        put: async (name, bytes) => memory.put(root + name, bytes),
        remove: async (name) => void memory.entries.delete(root + name),
        close: async () => memory.entries.clear(),
      };
    },
  });
});

describe('readBlock', () => {
  beforeEach(() => {
    memory.calls.length = 0;
  });

  it('asks an asynchronous storage again after short reads', async () => {
    memory.put('mem://a/f', randomBytes(3500));
    const bytes = await readBlock(request(await fileAt('mem://a/f')));
    expect(Buffer.compare(bytes, memory.entries.get('mem://a/f')!.bytes)).toBe(0);
    expect(memory.calls.length).toBeGreaterThanOrEqual(4);
  });

  it('hands the storage options to the storage', async () => {
    memory.put('mem://a/f', bytesOf('x'));
    const options = { region: 'here' };
    await readBlock(request(await fileAt('mem://a/f'), { storage: options }));
    expect(memory.calls.at(-1)!.storage).toBe(options);
  });

  it.each<Codec>(['gzip', 'deflate', 'brotli'])('unpacks a whole file of %s into memory of its own', async (codec) => {
    memory.put('mem://a/f', pack(codec, bytesOf('header\n1\n2\n')));
    const file = await fileAt('mem://a/f');
    const block = await readBlock(request(file, { codec }));
    expect(textOf(block)).toBe('header\n1\n2\n');
    expect([block.byteOffset, block.buffer.byteLength]).toEqual([0, block.byteLength]);
    expect(textOf(await readBlock(request(file, { codec, delimiter: '\n', notZero: true })))).toBe('1\n2\n');
    expect(textOf(await readBlock(request(file, { codec, delimiter: '|', notZero: true })))).toBe('');
  });

  it('unpacks megabytes', async () => {
    const noise = randomBytes(3_000_000);
    memory.put('mem://a/f', gzipSync(noise));
    const block = await readBlock(request(await fileAt('mem://a/f'), { codec: 'gzip' }));
    expect(Buffer.compare(block, noise)).toBe(0);
    expect([block.byteOffset, block.buffer.byteLength]).toEqual([0, block.byteLength]);
  });

  it('names a damaged file', async () => {
    memory.put('mem://a/f.gz', bytesOf('not packed'));
    await expect(readBlock(request(await fileAt('mem://a/f.gz'), { codec: 'gzip' }))).rejects.toMatchObject({
      code: 'ERR_DAMAGED',
      message: expect.stringContaining('mem://a/f.gz is damaged'),
    });
  });

  it('reads a file whose size only reading tells', async () => {
    const bytes = randomBytes(200_000);
    sizeless.put('mem://a/f', bytes);
    sizeless.put('mem://a/empty', new Uint8Array(0));
    sizeless.put('mem://a/f.gz', gzipSync('hello'));
    sizeless.put('mem://a/csv', bytesOf('header\n1\n'));
    const read = async (name: string, options: Parameters<typeof request>[1] = {}) =>
      readBlock(request(await fileAt(`mem://a/${name}`, sizeless), { ...options, from: sizeless }));
    const whole = await read('f');
    expect(Buffer.compare(whole, bytes)).toBe(0);
    expect([whole.byteOffset, whole.buffer.byteLength]).toEqual([0, whole.byteLength]);
    expect(await read('empty')).toHaveLength(0);
    expect(textOf(await read('f.gz', { codec: 'gzip' }))).toBe('hello');
    expect(textOf(await read('csv', { delimiter: '\n', notZero: true }))).toBe('1\n');
  });

  it('refuses a storage that says nonsense', async () => {
    memory.put('mem://a/f', bytesOf('0123456789'));
    const file = await fileAt('mem://a/f');
    const storage = memory.storage as { read: unknown };
    const { read } = storage;
    try {
      for (const answer of [11, -1, 1.5, Number.NaN, undefined, '5']) {
        storage.read = async () => answer;
        await expect(readBlock(request(file))).rejects.toMatchObject({
          code: 'ERR_STORAGE',
          message: expect.stringContaining('says that it read'),
        });
      }
      storage.read = async () => 0;
      await expect(readBlock(request(file))).rejects.toMatchObject({
        code: 'ERR_SOURCE_CHANGED',
        message: expect.stringContaining('it had 10 bytes, now it ends at byte 0'),
      });
    } finally {
      storage.read = read;
    }
  });

  it('says which module has no storage', async () => {
    const file = { path: 'mem://a/f', size: 1, identity: 'x' };
    const from = (module: string, scheme = 'mem') =>
      readBlock({ source: { scheme, module, storage: undefined, delimiter: null, notZero: false }, file, codec: null, start: 0, end: 1 });
    await expect(from('file:///nowhere/storage.mjs')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('cannot be loaded from file:///nowhere/storage.mjs'),
    });
    await expect(from(String(memory.storage.module), 'other')).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('has no storage for "other:"'),
    });
  });

  it('says when there is no memory for a block', async () => {
    const size = 2 ** 45;
    const file = { path: 'mem://a/f', size, identity: 'x' };
    await expect((async () => readBlock(request(file)))()).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/a block of mem:\/\/a\/f has 35184372088832 bytes.*blockSize/),
    });
  });

  it('reads the same from the texts and numbers of a task', async () => {
    memory.put('mem://a/f', bytesOf('1\xff2\xff3\xff'));
    const file = await fileAt('mem://a/f');
    const whole = request(file, { delimiter: '\xff', notZero: true, storage: { region: 'here' }, end: 3 });
    const fromTask = await readBlockTask(packSource(whole.source), file.path, file.size, file.identity, null, 0, 3, { region: 'here' });
    expect(fromTask).toEqual(await readBlock(whole));
    expect(memory.calls.at(-1)!.storage).toEqual({ region: 'here' });
  });

  it('carries a source of any delimiter, however many there are', () => {
    for (let i = 0; i < 300; i++) {
      const source = {
        scheme: 'mem',
        module: 'file:///a.mjs',
        storage: undefined,
        delimiter: i === 0 ? null : Uint8Array.of(i & 255, 0, 10),
        notZero: i % 2 === 0,
      };
      expect({ storage: undefined, ...unpackSource(packSource(source)) }).toEqual(source);
      expect(unpackSource(packSource(source))).toBe(unpackSource(packSource(source)));
    }
  });

  it('gives bytes that are no Buffer', async () => {
    memory.put('mem://a/f', bytesOf('x'));
    const block = await readBlock(request(await fileAt('mem://a/f')));
    expect(types.isUint8Array(block)).toBe(true);
    expect(Buffer.isBuffer(block)).toBe(false);
  });
});
