import { runInNewContext } from 'node:vm';
import { checkOptionNames, checkReadOptions, codecFor, type ReadOptions, readOptionNames } from '../../../src/storage/read-options.ts';

const check = (options: Record<string, unknown>) => checkReadOptions(options as ReadOptions);

describe('read options', () => {
  it('have their defaults', () => {
    expect(check({})).toEqual({
      blockSize: 128 * 1024 * 1024,
      isDefaultSize: true,
      delimiter: null,
      notZero: false,
      compression: null,
      storage: undefined,
      signal: undefined,
    });
    expect(check({ blockSize: null })).toMatchObject({ blockSize: null, isDefaultSize: false, compression: 'infer' });
    expect(check({ blockSize: null, compression: null })).toMatchObject({ compression: null });
  });

  it.each<[Record<string, unknown>, 'TypeError' | 'RangeError', RegExp]>([
    [{ blockSize: 0 }, 'RangeError', /blockSize must be at least one byte/],
    [{ blockSize: '0 MB' }, 'RangeError', /at least one byte/],
    [{ blockSize: -5 }, 'RangeError', /blockSize must be >= 0; it is -5/],
    [{ blockSize: 5.5 }, 'RangeError', /whole number of bytes; it is 5\.5/],
    [{ blockSize: Number.NaN }, 'RangeError', /NaN/],
    [{ blockSize: Number.POSITIVE_INFINITY }, 'RangeError', /Infinity/],
    [{ blockSize: '12 parsecs' }, 'TypeError', /"12 parsecs"/],
    [{ blockSize: true }, 'TypeError', /it is true/],
    [{ delimiter: '' }, 'RangeError', /delimiter is empty/],
    [{ delimiter: new Uint8Array(0) }, 'RangeError', /delimiter is empty/],
    [{ delimiter: 10 }, 'TypeError', /a text or bytes; it is 10/],
    [{ delimiter: /\n/ }, 'TypeError', /a RegExp/],
    [{ notZero: true }, 'TypeError', /needs a delimiter/],
    [{ notZero: 1, delimiter: '\n' }, 'TypeError', /notZero must be true or false/],
    [{ compression: 'zip' }, 'TypeError', /"infer", "gzip", "deflate", "brotli" or null; it is "zip"/],
    [{ storage: 'eu' }, 'TypeError', /storage must be an object/],
    [{ signal: {} }, 'TypeError', /signal must be an AbortSignal/],
  ])('refuse %p', (options, name, message) => {
    expect(() => check(options)).toThrow(
      expect.objectContaining({ name, code: 'ERR_INVALID_OPTION', message: expect.stringMatching(message) }),
    );
  });

  it('refuse a name that nobody knows', () => {
    expect(() => checkOptionNames({ blocksize: 5 }, 'readBytes', readOptionNames)).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/readBytes\(\) has no option "blocksize" \(known: blockSize,/),
      }),
    );
    expect(() => checkOptionNames('5 MB', 'readBytes', readOptionNames)).toThrow(/takes an object of options/);
    expect(() => checkOptionNames(null, 'readBytes', readOptionNames)).toThrow(/takes an object of options/);
  });

  it('keep a delimiter as bytes of their own', () => {
    const bytes = Uint8Array.of(1, 2);
    const { delimiter } = check({ delimiter: bytes });
    bytes[0] = 9;
    expect([...delimiter!]).toEqual([1, 2]);
    expect([...check({ delimiter: 'é' }).delimiter!]).toEqual([0xc3, 0xa9]);
    expect([...check({ delimiter: runInNewContext('Uint8Array.of(7)') }).delimiter!]).toEqual([7]);
  });

  it('refuse blocks of packed files and say what to pass', () => {
    const packed = expect.objectContaining({
      code: 'ERR_COMPRESSED_BLOCKS',
      message: expect.stringMatching(/\/a\.gz is packed with gzip.* blockSize: null/),
    });
    expect(() => codecFor('/a.gz', check({ compression: 'gzip' }))).toThrow(packed);
    expect(() => codecFor('/a.gz', check({ compression: 'gzip', blockSize: '1 MB' }))).toThrow(packed);
    expect(() => codecFor('/a.gz', check({ compression: 'infer', blockSize: 100 }))).toThrow(packed);
    expect(codecFor('/a.txt', check({ compression: 'infer', blockSize: 100 }))).toBeNull();
    expect(codecFor('/a.gz', check({}))).toBeNull();
    expect(codecFor('/a.gz', check({ blockSize: null }))).toBe('gzip');
    expect(codecFor('/a.gz', check({ blockSize: null, compression: 'brotli' }))).toBe('brotli');
  });
});
