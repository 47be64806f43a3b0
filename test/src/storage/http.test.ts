import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import { CreateBucketCommand, DeleteObjectCommand, PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { httpStorage } from '../../../src/storage/http/http.ts';
import { readBlock } from '../../../src/storage/read-block.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { testStorage, varied } from '../../conformance/storage.ts';
import { freePort, startChild } from '../../services/child.ts';
import { type FaultProxy, openFaultProxy } from '../../services/fault-proxy.ts';
import { openWebServer, type WebServer } from '../../services/http-server.ts';
import { serverOrReason, startVersityGateway } from '../../services/s3-server.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const skip = { hosts: 'HTTP does not tell where bytes lie', listing: 'HTTP lists nothing', write: 'HTTP is for reading' };
const encode = (name: string): string => name.split('/').map(encodeURIComponent).join('/');

describe('HTTP', () => {
  let server: WebServer;
  beforeAll(async () => {
    server = await openWebServer();
  });
  afterAll(() => server.close());
  let places = 0;
  testStorage({
    skip,
    open: async () => {
      const path = `/place-${++places}/`;
      const urlPath = (name: string): string => path + encode(name);
      return {
        storage: httpStorage,
        module: String(httpStorage.module),
        root: server.origin + path,
        encode,
        put: async (name, bytes) => void server.files.set(urlPath(name), bytes),
        remove: async (name) => void server.files.delete(urlPath(name)),
        close: async () => {},
      };
    },
  });
});

const gateway = await serverOrReason(startVersityGateway);
if (gateway.server === undefined) describe.skip(`HTTP from a public bucket (${gateway.reason})`, () => it('cannot run here', () => {}));
else {
  const { server } = gateway;
  const { accessKeyId, secretAccessKey, endpoint } = server;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  describe('HTTP from a public bucket', () => {
    afterAll(async () => {
      client.destroy();
      await server.close();
    });
    let buckets = 0;
    const publicBucket = async (): Promise<string> => {
      const Bucket = `public-${++buckets}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      const Statement = [
        {
          Effect: 'Allow',
          Principal: '*',
          Action: ['s3:GetObject', 's3:ListBucket'],
          Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
        },
      ];
      await client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }));
      return Bucket;
    };
    testStorage({
      skip,
      open: async () => {
        const Bucket = await publicBucket();
        return {
          storage: httpStorage,
          module: String(httpStorage.module),
          root: `${endpoint}/${Bucket}/`,
          encode,
          put: async (Key, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key, Body }))),
          remove: async (Key) => void (await client.send(new DeleteObjectCommand({ Bucket, Key }))),
          close: async () => {},
        };
      },
    });
  });
}

describe('reading over HTTP', () => {
  let server: WebServer;
  let proxy: FaultProxy;
  const bytes = varied(3_000_000);
  beforeAll(async () => {
    server = await openWebServer();
    proxy = await openFaultProxy(server.origin);
  });
  afterAll(async () => {
    await proxy.close();
    await server.close();
  });
  beforeEach(() => {
    server.files.clear();
    server.files.set('/f', bytes);
    server.manners = {};
    server.answer = () => false;
    server.seen.length = 0;
    proxy.reset();
  });
  const fast = { retries: 3, timeout: 2000 };
  const list = async (url: string, storage: object = fast): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of httpStorage.list(url, { storage })) files.push(file);
    return files;
  };
  const look = async (url: string, storage: object = fast): Promise<StoredFile> => (await list(url, storage))[0]!;
  const block = async (file: StoredFile, storage: object = fast): Promise<Uint8Array> => {
    const source = { scheme: 'http', module: String(httpStorage.module), storage, delimiter: null, notZero: false };
    return await readBlock({ source, file, codec: null, start: 0, end: file.size });
  };

  it.each([
    ['etag', '"'],
    ['modified', '|'],
  ] as const)('reads ranges bound to what names the content (%s)', async (validator, mark) => {
    server.manners = { validator };
    const file = await look(`${server.origin}/f`);
    expect(file).toMatchObject({ size: bytes.length });
    expect(file.identity.startsWith(mark)).toBe(true);
    server.seen.length = 0;
    const into = new Uint8Array(1000);
    expect(await httpStorage.read(file, 5000, into, { storage: fast })).toBe(1000);
    expect(same(into, bytes.subarray(5000, 6000))).toBe(true);
    expect(server.seen.map(({ headers }) => headers.range)).toEqual(['bytes=5000-5999']);
    expect(server.seen[0]!.headers[validator === 'etag' ? 'if-match' : 'if-unmodified-since']).toBeDefined();
    server.files.set('/f', bytes.slice().reverse());
    await expect(httpStorage.read(file, 0, into, { storage: fast })).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
  });

  it.each([
    ['the server has no ranges', { ranges: false }],
    ['its ETag is weak', { validator: 'weak' }],
    ['it changed a moment ago', { validator: 'fresh' }],
    ['nothing names its content', { validator: 'none' }],
    ['its length is not told', { ranges: false, chunked: true }],
  ] as const)('reads the whole as one block where %s', async (_, manners) => {
    server.manners = manners;
    const file = await look(`${server.origin}/f`);
    expect(file.size).toBeNull();
    server.seen.length = 0;
    expect(same(await block(file), bytes)).toBe(true);
    expect(server.seen.map(({ headers }) => headers.range)).toEqual([undefined]);
  });

  it('lists what nothing names as another content each time', async () => {
    server.manners = { validator: 'none' };
    expect((await look(`${server.origin}/f`)).identity).not.toBe((await look(`${server.origin}/f`)).identity);
  });

  it.each([{ ranges: false }, { ranges: false, validator: 'weak' }, { ranges: false, validator: 'modified' }] as const)(
    'refuses a whole file that changed since it was listed (%j)',
    async (manners) => {
      server.manners = manners;
      const file = await look(`${server.origin}/f`);
      server.files.set('/f', bytes.slice().reverse());
      await expect(block(file)).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
      server.files.delete('/f');
      await expect(block(file)).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
    },
  );

  it('reads what a server of another make gives (no ranges, Last-Modified)', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-http-'));
    writeFileSync(join(folder, 'f'), bytes);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/f`;
    const child = await startChild('python3', ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', folder], {
      isReady: async () => (await fetch(url)).ok,
    });
    try {
      const file = await look(url);
      expect(file.size).toBeNull();
      expect(same(await block(file), bytes)).toBe(true);
    } finally {
      await child.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    ['ranges', {}],
    ['whole', { ranges: false }],
  ])('goes on after the line broke (%s)', async (_, manners) => {
    server.manners = manners;
    const file = await look(`${proxy.endpoint}/f`);
    let cuts = 0;
    proxy.decide = () => (cuts++ < 2 ? { kind: 'cut', after: 700_000, how: 'reset' } : undefined);
    expect(same(await block(file), bytes)).toBe(true);
    expect(cuts).toBe(3);
  });

  it('does not go on where nothing says that it is the same file', async () => {
    server.manners = { ranges: false, validator: 'none' };
    const file = await look(`${proxy.endpoint}/f`);
    proxy.decide = () => ({ kind: 'cut', after: 1_000_000, how: 'reset' });
    await expect(block(file)).rejects.toMatchObject({ code: 'ERR_STORAGE' });
  });

  it('does not take a body that ends too early for the whole', async () => {
    server.manners = { ranges: false };
    const file = await look(`${proxy.endpoint}/f`);
    proxy.decide = () => ({ kind: 'cut', after: 1_000_000, how: 'end' });
    await expect(block(file)).rejects.toMatchObject({ code: 'ERR_STORAGE' });
  });

  it('waits and tries again when the server is busy, as long as it asks for', async () => {
    let busy = 0;
    server.answer = (_, response) => {
      if (busy++ >= 2) return false;
      response.writeHead(503, { 'retry-after': '1' }).end();
      return true;
    };
    const began = Date.now();
    expect(await look(`${server.origin}/f`)).toMatchObject({ size: bytes.length });
    expect(Date.now() - began).toBeGreaterThan(1900);
  });

  it.each([
    [401, /who you are.*headers/],
    [403, /permission denied/],
    [429, /fewer requests/],
    [500, /server fails/],
  ])('says what status %i means', async (status, message) => {
    server.answer = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    await expect(list(`${server.origin}/f`, { retries: 0 })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(message),
    });
  });

  it('finds nothing at 404 and 410', async () => {
    expect(await list(`${server.origin}/nothing`)).toEqual([]);
    server.answer = (_, response) => {
      response.writeHead(410).end();
      return true;
    };
    expect(await list(`${server.origin}/f`)).toEqual([]);
  });

  it('names a server that is not there, or does not answer', async () => {
    await expect(list('http://127.0.0.1:9/f', { retries: 1 })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/127\.0\.0\.1:9 cannot be reached/),
    });
    server.answer = () => true;
    await expect(list(`${server.origin}/f`, { retries: 0, timeout: 300 })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('in time'),
    });
  });

  it('stops with its signal', async () => {
    const file = await look(`${proxy.endpoint}/f`);
    proxy.decide = () => ({ kind: 'cut', after: 1000, how: 'stall' });
    const controller = new AbortController();
    const reading = httpStorage.read(file, 0, new Uint8Array(bytes.length), { storage: { timeout: 20_000 }, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 100);
    await expect(reading).rejects.toThrow('enough');
  });

  it('keeps to maxSize, told or found out', async () => {
    await expect(list(`${server.origin}/f`, { maxSize: '1 MB' })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('maxSize'),
    });
    expect(await list(`${server.origin}/f`, { maxSize: '3 MB' })).toHaveLength(1);
    server.manners = { ranges: false, chunked: true };
    const file = await look(`${server.origin}/f`);
    await expect(block(file, { maxSize: '1 MB' })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('maxSize'),
    });
  });

  describe('redirects', () => {
    const redirect = (to: (url: string) => string | undefined) => {
      server.answer = ({ url }, response) => {
        const location = to(url!);
        if (location !== undefined) response.writeHead(302, { location }).end();
        return location !== undefined;
      };
    };

    it('are followed, and the key stays that of the URL asked for', async () => {
      redirect((url) => (url === '/old' ? '/f' : undefined));
      const file = await look(`${server.origin}/old`);
      expect(file).toMatchObject({ path: `${server.origin}/old`, size: bytes.length });
      expect(same(await block(file), bytes)).toBe(true);
    });

    it('end after ten', async () => {
      redirect((url) => `/r${Number(url.slice(2)) + 1}`);
      await expect(list(`${server.origin}/r1`)).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining('more than 10'),
      });
      expect(server.seen).toHaveLength(11);
    });

    it.each(['ftp://127.0.0.1/f', 'file:///etc/passwd', 'http://'])('do not lead to %s', async (location) => {
      redirect((url) => (url === '/old' ? location : undefined));
      await expect(list(`${server.origin}/old`)).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringContaining('no URL of http'),
      });
    });

    it('take no headers of the user to another server', async () => {
      const other = await openWebServer();
      process.env.HEDDLE_TEST_TOKEN = 'hush-hush';
      try {
        other.files.set('/f', bytes);
        redirect((url) => (url === '/old' ? `${other.origin}/f` : undefined));
        await look(`${server.origin}/old`, { headers: { authorization: 'Bearer ${HEDDLE_TEST_TOKEN}', 'X-Own': 'a' } });
        expect(server.seen[0]!.headers).toMatchObject({ authorization: 'Bearer hush-hush', 'x-own': 'a' });
        expect(other.seen[0]!.headers).not.toHaveProperty('authorization');
        expect(other.seen[0]!.headers).not.toHaveProperty('x-own');
      } finally {
        delete process.env.HEDDLE_TEST_TOKEN;
        await other.close();
      }
    });
  });

  describe('secrets', () => {
    it('of headers come from the environment, and are never written down', async () => {
      const literal = { headers: { Authorization: 'Bearer hush-hush' } };
      const error = await list(`${server.origin}/f`, literal).catch((one: unknown) => one);
      expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', message: expect.stringContaining('${ITS_NAME}') });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hush-hush');
      await expect(list(`${server.origin}/f`, { headers: { cookie: '${HEDDLE_NOT_SET}' } })).rejects.toMatchObject({
        message: expect.stringContaining('HEDDLE_NOT_SET'),
      });
    });

    it('of signed URLs are hidden in messages', async () => {
      const url = 'http://127.0.0.1:9/f?X-Amz-Signature=hush-hush&X-Amz-Credential=hush&part=1';
      const error = await list(url, { retries: 0 }).catch((one: unknown) => one);
      expect(error).toMatchObject({ message: expect.stringContaining('part=1') });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hush');
      const changed = await httpStorage
        .read({ path: `${server.origin}/gone?sig=hush`, size: 5, identity: '"x"' }, 0, new Uint8Array(5), {})
        .catch((one: unknown) => one);
      expect(changed).toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
      expect(inspect(changed, { depth: 10, showHidden: true })).not.toContain('hush');
    });

    it.each([
      [{ headers: 'x' }, /must be an object/],
      [{ headers: { 'a b': 'x' } }, /must have a name/],
      [{ headers: { a: 'x\r\ny: z' } }, /one line/],
      [{ headers: { Range: 'bytes=0-' } }, /heddle's own/],
      [{ maxSize: 'big' }, /maxSize must be/],
      [{ cookies: 'x' }, /no option "cookies"/],
      [{ timeout: -1 }, /timeout must be/],
    ])('and options that make no sense are refused (%j)', async (storage, message) => {
      await expect(list(`${server.origin}/f`, storage)).rejects.toMatchObject({
        code: 'ERR_INVALID_OPTION',
        message: expect.stringMatching(message),
      });
    });
  });

  it('does not follow from https to http, and checks certificates', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-tls-'));
    const at = (name: string): string => join(folder, name);
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=heddle',
        '-addext',
        'subjectAltName=IP:127.0.0.1',
        '-keyout',
        at('key'),
        '-out',
        at('cert'),
      ],
      { stdio: 'ignore' },
    );
    const secure = await openWebServer({ key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('cert'), 'utf8') });
    try {
      secure.files.set('/f', bytesOf('content'));
      secure.answer = ({ url }, response) => {
        if (url !== '/down') return false;
        response.writeHead(302, { location: `${server.origin}/f` }).end();
        return true;
      };
      const script = `
        import { httpStorage } from ${JSON.stringify(new URL('../../../dist/src/storage/http/http.js', import.meta.url).href)};
        for (const url of process.argv.slice(1)) {
          try { for await (const { size } of httpStorage.list(url, { storage: { retries: 0 } })) console.log(size); }
          catch (error) { console.log(error.message); }
        }`;
      const run = async (env: object): Promise<string[]> => {
        const args = ['--input-type=module', '-e', script, `${secure.origin}/f`, `${secure.origin}/down`];
        const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env }, timeout: 20_000 });
        return stdout.trim().split('\n');
      };
      expect(await run({ NODE_EXTRA_CA_CERTS: at('cert') })).toEqual(['7', expect.stringContaining('redirects from https to http')]);
      expect(await run({})).toEqual([expect.stringContaining('is not trusted'), expect.stringContaining('is not trusted')]);
    } finally {
      await secure.close();
      rmSync(folder, { recursive: true });
    }
  });
});
