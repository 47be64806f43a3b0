/**
 * What a location means. Paths are taken as they are written: `%41`, `#` and `?` mean themselves, as in Hadoop's own tools.
 *
 *     hdfs://ann@nn1:9870/data/2015   →   user ann · WebHDFS at http://nn1:9870 · /data/2015
 *
 * Where WebHDFS is: 1. option `nameNodes`; 2. a name service of HADOOP_CONF_DIR; 3. the URL's host, at its port. Without a port 9870, with TLS 9871.
 * In `hdfs:` URLs the ports 8020 and 9000 are those of Hadoop's RPC, as everybody writes them, so WebHDFS is looked for at its default port.
 */
import { typeError } from '../../../graph/index.ts';
import { defaultAuthority, hadoopConf, nameNodesOf } from './hadoop-conf.ts';
import { type CheckedHdfs, defaultUser } from './options.ts';

/** A location, taken apart. */
export interface HdfsAddress {
  /** What paths begin with when they are shown: `hdfs://host:port`. */
  readonly prefix: string;
  /** Absolute, without doubled slashes; may be a glob; keeps a closing slash. */
  readonly path: string;
  /** URLs without a path. */
  readonly nameNodes: readonly string[];
  readonly user: string;
}

const rpcPorts: ReadonlySet<string> = new Set(['8020', '9000']);

/** Where a location leads. Throws TypeError for what is none. */
export function parseHdfs(location: string, options: CheckedHdfs): HdfsAddress {
  const match = /^(hdfs|webhdfs|swebhdfs):(?:\/\/([^/]*))?(\/[\s\S]*)?$/.exec(location);
  if (match === null) throw typeError('ERR_INVALID_ARGUMENT', `${location} is no location in HDFS; write hdfs://host/path`);
  const [, scheme, written = '', rest = '/'] = match;
  const path = rest.replace(/\/{2,}/g, '/');
  if (path.split('/').some((name) => name === '.' || name === '..'))
    throw typeError('ERR_INVALID_ARGUMENT', `${location} has "." or ".." among its names; write the path without them`);
  const at = written.lastIndexOf('@');
  const urlUser = at < 0 ? '' : decode(written.slice(0, at));
  const given = written.slice(at + 1);
  const secure = scheme === 'swebhdfs' || (options.tls ?? false) !== false;
  if (scheme === 'swebhdfs' && options.tls === false)
    throw typeError('ERR_INVALID_OPTION', `${location} means TLS, and storage option tls is false; write webhdfs:, or leave tls out`);
  const conf = options.nameNodes === undefined ? hadoopConf() : undefined;
  const authority = given === '' && conf !== undefined ? (defaultAuthority(conf) ?? '') : given;
  if (authority === '' && options.nameNodes === undefined)
    throw typeError(
      'ERR_INVALID_ARGUMENT',
      `${location} names no NameNode; write ${scheme}://host/path, pass storage: { nameNodes }, or set HADOOP_CONF_DIR`,
    );
  const nameNodes = options.nameNodes ?? nameNodesOf(conf!, authority, secure) ?? [webHdfsOf(scheme!, authority, secure)];
  return {
    prefix: `${scheme}://${at < 0 ? '' : written.slice(0, at + 1)}${authority}`,
    path,
    nameNodes: nameNodes.map((one) => baseUrl(one, secure, location)),
    user: options.user ?? (urlUser || defaultUser()),
  };
}

function webHdfsOf(scheme: string, authority: string, secure: boolean): string {
  const port = /:(\d+)$/.exec(authority)?.[1];
  return scheme === 'hdfs' && port !== undefined && rpcPorts.has(port)
    ? `${authority.slice(0, -port.length)}${secure ? 9871 : 9870}`
    : authority;
}

function baseUrl(nameNode: string, secure: boolean, location: string): string {
  const text = /^https?:\/\//.test(nameNode) ? nameNode : `${secure ? 'https' : 'http'}://${nameNode}`;
  try {
    const url = new URL(text);
    // The URL class leaves out 80 and 443, which are ports like any other here.
    const port = /:(\d+)\/?$/.exec(text)?.[1] ?? (url.protocol === 'https:' ? '9871' : '9870');
    if (secure && url.protocol === 'http:') throw typeError('ERR_INVALID_OPTION', `${nameNode} is without TLS, and ${location} means TLS`);
    return `${url.protocol}//${url.hostname}:${port}`;
  } catch (cause) {
    if (cause instanceof TypeError && 'code' in cause && cause.code === 'ERR_INVALID_OPTION') throw cause;
    throw typeError('ERR_INVALID_ARGUMENT', `${JSON.stringify(nameNode)} is no NameNode; write host:port`);
  }
}

function decode(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/** A path as WebHDFS takes it in a URL. */
export function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
