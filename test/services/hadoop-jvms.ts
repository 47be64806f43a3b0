/** Hadoop's programs as JVMs of their own: its jars come from Maven's repository, once, into node_modules/.cache/heddle. The JVMs end with this process, however it ends: each watches its standard input. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/heddle', import.meta.url));
const daemonSource = fileURLToPath(new URL('./hadoop/Daemon.java', import.meta.url));
const version = '3.4.1';
const startDeadlineMs = 90_000;

/** Settings of Hadoop by name. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>heddle</groupId><artifactId>hadoop</artifactId><version>1</version>
<dependencies>
  <dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-client-minicluster</artifactId><version>${version}</version></dependency>
  <!-- what Java no longer brings, and the shaded jars leave out -->
  <dependency><groupId>javax.xml.bind</groupId><artifactId>jaxb-api</artifactId><version>2.3.1</version></dependency>
  <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
`;

/** The folder with Hadoop's jars, our class, and a formatted file system; whole or not at all. */
export async function installed(): Promise<string> {
  const folder = join(cache, `hadoop-${version}`);
  const source = await readFile(daemonSource);
  const isWhole = existsSync(folder) && source.equals(await readFile(join(folder, 'Daemon.java')).catch(() => Buffer.alloc(0)));
  if (isWhole) return folder;
  await mkdir(cache, { recursive: true });
  const fresh = await mkdtemp(join(cache, 'new-hadoop-'));
  try {
    await writeFile(join(fresh, 'pom.xml'), pom);
    const lib = join(fresh, 'lib');
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'], {
      cwd: fresh,
      timeout: 300_000,
    });
    await copyFile(daemonSource, join(fresh, 'Daemon.java'));
    await run('javac', ['-cp', join(lib, '*'), '-d', join(fresh, 'classes'), 'Daemon.java'], { cwd: fresh, timeout: 60_000 });
    await mkdir(join(fresh, 'conf'));
    await writeFile(
      join(fresh, 'conf', 'hdfs-site.xml'),
      settingsXml({ 'dfs.namenode.name.dir': `file://${fresh}/name`, 'fs.defaultFS': 'hdfs://127.0.0.1:1' }),
    );
    await run(
      'java',
      [...javaArgs(fresh, join(fresh, 'conf'), 128), 'org.apache.hadoop.hdfs.server.namenode.NameNode', '-format', '-force'],
      {
        timeout: 60_000,
      },
    );
    await rename(fresh, folder).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
      // another process was faster, or a copy of before is in the way
      if (source.equals(await readFile(join(folder, 'Daemon.java')).catch(() => Buffer.alloc(0)))) return;
      await rm(folder, { recursive: true, force: true });
      await rename(fresh, folder);
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return folder;
}

export function settingsXml(settings: Settings): string {
  const rows = Object.entries(settings).map(([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`);
  return `<configuration>\n${rows.join('\n')}\n</configuration>\n`;
}

function javaArgs(folder: string, conf: string, heapMiB: number, ...more: string[]): string[] {
  return [
    `-Xmx${heapMiB}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.net.preferIPv4Stack=true',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    ...more,
    '-cp',
    [conf, join(folder, 'classes'), join(folder, 'lib', '*')].join(':'),
  ];
}

/** A port of an address of this machine that is free now. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder with JVMs that run in it, and end and vanish with it. */
export interface Jvms {
  readonly home: string;
  has(name: string): boolean;
  /** Starts a program with settings and a log of its own. */
  start(name: string, main: string, settings: Settings, files?: Readonly<Record<string, string>>): Promise<void>;
  /** Ends one at once, as a failing machine would. */
  end(name: string): Promise<void>;
  /** Waits, and fails as soon as one of them ends by itself. */
  until(what: string, isDone: () => Promise<boolean>): Promise<void>;
  /** Runs a tool with the settings of one that was started; what it prints. */
  tool(name: string, main: string, args: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Makes the folder. */
export async function openJvms(): Promise<Jvms> {
  const folder = await installed();
  const home = await mkdtemp(join(tmpdir(), 'heddle-hadoop-'));
  const processes = new Map<string, ChildProcess>();

  // Who forgets to stop it, or is stopped with exit(), leaves no folder behind.
  const onExit = (): void => {
    for (const child of processes.values()) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', onExit);

  async function end(name: string): Promise<void> {
    const child = processes.get(name);
    processes.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, 'exit');
    child.ref();
    child.kill('SIGKILL');
    await ended;
  }

  return {
    home,
    has: (name) => processes.has(name),
    end,
    async start(name, main, settings, files = {}) {
      const conf = join(home, name);
      await mkdir(conf, { recursive: true });
      for (const file of ['core-site.xml', 'hdfs-site.xml']) await writeFile(join(conf, file), settingsXml(settings));
      for (const [file, text] of Object.entries(files)) await writeFile(join(conf, file), text);
      const log = await open(join(conf, 'log'), 'a');
      try {
        const address = name.startsWith('127.') ? name : '127.0.0.1';
        const child = spawn('java', [...javaArgs(folder, conf, 160, `-Dheddle.address=${address}`), 'Daemon', main], {
          cwd: conf,
          stdio: ['pipe', log.fd, log.fd],
        });
        child.on('error', () => {});
        child.stdin!.on('error', () => {});
        child.unref();
        (child.stdin as unknown as { unref(): void }).unref();
        processes.set(name, child);
      } finally {
        await log.close();
      }
    },
    async until(what, isDone) {
      const deadline = performance.now() + startDeadlineMs;
      while (!(await isDone())) {
        for (const [name, child] of processes) {
          if (child.exitCode === null && child.pid !== undefined) continue;
          throw new Error(`the JVM of ${name} ended: ${(await readFile(join(home, name, 'log'), 'utf8')).slice(-2000)}`);
        }
        if (performance.now() > deadline) throw new Error(`HDFS: ${what} took longer than ${startDeadlineMs / 1000} s`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async tool(name, main, args) {
      const { stdout } = await run('java', [...javaArgs(folder, join(home, name), 96), main, ...args], { timeout: 60_000 });
      return stdout;
    },
    async stop() {
      process.off('exit', onExit);
      await Promise.all([...processes.keys()].map(end));
      await rm(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Beans of a page of management, none where it has none; `undefined` when nobody answers. */
export async function beansAt(url: string): Promise<readonly Record<string, unknown>[] | undefined> {
  try {
    const page = (await (await fetch(url, { signal: AbortSignal.timeout(5000) })).json()) as { beans?: Record<string, unknown>[] };
    return page.beans ?? [];
  } catch {
    return undefined;
  }
}

/** What keeps a cluster on one machine small and quick. */
export const smallCluster: Settings = {
  'dfs.namenode.datanode.registration.ip-hostname-check': false,
  'dfs.namenode.fs-limits.min-block-size': 512,
  'dfs.namenode.safemode.extension': 0,
  'dfs.namenode.handler.count': 4,
  'dfs.namenode.heartbeat.recheck-interval': 2000,
  'dfs.heartbeat.interval': 1,
  'dfs.replication': 2,
  'dfs.client.block.write.replace-datanode-on-failure.policy': 'NEVER',
  'dfs.datanode.handler.count': 3,
  'dfs.client.socket-timeout': 5000,
  'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': 10,
  'dfs.namenode.edits.noeditlogchannelflush': true,
};

/** Settings of a DataNode that is a host of its own: its calls come from its address. */
export const dataNodeSettings = (host: string, home: string): Settings => ({
  'dfs.datanode.hostname': host,
  'dfs.datanode.address': `${host}:0`,
  'dfs.datanode.http.address': `${host}:0`,
  'dfs.datanode.https.address': `${host}:0`,
  'dfs.datanode.ipc.address': `${host}:0`,
  'dfs.datanode.data.dir': `file://${home}/data-${host}`,
  'hadoop.rpc.socket.factory.class.default': 'Daemon$FromOwnAddress',
});
