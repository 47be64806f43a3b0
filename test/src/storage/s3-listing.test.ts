import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteObjectCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { startMoto, startVersityGateway } from '../../services/s3-server.ts';
import { describeS3, type S3Suite } from '../../services/s3-suite.ts';

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Listings that went over the line: their prefix, and whether they asked for one level. */
function listings({ proxy }: S3Suite): { readonly prefix: string; readonly delimiter: string | null }[] {
  return proxy.seen
    .map(({ url }) => new URL(url, 'http://host').searchParams)
    .filter((query) => query.get('list-type') === '2')
    .map((query) => ({ prefix: query.get('prefix')!, delimiter: query.get('delimiter') }));
}

await describeS3('listing S3 (versitygw)', startVersityGateway, (suite) => {
  let bucket: string;
  beforeEach(async () => {
    bucket = await suite.bucket();
  });
  const putAll = async (keys: readonly string[]): Promise<void> => {
    const left = [...keys];
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) await suite.put(bucket, key, key.endsWith('/') ? '' : key);
      }),
    );
  };

  it('pages through 5,000 keys', async () => {
    const keys = Array.from({ length: 5000 }, (_, i) => `many/${String(i).padStart(4, '0')}`);
    mkdirSync(join(suite.server.folder!, bucket, 'many'));
    for (const key of keys) writeFileSync(join(suite.server.folder!, bucket, key), key);
    expect(await suite.keys(bucket, 'many/')).toEqual(keys);
    expect(listings(suite).length).toBeGreaterThanOrEqual(5);
    suite.proxy.reset();
    expect(await suite.keys(bucket, 'many/12?4')).toHaveLength(10);
    // the fixed part of the name goes into the prefix
    expect(listings(suite).at(-1)!.prefix).toBe('many/12');
    expect(listings(suite)).toHaveLength(2);
    // such files have no ETag on this server
    const [file] = await suite.list(`s3://${bucket}/many/0007`);
    expect(file).toMatchObject({ size: 9, identity: expect.stringMatching(/^modified-\d+-9$/) });
    expect(textOf(await suite.read(file!, 5, 10))).toBe('0007');
    writeFileSync(join(suite.server.folder!, bucket, 'many/0007'), 'another 8');
    utimesSync(join(suite.server.folder!, bucket, 'many/0007'), 1, 1_600_000_000);
    await expect(suite.read(file!, 0, 9)).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
  });

  it('lists one level for a glob, and nothing beside its fixed prefix', async () => {
    await putAll(['logs/a.csv', 'logs/b.csv', 'logs/deep/c.csv', 'logs/deep/er/d.csv', 'other/e.csv', 'logs-2/f.csv']);
    expect(await suite.keys(bucket, 'logs/*.csv')).toEqual(['logs/a.csv', 'logs/b.csv']);
    expect(listings(suite).at(-1)).toEqual({ prefix: 'logs/', delimiter: '/' });
    suite.proxy.reset();
    expect(await suite.keys(bucket, 'l*/d*/*.csv')).toEqual(['logs/deep/c.csv']);
    expect(listings(suite).slice(1)).toEqual([
      { prefix: 'l', delimiter: '/' },
      { prefix: 'logs-2/', delimiter: '/' },
      { prefix: 'logs/', delimiter: '/' },
      { prefix: 'logs/deep/', delimiter: '/' },
    ]);
    suite.proxy.reset();
    expect(await suite.keys(bucket, 'logs/**/d.csv')).toEqual(['logs/deep/er/d.csv']);
    expect(listings(suite).at(-1)).toEqual({ prefix: 'logs/', delimiter: null });
  });

  it('asks for one object without listing anything', async () => {
    await suite.put(bucket, 'one', 'x');
    expect(await suite.keys(bucket, 'one')).toEqual(['one']);
    expect(listings(suite)).toEqual([]);
  });

  it('does not take what only begins alike for a directory', async () => {
    await putAll(['data/a', 'data-old/b', 'data.txt']);
    expect(await suite.keys(bucket, 'data')).toEqual(['data/a']);
    expect(await suite.keys(bucket, '')).toEqual(['data-old/b', 'data.txt', 'data/a']);
  });

  it('leaves out objects that only mark a directory', async () => {
    await putAll(['dir/', 'dir/a']);
    expect(await suite.keys(bucket, 'dir/')).toEqual(['dir/a']);
  });

  it('reads a version by its id, also when it is no longer the newest', async () => {
    const Bucket = `${bucket}-v`;
    await suite.client.send(new CreateBucketCommand({ Bucket }));
    await suite.client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const { VersionId } = await suite.client.send(new PutObjectCommand({ Bucket, Key: 'f', Body: 'old content' }));
    await suite.put(Bucket, 'f', 'new');
    const [file] = await suite.list(`s3://${Bucket}/f?versionId=${VersionId}`);
    expect(file).toMatchObject({ path: `s3://${Bucket}/f?versionId=${VersionId}`, size: 11 });
    await suite.client.send(new DeleteObjectCommand({ Bucket, Key: 'f' }));
    expect(textOf(await suite.read(file!, 4, 100))).toBe('content');
    await expect(suite.write(file!.path, new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('bears a line break in a key, and says so when a key is too long', async () => {
    await suite.put(bucket, 'line\nbreak', 'content');
    const [file] = await suite.list(`s3://${bucket}/line*`);
    expect(file).toMatchObject({ path: `s3://${bucket}/line\nbreak` });
    expect(textOf(await suite.read(file!, 0, 100))).toBe('content');
    // this server keeps each name of a key in a file's name
    await expect(suite.write(`s3://${bucket}/${'k'.repeat(1024)}`, new Uint8Array(1))).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/^cannot write .*KeyTooLong/),
    });
    await expect(suite.write(`s3://${bucket}/${'k'.repeat(1025)}`, new Uint8Array(1))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('1024 bytes'),
    });
  });

  it('ends a listing that goes in a circle', async () => {
    await putAll(['dir/a']);
    const page =
      '<?xml version="1.0"?><ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>' +
      '<Contents><Key>dir/a</Key><Size>1</Size><ETag>"x"</ETag></Contents></ListBucketResult>';
    suite.proxy.decide = ({ url }) => (url.includes('list-type') ? { kind: 'answer', status: 200, body: page } : undefined);
    await expect(suite.list(`s3://${bucket}/dir/`)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('in a circle'),
    });
  });

  it('ends with its signal in the middle of a listing', async () => {
    await putAll(['dir/a']);
    suite.proxy.decide = () => ({ kind: 'delay', ms: 5000 });
    const controller = new AbortController();
    const listing = suite.list(`s3://${bucket}/dir/`, controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(listing).rejects.toThrow('enough');
  });

  it.each(['s3://', 's3:///key', 's3://UPPER CASE/x', 's3://b'])('refuses %s, which names no bucket', async (url) => {
    await expect(suite.list(url)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

await describeS3('keys of S3 (moto)', startMoto, (suite) => {
  const odd = [
    'a//b',
    '//c',
    'd/./e',
    'd/../f',
    'space in it',
    ' space around ',
    'plus+plus',
    'per%20cent%2Fand%',
    'hash#hash',
    'question?mark=1&x',
    'ünïcödé/😀/日本語',
    'carriage\rreturn',
    'tab\tand "quotes" \'and\' <angles> & ;',
    'back\\slash',
    'colon:at@equals=',
    '*star[1]{x}',
    `long/${'k'.repeat(1019)}`,
    '__proto__',
  ];
  it('lists, reads and writes keys of any characters, of 1,024 bytes too', async () => {
    const bucket = await suite.bucket();
    for (const key of odd) await suite.put(bucket, key, `content of ${key}`);
    expect(await suite.keys(bucket, '')).toEqual([...odd].sort());
    for (const key of odd) {
      const [file] = await suite.list(`s3://${bucket}/${key}`);
      expect(file).toMatchObject({ path: `s3://${bucket}/${key}` });
      expect(textOf(await suite.read(file!, 0, 2000))).toBe(`content of ${key}`);
      await suite.write(`s3://${bucket}/${key}`, new TextEncoder().encode('written'), true);
      expect(textOf(await suite.read((await suite.list(`s3://${bucket}/${key}`))[0]!, 0, 2000))).toBe('written');
    }
    expect(await suite.keys(bucket, 'a//*')).toEqual(['a//b']);
    expect(await suite.keys(bucket, '**/b')).toEqual(['a//b']);
    expect(await suite.keys(bucket, '*+*')).toEqual(['plus+plus']);
  }, 60_000);
});
