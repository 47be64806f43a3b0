/**
 * A real HDFS on this machine: a NameNode on 127.0.0.1 and DataNodes on 127.0.0.2, 127.0.0.3 and 127.0.0.4, each a JVM of its own that can be killed, each a host of its own to HDFS.
 */
import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beansAt, dataNodeSettings, freePort, installed, openJvms, type Settings, smallCluster } from './hadoop-jvms.ts';

const run = promisify(execFile);
const dataHosts = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const;

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
    for (const host of dataHosts) await freePort(host); // only Linux has them all without being asked
    await installed();
    return undefined;
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    const said = String((error as { stderr?: string; message?: string }).stderr || error);
    return `Hadoop cannot be had: ${(/.*(ERROR|Error|ENOENT).*/.exec(said)?.[0] ?? said).trim().slice(0, 200)}`;
  }
}

/** Starts a cluster with an empty file system. */
export async function startHadoop(overrides: Settings = {}): Promise<Hadoop> {
  const jvms = await openJvms();
  const { home, end, until, stop } = jvms;
  const [rpcPort, httpPort] = [await freePort('127.0.0.1'), await freePort('127.0.0.1')];
  const nameNode = `127.0.0.1:${httpPort}`;
  await cp(join(await installed(), 'name'), join(home, 'name'), { recursive: true });

  const common = {
    ...smallCluster,
    'fs.defaultFS': `hdfs://127.0.0.1:${rpcPort}`,
    'hadoop.tmp.dir': `${home}/tmp`,
    'dfs.namenode.rpc-address': `127.0.0.1:${rpcPort}`,
    'dfs.namenode.http-address': nameNode,
    'dfs.namenode.name.dir': `file://${home}/name`,
    'dfs.blocksize': hdfsBlockBytes,
    ...overrides,
  };
  const startNameNode = (): Promise<void> => jvms.start('namenode', 'org.apache.hadoop.hdfs.server.namenode.NameNode', common);
  const startDataNode = (host: string): Promise<void> =>
    jvms.start(host, 'org.apache.hadoop.hdfs.server.datanode.DataNode', { ...common, ...dataNodeSettings(host, home) });

  const bean = async (name: string): Promise<Record<string, unknown> | undefined> =>
    (await beansAt(`http://${nameNode}/jmx?qry=Hadoop:service=NameNode,name=${name}`))?.[0];

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

  const isUp = async (): Promise<boolean> => {
    const live = await liveNodes();
    const alive = dataHosts.filter((host) => jvms.has(host));
    if ((await bean('NameNodeInfo'))?.Safemode !== '') return false;
    // A DataNode that was ended is on the NameNode's list for a while, under the port that it had.
    const answers = alive.map((host) => live.has(host) && beansAt(`http://${live.get(host)!.infoAddr}/jmx?qry=none`));
    return (await Promise.all(answers)).every(Boolean);
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
      if (!jvms.has(host)) await startDataNode(host);
      await until(`reviving ${host}`, isUp);
    },
    stopNameNode: () => end('namenode'),
    async startNameNode() {
      await startNameNode();
      await until('starting the NameNode', isUp);
    },
    admin: (...args) => jvms.tool('namenode', 'org.apache.hadoop.hdfs.tools.DFSAdmin', args),
    async bytesRead(host) {
      const node = (await liveNodes()).get(host);
      if (node === undefined) return 0;
      const url = `http://${node.infoAddr}/jmx?qry=Hadoop:service=DataNode,name=DataNodeActivity*`;
      return Number((await beansAt(url))?.[0]?.BytesRead ?? 0);
    },
    stop,
  };
}
