/** Clusters that are not there, not alike, or not to be trusted. */
import { execFile, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Executor } from 'heddle';
import { startLocalCluster } from 'heddle/runtime';
import { rejection } from '../../conformance/engine-tools.ts';
import { DaskCluster, daskPython, daskPythonOrReason, daskVersions, processesWith, until } from '../../services/dask.ts';

const version = daskVersions.newest;
const { python, reason } = await daskPythonOrReason(version);
const suite = python === undefined ? describe.skip : describe;
const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../../dist/src/cli/main.js', import.meta.url));
const add = (a: number, b: number): number => a + b;

/** What the first task of an executor fails with. */
async function refusal(address: string, options: object): Promise<Error & { readonly code?: string }> {
  const executor = new Executor(address as 'tcp://', options);
  try {
    return await rejection(executor.submit(add, 1, 2));
  } finally {
    await executor.close();
  }
}

suite(`a cluster that cannot be used${reason === undefined ? '' : ` (${reason})`}`, () => {
  it('says so when no scheduler is at the address', async () => {
    const error = await refusal('tcp://127.0.0.1:9', { python, timeout: 500 });
    expect(error.code).toBe('ERR_CLUSTER');
    expect(error.message).toContain('tcp://127.0.0.1:9');
  }, 60_000);

  it('says so when something takes the connection and says nothing', async () => {
    const server = createServer(() => {}).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    expect((await refusal(`tcp://127.0.0.1:${port}`, { python, timeout: 500 })).code).toBe('ERR_CLUSTER');
    server.close();
  }, 60_000);

  it('says so when there is no Python, or one without distributed', async () => {
    const none = await refusal('tcp://127.0.0.1:9', { python: '/no/such/python' });
    expect([none.code, none.message]).toEqual(['ERR_CLUSTER', expect.stringContaining('option python')]);
    const folder = mkdtempSync(join(tmpdir(), 'heddle-python-'));
    const bare = join(folder, 'python');
    writeFileSync(bare, `#!/bin/sh\nexec '${python}' -S -I "$@"\n`);
    chmodSync(bare, 0o755);
    const lacking = await refusal('tcp://127.0.0.1:9', { python: bare });
    expect([lacking.code, lacking.message]).toEqual(['ERR_CLUSTER', expect.stringContaining('distributed')]);
    rmSync(folder, { recursive: true });
  }, 60_000);

  it('refuses a scheduler of another version with a table', async () => {
    const cluster = await DaskCluster.start(version, { workers: [{}] });
    try {
      const older = await daskPython(daskVersions.oldest);
      const error = await refusal(cluster.address, { python: older, timeout: '5 s' });
      expect(error.code).toBe('ERR_VERSIONS');
      expect(error.message).toMatch(/client +2023\.10\.0 +2023\.10\.0\n +scheduler +20\d\d\./);
    } finally {
      await cluster.stop();
    }
  }, 120_000);

  it('refuses workers without Node with a table', async () => {
    const cluster = await DaskCluster.start(version, { workers: [{ env: { HEDDLE_NODE: '/no/such/node' } }] });
    try {
      const error = await refusal(cluster.address, { python });
      expect(error.code).toBe('ERR_VERSIONS');
      expect(error.message).toMatch(/tcp:\/\/127\.0\.0\.2:\d+ +none/);
    } finally {
      await cluster.stop();
    }
  }, 120_000);

  it('works over TLS, and not with the wrong key', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-tls-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
    await run('openssl', [...request, '-keyout', key, '-out', cert], { timeout: 60_000 });
    const [otherKey, otherCert] = [join(folder, 'other-key.pem'), join(folder, 'other-cert.pem')];
    await run('openssl', [...request, '-keyout', otherKey, '-out', otherCert], { timeout: 60_000 });
    const flags = ['--tls-ca-file', cert, '--tls-cert', cert, '--tls-key', key];
    const cluster = await DaskCluster.start(version, { scheme: 'tls', workers: [{}], flags });
    try {
      const executor = new Executor(cluster.address as 'tls://', { python, tls: { ca: cert, cert, key } });
      expect(await executor.submit(add, 40, 2)).toBe(42);
      for (const bridge of await processesWith('bridge.py', cluster.address))
        expect((await run('cat', [`/proc/${bridge}/cmdline`, `/proc/${bridge}/environ`])).stdout).not.toContain(key);
      await executor.close();
      const stranger = await refusal(cluster.address, { python, timeout: '2 s', tls: { ca: otherCert, cert: otherCert, key: otherKey } });
      expect(stranger.code).toBe('ERR_CLUSTER');
      expect((await refusal(cluster.address.replace('tls', 'tcp'), { python, timeout: '2 s' })).code).toBe('ERR_CLUSTER');
    } finally {
      await cluster.stop();
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});

suite(`a cluster on this machine${reason === undefined ? '' : ` (${reason})`}`, () => {
  it('is started by a program, and ends with close()', async () => {
    const cluster = await startLocalCluster({ workers: 1, port: 0, python });
    const executor = new Executor(cluster.address as 'tcp://', { python });
    expect(await executor.submit(add, 1, 2)).toBe(3);
    await executor.close();
    await cluster.close();
    await until(async () => (await processesWith('local_cluster.py', python!)).length === 0, 'it has ended');
  }, 120_000);

  it('is started from the command line, and ends with Ctrl+C', async () => {
    const child = spawn(process.execPath, [cli, 'cluster', '--workers', '1', '--port', '0', '--python', python!], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    await until(
      () => /use it/.test(said) || child.exitCode !== null,
      () => `it says where it is: ${said}`,
    );
    const address = /tcp:\/\/\S+:\d+/.exec(said)![0];
    const executor = new Executor(address as 'tcp://', { python });
    expect(await executor.submit(add, 1, 2)).toBe(3);
    await executor.close();
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    await until(async () => (await processesWith('local_cluster.py', python!)).length === 0, 'it has ended');
  }, 120_000);

  it('says what is wrong with the flags, or with the Python', async () => {
    for (const [flags, words] of [
      [['--workers', 'many'], '--workers'],
      [['--python', '/no/such/python'], 'distributed'],
    ] as const) {
      const failed = (await rejection(run(process.execPath, [cli, 'cluster', ...flags]))) as unknown as { code: number; stderr: string };
      expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining(words)]);
    }
  }, 60_000);
});
