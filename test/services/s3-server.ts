import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startChild } from './child.ts';
import { pythonVenv } from './python-venv.ts';

/** A server that speaks S3, on loopback, with a folder of its own. */
export interface S3Server {
  readonly name: string;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The environment by which its clients find credentials; names nothing else of this machine. */
  readonly env: Readonly<Record<string, string>>;
  /** Where buckets are folders and objects files, when the server keeps them so: to lay down thousands at once. */
  readonly folder?: string;
  close(): Promise<void>;
}

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/heddle', import.meta.url));

/** Fixed, so that all machines test against the same. */
const gatewayVersion = '1.8.0';
const motoVersion = '5.2.5';

/** The program of versitygw, built once from the Go module. Made elsewhere and renamed, so that the cache has it whole or not at all. */
async function gatewayProgram(): Promise<string> {
  const folder = join(cache, `versitygw-${gatewayVersion}`);
  const program = join(folder, 'versitygw');
  if (existsSync(program)) return program;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, 'new-versitygw-'));
  try {
    const env = { ...process.env, GOBIN: fresh, GOFLAGS: '-buildvcs=false' };
    await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@v${gatewayVersion}`], { env, timeout: 900_000 });
    await rename(fresh, folder).catch((error: NodeJS.ErrnoException) => {
      // another process was faster: its copy is as good
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return program;
}

// Made up anew for each server: tests look for them in everything that heddle says.
const secretOf = (): string => `s3cret-${crypto.randomUUID()}`;

function envOf(accessKeyId: string, secretAccessKey: string): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

/** Whether anything answers at all. */
const answers = (endpoint: string) => async (): Promise<boolean> =>
  (await fetch(endpoint, { signal: AbortSignal.timeout(1000) })).status > 0;

/** versitygw: real signatures, conditions on reads and writes, multipart, versions, policies; objects are files of a folder. */
export async function startVersityGateway(): Promise<S3Server> {
  const program = await gatewayProgram();
  const folder = await mkdtemp(join(tmpdir(), 'heddle-s3-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const accessKeyId = 'heddletest';
  const secretAccessKey = secretOf();
  for (const name of ['data', 'versions', 'iam']) await mkdir(join(folder, name));
  try {
    const child = await startChild(
      program,
      [
        '--port',
        `127.0.0.1:${port}`,
        '--quiet',
        '--keep-alive',
        '--iam-dir',
        join(folder, 'iam'),
        'posix',
        '--versioning-dir',
        join(folder, 'versions'),
        join(folder, 'data'),
      ],
      { env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey }, isReady: answers(endpoint) },
    );
    return {
      name: 'versitygw',
      endpoint,
      accessKeyId,
      secretAccessKey,
      env: envOf(accessKeyId, secretAccessKey),
      folder: join(folder, 'data'),
      async close() {
        await child.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** moto: keeps objects in memory under any key, `//` and `.` too, where a folder cannot; another program's idea of S3. */
export async function startMoto(): Promise<S3Server> {
  const python = await pythonVenv([`moto[server,s3]==${motoVersion}`]);
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const secretAccessKey = secretOf();
  const child = await startChild(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    isReady: answers(endpoint),
    deadlineMs: 60_000,
  });
  return {
    name: 'moto',
    endpoint,
    accessKeyId: 'motouser',
    secretAccessKey,
    env: envOf('motouser', secretAccessKey),
    close: () => child.stop(),
  };
}

/** A server, or the reason why there is none; on CI there must be one, so there it throws. */
export async function serverOrReason<T>(
  start: () => Promise<T>,
): Promise<{ readonly server: T } | { readonly server: undefined; readonly reason: string }> {
  try {
    return { server: await start() };
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const said = (error as { stderr?: string }).stderr || String(error);
    return { server: undefined, reason: `the server cannot be had here: ${said.trim().split('\n').at(-1)}` };
  }
}
