import { startVersityGateway } from './test/services/s3-server.ts';
import { openFaultProxy } from './test/services/fault-proxy.ts';
import { s3Storage } from './src/storage/s3/s3.ts';
import { S3Client, CreateBucketCommand } from '@aws-sdk/client-s3';
const server = await startVersityGateway();
Object.assign(process.env, server.env);
try {
const proxy = await openFaultProxy(server.endpoint);
const client = new S3Client({ endpoint: server.endpoint, region: 'us-east-1', forcePathStyle: true });
await client.send(new CreateBucketCommand({ Bucket: 'buck' }));
const storage = { endpoint: proxy.endpoint, retries: 3, timeout: 2000 };
let n = 0;
proxy.decide = ({method}) => method === 'PUT' && n++ === 0 ? {kind: 'swallow'} : undefined;
console.log(await s3Storage.write!('s3://buck/x/y', new Uint8Array(3e6).fill(7), { overwrite: false, storage }).catch((e) => e));
console.log(proxy.seen.map(s => [s.method, s.url, s.headers['amz-sdk-request'], s.headers['if-none-match']]));
await proxy.close();
} catch (e) { console.log(e) } finally { await server.close(); }
