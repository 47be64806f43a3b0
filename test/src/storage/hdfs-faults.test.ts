/** DataNodes that break off, lie or are gone, answers that are lost, and callers that give up: played by a fake. */
import { hdfsStorage } from '../../../src/storage/hdfs/hdfs.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { varied } from '../../conformance/storage.ts';
import { type FakeCall, FakeWebHdfs, json, refuse } from '../../fixtures/storage/fake-webhdfs.ts';

const bytes = Buffer.from(varied(1000));
let server: FakeWebHdfs;
beforeEach(async () => {
  server = await FakeWebHdfs.open();
  server.store.put('/f', bytes);
});
afterEach(() => server.close());

const call = (storage: object = {}) => ({ storage: { user: 'ann', timeout: '2 s', ...storage } });

async function only(name = '/f', storage: object = {}): Promise<StoredFile> {
  for await (const file of hdfsStorage.list(server.url + name, call(storage))) return file;
  throw new Error(`${name} is not there`);
}

async function content(file: StoredFile, signal?: AbortSignal): Promise<Buffer> {
  const into = Buffer.alloc(file.size!);
  expect(await hdfsStorage.read(file, 0, into, { ...call(), ...(signal === undefined ? {} : { signal }) })).toBe(into.length);
  return into;
}

const write = (name: string, data: Uint8Array, options: { overwrite?: boolean; signal?: AbortSignal } = {}, storage: object = {}) =>
  hdfsStorage.write!(server.url + name, data, { ...call(storage), overwrite: false, ...options });

/** Looks at what DataNodes are asked. */
function onDataNode(op: string, act: (call: FakeCall, nth: number) => boolean | undefined): void {
  let nth = 0;
  server.intercept = (one) => (one.op === op && one.node !== undefined ? act(one, ++nth) : undefined);
}

const bytesOf = ({ query }: FakeCall): Buffer =>
  bytes.subarray(Number(query.get('offset')), Number(query.get('offset')) + Number(query.get('length')));
const offsets = (): string[] =>
  server.calls.filter(({ op, node }) => op === 'OPEN' && node !== undefined).map(({ query }) => query.get('offset')!);

describe('reading from a DataNode', () => {
  it('goes on at the byte where it broke off', async () => {
    const file = await only();
    onDataNode('OPEN', (one, nth) => {
      if (nth > 3) return undefined;
      const all = bytesOf(one);
      one.response.writeHead(200, { 'content-length': all.length });
      one.response.write(all.subarray(0, 100 * nth), () => setTimeout(() => one.response.destroy(), 20));
      return true;
    });
    expect(await content(file)).toEqual(bytes);
    expect(offsets()).toEqual(['0', '100', '300', '600']);
  });

  it('names those that failed when it asks for another', async () => {
    const file = await only();
    onDataNode('OPEN', ({ response }, nth) => {
      if (nth === 1) response.destroy();
      return nth === 1;
    });
    expect(await content(file)).toEqual(bytes);
    const [first, second] = server.calls.filter(({ op, node }) => op === 'OPEN' && node === undefined);
    expect([first!.query.get('excludedatanodes'), second!.query.get('excludedatanodes')]).toEqual([null, '127.0.0.1']);
  });

  it('takes up where a body ends too early, however it is declared', async () => {
    const file = await only();
    onDataNode('OPEN', (one, nth) => {
      if (nth > 2) return undefined;
      const part = bytesOf(one).subarray(0, 250);
      one.response.writeHead(200, nth === 1 ? { 'content-length': part.length } : {}).end(part);
      return true;
    });
    expect(await content(file)).toEqual(bytes);
    expect(offsets()).toEqual(['0', '250', '500']);
  });

  it('takes no byte more than it asked for', async () => {
    const file = await only();
    onDataNode('OPEN', ({ response }, nth) => {
      if (nth === 1) response.writeHead(200).end(Buffer.alloc(5000, 1));
      return nth === 1;
    });
    const into = Buffer.alloc(20).fill(9);
    expect(await hdfsStorage.read(file, 0, into.subarray(5, 15), call())).toBe(10);
    expect(into).toEqual(Buffer.concat([Buffer.alloc(5, 9), bytes.subarray(0, 10), Buffer.alloc(5, 9)]));
  });

  it('is left when it falls silent in the middle', async () => {
    const file = await only('/f', { timeout: 300 });
    onDataNode('OPEN', (one, nth) => {
      if (nth > 1) return undefined;
      one.response.writeHead(200, { 'content-length': 1000 });
      one.response.write(bytes.subarray(0, 100));
      return true;
    });
    const into = Buffer.alloc(1000);
    await hdfsStorage.read(file, 0, into, call({ timeout: 300 }));
    expect(into).toEqual(bytes);
  });

  it('fails in plain words when all of them are down', async () => {
    const file = await only();
    onDataNode('OPEN', ({ response }) => {
      response.destroy();
      return true;
    });
    await expect(content(file)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(
        /cannot read webhdfs:\/\/.*\/f as ann: no DataNode that holds the bytes from 0 on gives them \(127\.0\.0\.1: /,
      ),
    });
  });

  it('fails when the NameNode knows of none', async () => {
    const file = await only();
    server.intercept = ({ op, response }) => {
      if (op === 'OPEN') refuse(response, 'IOException', 'No active nodes contain this block');
      return op === 'OPEN';
    };
    await expect(content(file)).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('no DataNode that holds') });
  });

  it('says what a DataNode says', async () => {
    const file = await only();
    onDataNode('OPEN', ({ response }) => {
      refuse(response, 'IOException', 'Could not obtain block: BP-1:blk_1 file=/f\n\tat org…', 500);
      return true;
    });
    await expect(content(file)).rejects.toThrow(/Could not obtain block: BP-1:blk_1 file=\/f\)/);
  });

  it('refuses a file that is replaced while it is read', async () => {
    const file = await only();
    onDataNode('OPEN', () => {
      server.store.put('/f', Buffer.alloc(1000));
      return undefined;
    });
    await expect(content(file)).rejects.toMatchObject({ code: 'ERR_SOURCE_CHANGED', path: `${server.url}/f` });
  });

  it('ends with the reason of its signal, in the middle of a body', async () => {
    const file = await only();
    const controller = new AbortController();
    const reason = new Error('enough');
    onDataNode('OPEN', (one) => {
      one.response.writeHead(200, { 'content-length': 1000 });
      one.response.write(bytes.subarray(0, 100), () => controller.abort(reason));
      return true;
    });
    await expect(content(file, controller.signal)).rejects.toBe(reason);
  });
});

describe('writing to a DataNode', () => {
  it('tries another when one breaks off, and leaves nothing behind', async () => {
    onDataNode('CREATE', ({ response }, nth) => {
      if (nth < 3) response.destroy();
      return nth < 3;
    });
    expect(await write('/d/new', bytes)).toBe(1000);
    expect(server.store.names).toEqual(['/d/new', '/f']);
    expect(server.store.files.get('/d/new')!.bytes).toEqual(bytes);
  });

  it('does not show a file that arrived in part', async () => {
    onDataNode('CREATE', ({ response, path, body }, nth) => {
      if (nth > 1) return undefined;
      server.store.put(path, body.subarray(0, 10));
      response.writeHead(201).end();
      return true;
    });
    expect(await write('/new', bytes)).toBe(1000);
    expect(server.store.names).toEqual(['/f', '/new']);
    expect(server.store.files.get('/new')!.bytes).toEqual(bytes);
  });

  it.each<[string, string, RegExp]>([
    [
      'IOException',
      'File /x could only be written to 0 of the 1 minReplication nodes. There are 3 datanode(s) running',
      /no DataNode can take the bytes/,
    ],
    ['SafeModeException', 'Cannot create file. Name node is in safe mode.', /safe mode, in which nothing is written/],
    ['DSQuotaExceededException', 'The DiskSpace quota of /d is exceeded', /the quota of space .* is used up/],
    ['NSQuotaExceededException', 'The NameSpace quota of /d is exceeded', /the quota of names .* is used up/],
    ['IOException', 'Specified block size is less than configured minimum value', /refuses this blockSize; take a larger multiple of 512/],
    ['AccessControlException', 'Permission denied: user=ann, access=WRITE', /as ann: permission denied/],
  ])('says in plain words what %s means (%s)', async (exception, message, words) => {
    onDataNode('CREATE', ({ response }) => {
      refuse(response, exception, message);
      return true;
    });
    await expect(write('/d/new', bytes)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringMatching(words),
      cause: { exception },
    });
    expect(server.store.names).toEqual(['/f']);
  });

  it('takes a move for done when only its answer was lost', async () => {
    let moves = 0;
    server.intercept = ({ op, path, query, response }) => {
      if (op !== 'RENAME' || ++moves > 1) return undefined;
      server.store.files.set(query.get('destination')!, server.store.files.get(path)!);
      server.store.files.delete(path);
      response.destroy();
      return true;
    };
    expect(await write('/new', bytes)).toBe(1000);
    expect(moves).toBe(2);
    expect(server.store.names).toEqual(['/f', '/new']);
  });

  it('loses to who took the name in the meantime', async () => {
    onDataNode('CREATE', () => {
      server.store.put('/new', 'other');
      return undefined;
    });
    await expect(write('/new', bytes)).rejects.toMatchObject({ code: 'ERR_EXISTS', message: expect.stringContaining(`${server.url}/new`) });
    expect(server.store.names).toEqual(['/f', '/new']);
    expect(server.store.files.get('/new')!.bytes.toString()).toBe('other');
  });

  it('takes back what it began when its caller gives up', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    onDataNode('CREATE', ({ path }) => {
      server.store.put(path, 'half');
      controller.abort(reason);
      return true;
    });
    await expect(write('/new', bytes, { signal: controller.signal })).rejects.toBe(reason);
    expect(server.store.names).toEqual(['/f']);
  });

  it('passes on replication and block size, and keeps the rights of what it replaces', async () => {
    await write('/f', bytes, { overwrite: true }, { replication: 2, blockSize: '1 MiB' });
    const { query } = server.calls.find(({ op }) => op === 'CREATE')!;
    expect(Object.fromEntries(query)).toMatchObject({ replication: '2', blocksize: '1048576', permission: '640', 'user.name': 'ann' });
  });
});

describe('a delegation token', () => {
  const token = 'KAAKSm9i-very-secret_0123456789';

  it('goes to the servers in place of the user', async () => {
    const file = await only('/f', { token });
    await hdfsStorage.read(file, 0, new Uint8Array(10), call({ token }));
    for (const { query } of server.calls) {
      expect(query.get('delegation')).toBe(token);
      expect(query.has('user.name')).toBe(false);
    }
    expect(JSON.stringify(file)).not.toContain(token);
    expect(hdfsStorage.endpoint!({ nameNodes: ['b:1', 'a:1'], token })).toBe('a:1,b:1');
  });

  it('is taken from HADOOP_TOKEN', async () => {
    process.env.HADOOP_TOKEN = token;
    try {
      await only();
    } finally {
      delete process.env.HADOOP_TOKEN;
    }
    expect(server.calls[0]!.query.get('delegation')).toBe(token);
  });

  it('is in no error, whatever the servers say', async () => {
    const file = await only('/f', { token });
    server.intercept = ({ response }) => {
      refuse(response, 'SomethingException', `the token ${token} is strange`, 403);
      return true;
    };
    const failures = [
      only('/f', { token }),
      hdfsStorage.read(file, 0, new Uint8Array(10), call({ token })),
      write('/n', bytes, {}, { token }),
    ];
    for (const outcome of await Promise.allSettled(failures)) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'ERR_STORAGE', message: expect.stringContaining('the token … is strange') },
      });
      const { message, stack, cause } = (outcome as PromiseRejectedResult).reason as Error;
      expect(`${message} ${stack} ${JSON.stringify(cause)} ${String(cause)}`).not.toContain(token);
    }
  });
});

describe('options of HDFS', () => {
  it.each<[object, RegExp]>([
    [{ nameNode: 'x' }, /no storage option "nameNode" \(known: nameNodes/],
    [{ nameNodes: [] }, /nameNodes must be/],
    [{ nameNodes: ['a b'] }, /nameNodes must be/],
    [{ nameNodes: 'me:secret@host:1' }, /nameNodes must be a "host:port" or a list of them; it is "?an address with a password/],
    [{ user: '' }, /user must be a name/],
    [{ token: 5 }, /token must be the text/],
    [{ tls: 'yes' }, /tls must be/],
    [{ replication: 0 }, /replication must be a whole number from 1/],
    [{ blockSize: 'big' }, /blockSize/],
    [{ timeout: -1 }, /timeout/],
    [{ locality: 1 }, /locality must be/],
  ])('are refused when they are %p', async (storage, message) => {
    await expect(only('/f', storage)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION', message: expect.stringMatching(message) });
    await expect(only('/f', storage)).rejects.not.toThrow(/secret/);
  });
});

describe('names', () => {
  it.each(['a%2fb', 'a%41', 'with space', 'new\nline', 'a+b;c=d', 'ünï😀', "it's", `${'x'.repeat(1024)}`])(
    'mean themselves: %j',
    async (name) => {
      await write(`/n/${name}`, Buffer.from(name));
      expect(server.store.names).toContain(`/n/${name}`);
      expect((await content(await only(`/n/${name}`))).toString()).toBe(name);
      expect((await only('/n/')).path).toBe(`${server.url}/n/${name}`);
    },
  );

  it('bear no NameNode that answers for another path', async () => {
    server.store.put('/etc/passwd', 'no');
    await expect(only('/n/../etc/passwd')).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    expect(server.calls).toHaveLength(0);
  });

  it('that end in a slash are those of directories', async () => {
    await expect(write('/n/', bytes)).rejects.toMatchObject({
      code: 'ERR_STORAGE',
      message: expect.stringContaining('name of a directory'),
    });
  });
});

it('lists a file once it is asked for by JSON of a hostile server, without trusting its numbers', async () => {
  server.intercept = ({ op, response }) => {
    if (op !== 'GETFILESTATUS') return undefined;
    json(response, { FileStatus: { pathSuffix: '', type: 'FILE', length: -5, modificationTime: 'x', blockSize: 1e30 } });
    return true;
  };
  await expect(only()).rejects.toMatchObject({ code: 'ERR_STORAGE', message: expect.stringContaining('length is -5') });
});
