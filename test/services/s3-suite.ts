import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Storage } from '../../src/storage/s3/s3.ts';
import type { StoredFile } from '../../src/storage/storage.ts';
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts';
import { type S3Server, serverOrReason } from './s3-server.ts';

/** What a suite on a server of its own works with. */
export interface S3Suite {
  readonly server: S3Server;
  /** In front of the server. */
  readonly proxy: FaultProxy;
  /** The SDK's own client, past the proxy: what is asked behind heddle's back. */
  readonly client: S3Client;
  /** A fresh bucket. */
  bucket(): Promise<string>;
  put(Bucket: string, Key: string, Body: string | Uint8Array): Promise<void>;
  /** Through the proxy, with short pauses. */
  readonly storage: { readonly endpoint: string; readonly retries: number; readonly timeout: number };
  list(pattern: string, signal?: AbortSignal): Promise<StoredFile[]>;
  /** The keys that a pattern stands for, sorted. */
  keys(bucket: string, pattern: string): Promise<string[]>;
  read(file: StoredFile, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  write(path: string, data: Uint8Array, overwrite?: boolean, signal?: AbortSignal): Promise<number>;
}

/** Defines a suite with a server and a proxy; skipped with its reason where there is no server. */
export async function describeS3(name: string, start: () => Promise<S3Server>, cases: (suite: S3Suite) => void): Promise<void> {
  const started = await serverOrReason(start);
  if (started.server === undefined) {
    describe.skip(`${name} (${started.reason})`, () => it('cannot run here', () => {}));
    return;
  }
  const { server } = started;
  const proxy = await openFaultProxy(server.endpoint);
  const { accessKeyId, secretAccessKey } = server;
  const client = new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
  const storage = { endpoint: proxy.endpoint, retries: 3, timeout: 2000 };
  const call = (signal: AbortSignal | undefined) => ({ storage, ...(signal !== undefined && { signal }) });
  const list = async (pattern: string, signal?: AbortSignal): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of s3Storage.list(pattern, call(signal))) files.push(file);
    return files;
  };
  describe(name, () => {
    const before = { ...process.env };
    beforeAll(() => void Object.assign(process.env, server.env));
    afterEach(() => proxy.reset());
    afterAll(async () => {
      process.env = before;
      client.destroy();
      await proxy.close();
      await server.close();
    });
    cases({
      server,
      proxy,
      client,
      storage,
      list,
      async bucket() {
        const Bucket = `heddle-${randomUUID()}`;
        await client.send(new CreateBucketCommand({ Bucket }));
        return Bucket;
      },
      put: async (Bucket, Key, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key, Body }))),
      keys: async (bucket, pattern) =>
        (await list(`s3://${bucket}/${pattern}`)).map(({ path }) => path.slice(`s3://${bucket}/`.length)).sort(),
      async read(file, offset, length, signal) {
        const into = new Uint8Array(length);
        return into.subarray(0, await s3Storage.read(file, offset, into, call(signal)));
      },
      write: (path, data, overwrite = false, signal) => s3Storage.write!(path, data, { ...call(signal), overwrite }),
    });
  });
}
