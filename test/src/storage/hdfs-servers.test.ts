/** NameNodes that are down, on standby, old, silent, or no NameNodes at all: played by a fake. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hdfsStorage } from '../../../src/storage/hdfs/hdfs.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { FakeFiles, FakeWebHdfs, json, refuse } from '../../fixtures/storage/fake-webhdfs.ts';

const fixtures = new URL('../../fixtures/storage/tls/', import.meta.url);
const tls = { key: readFileSync(new URL('key.pem', fixtures)), cert: readFileSync(new URL('cert.pem', fixtures)) };
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function fake(...args: Parameters<typeof FakeWebHdfs.open>): Promise<FakeWebHdfs> {
  const server = await FakeWebHdfs.open(...args);
  open.push(server);
  return server;
}

async function list(location: string, storage: object = {}, signal?: AbortSignal): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  const call = { storage: { user: 'ann', ...storage }, ...(signal === undefined ? {} : { signal }) };
  for await (const file of hdfsStorage.list(location, call)) files.push(file);
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function content(file: StoredFile, storage: object = {}): Promise<string> {
  const into = new Uint8Array(file.size!);
  await hdfsStorage.read(file, 0, into, { storage: { user: 'ann', ...storage } });
  return Buffer.from(into).toString();
}

/** A port on which nothing listens. */
async function deadPort(): Promise<number> {
  const server = await FakeWebHdfs.open();
  const { port } = server;
  await server.close();
  return port;
}

const standby = (server: FakeWebHdfs): void => {
  server.intercept = ({ response, node }) => {
    if (node !== undefined) return undefined;
    refuse(response, 'StandbyException', 'Operation category READ is not supported in state standby');
    return true;
  };
};

describe('a pair of NameNodes', () => {
  const pair = async (): Promise<{ nn1: FakeWebHdfs; nn2: FakeWebHdfs; storage: { nameNodes: string[]; timeout: string } }> => {
    const files = new FakeFiles();
    files.put('/d/f', 'hello');
    const [nn1, nn2] = [await fake(files), await fake(files)];
    return { nn1, nn2, storage: { nameNodes: [nn1.host, nn2.host], timeout: '3 s' } };
  };

  it('is asked until the active one answers, which is asked first from then on', async () => {
    const { nn1, nn2, storage } = await pair();
    standby(nn1);
    const [file] = await list('hdfs://cluster/d/f', storage);
    expect(file!.path).toBe('hdfs://cluster/d/f');
    expect(await content(file!, storage)).toBe('hello');
    expect(nn1.calls).toHaveLength(1);
    expect(nn2.calls.length).toBeGreaterThan(2);
  });

  it('fails over, and back', async () => {
    const { nn1, nn2, storage } = await pair();
    standby(nn2);
    const [file] = await list('hdfs:///d/f', storage);
    standby(nn1);
    nn2.intercept = () => undefined;
    expect(await content(file!, storage)).toBe('hello');
    standby(nn2);
    nn1.intercept = () => undefined;
    expect(await content(file!, storage)).toBe('hello');
  });

  it('fails over while it is written to and read from', async () => {
    const { nn1, nn2, storage } = await pair();
    await list('hdfs:///d/f', storage);
    await nn1.close();
    expect(await hdfsStorage.write!('hdfs:///d/g', Buffer.from('new'), { overwrite: false, storage: { user: 'ann', ...storage } })).toBe(3);
    expect(nn2.store.names).toEqual(['/d/f', '/d/g']);
  });

  it('is waited for while neither is active yet', async () => {
    const { nn1, nn2, storage } = await pair();
    standby(nn1);
    standby(nn2);
    setTimeout(() => {
      nn2.intercept = () => undefined;
    }, 300);
    expect(await list('hdfs:///d/f', storage)).toHaveLength(1);
  });

  it('of which none becomes active is an error that names both', async () => {
    const { nn1, nn2, storage } = await pair();
    standby(nn1);
    nn2.intercept = ({ response }) => {
      refuse(response, 'RetriableException', 'NameNode still not started', 403);
      return true;
    };
    await expect(list('hdfs:///d/f', { ...storage, timeout: 500 })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(
        new RegExp(`cannot list hdfs:///d/f as ann: no active NameNode .*${nn1.host} is on standby; ${nn2.host} is still starting`),
      ),
    });
  });
});

describe('a NameNode', () => {
  it('that is down is an error that says so', async () => {
    const port = await deadPort();
    await expect(list(`hdfs://127.0.0.1:${port}/x`)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining(`127.0.0.1:${port}: nothing listens there (ECONNREFUSED)`),
    });
  });

  it('that is silent is an error after the time limit', async () => {
    const server = await fake();
    server.intercept = () => true;
    await expect(list(`${server.url}/x`, { timeout: 200 })).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('does not answer in time'),
    });
  });

  it('that is silent is left when the caller gives up', async () => {
    const server = await fake();
    const controller = new AbortController();
    const reason = new Error('enough');
    server.intercept = () => {
      controller.abort(reason);
      return true;
    };
    await expect(list(`${server.url}/x`, {}, controller.signal)).rejects.toBe(reason);
  });

  it('that wants Kerberos is an error that says what to pass', async () => {
    const server = await fake();
    server.intercept = ({ response }) => {
      response.writeHead(401, { 'content-type': 'text/html' }).end('<html>Authentication required</html>');
      return true;
    };
    await expect(list(`${server.url}/x`)).rejects.toThrow(/cannot list .*\/x as ann: .*delegation token/);
  });

  it.each<[string, (body: import('node:http').ServerResponse) => void, RegExp]>([
    ['a page of something else', (response) => response.writeHead(200).end('<html>Welcome</html>'), /no JSON; is this the port of WebHDFS/],
    ['another service', (response) => response.writeHead(404).end('no'), /answered 404, and not as WebHDFS does/],
    ['JSON of another kind', (response) => json(response, []), /describes a file without name or type/],
    [
      'Hadoop’s RPC',
      (response) => response.writeHead(404).end('It looks like you are making an HTTP request to a Hadoop IPC port.'),
      /RPC; give the one of WebHDFS, which is 9870/,
    ],
  ])('that is %s is told apart', async (_, answer, message) => {
    const server = await fake();
    server.intercept = ({ response }) => {
      answer(response);
      return true;
    };
    await expect(list(`${server.url}/x`)).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringMatching(message) });
  });

  it('that speaks no HTTP is an error', async () => {
    const server = createTcpServer((socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH\r\n', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await expect(list(`hdfs://127.0.0.1:${port}/x`)).rejects.toMatchObject({ code: 'ERR_STORAGE' });
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('an old server', () => {
  const without = async (...missing: string[]): Promise<FakeWebHdfs> => {
    const server = await fake();
    for (let i = 0; i < 5; i++) server.store.put(`/d/${i}`, 'x'.repeat(250));
    server.intercept = ({ op, response }) => {
      if (!missing.includes(op)) return undefined;
      refuse(response, 'IllegalArgumentException', `Invalid value for webhdfs parameter "op": No enum constant ${op}`, 400);
      return true;
    };
    return server;
  };

  it('tells where blocks lie in the newer way when it can', async () => {
    const server = await without();
    const [file] = await list(`${server.url}/d/0`);
    expect(file!.hosts).toEqual(
      [0, 100, 200].map((offset) => ({ offset, length: offset === 200 ? 50 : 100, hosts: ['node1', '10.0.0.1'] })),
    );
  });

  it('is asked in the older way, and the newer one is not tried again', async () => {
    const server = await without('GETFILEBLOCKLOCATIONS');
    await list(`${server.url}/d/0`);
    const files = await list(`${server.url}/d/`);
    expect(files).toHaveLength(5);
    for (const { hosts } of files) expect(hosts).toHaveLength(3);
    expect(files[0]!.hosts![0]).toEqual({ offset: 0, length: 100, hosts: ['node2', '10.0.0.2'] });
    expect(server.count('GETFILEBLOCKLOCATIONS')).toBe(1);
  });

  it('that tells neither gives blocks of the file’s own size on unknown hosts', async () => {
    const server = await without('GETFILEBLOCKLOCATIONS', 'GET_BLOCK_LOCATIONS');
    await list(`${server.url}/d/0`);
    const [file] = await list(`${server.url}/d/`);
    expect(file!.hosts).toEqual([0, 100, 200].map((offset) => ({ offset, length: offset === 200 ? 50 : 100, hosts: [] })));
    expect([server.count('GETFILEBLOCKLOCATIONS'), server.count('GET_BLOCK_LOCATIONS')]).toEqual([1, 1]);
  });

  it('is not asked at all without locality', async () => {
    const server = await without();
    const [file] = await list(`${server.url}/d/0`, { locality: false });
    expect(file!.hosts).toHaveLength(3);
    expect(server.count('GETFILEBLOCKLOCATIONS')).toBe(0);
  });

  it('lists directories whole when it has no pages', async () => {
    const server = await without('LISTSTATUS_BATCH');
    expect(await list(`${server.url}/d`)).toHaveLength(5);
    expect(await list(`${server.url}/*/*`)).toHaveLength(5);
    expect(server.count('LISTSTATUS_BATCH')).toBe(1);
  });

  it('that knows no noredirect leads to the DataNode by 307, and a gateway gives the bytes itself', async () => {
    const server = await without();
    server.intercept = ({ op, query }) => {
      if (op === 'OPEN' || op === 'CREATE') query.delete('noredirect');
      return undefined;
    };
    const [file] = await list(`${server.url}/d/0`);
    expect(await content(file!)).toBe('x'.repeat(250));
    await hdfsStorage.write!(`${server.url}/new`, Buffer.from('abc'), { overwrite: false, storage: { user: 'ann' } });
    expect(server.store.files.get('/new')!.bytes.toString()).toBe('abc');
    server.intercept = ({ op, node, response }) => {
      if (op !== 'OPEN' || node !== undefined) return undefined;
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end('x'.repeat(250));
      return true;
    };
    expect(await content(file!)).toBe('x'.repeat(250));
  });
});

describe('listing', () => {
  it('asks for page after page', async () => {
    const server = await fake();
    for (let i = 0; i < 95; i++) server.store.put(`/d/${i}`, 'x');
    server.pageSize = 10;
    expect(await list(`${server.url}/d/`)).toHaveLength(95);
    expect(server.count('LISTSTATUS_BATCH')).toBe(10);
  });

  it('refuses a list that begins again and again', async () => {
    const server = await fake();
    server.store.put('/d/f', 'x');
    server.intercept = ({ op, response }) => {
      if (op !== 'LISTSTATUS_BATCH') return undefined;
      const FileStatus = [{ pathSuffix: 'f', type: 'FILE', length: 1, modificationTime: 1, blockSize: 100 }];
      json(response, { DirectoryListing: { partialListing: { FileStatuses: { FileStatus } }, remainingEntries: 1 } });
      return true;
    };
    await expect(list(`${server.url}/d/`)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('list of the directory has no end'),
    });
  });

  it('names the directory that may not be listed', async () => {
    const server = await fake();
    for (const name of ['a/f', 'secret/f']) server.store.put(`/d/${name}`, 'x');
    server.intercept = ({ op, path, response }) => {
      if (op !== 'LISTSTATUS_BATCH' || path !== '/d/secret') return undefined;
      refuse(response, 'AccessControlException', 'Permission denied: user=ann, access=READ_EXECUTE\n\tat org.apache…');
      return true;
    };
    await expect(list(`${server.url}/d/*/f`)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/cannot list .*\/d\/secret\/? as ann: permission denied.*access=READ_EXECUTE\)$/),
    });
  });

  it.each(['/d/../x', '/./x', '/d/..'])('refuses %s', async (path) => {
    await expect(list(`hdfs://host${path}`)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

describe('TLS', () => {
  it('is spoken by swebhdfs:, and by the others when asked for', async () => {
    const server = await fake(undefined, tls);
    server.store.put('/d/f', 'secret');
    for (const [url, storage] of [
      [`swebhdfs://${server.host}/d/f`, { tls: { ca: tls.cert } }],
      [`hdfs://${server.host}/d/f`, { tls: { ca: tls.cert.toString() } }],
      [`hdfs:///d/f`, { nameNodes: server.host, tls: { rejectUnauthorized: false } }],
    ] as const) {
      const [file] = await list(url, storage);
      expect(await content(file!, storage)).toBe('secret');
      await hdfsStorage.write!(url, Buffer.from('secret'), { overwrite: true, storage: { user: 'ann', ...storage } });
    }
  });

  it('refuses a certificate that nobody vouches for', async () => {
    const server = await fake(undefined, tls);
    await expect(list(`swebhdfs://${server.host}/d/f`)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(/self-signed certificate|SELF_SIGNED/),
    });
  });

  it('is not left for a DataNode without it', async () => {
    const server = await fake(undefined, tls);
    server.store.put('/d/f', 'secret');
    const storage = { tls: { ca: tls.cert } };
    const [file] = await list(`swebhdfs://${server.host}/d/f`, storage);
    server.intercept = ({ op, response, path }) => {
      if (op !== 'OPEN') return undefined;
      json(response, { Location: `http://${server.host}/data/1/webhdfs/v1${path}` });
      return true;
    };
    await expect(content(file!, storage)).rejects.toThrow(/leads from TLS to a DataNode without it/);
  });
});

describe('HADOOP_CONF_DIR', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'heddle-hdfs-conf-'));
    process.env.HADOOP_CONF_DIR = directory;
  });
  afterEach(() => {
    delete process.env.HADOOP_CONF_DIR;
    rmSync(directory, { recursive: true });
  });

  it('tells the NameNodes of a name service, and what hdfs:/// means', async () => {
    const files = new FakeFiles();
    files.put('/d/f', 'hello');
    const [nn1, nn2] = [await fake(files), await fake(files)];
    standby(nn1);
    const property = (name: string, value: string): string => `<property><name>${name}</name>\n<value> ${value} </value></property>`;
    writeFileSync(join(directory, 'core-site.xml'), `<configuration>${property('fs.defaultFS', 'hdfs://shop')}</configuration>`);
    writeFileSync(
      join(directory, 'hdfs-site.xml'),
      `<configuration><!-- ${property('dfs.ha.namenodes.shop', 'x')} -->${property('dfs.ha.namenodes.shop', 'a, b')}${property('dfs.namenode.http-address.shop.a', nn1.host)}${property('dfs.namenode.http-address.shop.b', nn2.host)}</configuration>`,
    );
    expect((await list('hdfs:///d/'))[0]!.path).toBe('hdfs://shop/d/f');
    expect((await list('hdfs://shop/d/'))[0]!.path).toBe('hdfs://shop/d/f');
  });

  it('without a default leaves hdfs:/// without a meaning', async () => {
    await expect(list('hdfs:///d/')).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/names no NameNode.*nameNodes.*HADOOP_CONF_DIR/),
    });
  });
});
