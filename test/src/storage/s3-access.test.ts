import { inspect } from 'node:util';
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { s3Storage } from '../../../src/storage/s3/s3.ts';
import type { StorageCall, StoredFile } from '../../../src/storage/storage.ts';
import { startVersityGateway } from '../../services/s3-server.ts';
import { describeS3 } from '../../services/s3-suite.ts';

const bytes = new TextEncoder().encode('content');

/** Everything that can be seen of an error. */
function allOf(error: unknown): string {
  const seen: string[] = [];
  for (let one = error; one !== undefined && one !== null; one = (one as { cause?: unknown }).cause) {
    seen.push(inspect(one, { depth: 20, showHidden: true }), JSON.stringify(one), String((one as Error).stack));
    for (const name of Reflect.ownKeys(one as object))
      seen.push(inspect((one as Record<PropertyKey, unknown>)[name], { depth: 20, showHidden: true }));
  }
  return seen.join('\n');
}

await describeS3('who may do what on S3', startVersityGateway, (suite) => {
  let bucket: string;
  beforeAll(async () => {
    bucket = await suite.bucket();
    await suite.put(bucket, 'public/f', bytes);
    await suite.put(bucket, 'private/f', bytes);
    const Statement = [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/public/*` },
      { Effect: 'Allow', Principal: '*', Action: 's3:ListBucket', Resource: `arn:aws:s3:::${bucket}` },
    ];
    await suite.client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }));
  });
  afterEach(() => void Object.assign(process.env, suite.server.env));

  const list = async (pattern: string, call: StorageCall): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of s3Storage.list(pattern, call)) files.push(file);
    return files;
  };
  const failure = async (work: Promise<unknown>): Promise<Error & { code: string }> =>
    work.then(
      () => Promise.reject(new Error('it should have failed')),
      (error) => error,
    );
  const endpoint = (): string => suite.server.endpoint;

  it('reads public objects without signing anything', async () => {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    const storage = { endpoint: suite.proxy.endpoint, anon: true };
    const [file] = await list(`s3://${bucket}/public/f`, { storage });
    const into = new Uint8Array(7);
    expect(await s3Storage.read(file!, 0, into, { storage })).toBe(7);
    expect(into).toEqual(bytes);
    expect(suite.proxy.seen.length).toBeGreaterThan(1);
    for (const { headers } of suite.proxy.seen) expect(headers.authorization).toBeUndefined();
  });

  it('says so when permission is denied', async () => {
    const storage = { endpoint: endpoint(), anon: true };
    const denied = { code: 'ERR_STORAGE', message: expect.stringContaining('permission denied') };
    await expect(list(`s3://${bucket}/private/f`, { storage })).rejects.toMatchObject(denied);
    const [file] = await suite.list(`s3://${bucket}/private/f`);
    await expect(s3Storage.read(file!, 0, new Uint8Array(7), { storage })).rejects.toMatchObject(denied);
    await expect(s3Storage.write!(`s3://${bucket}/public/new`, bytes, { storage, overwrite: true })).rejects.toMatchObject(denied);
  });

  it('does not leave a denied key out of a glob: reading it fails in plain words', async () => {
    const storage = { endpoint: endpoint(), anon: true };
    const files = await list(`s3://${bucket}/*/f`, { storage });
    expect(files.map(({ path }) => path).sort()).toEqual([`s3://${bucket}/private/f`, `s3://${bucket}/public/f`]);
    const outcomes = await Promise.allSettled(files.map((file) => s3Storage.read(file, 0, new Uint8Array(7), { storage })));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it('names a bucket that is missing', async () => {
    const storage = { endpoint: endpoint() };
    const missing = { message: expect.stringMatching(/the bucket does not exist at http:\/\/127/) };
    for (const pattern of ['s3://no-such-bucket/', 's3://no-such-bucket/f', 's3://no-such-bucket/*.csv'])
      await expect(list(pattern, { storage })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', ...missing });
    await expect(s3Storage.write!('s3://no-such-bucket/f', bytes, { storage, overwrite: true })).rejects.toMatchObject(missing);
  });

  it.each([
    ['an unknown key', { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWNUNKNOWN00' }],
    ['a wrong secret', { AWS_SECRET_ACCESS_KEY: 'wrong-secret-0123456789' }],
    [
      'a session token that means nothing',
      { AWS_SESSION_TOKEN: 'made-up-session-token-0123456789', AWS_SECRET_ACCESS_KEY: 'wrong-secret-0123456789' },
    ],
  ])('says so when credentials are wrong (%s), and shows none of them', async (_, env) => {
    Object.assign(process.env, env);
    try {
      const storage = { endpoint: endpoint(), retries: 0 };
      const file = { path: `s3://${bucket}/private/f`, size: 7, identity: '"x"' };
      const errors = [
        await failure(list(`s3://${bucket}/private/f`, { storage })),
        await failure(list(`s3://${bucket}/private/*`, { storage })),
        await failure(s3Storage.read(file, 0, new Uint8Array(7), { storage })),
        await failure(s3Storage.write!(`s3://${bucket}/private/g`, bytes, { storage, overwrite: false })),
      ];
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('credentials are not accepted') });
        for (const secret of [suite.server.secretAccessKey, ...Object.values(env)]) expect(allOf(error)).not.toContain(secret);
        expect(allOf(error)).not.toMatch(/Signature=|X-Amz-Security-Token/i);
      }
    } finally {
      delete process.env.AWS_SESSION_TOKEN;
    }
  });

  it('says so when there are no credentials at all', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
    await expect(list(`s3://${bucket}/f`, { storage: { endpoint: endpoint() } })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('no credentials were found'),
    });
  });

  it('takes credentials, region and endpoint of a profile', async () => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
    const folder = mkdtempSync('/tmp/heddle-profile-');
    const { accessKeyId, secretAccessKey } = suite.server;
    try {
      writeFileSync(`${folder}/credentials`, `[other]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`);
      writeFileSync(`${folder}/config`, `[profile other]\nregion = us-east-1\nendpoint_url = ${endpoint()}\n`);
      for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) delete process.env[name];
      Object.assign(process.env, { AWS_CONFIG_FILE: `${folder}/config`, AWS_SHARED_CREDENTIALS_FILE: `${folder}/credentials` });
      expect(await list(`s3://${bucket}/private/f`, { storage: { profile: 'other', endpoint: endpoint() } })).toHaveLength(1);
      process.env.AWS_PROFILE = 'other';
      expect(await list(`s3://${bucket}/private/f`, { storage: { pathStyle: true } })).toHaveLength(1);
    } finally {
      delete process.env.AWS_PROFILE;
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('takes the endpoint of the environment, and makes it part of keys', async () => {
    process.env.AWS_ENDPOINT_URL_S3 = endpoint();
    try {
      expect(await list(`s3://${bucket}/private/f`, {})).toHaveLength(1);
      expect(s3Storage.endpoint!(undefined)).toBe(new URL(endpoint()).host);
    } finally {
      delete process.env.AWS_ENDPOINT_URL_S3;
    }
    expect(s3Storage.endpoint!({ endpoint: 'https://other:9000/base' })).toBe('other:9000');
    expect(s3Storage.endpoint!({ region: 'eu-west-1' })).toBeUndefined();
  });

  it('says that the requester pays, and puts the bucket where it is told to', async () => {
    const storage = { endpoint: suite.proxy.endpoint, requesterPays: true, pathStyle: true };
    const [file] = await list(`s3://${bucket}/private/f`, { storage });
    await list(`s3://${bucket}/private/*`, { storage });
    await s3Storage.read(file!, 0, new Uint8Array(7), { storage });
    await s3Storage.write!(`s3://${bucket}/private/paid`, bytes, { storage, overwrite: true });
    for (const { headers, url } of suite.proxy.seen) {
      expect(headers['x-amz-request-payer']).toBe('requester');
      expect(url.startsWith(`/${bucket}`)).toBe(true);
    }
    // bucket.localhost is this machine as well
    const virtual = { endpoint: suite.proxy.endpoint.replace('127.0.0.1', 'localhost'), pathStyle: false, retries: 0, timeout: 1000 };
    suite.proxy.reset();
    await failure(list(`s3://${bucket}/private/f`, { storage: virtual }));
    for (const { headers } of suite.proxy.seen) expect(headers.host).toMatch(new RegExp(`^${bucket}\\.localhost`));
  });

  it('asks again in the region that the server names', async () => {
    suite.proxy.decide = ({ headers }) =>
      headers.authorization?.includes('/eu-west-9/') === true
        ? undefined
        : {
            kind: 'answer',
            status: 301,
            headers: { 'x-amz-bucket-region': 'eu-west-9' },
            body: '<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>',
          };
    const storage = { endpoint: suite.proxy.endpoint, retries: 0 };
    // the server behind knows one region only, so it refuses: but it was asked
    await failure(list(`s3://${bucket}/private/`, { storage }));
    expect(suite.proxy.seen.at(-1)!.headers.authorization).toContain('/eu-west-9/');
    suite.proxy.decide = () => ({
      kind: 'answer',
      status: 301,
      body: '<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>',
    });
    await expect(list(`s3://${bucket}/private/`, { storage: { ...storage, region: 'eu-west-8' } })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('in another region'),
    });
  });

  it('says so when the clocks differ', async () => {
    suite.proxy.decide = () => ({
      kind: 'answer',
      status: 403,
      body: '<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>',
    });
    await expect(list(`s3://${bucket}/private/`, { storage: { endpoint: suite.proxy.endpoint, retries: 1 } })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('clock'),
    });
  });

  it('drops user and password of a URL', async () => {
    const { parseLocation } = await import('../../../src/storage/url.ts');
    const { path, shown } = parseLocation(`s3://AKIAKEY:hush@${bucket}/private/f`);
    expect(path + shown).not.toContain('hush');
    const [file] = await list(path, { storage: { endpoint: endpoint() } });
    expect(file!.path).toBe(`s3://${bucket}/private/f`);
  });

  it.each([
    [{ accessKeyId: 'AKIAVALUE', secretAccessKey: 'hush-hush' }, /no credentials as an option \("accessKeyId"\)/],
    [{ credentials: { secretAccessKey: 'hush-hush' } }, /no credentials as an option/],
    [{ token: 'hush-hush' }, /no credentials as an option/],
    [{ reigon: 'x' }, /no option "reigon" \(known: region,/],
    [{ endpoint: 'not a url' }, /endpoint must be a URL/],
    [{ endpoint: 'http://user:hush-hush@host' }, /endpoint must be a URL/],
    [{ endpoint: 'ftp://host' }, /endpoint must be a URL/],
    [{ anon: 'yes' }, /anon must be true or false/],
    [{ region: '' }, /region must be a text/],
    [{ retries: -1 }, /retries must be a whole number/],
    [{ timeout: 'soon' }, /timeout must be a time/],
  ])('refuses the options %j before anything is asked, and shows no value', async (storage, message) => {
    const error = await failure(list(`s3://${bucket}/f`, { storage }));
    expect(error).toMatchObject({ code: 'ERR_INVALID_OPTION', message: expect.stringMatching(message) });
    expect(allOf(error)).not.toContain('hush-hush');
    expect(() => s3Storage.checkOptions!(storage)).toThrow(message);
  });
});
