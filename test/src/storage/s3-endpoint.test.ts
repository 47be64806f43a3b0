import { inspect } from 'node:util';
import { list } from '../../../src/storage/s3/list.ts';

it('shows no password of an endpoint that the environment names', async () => {
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: 'http://ann:open-sesame@127.0.0.1:1',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'us-east-1',
  });
  try {
    const error = await list('s3://bucket/key', { storage: { retries: 0 } })
      .next()
      .catch((thrown: unknown) => thrown);
    expect(inspect(error)).toContain('http://127.0.0.1:1 cannot be reached');
    expect(inspect(error)).not.toContain('open-sesame');
  } finally {
    process.env = before;
  }
});
