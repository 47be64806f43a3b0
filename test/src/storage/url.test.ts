import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { parseLocation, parseLocations, withoutPassword } from '../../../src/storage/url.ts';

const pathOf = (location: unknown): string => parseLocation(location).path;

describe('a location', () => {
  it('is a path, made absolute, with its closing slash', () => {
    expect(parseLocation('a/b.txt')).toEqual({ scheme: 'file', path: resolve('a/b.txt'), shown: 'a/b.txt' });
    expect(pathOf('a/')).toBe(`${resolve('a')}/`);
    expect(pathOf('/')).toBe('/');
    expect(pathOf('/a//b/../c')).toBe('/a/c');
    expect(pathOf('/a/**/*.txt')).toBe('/a/**/*.txt');
  });

  it('is a file: URL, as text or as an object, of the same path', () => {
    for (const path of ['/a/b.txt', '/a b/ü#1?.txt', '/100%/x', '/a/[1]/{b}', '/a/']) {
      expect(pathOf(pathToFileURL(path))).toBe(path);
      expect(pathOf(pathToFileURL(path).href)).toBe(path);
    }
    expect(pathOf('file:/a/b')).toBe('/a/b');
    expect(pathOf('FILE://localhost/a/b')).toBe('/a/b');
    expect(pathOf('file:///a/*.{x,y}')).toBe('/a/*.{x,y}');
    expect(pathOf('file:///a/b?.txt')).toBe('/a/b?.txt');
    expect(pathOf(new URL('file:///a/b?.txt'))).toBe('/a/b?.txt');
  });

  it('is a URL object of another realm', () => {
    const foreign = runInNewContext('({ href: "file:///a/b", protocol: "file:" })') as unknown;
    expect(pathOf(foreign)).toBe('/a/b');
  });

  it('keeps the text of other URLs, and the case of all but the scheme', () => {
    expect(parseLocation('S3://Bucket/a b/%20/*.csv')).toEqual({
      scheme: 's3',
      path: 's3://Bucket/a b/%20/*.csv',
      shown: 's3://Bucket/a b/%20/*.csv',
    });
  });

  it('means the key itself in a text of S3, and what it was escaped from in a URL object', () => {
    expect(parseLocation('s3://bucket/a%20b ü?token=1').shown).toBe('s3://bucket/a%20b ü?token=1');
    expect(parseLocation(new URL('s3://bucket/a b ü/100%25.txt'))).toMatchObject({ path: 's3://bucket/a b ü/100%.txt' });
    expect(() => parseLocation(new URL('s3://bucket/100%'))).toThrow(/write "%" itself as %25/);
  });

  it('shows no secret of a signed URL', () => {
    const { path, shown } = parseLocation('https://host/a?X-Amz-Signature=hush&part=1&sig=hush#f');
    expect(path).toContain('X-Amz-Signature=hush');
    expect(shown).toBe('https://host/a?X-Amz-Signature=…&part=1&sig=…#f');
  });

  it('may have a colon in a name, and a drive is no scheme', () => {
    expect(parseLocation('log:2015.txt')).toMatchObject({ scheme: 'file', path: resolve('log:2015.txt') });
    expect(parseLocation('C:\\data').scheme).toBe('file');
    expect(parseLocation('s3:bucket').scheme).toBe('s3');
    expect(parseLocation(new URL('data:,x')).scheme).toBe('data');
  });

  it.each([
    ['hdfs://me:secret@host:9870/a', 'hdfs://me@host:9870/a'],
    ['https://me:se@cret@host/a', 'https://me@host/a'],
    ['https://:secret@host/a', 'https://@host/a'],
    ['https://me:sec/ret@host/a', 'https://me@host/a'],
    ['https://me@host/a', 'https://me@host/a'],
    ['s3://bucket/me:no@secret', 's3://bucket/me:no@secret'],
    ['http://host:80/me:no@secret', 'http://host:80/me:no@secret'],
    ['http://host?me:no@secret', 'http://host?me:no@secret'],
  ])('drops a password: %s', (url, clean) => {
    expect(withoutPassword(url)).toBe(clean);
    expect(parseLocation(url)).toMatchObject({ path: clean, shown: clean });
  });

  it('drops the password of a URL object', () => {
    expect(pathOf(new URL('hdfs://me:secret@host/a'))).toBe('hdfs://me@host/a');
  });

  it.each<[unknown, RegExp]>([
    [42, /got 42/],
    [undefined, /got undefined/],
    [null, /got null/],
    [{}, /got an object/],
    ['', /empty text/],
    ['a\0b', /NUL/],
    [new Set(['a']), /Set, which promises no order; pass an array/],
    [['a', ['b']], /lists cannot be nested/],
    [[], /list of locations is empty/],
    ['file://server/share', /file:\/\/server\/share .* it has a host/],
    ['file://me:secret@server/share', /it has a host/],
    ['file:///a%2Fb', /escaped slash/],
    ['file:///a%zz', /two hex digits/],
    ['file:///a%00', /NUL/],
  ])('is not %p', (location, message) => {
    expect(() => parseLocations(location)).toThrow(message);
    try {
      parseLocations(location);
    } catch (error) {
      expect(error).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' });
      expect(String(error)).not.toContain('secret');
    }
  });
});
