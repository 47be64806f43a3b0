/**
 * A real pair of NameNodes that share their edits through a folder, and two DataNodes; all of them speak HTTP and HTTPS with one certificate made for this run. Who is active is decided
 * by hand, as an administrator would (`hdfs haadmin`).
 *
 *     nn1 ─ writes edits ─▶ folder ─ reads edits ─▶ nn2, on standby until it is told to take over
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beansAt, dataNodeSettings, freePort, installed, openJvms, type Settings, settingsXml, smallCluster } from './hadoop-jvms.ts';

const run = promisify(execFile);
const names = ['nn1', 'nn2'] as const;
const dataHosts = ['127.0.0.2', '127.0.0.3'] as const;

/** A NameNode of a pair. */
export type NameOfPair = (typeof names)[number];

/** A running pair; `nn1` is active at first. */
export interface HadoopPair {
  /** `host:port` of WebHDFS, by NameNode. */
  readonly http: Readonly<Record<NameOfPair, string>>;
  readonly https: Readonly<Record<NameOfPair, string>>;
  /** The certificate of all of them, in PEM. */
  readonly certificate: string;
  readonly superuser: string;
  /** Ends a NameNode at once. */
  kill(name: NameOfPair): Promise<void>;
  /** Makes a NameNode the active one. */
  activate(name: NameOfPair): Promise<void>;
  stop(): Promise<void>;
}

async function keyStore(home: string): Promise<{ readonly files: Readonly<Record<string, string>>; readonly certificate: string }> {
  const [store, password] = [join(home, 'keys.p12'), 'changeit'];
  const args = ['-alias', 'hdfs', '-keystore', store, '-storetype', 'PKCS12', '-storepass', password];
  const san = ['127.0.0.1', ...dataHosts].map((host) => `IP:${host}`).join(',');
  await run('keytool', ['-genkeypair', ...args, '-keyalg', 'EC', '-validity', '2', '-dname', 'CN=hdfs of the tests', '-ext', `SAN=${san}`]);
  const { stdout } = await run('keytool', ['-exportcert', '-rfc', ...args]);
  const settings = {
    'ssl.server.keystore.location': store,
    'ssl.server.keystore.password': password,
    'ssl.server.keystore.type': 'pkcs12',
  };
  return { files: { 'ssl-server.xml': settingsXml({ ...settings, 'ssl.server.keystore.keypassword': password }) }, certificate: stdout };
}

/** Starts both, and waits until nn1 is active and has the DataNodes. */
export async function startHadoopPair(): Promise<HadoopPair> {
  const jvms = await openJvms();
  const { home } = jvms;
  try {
    const { files, certificate } = await keyStore(home);
    const [http, https, rpc] = [
      { nn1: '', nn2: '' },
      { nn1: '', nn2: '' },
      { nn1: '', nn2: '' },
    ];
    for (const name of names) for (const ports of [http, https, rpc]) ports[name] = `127.0.0.1:${await freePort('127.0.0.1')}`;
    const formatted = join(await installed(), 'name');
    for (const name of names) await cp(formatted, join(home, `name-${name}`), { recursive: true });
    await mkdir(join(home, 'edits', 'current'), { recursive: true });
    await cp(join(formatted, 'current', 'VERSION'), join(home, 'edits', 'current', 'VERSION'));
    const common: Settings = {
      ...smallCluster,
      'fs.defaultFS': 'hdfs://pair',
      'hadoop.tmp.dir': `${home}/tmp`,
      'dfs.nameservices': 'pair',
      'dfs.ha.namenodes.pair': names.join(','),
      'dfs.ha.automatic-failover.enabled': false,
      'dfs.ha.fencing.methods': 'shell(/bin/true)',
      'dfs.ha.tail-edits.period': 1,
      'dfs.client.failover.proxy.provider.pair': 'org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider',
      'dfs.namenode.shared.edits.dir': `file://${home}/edits`,
      'dfs.http.policy': 'HTTP_AND_HTTPS',
      ...Object.fromEntries(
        names.flatMap((name) => [
          [`dfs.namenode.rpc-address.pair.${name}`, rpc[name]],
          [`dfs.namenode.http-address.pair.${name}`, http[name]],
          [`dfs.namenode.https-address.pair.${name}`, https[name]],
        ]),
      ),
    };
    const haAdmin = (on: NameOfPair, ...args: string[]): Promise<string> => jvms.tool(on, 'org.apache.hadoop.hdfs.tools.DFSHAAdmin', args);
    const activate = (name: NameOfPair): Promise<string> => haAdmin(name, '-transitionToActive', '--forceactive', name);
    await Promise.all([
      ...names.map((name) =>
        jvms.start(
          name,
          'org.apache.hadoop.hdfs.server.namenode.NameNode',
          { ...common, 'dfs.ha.namenode.id': name, 'dfs.namenode.name.dir': `file://${home}/name-${name}` },
          files,
        ),
      ),
      ...dataHosts.map((host) =>
        jvms.start(host, 'org.apache.hadoop.hdfs.server.datanode.DataNode', { ...common, ...dataNodeSettings(host, home) }, files),
      ),
    ]);
    const state = async (name: NameOfPair): Promise<Record<string, unknown> | undefined> =>
      (await beansAt(`http://${http[name]}/jmx?qry=Hadoop:service=NameNode,name=FSNamesystem`))?.[0];
    await jvms.until('starting a pair', async () => (await state('nn1')) !== undefined && (await state('nn2')) !== undefined);
    await activate('nn1');
    await jvms.until('taking DataNodes', async () => {
      const found = await Promise.all(names.map(state));
      return found.every((one) => one?.NumLiveDataNodes === dataHosts.length) && found[0]!['tag.HAState'] === 'active';
    });
    return {
      http,
      https,
      certificate,
      superuser: process.env.USER ?? (await run('id', ['-un'])).stdout.trim(),
      kill: jvms.end,
      activate: async (name) => void (await activate(name)),
      stop: jvms.stop,
    };
  } catch (error) {
    const logs = await Promise.all(names.map((name) => readFile(join(home, name, 'log'), 'utf8').catch(() => '')));
    await jvms.stop();
    await rm(home, { recursive: true, force: true });
    throw new Error(`the pair of NameNodes did not start: ${String(error)}\n${logs.map((log) => log.slice(-1500)).join('\n')}`, {
      cause: error,
    });
  }
}
