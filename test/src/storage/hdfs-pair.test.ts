/** A real pair of NameNodes, and TLS, on Hadoop's own servers. */
import { jest } from '@jest/globals';
import { Executor, lazy } from 'heddle';
import { readBytes, writeBytes } from 'heddle/hdfs';
import { hdfsStorage } from '../../../src/storage/hdfs/hdfs.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { varied } from '../../conformance/storage.ts';
import { reasonWithoutHadoop } from '../../services/hadoop.ts';
import { type HadoopPair, startHadoopPair } from '../../services/hadoop-pair.ts';
import { plainWebHdfs } from '../../services/plain-webhdfs.ts';

// JVMs that share two processors with other tests take their time.
jest.setTimeout(180_000);
const reason = await reasonWithoutHadoop();
if (reason !== undefined) console.log(`HDFS is not tested here: ${reason}`);

(reason === undefined ? describe : describe.skip)(`a pair of NameNodes${reason === undefined ? '' : ` (${reason})`}`, () => {
  let pair: HadoopPair;
  beforeAll(async () => {
    pair = await startHadoopPair();
  });
  afterAll(() => pair?.stop());

  const list = async (url: string, storage: object): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of hdfsStorage.list(url, { storage })) files.push(file);
    return files;
  };

  it('speaks TLS: what is written and read through it is the same, and DataNodes speak it too', async () => {
    const storage = { user: pair.superuser, tls: { ca: pair.certificate } };
    const url = `swebhdfs://${pair.https.nn1}/tls/f`;
    const bytes = varied(3_000_000);
    expect(await hdfsStorage.write!(url, bytes, { storage: { ...storage, blockSize: '1 MiB' }, overwrite: false })).toBe(bytes.length);
    const [file] = await list(url, storage);
    expect(file!.hosts).toHaveLength(3);
    const into = Buffer.alloc(bytes.length);
    await hdfsStorage.read(file!, 0, into, { storage });
    expect(into.equals(bytes)).toBe(true);
    expect((await plainWebHdfs(pair.http.nn1, pair.superuser).get('/tls/f')).equals(bytes)).toBe(true);
    const executor = new Executor({ workers: 2 });
    try {
      const options = { nameNodes: [pair.https.nn2, pair.https.nn1], user: pair.superuser, tls: { ca: pair.certificate }, executor };
      const blocks = await Promise.all(await readBytes('/tls/f', options));
      expect(Buffer.concat(blocks).equals(bytes)).toBe(true);
      expect(await Promise.all(await writeBytes('/tls/out/', blocks, options))).toEqual(blocks.map(({ length }) => length));
    } finally {
      await executor.close();
    }
  });

  it('is refused over TLS when nobody vouches for its certificate', async () => {
    const refused = { code: 'ERR_STORAGE', message: expect.stringMatching(/self-signed certificate|SELF_SIGNED/) };
    const storage = { user: pair.superuser };
    await expect(list(`swebhdfs://${pair.https.nn1}/tls/f`, storage)).rejects.toMatchObject(refused);
    await expect(
      hdfsStorage.write!(`swebhdfs://${pair.https.nn1}/tls/g`, Buffer.from('x'), { storage, overwrite: false }),
    ).rejects.toMatchObject(refused);
    expect(await plainWebHdfs(pair.http.nn1, pair.superuser).names('/tls')).not.toContain('g');
  });

  it('answers from the other one after a failover in mid-job, rightly', async () => {
    const blockBytes = 64 * 1024;
    const blocks = 60;
    const bytes = varied(blocks * blockBytes);
    await plainWebHdfs(pair.http.nn1, pair.superuser).put('/job/in', bytes, `&blocksize=${blockBytes}`);
    const executor = new Executor({ workers: 2 });
    try {
      const options = { nameNodes: [pair.http.nn1, pair.http.nn2], user: pair.superuser, timeout: '60 s', lazy: true } as const;
      const slow = lazy(async function slow(block: Uint8Array) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        return block.reverse();
      });
      const parts = (await readBytes('/job/in', options)).map((block) => slow(block));
      let read = 0;
      let isOver: Promise<void> | undefined;
      executor.on('task', ({ isLocal }) => {
        if (isLocal === undefined || ++read < 10) return;
        isOver ??= pair.kill('nn1').then(() => pair.activate('nn2'));
      });
      const written = await executor.gather(executor.compute(await writeBytes('/job/out/', parts, options)));
      await isOver;
      expect(isOver).toBeDefined();
      expect(written).toEqual(new Array(blocks).fill(blockBytes));
      const plain = plainWebHdfs(pair.http.nn2, pair.superuser);
      expect((await plain.names('/job/out')).sort()).toEqual(Array.from({ length: blocks }, (_, i) => String(i).padStart(2, '0')));
      for (let i = 0; i < blocks; i++) {
        const expected = Buffer.from(bytes.subarray(i * blockBytes, (i + 1) * blockBytes)).reverse();
        expect((await plain.get(`/job/out/${String(i).padStart(2, '0')}`)).equals(expected)).toBe(true);
      }
    } finally {
      await executor.close();
    }
  });
});
