import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { openDaskReader } from '../dask-reader.mjs';
import { workerCount } from '../pools.mjs';
import { byteLength } from '../reading.mjs';

/** Objects of an S3 server on this machine, read in blocks and let go. The bare clients keep as many requests in flight as heddle does, each block in memory of its own. */

const mebibyte = 1024 ** 2;
const objectBytes = 128 * mebibyte;
let server;

/** Objects of 128 MiB, put once into a server that the tests use too. */
async function prepare(bytes) {
  const { tsImport } = await import('tsx/esm/api');
  const { startVersityGateway } = await tsImport('../../test/services/s3-server.ts', import.meta.url);
  const { dask: packages, pythonVenvOrReason } = await tsImport('../../test/services/python-venv.ts', import.meta.url);
  const { python, reason } = await pythonVenvOrReason([...packages, 's3fs>=2025.1']);
  server ??= await startVersityGateway();
  const { accessKeyId, secretAccessKey, endpoint, env } = server;
  const { S3Client, CreateBucketCommand, PutObjectCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  const Bucket = `bench-${bytes / mebibyte}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  const Body = new Uint8Array(objectBytes);
  for (let i = 0; i < bytes / Body.length; i++) {
    new Uint32Array(Body.buffer).fill(i + 1);
    await client.send(new PutObjectCommand({ Bucket, Key: `data/${String(i).padStart(3, '0')}`, Body }));
  }
  client.destroy();
  return { bucket: Bucket, endpoint, env, bytes, python, reason };
}

/** `GetObject` of every block, so many at a time; each whole in memory, as its own method makes it. */
export async function getObjects({ endpoint, bucket, concurrency, blocks }) {
  const { S3Client, GetObjectCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true });
  let next = 0;
  let total = 0;
  const lane = async () => {
    for (let i = next++; i < blocks.length; i = next++) {
      const { key, first, last } = blocks[i];
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, Range: `bytes=${first}-${last}` }));
      const { length } = await Body.transformToByteArray();
      total += length;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  client.destroy();
  return total;
}

function blocksOf({ bytes, blockBytes }) {
  const blocks = [];
  for (let at = 0; at < bytes; at += blockBytes) {
    const first = at % objectBytes;
    blocks.push({ key: `data/${String(Math.floor(at / objectBytes)).padStart(3, '0')}`, first, last: first + blockBytes - 1 });
  }
  return blocks;
}

const threadCode = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { getObjects } = await import(workerData);
  parentPort.on('message', async (work) => parentPort.postMessage(await getObjects(work)));
  parentPort.postMessage('ready');
`;

/** The same on threads, which share the blocks. */
async function onThreads(settings) {
  const threads = Array.from(
    { length: workerCount },
    () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(threadCode)}`), { workerData: import.meta.url }),
  );
  await Promise.all(threads.map((thread) => once(thread, 'message')));
  const blocks = blocksOf(settings);
  return {
    async run() {
      const totals = threads.map(async (thread, i) => {
        const mine = blocks.filter((_, j) => j % workerCount === i);
        thread.postMessage({ ...settings, concurrency: settings.concurrency / workerCount, blocks: mine });
        return (await once(thread, 'message'))[0];
      });
      return (await Promise.all(totals)).reduce((sum, one) => sum + one, 0);
    },
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

const peer = 'Dask, s3fs';

export default {
  name: 's3',
  about: 'reading blocks of an S3 server on this machine and letting them go',
  async tables(quick) {
    const bytes = (quick ? 128 : 1024) * mebibyte;
    const place = await prepare(bytes);
    const table = (blockMiB, concurrency, more = {}) => ({
      title: `s3: ${bytes / mebibyte} MiB in blocks of ${blockMiB} MiB, ${concurrency} requests at a time`,
      unit: 'ms a GiB',
      scale: 1,
      per: bytes / 1024 ** 3,
      settings: { ...place, blockBytes: blockMiB * mebibyte, concurrency },
      contestants: ['heddle', 'GetObject', 'GetObject on two threads', ...(place.python ? [peer] : [])],
      marks: [
        { text: '≥ 90 % of the bare client', peer: 'GetObject', atLeast: 0.9 },
        { text: '≥ 90 % of the bare client on as many threads', peer: 'GetObject on two threads', atLeast: 0.9 },
        ...(place.python ? [{ text: 'never slower than Dask with s3fs', peer, atLeast: 1 }] : []),
      ],
      note: place.reason,
      ...more,
    });
    const streaming = {
      title: `s3: ${bytes / mebibyte} MiB with a memoryLimit of 64 MiB (see peak memory)`,
      settings: { ...place, blockBytes: 8 * mebibyte, concurrency: 32, memoryLimit: '64 MiB' },
      contestants: ['heddle', 'GetObject'],
      marks: [],
    };
    return [table(8, 32), table(32, 8), table(128, 4), table(8, 32, streaming)];
  },
  close: () => server?.close(),
  contestants: {
    async heddle({ bucket, endpoint, blockBytes, env, memoryLimit }) {
      Object.assign(process.env, env);
      const { Executor, lazy, readBytes } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount, memoryLimit });
      return {
        async run(round) {
          const length = lazy(byteLength, { version: `${round}` });
          const blocks = await readBytes(`s3://${bucket}/data/`, { blockSize: blockBytes, lazy: true, storage: { endpoint } });
          const lengths = await executor.gather(executor.compute(blocks.map((block) => length(block))));
          return lengths.reduce((sum, one) => sum + one, 0);
        },
        close: () => executor.close(),
      };
    },
    GetObject(settings) {
      Object.assign(process.env, settings.env);
      const blocks = blocksOf(settings);
      return { run: () => getObjects({ ...settings, blocks }) };
    },
    'GetObject on two threads': (settings) => {
      Object.assign(process.env, settings.env);
      return onThreads(settings);
    },
    [peer]: ({ endpoint, bucket, blockBytes, env, python }) =>
      openDaskReader(
        python,
        `s3://${bucket}/data/*`,
        blockBytes,
        { client_kwargs: { endpoint_url: endpoint }, use_listings_cache: false },
        env,
      ),
  },
};
