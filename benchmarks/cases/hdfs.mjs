import { Agent, request } from 'undici';
import { workerCount } from '../pools.mjs';
import { byteLength } from '../reading.mjs';

/** A file of Hadoop's own HDFS on this machine, read in its blocks and let go. The bare client keeps as many blocks in flight as heddle has workers, each in memory of its own. */

const mebibyte = 1024 ** 2;
let hadoop;

/** A file in blocks of `blockBytes`, each on two of three DataNodes. */
async function prepare(bytes, blockBytes) {
  const { tsImport } = await import('tsx/esm/api');
  const { startHadoop } = await tsImport('../../test/services/hadoop.ts', import.meta.url);
  const { plainWebHdfs } = await tsImport('../../test/services/plain-webhdfs.ts', import.meta.url);
  hadoop ??= await startHadoop();
  const { nameNode, superuser: user } = hadoop;
  const path = `/bench/${bytes / mebibyte}-${blockBytes / mebibyte}`;
  const content = new Uint32Array(bytes / 4);
  for (let i = 0; i < content.length; i++) content[i] = i;
  await plainWebHdfs(nameNode, user).put(path, new Uint8Array(content.buffer), `&blocksize=${blockBytes}`);
  return { nameNode, user, path, bytes, blockBytes };
}

/** Plain WebHDFS: OPEN at the NameNode, the redirect by hand, and the body into memory. */
async function plainGet({ nameNode, user, path, bytes, blockBytes }, agent) {
  let next = 0;
  let total = 0;
  const lane = async () => {
    for (let offset = next; offset < bytes; offset = next) {
      next += blockBytes;
      const url = `http://${nameNode}/webhdfs/v1${path}?op=OPEN&user.name=${user}&offset=${offset}&length=${blockBytes}`;
      const { headers, body } = await request(url, { dispatcher: agent });
      await body.dump();
      const answer = await request(headers.location, { dispatcher: agent });
      total += (await answer.body.arrayBuffer()).byteLength;
    }
  };
  await Promise.all(Array.from({ length: workerCount }, lane));
  return total;
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
        ];
    const tables = [];
    for (const [size, block] of sizes)
      tables.push({
        title: `hdfs: ${size} MiB in blocks of ${block} MiB`,
        unit: 'ms a GiB',
        scale: 1,
        per: size / 1024,
        settings: await prepare(size * mebibyte, block * mebibyte),
        contestants: ['heddle', 'plain WebHDFS GET'],
        marks: [{ text: 'at least 90 % of what plain WebHDFS GET reaches', peer: 'plain WebHDFS GET', atLeast: 0.9 }],
        note: `${workerCount} blocks in flight`,
      });
    return tables;
  },
  close: () => hadoop?.stop(),
  contestants: {
    async heddle({ nameNode, user, path }) {
      const { Executor, lazy, readBytes } = await import('../heddle.mjs');
      const executor = new Executor({ workers: workerCount });
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
    'plain WebHDFS GET': (settings) => {
      const agent = new Agent();
      return { run: () => plainGet(settings, agent), close: () => agent.close() };
    },
  },
};
