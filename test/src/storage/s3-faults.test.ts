import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { varied } from '../../conformance/storage.ts';
import type { Fault, SeenRequest } from '../../services/fault-proxy.ts';
import { startVersityGateway } from '../../services/s3-server.ts';
import { describeS3 } from '../../services/s3-suite.ts';

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const slowDown: Fault = {
  kind: 'answer',
  status: 503,
  body: '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
};

/** Harm done to the first requests of a kind, each in its turn. */
function first(
  isMeant: (request: SeenRequest) => boolean,
  faults: readonly (Fault | undefined)[],
): (request: SeenRequest) => Fault | undefined {
  const left = [...faults];
  return (request) => (isMeant(request) ? left.shift() : undefined);
}
const isGet = ({ method, url }: SeenRequest): boolean => method === 'GET' && !url.includes('list-type');
const isPut = ({ method }: SeenRequest): boolean => method === 'PUT';

await describeS3('S3 through a line that breaks', startVersityGateway, (suite) => {
  let bucket: string;
  const bytes = varied(3_000_000);
  const big = varied(40_000_000);
  beforeAll(async () => {
    bucket = await suite.bucket();
    await suite.put(bucket, 'f', bytes);
  });
  const only = async (key: string): Promise<StoredFile> => (await suite.list(`s3://${bucket}/${key}`))[0]!;
  const ranges = (): (string | undefined)[] => suite.proxy.seen.filter(isGet).map(({ headers }) => headers.range);
  const uploads = async (): Promise<number> =>
    (await suite.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
  const content = async (key: string): Promise<Uint8Array> => {
    const file = await only(key);
    return suite.read(file, 0, file.size! + 1);
  };

  describe('reading', () => {
    it.each(['reset', 'end', 'stall'] as const)('goes on at the byte where a body broke off (%s)', async (how) => {
      const file = await only('f');
      suite.proxy.decide = first(isGet, [
        { kind: 'cut', after: 1_000_000, how },
        { kind: 'cut', after: 500_000, how },
      ]);
      expect(same(await suite.read(file, 7, 2_900_000), bytes.subarray(7, 2_900_007))).toBe(true);
      const [whole, second, third] = ranges();
      expect(whole).toBe('bytes=7-2900006');
      expect(second).toBe('bytes=1000007-2900006');
      expect(third).toBe('bytes=1500007-2900006');
      for (const { headers } of suite.proxy.seen.filter(isGet)) expect(headers['if-match']).toBe(file.identity);
    });

    it('never mixes two contents: what changed between two pieces is refused', async () => {
      await suite.put(bucket, 'changing', bytes);
      const file = await only('changing');
      suite.proxy.decide = first(isGet, [
        { kind: 'cut', after: 1_000_000, how: 'reset' },
        { kind: 'meanwhile', work: () => suite.put(bucket, 'changing', varied(3_000_000).reverse()) },
      ]);
      await expect(suite.read(file, 0, 3_000_000)).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
    });

    it('reads on while a large block is made of several ranges', async () => {
      const huge = varied(70_000_000);
      await suite.put(bucket, 'huge', huge);
      const file = await only('huge');
      suite.proxy.decide = first(isGet, [undefined, { kind: 'cut', after: 3_000_000, how: 'reset' }]);
      expect(same(await suite.read(file, 0, 70_000_000), huge)).toBe(true);
      expect(ranges().length).toBe(3);
    });

    it('tries again after 503 SlowDown, 500 and refused connections', async () => {
      const file = await only('f');
      suite.proxy.decide = first(isGet, [slowDown, { kind: 'answer', status: 500 }, { kind: 'refuse' }]);
      expect(same(await suite.read(file, 0, 3_000_000), bytes)).toBe(true);
      expect(ranges()).toHaveLength(4);
    });

    it('gives up after its retries, and says what the server said', async () => {
      const file = await only('f');
      suite.proxy.decide = () => slowDown;
      await expect(suite.read(file, 0, 100)).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('SlowDown') });
      expect(ranges()).toHaveLength(suite.storage.retries + 1);
    });

    it('gives up on a line that gets no further', async () => {
      const file = await only('f');
      suite.proxy.decide = () => ({ kind: 'cut', after: 10, how: 'reset' });
      await expect(suite.read(file, 0, 1000)).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining('ECONNRESET'),
      });
      expect(ranges()).toHaveLength(suite.storage.retries + 1);
    });

    it('is not fooled by bodies that are shorter or longer than they should be', async () => {
      const file = await only('f');
      suite.proxy.decide = first(isGet, [{ kind: 'length', by: -100_000 }]);
      expect(same(await suite.read(file, 0, 3_000_000), bytes)).toBe(true);
      suite.proxy.decide = first(isGet, [{ kind: 'length', by: 5 }]);
      await expect(suite.read(file, 0, 1000)).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('more than') });
    });

    it('refuses a server that ignores ranges', async () => {
      const file = await only('f');
      suite.proxy.decide = ({ headers }) => {
        delete (headers as { range?: string }).range;
        return undefined;
      };
      // the range is signed: so this server is one that answers by itself
      suite.proxy.decide = () => ({
        kind: 'answer',
        status: 200,
        headers: { etag: file.identity, 'content-length': '10' },
        body: '0123456789',
      });
      await expect(suite.read(file, 5, 10)).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('range') });
    });

    it('reuses its connections', async () => {
      const file = await only('f');
      for (let i = 0; i < 20; i++) await suite.read(file, i * 1000, 1000);
      const { opened } = suite.proxy.connections;
      for (let i = 0; i < 20; i++) await suite.read(file, i * 1000, 1000);
      expect(suite.proxy.connections.opened).toBe(opened);
    });

    it('stops with its signal, in a body that does not come', async () => {
      const file = await only('f');
      suite.proxy.decide = () => ({ kind: 'cut', after: 1000, how: 'stall' });
      const controller = new AbortController();
      const reading = suite.read(file, 0, 1_000_000, controller.signal);
      setTimeout(() => controller.abort(new Error('enough')), 100);
      await expect(reading).rejects.toThrow('enough');
      expect(ranges()).toHaveLength(1);
    });
  });

  describe('writing', () => {
    it('tries a put again, and the bytes are right', async () => {
      suite.proxy.decide = first(isPut, [slowDown, { kind: 'refuse' }]);
      expect(await suite.write(`s3://${bucket}/put`, bytes)).toBe(bytes.length);
      expect(same(await content('put'), bytes)).toBe(true);
    });

    it('takes its own object, whose answer was lost, for its own', async () => {
      suite.proxy.decide = first(isPut, [{ kind: 'swallow' }]);
      expect(await suite.write(`s3://${bucket}/lost-answer`, bytes)).toBe(bytes.length);
      expect(same(await content('lost-answer'), bytes)).toBe(true);
    });

    it('does not take the object of another for its own', async () => {
      suite.proxy.decide = first(isPut, [{ kind: 'refuse' }, { kind: 'meanwhile', work: () => suite.put(bucket, 'taken', 'the other') }]);
      await expect(suite.write(`s3://${bucket}/taken`, bytes)).rejects.toMatchObject({ code: 'ERR_EXISTS' });
      expect(new TextDecoder().decode(await content('taken'))).toBe('the other');
    });

    it('puts a large object in parts, some at a time', async () => {
      expect(await suite.write(`s3://${bucket}/parts`, big)).toBe(big.length);
      expect(suite.proxy.seen.filter(({ url }) => url.includes('partNumber'))).toHaveLength(3);
      expect(same(await content('parts'), big)).toBe(true);
      expect(await uploads()).toBe(0);
    });

    it('tries parts and the last step again', async () => {
      const isPart = ({ url }: SeenRequest): boolean => url.includes('partNumber');
      const isLast = ({ method, url }: SeenRequest): boolean => method === 'POST' && url.includes('uploadId');
      const [part, last] = [first(isPart, [slowDown, { kind: 'swallow' }]), first(isLast, [{ kind: 'answer', status: 500 }])];
      suite.proxy.decide = (request) => part(request) ?? last(request);
      expect(await suite.write(`s3://${bucket}/parts-again`, big)).toBe(big.length);
      expect(same(await content('parts-again'), big)).toBe(true);
      expect(await uploads()).toBe(0);
    });

    it('is done when only the answer to the last step was lost', async () => {
      suite.proxy.decide = first(({ method, url }) => method === 'POST' && url.includes('uploadId'), [{ kind: 'swallow' }]);
      expect(await suite.write(`s3://${bucket}/last-answer`, big)).toBe(big.length);
      expect(same(await content('last-answer'), big)).toBe(true);
      expect(await uploads()).toBe(0);
    });

    it('leaves no upload behind when a part fails for good', async () => {
      suite.proxy.decide = ({ url }) => (url.includes('partNumber=2') ? slowDown : undefined);
      await expect(suite.write(`s3://${bucket}/failing`, big)).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining('SlowDown'),
      });
      expect(await uploads()).toBe(0);
      expect(await suite.keys(bucket, 'failing')).toEqual([]);
    });

    it('leaves no upload behind when it is stopped', async () => {
      const controller = new AbortController();
      suite.proxy.decide = ({ url }) => {
        if (url.includes('partNumber=2')) setTimeout(() => controller.abort(new Error('enough')), 50);
        return url.includes('partNumber=2') ? { kind: 'delay', ms: 1500 } : undefined;
      };
      await expect(suite.write(`s3://${bucket}/stopped`, big, false, controller.signal)).rejects.toThrow('enough');
      expect(await uploads()).toBe(0);
      expect(await suite.keys(bucket, 'stopped')).toEqual([]);
    });

    it('leaves no upload behind when another was faster', async () => {
      suite.proxy.decide = first(
        ({ url }) => url.includes('partNumber=1'),
        [{ kind: 'meanwhile', work: () => suite.put(bucket, 'raced', 'the other') }],
      );
      await expect(suite.write(`s3://${bucket}/raced`, big)).rejects.toMatchObject({ code: 'ERR_EXISTS' });
      expect(await uploads()).toBe(0);
      expect(new TextDecoder().decode(await content('raced'))).toBe('the other');
    });

    it('lets one of two large writers win, whole', async () => {
      const other = big.slice().reverse();
      const outcomes = await Promise.allSettled([big, other].map((data) => suite.write(`s3://${bucket}/two`, data)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'ERR_EXISTS' } });
      expect(same(await content('two'), outcomes[0]!.status === 'fulfilled' ? big : other)).toBe(true);
      expect(await uploads()).toBe(0);
    });

    it('checks by looking where the server does not know the condition', async () => {
      const withoutCondition = ({ headers, method }: SeenRequest): Fault | undefined =>
        method === 'PUT' && headers['if-none-match'] !== undefined
          ? {
              kind: 'answer',
              status: 501,
              body: '<Error><Code>NotImplemented</Code><Message>A header is not implemented.</Message></Error>',
            }
          : undefined;
      suite.proxy.decide = withoutCondition;
      expect(await suite.write(`s3://${bucket}/unconditional`, bytes)).toBe(bytes.length);
      await expect(suite.write(`s3://${bucket}/unconditional`, bytes)).rejects.toMatchObject({ code: 'ERR_EXISTS' });
    });
  });

  describe('a server that is not there', () => {
    it('is named within its retries when nobody listens', async () => {
      const { s3Storage } = await import('../../../src/storage/s3/s3.ts');
      const storage = { endpoint: 'http://127.0.0.1:9', retries: 1, timeout: 1000 };
      const write = s3Storage.write!(`s3://${bucket}/x`, bytes, { overwrite: false, storage });
      await expect(write).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringMatching(/127\.0\.0\.1:9 cannot be reached.*ECONNREFUSED/),
      });
    });

    it('is named within its time limit when it does not answer', async () => {
      suite.proxy.decide = () => ({ kind: 'delay', ms: 20_000 });
      const { s3Storage } = await import('../../../src/storage/s3/s3.ts');
      const storage = { endpoint: suite.proxy.endpoint, retries: 1, timeout: 300 };
      const file = { path: `s3://${bucket}/f`, size: 10, identity: '"x"' };
      await expect(s3Storage.read(file, 0, new Uint8Array(10), { storage })).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining('does not answer in time'),
      });
    });
  });
});
