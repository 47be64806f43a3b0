/**
 * A real HDFS on this machine: a NameNode on 127.0.0.1 and DataNodes on 127.0.0.2, 127.0.0.3 and 127.0.0.4, each a JVM of its own that can be killed, each a host of its own to HDFS.
 * Hadoop comes from Maven's repository, once, into node_modules/.cache/heddle. The JVMs end with this process, however it ends: each watches its standard input.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = fileURLToPath(new URL('../../node_modules/.cache/heddle', import.meta.url));
const daemonSource = fileURLToPath(new URL('./hadoop/Daemon.java', import.meta.url));
const version = '3.4.1';
const dataHosts = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;
const startDeadlineMs = 90_000;

/** Bytes of an HDFS block in this cluster. */
export const hdfsBlockBytes = 1024 * 1024;

/** A running HDFS. */
export interface Hadoop {
  /** `127.0.0.1:<port>` of the NameNode's WebHDFS. */
  readonly nameNode: string;
  /** Who may do everything. */
  readonly superuser: string;
  readonly dataHosts: readonly string[];
  /** `hdfs://127.0.0.1:<port><path>` */
  url(path: string): string;
  /** Ends a DataNode at once, as a failing machine would. */
  kill(host: string): Promise<void>;
  /** Starts a DataNode that was ended, and waits until the NameNode has it. */
  revive(host: string): Promise<void>;
  stopNameNode(): Promise<void>;
  startNameNode(): Promise<void>;
  /** Runs `hdfs dfsadmin` with arguments. */
  admin(...args: string[]): Promise<string>;
  /** Bytes that a DataNode has served since it started. */
  bytesRead(host: string): Promise<number>;
  stop(): Promise<void>;
}

/** Why there can be no HDFS here; `undefined` when there can. On CI there must be, so there it throws. */
export async function reasonWithoutHadoop(): Promise<string | undefined> {
  try {
    await run('java', ['-version'], { timeout: 20_000 });
    await installed();
    return undefined;
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const said = String((error as { stderr?: string; message?: string }).stderr || error);
    return `Hadoop cannot be had: ${(/.*(ERROR|Error|ENOENT).*/.exec(said)?.[0] ?? said).trim().slice(0, 200)}`;
  }
}

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
async function installed(): Promise<string> {
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

function settingsXml(settings: Readonly<Record<string, string | number | boolean>>): string {
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

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a cluster with an empty file system. */
export async function startHadoop(overrides: Readonly<Record<string, string | number | boolean>> = {}): Promise<Hadoop> {
  const folder = await installed();
  const home = await mkdtemp(join(tmpdir(), 'heddle-hadoop-'));
  const [rpcPort, httpPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const nameNode = `127.0.0.1:${httpPort}`;
  const processes = new Map<string, ChildProcess>();
  await cp(join(folder, 'name'), join(home, 'name'), { recursive: true });

  const common = {
    'fs.defaultFS': `hdfs://127.0.0.1:${rpcPort}`,
    'hadoop.tmp.dir': `${home}/tmp`,
    'dfs.namenode.rpc-address': `127.0.0.1:${rpcPort}`,
    'dfs.namenode.http-address': nameNode,
    'dfs.namenode.name.dir': `file://${home}/name`,
    'dfs.namenode.datanode.registration.ip-hostname-check': false,
    'dfs.namenode.fs-limits.min-block-size': 512,
    'dfs.namenode.safemode.extension': 0,
    'dfs.namenode.handler.count': 4,
    'dfs.namenode.heartbeat.recheck-interval': 2000,
    'dfs.heartbeat.interval': 1,
    'dfs.blocksize': hdfsBlockBytes,
    'dfs.replication': 2,
    'dfs.client.block.write.replace-datanode-on-failure.policy': 'NEVER',
    'dfs.datanode.handler.count': 3,
    'dfs.client.socket-timeout': 5000,
    'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': 10,
    'dfs.namenode.edits.noeditlogchannelflush': true,
    ...overrides,
  };

  /** Starts a JVM with a folder, a log and settings of its own. */
  async function start(name: string, main: string, heapMiB: number, settings: Record<string, string | number | boolean>): Promise<void> {
    const conf = join(home, name);
    await mkdir(conf, { recursive: true });
    for (const file of ['core-site.xml', 'hdfs-site.xml']) await writeFile(join(conf, file), settingsXml({ ...common, ...settings }));
    const log = await open(join(conf, 'log'), 'a');
    try {
      const address = name.startsWith('127.') ? name : '127.0.0.1';
      const child = spawn('java', [...javaArgs(folder, conf, heapMiB, `-Dheddle.address=${address}`), 'Daemon', main], {
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
  }

  const startNameNode = (): Promise<void> => start('namenode', 'org.apache.hadoop.hdfs.server.namenode.NameNode', 160, {});
  const startDataNode = (host: string): Promise<void> =>
    start(host, 'org.apache.hadoop.hdfs.server.datanode.DataNode', 160, {
      'dfs.datanode.hostname': host,
      'dfs.datanode.address': `${host}:0`,
      'dfs.datanode.http.address': `${host}:0`,
      'dfs.datanode.ipc.address': `${host}:0`,
      'dfs.datanode.data.dir': `file://${home}/data-${host}`,
      'hadoop.rpc.socket.factory.class.default': 'Daemon$FromOwnAddress',
    });

  async function end(name: string): Promise<void> {
    const child = processes.get(name);
    processes.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, 'exit');
    child.ref();
    child.kill('SIGKILL');
    await ended;
  }

  // Who forgets to stop it, or is stopped with exit(), leaves no folder behind.
  const onExit = (): void => {
    for (const child of processes.values()) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true, maxRetries: 3 });
  };
  process.once('exit', onExit);

  async function stop(): Promise<void> {
    process.off('exit', onExit);
    await Promise.all([...processes.keys()].map(end));
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }

  /** A bean of the NameNode's management page. */
  async function bean(name: string): Promise<Record<string, unknown> | undefined> {
    try {
      const response = await fetch(`http://${nameNode}/jmx?qry=Hadoop:service=NameNode,name=${name}`, {
        signal: AbortSignal.timeout(5000),
      });
      return ((await response.json()) as { beans: Record<string, unknown>[] }).beans[0];
    } catch {
      return undefined;
    }
  }

  interface LiveNode {
    readonly infoAddr: string;
    readonly xferaddr: string;
  }

  async function liveNodes(): Promise<Map<string, LiveNode>> {
    const info = await bean('NameNodeInfo');
    if (typeof info?.LiveNodes !== 'string') return new Map();
    const nodes = Object.values(JSON.parse(info.LiveNodes) as Record<string, LiveNode>);
    return new Map(nodes.map((node) => [node.xferaddr.split(':')[0]!, node]));
  }

  async function until(what: string, isDone: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + startDeadlineMs;
    while (!(await isDone())) {
      for (const [name, child] of processes) {
        if (child.exitCode === null && child.pid !== undefined) continue;
        throw new Error(`the JVM of ${name} ended: ${(await readFile(join(home, name, 'log'), 'utf8')).slice(-2000)}`);
      }
      if (performance.now() > deadline) throw new Error(`HDFS: ${what} took longer than ${startDeadlineMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  const isUp = async (): Promise<boolean> => {
    const live = await liveNodes();
    const alive = dataHosts.filter((host) => processes.has(host));
    return alive.every((host) => live.has(host)) && (await bean('NameNodeInfo'))?.Safemode === '';
  };

  try {
    await startNameNode();
    await Promise.all(dataHosts.map(startDataNode));
    await until('starting', isUp);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    nameNode,
    superuser: process.env.USER ?? (await run('id', ['-un'])).stdout.trim(),
    dataHosts,
    url: (path) => `hdfs://${nameNode}${path}`,
    kill: end,
    async revive(host) {
      if (!processes.has(host)) await startDataNode(host);
      await until(`reviving ${host}`, isUp);
    },
    stopNameNode: () => end('namenode'),
    async startNameNode() {
      await startNameNode();
      await until('starting the NameNode', isUp);
    },
    async admin(...args) {
      const conf = join(home, 'namenode');
      const { stdout } = await run('java', [...javaArgs(folder, conf, 96), 'org.apache.hadoop.hdfs.tools.DFSAdmin', ...args], {
        timeout: 60_000,
      });
      return stdout;
    },
    async bytesRead(host) {
      const node = (await liveNodes()).get(host);
      if (node === undefined) return 0;
      const url = `http://${node.infoAddr}/jmx?qry=Hadoop:service=DataNode,name=DataNodeActivity*`;
      const { beans } = (await (await fetch(url)).json()) as { beans: { BytesRead: number }[] };
      return beans[0]?.BytesRead ?? 0;
    },
    stop,
  };
}
