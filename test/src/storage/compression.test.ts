import { randomBytes } from 'node:crypto';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { type Codec, codecs, inferCodec, pack, unpack, unpackStart } from '../../../src/storage/compression.ts';

const text = new TextEncoder().encode('the quick brown fox\n'.repeat(5000));
const noise = randomBytes(300_000);

async function* inChunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

const damaged = expect.objectContaining({ code: 'ERR_DAMAGED', message: expect.stringContaining('/data/x') });

describe('compression', () => {
  it('is inferred from the ending', () => {
    expect(['a.gz', 'a.tar.GZ', 'a.zz', 'a.zlib', 'a.deflate', 'a.br', 'a.txt', 'gz', 'a', 'a.gz/b', 'a.bz2'].map(inferCodec)).toEqual([
      'gzip',
      'gzip',
      'deflate',
      'deflate',
      'deflate',
      'brotli',
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  describe.each([...codecs])('%s', (codec: Codec) => {
    it('unpacks what it packed', () => {
      for (const bytes of [text, noise, new Uint8Array(0), text.subarray(0, 1)])
        expect(Buffer.compare(unpack(codec, pack(codec, bytes), 'x'), bytes)).toBe(0);
    });

    it('refuses what is cut short', () => {
      const packed = pack(codec, noise);
      for (const length of [0, 1, 10, packed.length >> 1, packed.length - 1])
        expect(() => unpack(codec, packed.subarray(0, length), '/data/x')).toThrow(damaged);
    });

    it('refuses what is no such data', () => {
      expect(() => unpack(codec, new TextEncoder().encode('plain text, never packed'), '/data/x')).toThrow(damaged);
    });

    it('refuses what is followed by something else', () => {
      expect(() => unpack(codec, Buffer.concat([pack(codec, text), Buffer.from('more')]), '/data/x')).toThrow(damaged);
    });

    it('unpacks a beginning without reading the rest', async () => {
      const packed = pack(codec, noise);
      let served = 0;
      const chunks = (async function* () {
        for await (const chunk of inChunks(packed, 1000)) {
          served += chunk.length;
          yield chunk;
        }
      })();
      const start = await unpackStart(codec, chunks, (bytes) => bytes.length >= 10, '/data/x');
      expect(start.length).toBeGreaterThanOrEqual(10);
      expect(Buffer.compare(start, noise.subarray(0, start.length))).toBe(0);
      expect(served).toBeLessThan(packed.length);
    });

    it('unpacks all when there is never enough', async () => {
      const all = await unpackStart(codec, inChunks(pack(codec, text), 7), () => false, '/data/x');
      expect(Buffer.compare(all, text)).toBe(0);
    });

    it('names the file when its beginning is damaged', async () => {
      await expect(unpackStart(codec, inChunks(Buffer.from('plain text, never packed'), 5), () => false, '/data/x')).rejects.toEqual(
        damaged,
      );
    });

    it('hands on an error of reading', async () => {
      const failing = (async function* () {
        yield pack(codec, noise).subarray(0, 100);
        throw new Error('the disk failed');
      })();
      await expect(unpackStart(codec, failing, () => false, '/data/x')).rejects.toThrow('the disk failed');
    });
  });

  it('joins the members of a gzip file and skips zeros after them', () => {
    const members = Buffer.concat([gzipSync('one '), gzipSync('two'), Buffer.alloc(512)]);
    expect(Buffer.from(unpack('gzip', members, 'x')).toString()).toBe('one two');
  });

  it('does not take a broken second member for the end', () => {
    const second = gzipSync('two');
    second[0] = 0;
    expect(() => unpack('gzip', Buffer.concat([gzipSync('one '), second]), '/data/x')).toThrow(damaged);
  });

  it('finds a flipped bit in gzip data', () => {
    const packed = Buffer.from(pack('gzip', text));
    packed[packed.length - 6]! ^= 1;
    expect(() => unpack('gzip', packed, '/data/x')).toThrow(damaged);
  });

  it('reads raw deflate too', () => {
    expect(Buffer.compare(unpack('deflate', deflateRawSync(text), 'x'), text)).toBe(0);
  });
});
