// Section 4 of the contract on a real S3 server, through worker threads.
import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { CreateBucketCommand, GetObjectCommand, ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Executor, lazy, plan, readBlocks, readBytes, visualize, writeBytes } from 'heddle';
import * as s3 from 'heddle/s3';
import { failure } from '../fixtures/acceptance/helpers.ts';
import { type FaultProxy, openFaultProxy } from '../services/fault-proxy.ts';
import { openWebServer } from '../services/http-server.ts';
import { type S3Server, serverOrReason, startVersityGateway } from '../services/s3-server.ts';

const started = await serverOrReason(startVersityGateway);
if (started.server === undefined) describe.skip(`S3 through threads (${started.reason})`, () => it('cannot run here', () => {}));
else describe('S3 through threads', () => cases(started.server));

function cases(server: S3Server): void {
  const before = { ...process.env };
  let client: S3Client;
  let proxy: FaultProxy;
  let executor: Executor;
  let bucket: string;
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}${'.'.repeat(i % 60)}\n`).join('');
  beforeAll(async () => {
    Object.assign(process.env, server.env);
    proxy = await openFaultProxy(server.endpoint);
    client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
    executor = new Executor({ workers: 2, env: { ...server.env } });
    bucket = `heddle-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    for (const name of ['a', 'b', 'c']) await put(`logs/${name}.txt`, lines);
  });
  afterEach(() => proxy.reset());
  afterAll(async () => {
    await executor.close();
    client.destroy();
    await proxy.close();
    await server.close();
    process.env = before;
  });
  const put = async (Key: string, Body: string | Uint8Array): Promise<void> =>
    void (await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body })));
  const storage = (): { readonly endpoint: string; readonly retries: number } => ({ endpoint: proxy.endpoint, retries: 2 });
  const uploads = async (): Promise<number> =>
    (await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads?.length ?? 0;
  const textAt = async (Key: string): Promise<string> =>
    await (await client.send(new GetObjectCommand({ Bucket: bucket, Key }))).Body!.transformToString();

  const countLines = lazy(function countLines(bytes: Uint8Array) {
    return Buffer.from(bytes).toString().split('\n').length - 1;
  });
  const upper = lazy(function upper(bytes: Uint8Array) {
    return new TextEncoder().encode(new TextDecoder().decode(bytes).toUpperCase());
  });

  it('reads, counts and writes', async () => {
    const blocks = await readBytes(`s3://${bucket}/logs/*.txt`, { blockSize: '100 kB', delimiter: '\n', lazy: true, storage: storage() });
    expect(blocks.length).toBeGreaterThan(20);
    const counts = await executor.gather(executor.compute(blocks.map((block) => countLines(block))));
    expect(counts.reduce((sum, one) => sum + one, 0)).toBe(60_000);
    const written = await writeBytes(
      `s3://${bucket}/out/part-*.txt`,
      blocks.map((block) => upper(block)),
      { storage: storage(), executor },
    );
    const sizes = await Promise.all(written);
    expect(sizes.reduce((sum, one) => sum + one, 0)).toBe(3 * lines.length);
    const { paths } = await readBlocks(`s3://${bucket}/out/`, { storage: storage() });
    expect(paths).toHaveLength(blocks.length);
    expect((await Promise.all(paths.map((path) => textAt(path.slice(`s3://${bucket}/`.length))))).join('')).toBe(
      lines.toUpperCase().repeat(3),
    );
    const again = await writeBytes(
      `s3://${bucket}/out/part-*.txt`,
      blocks.map((block) => upper(block)),
      { storage: storage(), executor },
    );
    for (const outcome of await Promise.allSettled(again))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_EXISTS' } });
  });

  it('gives Futures that have begun, by bucket and key', async () => {
    const [block] = await s3.readBytes(`${bucket}/logs/a.txt`, { ...storage(), executor });
    expect(inspect(block)).toMatch(/^<Future: status: (pending|finished), key: read_bytes-[0-9a-f]{32}>$/);
    expect(Buffer.from(await block!).toString()).toBe(lines);
    const values = await s3.readBytes([`${bucket}/logs/a.txt`, `${bucket}/logs/b.txt`], { ...storage(), blockSize: null, lazy: true });
    expect(values).toHaveLength(2);
    expect(values[0]!.key).toBe(
      (await readBytes(`s3://${bucket}/logs/a.txt`, { storage: storage(), blockSize: null, lazy: true }))[0]!.key,
    );
    const sizes = await s3.writeBytes(`${bucket}/by-key/`, values, { ...storage(), executor });
    expect(await Promise.all(sizes)).toEqual([lines.length, lines.length]);
    expect(await textAt('by-key/1')).toBe(lines);
  });

  it('refuses paths with a scheme and the option storage in heddle/s3', async () => {
    for (const path of [`s3://${bucket}/x`, `/${bucket}/x`])
      expect(await failure(() => s3.readBytes(path))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(await failure(() => s3.readBytes(`${bucket}/x`, { storage: {} } as object))).toMatchObject({ code: 'ERR_INVALID_OPTION' });
    expect(await failure(() => s3.writeBytes(`${bucket}/x`, [], { secretAccessKey: 'hush' } as object))).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message: expect.not.stringContaining('hush'),
    });
    expect(await failure(() => writeBytes(`s3://${bucket}/x`, [], { storage: { secretAccessKey: 'hush' } }))).toMatchObject({
      code: 'ERR_INVALID_OPTION',
      message: expect.not.stringContaining('hush'),
    });
  });

  it('has keys that cover the content and the server, and nothing of how it is reached', async () => {
    const keyOf = async (options: object): Promise<string> =>
      (await readBytes(`s3://${bucket}/logs/a.txt`, { lazy: true, storage: { ...storage(), ...options } }))[0]!.key;
    const key = await keyOf({});
    expect(await keyOf({ region: 'us-east-1', timeout: '5 s', retries: 1, requesterPays: true })).toBe(key);
    expect(await keyOf({ endpoint: server.endpoint })).not.toBe(key);
    await put('logs/keyed.txt', 'one');
    const [one] = await readBytes(`s3://${bucket}/logs/keyed.txt`, { lazy: true, storage: storage() });
    await put('logs/keyed.txt', 'two');
    const [two] = await readBytes(`s3://${bucket}/logs/keyed.txt`, { lazy: true, storage: storage() });
    expect(two!.key).not.toBe(one!.key);
    expect(await failure(() => executor.compute(one!))).toMatchObject({ code: 'ERR_SOURCE_CHANGED', task: { key: one!.key } });
    expect(Buffer.from(await executor.compute(two!)).toString()).toBe('two');
  });

  it('has several reads on their way to one worker', async () => {
    const one = new Executor({ workers: 1, env: { ...server.env } });
    try {
      const blocks = await readBytes(`s3://${bucket}/logs/`, { blockSize: '100 kB', lazy: true, storage: storage() });
      proxy.reset();
      proxy.decide = () => ({ kind: 'delay', ms: 20 });
      await one.gather(one.compute(blocks.map((block) => countLines(block))));
      expect(proxy.mostAtOnce).toBeGreaterThan(4);
      expect(proxy.mostAtOnce).toBeLessThanOrEqual(16);
    } finally {
      await one.close();
    }
  });

  it('shows no secret in keys, pictures, plans, messages, events and errors', async () => {
    const wrong = 'wrong-secret-0123456789';
    const seen: string[] = [];
    const blocks = await readBytes(`s3://${bucket}/logs/`, { blockSize: '1 MB', lazy: true, storage: storage() });
    const counts = blocks.map((block) => countLines(block));
    for (const format of ['json', 'dot', 'html'] as const) seen.push(await visualize(counts, undefined, { format }));
    seen.push(JSON.stringify(await plan(counts)), inspect(blocks, { depth: 20, showHidden: true }), ...blocks.map(({ key }) => key));
    const denied = new Executor({ workers: 1, env: { ...server.env, AWS_SECRET_ACCESS_KEY: wrong } });
    denied.on('task', (event) => void seen.push(inspect(event, { depth: 20 })));
    denied.on('worker', (event) => void seen.push(inspect(event, { depth: 20 })));
    try {
      const error = await failure(() => denied.compute(counts[0]!));
      expect(error).toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('credentials are not accepted') });
      seen.push(inspect(error, { depth: 20, showHidden: true }), JSON.stringify(error), String(error.stack));
      const [writing] = await writeBytes(`s3://${bucket}/denied`, [new Uint8Array(3)], { storage: storage(), executor: denied });
      seen.push(inspect(await failure(() => writing), { depth: 20, showHidden: true }));
    } finally {
      await denied.close();
    }
    const all = seen.join('\n');
    expect(all).toContain('read_bytes-');
    for (const secret of [server.secretAccessKey, wrong]) expect(all.includes(secret)).toBe(false);
  });

  it('stops a read in mid-body when it is cancelled', async () => {
    proxy.decide = ({ method }) => (method === 'HEAD' ? undefined : { kind: 'cut', after: 1000, how: 'stall' });
    await put('stalling', lines);
    const [file] = await readBytes(`s3://${bucket}/stalling`, { blockSize: null, lazy: true, storage: { ...storage(), timeout: '30 s' } });
    const future = executor.compute(file!);
    while (!proxy.seen.some(({ headers }) => headers.range !== undefined)) await new Promise((resolve) => setTimeout(resolve, 10));
    const { open } = proxy.connections;
    executor.cancel([future]);
    expect(await failure(() => future)).toMatchObject({ code: 'ERR_CANCELLED' });
    while (proxy.connections.open >= open) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('leaves no upload behind when a write is cancelled', async () => {
    proxy.decide = ({ url }) => (url.includes('partNumber=2') ? { kind: 'delay', ms: 5000 } : undefined);
    const [writing] = await writeBytes(`s3://${bucket}/cancelled`, [new Uint8Array(40_000_000)], {
      storage: { ...storage(), timeout: '30 s' },
      executor,
    });
    while (!proxy.seen.some(({ url }) => url.includes('partNumber=2'))) await new Promise((resolve) => setTimeout(resolve, 10));
    executor.cancel([writing!]);
    expect(await failure(() => writing)).toMatchObject({ code: 'ERR_CANCELLED' });
    for (let i = 0; i < 100 && (await uploads()) > 0; i++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await uploads()).toBe(0);
    await expect(textAt('cancelled')).rejects.toMatchObject({ name: 'NoSuchKey' });
  });

  it('lets one of two writers on two workers win', async () => {
    const parts = [1, 2].map((byte) => new Uint8Array(200_000).fill(byte));
    const writing = await Promise.all(parts.map((part) => writeBytes(`s3://${bucket}/raced`, [part], { storage: storage(), executor })));
    const outcomes = await Promise.allSettled(writing.map(async ([future]) => await future));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(new Set(Buffer.from(await textAt('raced')))).toEqual(new Set([outcomes[0]!.status === 'fulfilled' ? 1 : 2]));
  });

  it('reads signed URLs of HTTP, and shows no signature', async () => {
    const web = await openWebServer();
    try {
      web.files.set('/a.txt', new TextEncoder().encode(lines));
      const url = `${web.origin}/a.txt?X-Amz-Signature=hush-hush`;
      const blocks = await readBytes(url, { lazy: true, blockSize: '100 kB', delimiter: '\n' });
      const counts = await executor.gather(executor.compute(blocks.map((block) => countLines(block))));
      expect(counts.reduce((sum, one) => sum + one, 0)).toBe(20_000);
      expect(await visualize(blocks, undefined, { format: 'json' })).not.toContain('hush-hush');
      web.files.set('/a.txt', new TextEncoder().encode(lines.toUpperCase()));
      const changed = await failure(() => executor.compute(blocks[0]!));
      expect(changed).toMatchObject({ code: 'ERR_SOURCE_CHANGED' });
      const gone = await failure(() => readBytes(url.replace('a.txt', 'gone.txt')));
      expect(gone).toMatchObject({ code: 'ERR_NOT_FOUND' });
      expect(inspect([changed, gone], { depth: 10, showHidden: true })).not.toContain('hush-hush');
      expect(await failure(() => writeBytes(url, [new Uint8Array(1)]))).toMatchObject({ code: 'ERR_UNSUPPORTED' });
    } finally {
      await web.close();
    }
  });
}
