/** HDFS against Hadoop's own servers. */
import { jest } from '@jest/globals';
import { hdfsStorage } from '../../../src/storage/hdfs/hdfs.ts';
import { forEachInLanes } from '../../../src/storage/lanes.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { testStorage, varied } from '../../conformance/storage.ts';
import { type Hadoop, reasonWithoutHadoop, startHadoop } from '../../services/hadoop.ts';
import { plainWebHdfs } from '../../services/plain-webhdfs.ts';

// Servers that share two processors with other tests take their time.
jest.setTimeout(120_000);
const reason = await reasonWithoutHadoop();
if (reason !== undefined) console.log(`HDFS is not tested here: ${reason}`);

(reason === undefined ? describe : describe.skip)(`HDFS${reason === undefined ? '' : ` (${reason})`}`, () => {
  let hadoop: Hadoop;
  let plain: ReturnType<typeof plainWebHdfs>;
  let places = 0;
  beforeAll(async () => {
    hadoop = await startHadoop();
    plain = plainWebHdfs(hadoop.nameNode, hadoop.superuser);
  }, 150_000);
  afterAll(() => hadoop?.stop());

  describe('as every storage', () => {
    testStorage({
      open: async () => {
        const root = `/conformance/${places++}/`;
        let busy = 0;
        const waiting: (() => void)[] = [];
        return {
          storage: hdfsStorage,
          module: String(hdfsStorage.module),
          root: hadoop.url(root),
          options: { user: hadoop.superuser },
          async put(name, bytes) {
            // A suite that puts a thousand files at once must not open a thousand connections.
            if (busy >= 8) await new Promise<void>((resolve) => waiting.push(resolve));
            busy++;
            try {
              await plain.put(root + name, bytes, '&replication=1');
            } finally {
              busy--;
              waiting.shift()?.();
            }
          },
          remove: (name) => plain.remove(root + name),
          close: () => plain.remove(root),
        };
      },
    });
  });
});
