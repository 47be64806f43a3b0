import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Storage } from '../../../src/storage/s3/s3.ts';
import { testStorage } from '../../conformance/storage.ts';
import { type S3Server, serverOrReason, startMoto, startVersityGateway } from '../../services/s3-server.ts';

const servers = await Promise.all([serverOrReason(startVersityGateway), serverOrReason(startMoto)]);
for (const [i, name] of ['versitygw', 'moto'].entries()) {
  const started = servers[i]!;
  if (started.server === undefined) {
    describe.skip(`S3 on ${name} (${started.reason})`, () => it('cannot run here', () => {}));
    continue;
  }
  const { server } = started;
  describe(`S3 on ${name}`, () => conformance(server));
}

function conformance(server: S3Server): void {
  const before = { ...process.env };
  let client: S3Client;
  let places = 0;
  beforeAll(() => {
    Object.assign(process.env, server.env);
    client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
  });
  afterAll(async () => {
    client.destroy();
    process.env = before;
    await server.close();
  });
  testStorage({
    skip: { hosts: 'S3 does not tell where bytes lie' },
    open: async () => {
      const Bucket = `heddle-${++places}`;
      await client.send(new CreateBucketCommand({ Bucket }));
      return {
        storage: s3Storage,
        module: String(s3Storage.module),
        root: `s3://${Bucket}/place/`,
        options: { endpoint: server.endpoint },
        put: async (name, bytes) => void (await client.send(new PutObjectCommand({ Bucket, Key: `place/${name}`, Body: bytes }))),
        remove: async (name) => void (await client.send(new DeleteObjectCommand({ Bucket, Key: `place/${name}` }))),
        close: async () => {},
      };
    },
  });
}
