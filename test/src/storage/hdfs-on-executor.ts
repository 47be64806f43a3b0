/** HDFS as users meet it: on an executor, through `heddle/hdfs`. A part of `hdfs.test.ts`, for one cluster serves both. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Executor, lazy, plan, readBytes as readUrl, visualize } from 'heddle';
import { readBytes, writeBytes } from 'heddle/hdfs';
import { hdfsStorage } from '../../../src/storage/hdfs/hdfs.ts';
import type { StoredFile } from '../../../src/storage/storage.ts';
import { varied } from '../../conformance/storage.ts';
import type { Hadoop } from '../../services/hadoop.ts';
import { plainCall, plainWebHdfs } from '../../services/plain-webhdfs.ts';

/** Defines the cases; call it in a `describe`. */
export function testHdfsOnExecutor(hadoop: () => Hadoop): void {
  const plain = () => plainWebHdfs(hadoop().nameNode, hadoop().superuser);
  const list = async (path: string): Promise<StoredFile[]> => {
    const files: StoredFile[] = [];
    for await (const file of hdfsStorage.list(hadoop().url(path), { storage: { user: hadoop().superuser } })) files.push(file);
    return files;
  };
  const options = () => ({ nameNodes: hadoop().nameNode, user: hadoop().superuser });
  const count = lazy(function count(bytes: Uint8Array) {
    return bytes.length;
  });
  const blockBytes = 64 * 1024;
  const blocks = 120;
  beforeAll(async () => {
    await plain().put('/local/big', varied(blocks * blockBytes), `&blocksize=${blockBytes}`);
  });

  /** Where each block lies, as Hadoop itself says. */
  const holders = async (): Promise<string[][]> => {
    const answer = (await plain().call('GET', '/local/big', 'GETFILEBLOCKLOCATIONS')) as {
      BlockLocations: { BlockLocation: { hosts: string[] }[] };
    };
    return answer.BlockLocations.BlockLocation.map(({ hosts }) => hosts);
  };

  it('reads nearly all blocks on a host that holds them, as planned', async () => {
    const executor = new Executor({ workers: hadoop().dataHosts.map((host) => ({ name: `at ${host}`, host })) });
    try {
      const values = await readBytes('/local/big', { ...options(), lazy: true });
      expect(values).toHaveLength(blocks);
      const report = await plan(
        values.map((block) => count(block)),
        { executor },
      );
      expect(report.localReads).toEqual({
        tasks: blocks,
        bytes: blocks * blockBytes,
        localTasks: blocks,
        localBytes: blocks * blockBytes,
      });
      expect(report.text).toMatch(/read locally\s+100 % \(120 of 120 blocks/);
      const local: boolean[] = [];
      executor.on('task', ({ isLocal }) => {
        if (isLocal !== undefined) local.push(isLocal);
      });
      const futures = values.map((block) => executor.compute(block));
      const bytes = Buffer.concat(await Promise.all(futures));
      expect(bytes.equals(varied(blocks * blockBytes))).toBe(true);
      expect(local).toHaveLength(blocks);
      expect(local.filter(Boolean).length).toBeGreaterThanOrEqual(0.95 * blocks);
      const where = await executor.whoHas();
      const near = (await holders()).filter((hosts, i) => hosts.some((host) => where.get(values[i]!.key)!.includes(`at ${host}`)));
      expect(near.length).toBeGreaterThanOrEqual(0.95 * blocks);
    } finally {
      await executor.close();
    }
  });

  it('reads all blocks where no worker holds any, and where one alone does', async () => {
    for (const hosts of [['elsewhere'], ['127.0.0.2', 'elsewhere']]) {
      const executor = new Executor({ workers: hosts.map((host) => ({ host })) });
      try {
        const slow = lazy(async function slow(bytes: Uint8Array) {
          await new Promise((resolve) => setTimeout(resolve, 20));
          return bytes.length;
        });
        const values = await readBytes('/local/big', { ...options(), lazy: true });
        const busy = new Set<string>();
        executor.on('task', ({ worker }) => worker !== undefined && busy.add(worker));
        const lengths = await Promise.all(values.map((block) => executor.compute(slow(block))));
        expect(lengths).toEqual(new Array(blocks).fill(blockBytes));
        expect(busy.size).toBe(hosts.length);
      } finally {
        await executor.close();
      }
    }
  });

  it('ends blocks at delimiters, also across the borders of HDFS’s blocks', async () => {
    const text = Array.from({ length: 5000 }, (_, i) => `record ${i} ${'.'.repeat(i % 97)}\r\n`).join('');
    await plain().put('/lines/a', Buffer.from(text), '&blocksize=65536');
    const executor = new Executor({ workers: 2 });
    try {
      for (const blockSize of [undefined, 10_000, '150 kB', null] as const) {
        const read = await Promise.all(await readBytes('/lines/', { ...options(), executor, delimiter: '\r\n', blockSize }));
        const texts = read.map((block) => new TextDecoder().decode(block));
        expect(texts.join('')).toBe(text);
        for (const one of texts) expect(one).toMatch(/^(record \d+ \.*\r\n)*$/);
        if (blockSize === undefined) expect(read).toHaveLength(Math.ceil(text.length / 65536));
      }
    } finally {
      await executor.close();
    }
  });

  it('writes from many workers, with replication and block size', async () => {
    const executor = new Executor({ workers: 3 });
    try {
      const parts = Array.from({ length: 12 }, (_, i) => Buffer.alloc(100_000, i));
      const written = await Promise.all(
        await writeBytes('/out/part.*.bin', parts, { ...options(), executor, replication: 1, blockSize: 65_536 }),
      );
      expect(written).toEqual(new Array(12).fill(100_000));
      expect((await plain().names('/out')).sort()).toEqual(parts.map((_, i) => `part.${String(i).padStart(2, '0')}.bin`));
      expect((await plain().get('/out/part.07.bin')).equals(parts[7]!)).toBe(true);
      const [file] = await list('/out/part.07.bin');
      expect(file!.hosts!.map(({ length, hosts }) => [length, hosts.length])).toEqual([
        [65_536, 1],
        [34_464, 1],
      ]);
      await expect(Promise.all(await writeBytes('/out/part.*.bin', parts, { ...options(), executor }))).rejects.toMatchObject({
        code: 'ERR_EXISTS',
      });
    } finally {
      await executor.close();
    }
  });

  it('writes a part once though its worker dies right after', async () => {
    const executor = new Executor({ workers: 2 });
    const directory = mkdtempSync(join(tmpdir(), 'heddle-hdfs-'));
    try {
      const die = lazy(async function die(nbytes: number, path: string) {
        const fs = await import('node:fs');
        if (!fs.existsSync(path)) {
          fs.writeFileSync(path, '');
          // In a worker this ends the thread, past every way to catch it.
          (process as unknown as { reallyExit(code: number): never }).reallyExit(1);
        }
        return nbytes;
      });
      const [written] = await writeBytes('/once/', [Buffer.from('hello')], { ...options(), lazy: true });
      expect(await executor.compute(die(written!, join(directory, 'marker')))).toBe(5);
      expect(await plain().names('/once')).toEqual(['0']);
      expect((await plain().get('/once/0')).toString()).toBe('hello');
    } finally {
      await executor.close();
      rmSync(directory, { recursive: true });
    }
  });

  it('refuses what is no path in HDFS, and options that are elsewhere', async () => {
    await expect(readBytes('data/2015')).rejects.toMatchObject({ name: 'TypeError', message: expect.stringContaining('begins with "/"') });
    await expect(readBytes('/data', { storage: {} } as never)).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' });
    await expect(readBytes('/nowhere/*', options())).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: expect.stringContaining('hdfs:///nowhere/*'),
    });
    await expect(readUrl(hadoop().url('/nowhere'), { storage: { user: 'x' } })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' });
  });

  it('shows a token in no key, drawing, plan, inspect text or error', async () => {
    const token = 'very-secret-delegation-token';
    await plain().put('/token/f', Buffer.from('hello'));
    const seen: string[] = [];
    // The cluster knows no tokens, so the list is made without one, and the block read with it fails.
    const door = createServer(async (request, response) => {
      const url = new URL(request.url!, `http://${hadoop().nameNode}`);
      seen.push(url.searchParams.get('delegation') ?? '');
      if (url.searchParams.get('op') !== 'OPEN') url.searchParams.delete('delegation');
      const { status, body } = await plainCall('GET', url.href);
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
    await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
    const executor = new Executor({ workers: 1 });
    try {
      const nameNodes = `127.0.0.1:${(door.address() as AddressInfo).port}`;
      const [block] = await readBytes('/token/f', { nameNodes, token, lazy: true });
      const texts = [block!.key, inspect(block, { depth: 20, showHidden: true }), (await plan(block!, { executor })).text];
      for (const format of ['dot', 'json', 'mermaid', 'svg', 'html'] as const) texts.push(await visualize(block!, undefined, { format }));
      const future = executor.compute(block!);
      const error = await future.exception();
      expect(error).toMatchObject({ code: 'ERR_STORAGE' });
      texts.push(inspect(error, { depth: 20, showHidden: true }), inspect(future, { depth: 20 }));
      expect(seen.filter((one) => one === token).length).toBeGreaterThan(2);
      for (const text of texts) expect(text).not.toContain(token);
    } finally {
      await executor.close();
      door.closeAllConnections();
      await new Promise((resolve) => door.close(resolve));
    }
  });

  it('lets a program end by itself, and loads undici only when HDFS is read', async () => {
    await plain().put('/end/f', Buffer.from('hello'));
    const script = `import { readBytes, writeBytes } from 'heddle/hdfs'; import { createRequire } from 'node:module';
      const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('undici'));
      const before = loaded();
      const options = JSON.parse(process.argv[1]);
      const blocks = await readBytes('/end/f', options);
      console.log(before, loaded(), await Promise.all(await writeBytes('/end/out/', blocks, options)));`;
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(options())], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    expect({ stdout, stderr, status }).toEqual({ stdout: 'false true [ 5 ]\n', stderr: '', status: 0 });
  });
}
