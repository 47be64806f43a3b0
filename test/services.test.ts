/** `npm run services`: what it prints is true, and it leaves nothing behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { jest } from '@jest/globals';
import { processesWith } from './services/dask.ts';
import { reasonWithoutHadoop } from './services/hadoop.ts';
import { serverOrReason, startVersityGateway } from './services/s3-server.ts';

jest.setTimeout(180_000);
const script = fileURLToPath(new URL('services/services.ts', import.meta.url));

/** The command while it runs; its servers keep their files in a folder that is empty before. */
class Command {
  readonly lines: string[] = [];
  readonly child: ChildProcess;
  readonly #folder: string;
  readonly #ended: Promise<unknown[]>;

  static async start(...names: readonly string[]): Promise<Command> {
    return new Command(await mkdtemp(join(tmpdir(), 'heddle-services-')), names);
  }

  constructor(folder: string, names: readonly string[]) {
    this.#folder = folder;
    this.child = spawn(process.execPath, ['--import', 'tsx', script, ...names], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.child, 'close');
    for (const stream of [this.child.stdout!, this.child.stderr!]) createInterface(stream).on('line', (line) => this.lines.push(line));
  }

  /** The first line that matches, once it is there. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.lines) {
        const found = pattern.exec(line);
        if (found !== null) return found;
      }
      if (this.child.exitCode !== null) throw new Error(`it ended without ${pattern}: ${this.lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits for its end; what is left then: its exit code, processes that name its folder, files in it. */
  async end(): Promise<{ readonly code: unknown; readonly processes: number[]; readonly files: string[] }> {
    const [code] = await this.#ended;
    const left = { code, processes: await processesWith(this.#folder), files: (await readdir(this.#folder)).filter(isOurs) };
    await rm(this.#folder, { recursive: true, force: true });
    return left;
  }
}

/** What runs TypeScript, and Java, keep caches of their own in the temporary folder. */
const isOurs = (name: string): boolean => !/^(tsx-|hsperfdata_)/.test(name);
const nothing = { code: 0, processes: [], files: [] };

async function reasonWithoutS3(): Promise<string | undefined> {
  const tried = await serverOrReason(startVersityGateway);
  if (tried.server === undefined) return tried.reason;
  await tried.server.close();
  return undefined;
}

const suite = (name: string, reason: string | undefined, cases: () => void): void =>
  reason === undefined ? describe(name, cases) : describe.skip(`${name} (${reason})`, () => it('cannot run here', () => {}));

describe('npm run services', () => {
  it('refuses a name that it does not know, and says which there are', async () => {
    const command = await Command.start('s3', 'ftp');
    expect(await command.end()).toEqual({ ...nothing, code: 2 });
    expect(command.lines).toEqual(['no service ftp (known: hdfs, s3)']);
  });
});

suite('npm run services -- s3', await reasonWithoutS3(), () => {
  it('says where the server is and how to be let in; nothing is left once it is interrupted', async () => {
    const command = await Command.start('s3');
    await command.line(/^running/);
    const [, endpoint] = await command.line(/^ {2}server +(\S+)$/);
    const [, exports] = await command.line(/^ {2}environment +export (.+)$/);
    const given = Object.fromEntries(exports!.split(' ').map((one) => one.split('=', 2)));
    expect(given.AWS_ENDPOINT_URL_S3).toBe(endpoint);
    const { S3Client, ListBucketsCommand } = await import('@aws-sdk/client-s3');
    const credentials = { accessKeyId: given.AWS_ACCESS_KEY_ID!, secretAccessKey: given.AWS_SECRET_ACCESS_KEY! };
    const client = new S3Client({ endpoint: endpoint!, region: given.AWS_REGION!, forcePathStyle: true, credentials });
    expect((await client.send(new ListBucketsCommand())).Buckets ?? []).toEqual([]);
    client.destroy();
    command.child.kill('SIGINT');
    expect(await command.end()).toEqual(nothing);
    await expect(fetch(endpoint!)).rejects.toThrow();
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('ends a server that is still starting when %s comes', async (signal) => {
    const command = await Command.start('s3');
    await command.line(/^s3: starting/);
    command.child.kill(signal);
    expect(await command.end()).toEqual(nothing);
  });
});

suite('npm run services -- hdfs', await reasonWithoutHadoop(), () => {
  it('says where the NameNode is; nothing is left once it is ended', async () => {
    const command = await Command.start('hdfs');
    await command.line(/^running/);
    const [, nameNode] = await command.line(/^ {2}NameNode +(\S+)$/);
    const [, user] = await command.line(/HADOOP_USER_NAME=(\S+)$/);
    const answer = await fetch(`${nameNode}/webhdfs/v1/?op=LISTSTATUS&user.name=${user}`);
    expect(await answer.json()).toMatchObject({ FileStatuses: { FileStatus: expect.any(Array) } });
    command.child.kill('SIGTERM');
    expect(await command.end()).toEqual(nothing);
    await expect(fetch(nameNode!)).rejects.toThrow();
  });
});
