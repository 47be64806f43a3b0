/** HDFS against Hadoop's own servers: a NameNode and three DataNodes, each a JVM and a host of its own. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { jest } from '@jest/globals';
import { hdfsStorage } from '../../../src/storage/hdfs/hdfs.ts';
import { forEachInLanes } from '../../../src/storage/lanes.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { testStorage, varied } from '../../conformance/storage.ts';
import { type Hadoop, hdfsBlockBytes, reasonWithoutHadoop, startHadoop } from '../../services/hadoop.ts';
import { plainCall, plainWebHdfs } from '../../services/plain-webhdfs.ts';
import { independentClient } from '../../services/webhdfs-client.ts';
import { testHdfsOnExecutor } from './hdfs-on-executor.ts';

// JVMs that share two processors with other tests take their time.
jest.setTimeout(180_000);
const reason = await reasonWithoutHadoop();
if (reason !== undefined) console.log(`HDFS is not tested here: ${reason}`);

(reason === undefined ? describe : describe.skip)(`HDFS${reason === undefined ? '' : ` (${reason})`}`, () => {
  let hadoop: Hadoop;
  let plain: ReturnType<typeof plainWebHdfs>;
  let places = 0;
  beforeAll(async () => {
    hadoop = await startHadoop();
    plain = plainWebHdfs(hadoop.nameNode, hadoop.superuser);
  });
  afterAll(() => hadoop?.stop());

  const as = (user = hadoop.superuser, more: object = {}) => ({ storage: { user, ...more } });
  const list = async (path: string, user?: string): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of hdfsStorage.list(hadoop.url(path), as(user))) files.push(file);
    return files.sort((a, b) => (a.path < b.path ? -1 : 1));
  };
  const content = async (file: StoredFile, user?: string, more?: object): Promise<Buffer> => {
    const into = Buffer.alloc(file.size!);
    await hdfsStorage.read(file, 0, into, as(user, more));
    return into;
  };
  const write = (path: string, data: Uint8Array, user?: string, more?: object): Promise<number> =>
    hdfsStorage.write!(hadoop.url(path), data, { ...as(user, more), overwrite: false });

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
            if (busy >= 16) await new Promise<void>((resolve) => waiting.push(resolve));
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

  describe('with an independent client', () => {
    it('agrees on names and bytes, both ways', async () => {
      const other = independentClient(hadoop.nameNode, hadoop.superuser);
      const bytes = Buffer.from(varied(2 * hdfsBlockBytes + 12_345));
      await other.write('/both/theirs', bytes);
      await write('/both/ours', bytes);
      const files = await list('/both/');
      expect(files.map(({ path }) => path.slice(path.lastIndexOf('/') + 1))).toEqual((await other.names('/both')).sort());
      for (const file of files) expect((await content(file)).equals(bytes)).toBe(true);
      expect((await other.read('/both/ours')).equals(bytes)).toBe(true);
    });
  });

  describe('a large directory', () => {
    it('of 2,000 files is listed whole, from page to page', async () => {
      await forEachInLanes(
        Array.from({ length: 2000 }, (_, i) => `/many/part-${String(i).padStart(4, '0')}`),
        (path) => plain.put(path, new Uint8Array(0)),
      );
      expect(await list('/many/')).toHaveLength(2000);
      expect((await list('/many/part-19[0-4]?')).map(({ path }) => path)).toEqual(
        Array.from({ length: 50 }, (_, i) => hadoop.url(`/many/part-19${String(i).padStart(2, '0')}`)),
      );
    });
  });

  describe('names and refusals', () => {
    it.each(['a%2fb', 'new\nline', 'a+b c;d=e'])('takes the name %j as it is', async (name) => {
      await write(`/names/${name}`, Buffer.from(name));
      expect(await plain.names('/names')).toContain(name);
      const [file] = await list(`/names/${name}`);
      expect((await content(file!)).toString()).toBe(name);
    });

    it('says which user may not read or write what', async () => {
      await plain.put('/closed/f', Buffer.from('secret'), '&permission=600');
      const [file] = await list('/closed/f');
      await expect(content(file!, 'alice')).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringMatching(/cannot read hdfs:\/\/.*\/closed\/f as alice: permission denied.*user=alice/),
      });
      await expect(write('/closed/g', Buffer.from('x'), 'alice')).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringMatching(/cannot write hdfs:\/\/.*\/closed\/g as alice: permission denied/),
      });
      expect(await plain.names('/closed')).toEqual(['f']);
      await plain.call('PUT', '/closed', 'SETPERMISSION', '&permission=700');
      await expect(list('/closed/', 'alice')).rejects.toThrow(/cannot list .*\/closed.* as alice: permission denied/);
    });

    it('says which names, block sizes and replications HDFS refuses', async () => {
      await expect(write('/names/a:b', Buffer.from('x'))).rejects.toThrow(/no such names \(no ":" in them\)/);
      await expect(write(`/names/${'x'.repeat(1024)}`, Buffer.from('x'))).rejects.toMatchObject({ code: 'ERR_STORAGE' });
      await expect(write('/names/f', Buffer.from('x'), undefined, { blockSize: 100 })).rejects.toThrow(/refuses this blockSize/);
      await expect(write('/names/f', Buffer.from('x'), undefined, { blockSize: 1000 })).rejects.toThrow(/refuses this blockSize/);
      await expect(write('/names/f', Buffer.from('x'), undefined, { replication: 30_000 })).rejects.toThrow(/refuses this replication/);
      await expect(write('/names/a+b c;d=e/f', Buffer.from('x'))).rejects.toThrow(/one of its directories is a file/);
      await expect(write('/names', Buffer.from('x'))).rejects.toThrow(/it is a directory; end the path with/);
    });

    it('says that a quota is used up', async () => {
      await plain.call('PUT', '/small', 'MKDIRS');
      await hadoop.admin('-setQuota', '2', '/small');
      await write('/small/one', Buffer.from('x'));
      await expect(write('/small/two', Buffer.from('x'))).rejects.toThrow(/the quota of names .* is used up/);
      expect(await plain.names('/small')).toEqual(['one']);
    });

    it('says that the cluster is in safe mode, in which reading goes on', async () => {
      await plain.put('/safe/f', Buffer.from('hello'));
      await hadoop.admin('-safemode', 'enter');
      try {
        await expect(write('/safe/g', Buffer.from('x'))).rejects.toMatchObject({
          code: 'ERR_STORAGE',
          message: expect.stringMatching(/cannot write .*\/safe\/g as .*: the cluster is in safe mode/),
        });
        expect((await content((await list('/safe/f'))[0]!)).toString()).toBe('hello');
      } finally {
        await hadoop.admin('-safemode', 'leave');
      }
    });
  });

  describe('when DataNodes fail', () => {
    /** A door to the NameNode that notes whom it names for reading. */
    let door: Server;
    let named: string[];
    beforeEach(async () => {
      named = [];
      door = createServer(async (request, response) => {
        const { status, body } = await plainCall(request.method!, `http://${hadoop.nameNode}${request.url}`);
        const host = /"Location":"http:\/\/([\d.]+)/.exec(body.toString())?.[1];
        if (host !== undefined) named.push(host);
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
      await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    });
    afterEach(async () => {
      door.closeAllConnections();
      await new Promise((resolve) => door.close(resolve));
    });
    const throughDoor = () => ({ nameNodes: `127.0.0.1:${(door.address() as AddressInfo).port}` });

    it('reads on from another when one is killed in the middle', async () => {
      const bytes = varied(32 * hdfsBlockBytes);
      await plain.put('/fail/big', bytes, '&replication=3');
      const [file] = await list('/fail/big');
      const into = Buffer.alloc(bytes.length);
      const reading = hdfsStorage.read(file!, 0, into, as(undefined, throughDoor()));
      while (into[hdfsBlockBytes] === 0 && into[hdfsBlockBytes + 1] === 0) await new Promise((resolve) => setImmediate(resolve));
      const [first] = named;
      await hadoop.kill(first!);
      expect(into.subarray(-10).every((byte) => byte === 0)).toBe(true);
      await reading;
      expect(into.equals(bytes)).toBe(true);
      expect(named.length).toBeGreaterThan(1);
      expect(named.at(-1)).not.toBe(first);
      await hadoop.revive(first!);
    });

    it('says so when all that hold the bytes are down', async () => {
      await plain.put('/fail/alone', Buffer.from('only once'), '&replication=1');
      const [file] = await list('/fail/alone');
      const host = file!.hosts![0]!.hosts[0]!;
      await hadoop.kill(host);
      await expect(content(file!)).rejects.toMatchObject({
        code: 'ERR_STORAGE',
        message: expect.stringMatching(/cannot read hdfs:\/\/.*\/fail\/alone as .*: no DataNode that holds the bytes from 0 on gives them/),
      });
      expect(await write('/fail/new', Buffer.alloc(300_000, 1))).toBe(300_000);
      expect((await plain.names('/fail')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      await hadoop.revive(host);
      expect((await content(file!)).toString()).toBe('only once');
    });

    it('says so when the NameNode is down', async () => {
      await hadoop.stopNameNode();
      try {
        await expect(list('/fail/')).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('ECONNREFUSED') });
        await expect(write('/fail/x', Buffer.from('x'))).rejects.toMatchObject({ message: expect.stringContaining('no active NameNode') });
      } finally {
        await hadoop.startNameNode();
      }
      expect(await list('/fail/alone')).toHaveLength(1);
    });
  });

  describe('on an executor', () => testHdfsOnExecutor(() => hadoop));
});
