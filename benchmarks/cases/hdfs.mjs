import { Agent, request } from 'undici';
import { openDaskReader } from '../dask-reader.mjs';
import { workerCount } from '../pools.mjs';
import { byteLength } from '../reading.mjs';

/** A file of Hadoop's own HDFS on this machine, read in its blocks and let go. The bare client keeps as many blocks in flight as heddle does, each in memory of its own. */

const mebibyte = 1024 ** 2;
/** What heddle has in hand at a time, over all its workers (src/storage/overlap.ts). */
const inFlight = (blockBytes) => workerCount * Math.max(2, Math.min(16, Math.floor((128 * mebibyte) / blockBytes)));
let hadoop;

/** A file in blocks of `blockBytes`, each on two of three DataNodes. */
async function prepare(bytes, blockBytes) {
  const { tsImport } = await import('tsx/esm/api');
  const { startHadoop } = await tsImport('../../test/services/hadoop.ts', import.meta.url);
  const { plainWebHdfs } = await tsImport('../../test/services/plain-webhdfs.ts', import.meta.url);
  hadoop ??= await startHadoop();
  const { dask: packages, pythonVenvOrReason } = await tsImport('../../test/services/python-venv.ts', import.meta.url);
  const { python, reason } = await pythonVenvOrReason([...packages, 'requests>=2.32']);
  const { nameNode, superuser: user } = hadoop;
  const path = `/bench/${bytes / mebibyte}-${blockBytes / mebibyte}`;
  const content = new Uint32Array(bytes / 4);
  for (let i = 0; i < content.length; i++) content[i] = i;
  await plainWebHdfs(nameNode, user).put(path, new Uint8Array(content.buffer), `&blocksize=${blockBytes}`);
  return { nameNode, user, path, bytes, blockBytes, python, reason, concurrency: inFlight(blockBytes) };
}

/** Plain WebHDFS: OPEN at the NameNode, the redirect by hand, and the body into memory. */
async function plainGet({ nameNode, user, path, bytes, blockBytes, concurrency }, agent) {
  let next = 0;
  let total = 0;
  const lane = async () => {
    for (let offset = next; offset < bytes; offset = next) {
      next += blockBytes;
      const url = `http://${nameNode}/webhdfs/v1${path}?op=OPEN&user.name=${user}&offset=${offset}&length=${blockBytes}`;
      const { headers, body } = await request(url, { dispatcher: agent });
      await body.dump();
      const answer = await request(headers.location, { dispatcher: agent });
      const { byteLength } = await answer.body.arrayBuffer();
      total += byteLength;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return total;
}

const bare = 'plain WebHDFS GET';
const bareFew = `plain WebHDFS GET, ${workerCount} at a time`;
const peer = 'Dask, webhdfs';

/** How much memory it takes to read many times what may be held. */
async function streaming(quick) {
  const { reason: _, python: __, ...settings } = await prepare((quick ? 128 : 1024) * mebibyte, 8 * mebibyte);
  return {
    title: `hdfs: ${settings.bytes / mebibyte} MiB with a memoryLimit of 64 MiB (see peak memory)`,
    unit: 'ms a GiB',
    scale: 1,
    per: settings.bytes / 1024 ** 3,
    settings: { ...settings, memoryLimit: '64 MiB' },
    contestants: ['heddle', bare],
  };
}

export default {
  name: 'hdfs',
  about: 'reading the blocks of a file in HDFS and letting go of them',
  async tables(quick) {
    const sizes = quick
      ? [[64, 8]]
      : [
          [512, 8],
          [512, 64],
          [512, 128],
        ];
    const tables = [];
    for (const [size, block] of sizes) {
      const { reason, ...settings } = await prepare(size * mebibyte, block * mebibyte);
      tables.push({
        title: `hdfs: ${size} MiB in blocks of ${block} MiB, ${settings.concurrency} at a time`,
        unit: 'ms a GiB',
        scale: 1,
        per: size / 1024,
        settings,
        contestants: ['heddle', bare, bareFew, ...(settings.python ? [peer] : [])],
        marks: [
          { text: '≥ 90 % of the bare client with as many blocks in flight', peer: bare, atLeast: 0.9 },
          { text: '≥ 90 % of the bare client with a block a worker', peer: bareFew, atLeast: 0.9 },
          ...(settings.python ? [{ text: 'never slower than Dask with fsspec’s webhdfs', peer, atLeast: 1 }] : []),
        ],
        note: reason,
      });
    }
    tables.push(await streaming(quick));
    return tables;
  },
  close: () => hadoop?.stop(),
  contestants: {
    async heddle({ nameNode, user, path, memoryLimit }) {
      const { Executor, lazy, readBytes } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount, memoryLimit });
      return {
        async run(round) {
          const length = lazy(byteLength, { version: `${round}` });
          const blocks = await readBytes(`hdfs://${nameNode}${path}`, { lazy: true, storage: { user } });
          const lengths = await executor.gather(executor.compute(blocks.map((block) => length(block))));
          return lengths.reduce((sum, one) => sum + one, 0);
        },
        close: () => executor.close(),
      };
    },
    [bare]: openPlain,
    [bareFew]: (settings) => openPlain({ ...settings, concurrency: workerCount }),
    [peer]: ({ python, nameNode, user, path, blockBytes }) =>
      openDaskReader(python, `webhdfs://${nameNode}${path}`, blockBytes, { user, use_listings_cache: false }),
  },
};

function openPlain(settings) {
  const agent = new Agent();
  return { run: () => plainGet(settings, agent), close: () => agent.close() };
}
