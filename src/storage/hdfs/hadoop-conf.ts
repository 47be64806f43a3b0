/** The little of Hadoop's own configuration that tells where a cluster's NameNodes are. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, storageError } from '../storage-error.ts';

/** Settings by name, from `core-site.xml` and `hdfs-site.xml` in HADOOP_CONF_DIR; none without it. */
export function hadoopConf(directory: string | undefined = process.env.HADOOP_CONF_DIR): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  if (directory === undefined || directory === '') return settings;
  for (const file of ['core-site.xml', 'hdfs-site.xml']) {
    const path = join(directory, file);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') continue;
      throw storageError('read', path, cause);
    }
    for (const [, property] of text.replace(/<!--[\s\S]*?-->/g, '').matchAll(/<property>([\s\S]*?)<\/property>/g)) {
      const name = contentOf(property!, 'name');
      const value = contentOf(property!, 'value');
      if (name !== undefined && value !== undefined) settings.set(name, value);
    }
  }
  return settings;
}

function contentOf(xml: string, tag: string): string | undefined {
  const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(xml)?.[1]?.trim();
  return text?.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ({ lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' })[name]!);
}

/** The authority of `fs.defaultFS`: what `hdfs:///path` means. */
export function defaultAuthority(conf: ReadonlyMap<string, string>): string | undefined {
  return /^hdfs:\/\/([^/]+)/.exec(conf.get('fs.defaultFS') ?? conf.get('fs.default.name') ?? '')?.[1];
}

/** `host:port` of WebHDFS on each NameNode of a name service; `undefined` when the configuration does not know it. */
export function nameNodesOf(conf: ReadonlyMap<string, string>, service: string, secure: boolean): readonly string[] | undefined {
  const names = listOf(conf.get(`dfs.ha.namenodes.${service}`));
  const setting = secure ? 'dfs.namenode.https-address' : 'dfs.namenode.http-address';
  const addresses = (names.length === 0 ? [`${setting}.${service}`] : names.map((name) => `${setting}.${service}.${name}`)).map((name) =>
    conf.get(name),
  );
  const known = addresses.filter((address) => address !== undefined);
  if (known.length > 0) return known;
  // a cluster without a name of its own
  const only = conf.get(setting);
  return only !== undefined && defaultAuthority(conf) === service ? [only.replace(/^0\.0\.0\.0(?=:)/, service.split(':')[0]!)] : undefined;
}

const listOf = (text: string | undefined): string[] => (text ?? '').split(',').flatMap((one) => one.trim() || []);
