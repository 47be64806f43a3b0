import { runningTask } from '../../../runtime/worker/context.ts';
import { type WriteRequest, writeBlock } from '../../../src/storage/write-block.ts';
import { memory } from '../../fixtures/storage/mem-storage.ts';

const request = (path: string, options: Partial<WriteRequest['target']> = {}): WriteRequest => ({
  target: { scheme: 'mem', module: String(memory.storage.module), storage: undefined, codec: null, overwrite: false, ...options },
  path,
  part: 0,
});

describe('writeBlock', () => {
  afterEach(() => memory.entries.clear());

  it.each<[unknown, RegExp]>([
    ['text', /is a string, and only bytes can be written; encode text with new TextEncoder/],
    [42, /is a number.* make it a Uint8Array first/],
    [undefined, /is undefined/],
    [null, /is null/],
    [[1, 2], /is an array/],
    [{ a: 1 }, /is an object/],
    [new Map(), /is a Map/],
    [new ArrayBuffer(3), /is a.? ArrayBuffer/],
    [new Float64Array(3), /is a Float64Array/],
  ])('refuses %p by its type', async (bytes, message) => {
    await expect(writeBlock(request('mem://a/f'), bytes)).rejects.toMatchObject({
      name: 'TypeError',
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
    expect(memory.entries.size).toBe(0);
  });

  it('gives the number of bytes in the file, packed or not', async () => {
    expect(await writeBlock(request('mem://a/f'), new Uint8Array(1000))).toBe(1000);
    const packed = await writeBlock(request('mem://a/g', { codec: 'gzip' }), new Uint8Array(1000));
    expect(packed).toBe(memory.entries.get('mem://a/g')!.bytes.length);
    expect(packed).toBeLessThan(100);
  });

  it('hands the storage options to the storage', async () => {
    const options = { region: 'here' };
    await writeBlock(request('mem://a/f', { storage: options }), new Uint8Array(1));
    expect(memory.calls.at(-1)!.storage).toBe(options);
  });

  it('refuses a name that is taken, also by the very same bytes', async () => {
    await writeBlock(request('mem://a/f'), new Uint8Array(10));
    await expect(writeBlock(request('mem://a/f'), new Uint8Array(10))).rejects.toMatchObject({ code: 'ERR_EXISTS' });
  });

  it('refuses to write where a storage only reads', async () => {
    const storage = memory.storage as { write: unknown };
    const { write } = storage;
    try {
      storage.write = undefined;
      await expect(writeBlock(request('mem://a/f'), new Uint8Array(1))).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED',
        message: expect.stringContaining('only reads'),
      });
    } finally {
      storage.write = write;
    }
  });

  describe('run again', () => {
    const attempt = (n: number, path: string, bytes: Uint8Array): Promise<number> =>
      runningTask.run(
        { row: 0, executor: undefined, keys: 'write_bytes-x', worker: 'w', attempt: n, member: 0, controller: undefined },
        () => writeBlock(request(path), bytes),
      );
    const bytes = new Uint8Array(3_000_000).map((_, i) => i);

    it('finds that its first attempt has written the whole part', async () => {
      expect(await attempt(1, 'mem://a/f', bytes)).toBe(bytes.length);
      expect(await attempt(2, 'mem://a/f', bytes)).toBe(bytes.length);
    });

    it('does not take the bytes of somebody else for its own', async () => {
      memory.put('mem://a/f', bytes.with(2_999_999, 7));
      await expect(attempt(2, 'mem://a/f', bytes)).rejects.toMatchObject({ code: 'ERR_EXISTS' });
      memory.put('mem://a/f', bytes.subarray(1));
      await expect(attempt(2, 'mem://a/f', bytes)).rejects.toMatchObject({ code: 'ERR_EXISTS' });
    });

    it('refuses a name that is taken in its first attempt', async () => {
      memory.put('mem://a/f', bytes);
      await expect(attempt(1, 'mem://a/f', bytes)).rejects.toMatchObject({ code: 'ERR_EXISTS' });
    });
  });
});
