import { userInfo } from 'node:os';
import { type ByteSize, type Duration, describeWrong, parseByteSize, parseDuration, rangeError, typeError } from '../../../graph/index.ts';

/** What TLS needs beyond what Node knows, as in `node:tls`. */
export interface HdfsTls {
  /** Authorities to trust, in PEM. @default those that Node trusts */
  readonly ca?: string | Uint8Array | undefined;
  /** This client's certificate, in PEM. */
  readonly cert?: string | Uint8Array | undefined;
  readonly key?: string | Uint8Array | undefined;
  readonly passphrase?: string | undefined;
  /** The name that certificates must show. @default the host that is called */
  readonly servername?: string | undefined;
  /** `false` takes any certificate: for trying out only. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** How to reach HDFS, over WebHDFS. */
export interface HdfsOptions {
  /** NameNodes, `host:port` of WebHDFS; of an HA pair both, in any order: the active one is found. @default from the URL, else from HADOOP_CONF_DIR */
  readonly nameNodes?: string | readonly string[] | undefined;
  /** Whose rights count on a cluster without Kerberos. @default the user in the URL, else HADOOP_USER_NAME, else the user of this process */
  readonly user?: string | undefined;
  /** A delegation token, as `hdfs fetchdt` gives it: it takes the place of the user. @default HADOOP_TOKEN */
  readonly token?: string | undefined;
  /** HTTPS to NameNodes and DataNodes, with what Node's TLS takes. @default false; true for swebhdfs: */
  readonly tls?: boolean | HdfsTls | undefined;
  /** Copies of each block of files written. @default the cluster's */
  readonly replication?: number | undefined;
  /** Block size of files written. @default the cluster's */
  readonly blockSize?: ByteSize | undefined;
  /** How long a server may be silent, and how long an active NameNode is looked for. @default '30 s' */
  readonly timeout?: Duration | undefined;
  /** `false`: do not ask which hosts hold which blocks, one request a file. @default true */
  readonly locality?: boolean | undefined;
}

/** `HdfsOptions`, checked and with their defaults. */
export interface CheckedHdfs {
  readonly nameNodes: readonly string[] | undefined;
  readonly user: string | undefined;
  readonly token: string | undefined;
  readonly tls: boolean | HdfsTls | undefined;
  readonly replication: number | undefined;
  readonly blockSize: number | undefined;
  readonly timeoutMs: number;
  readonly locality: boolean;
}

/** The names of HdfsOptions. */
export const hdfsOptionNames: readonly string[] = ['nameNodes', 'user', 'token', 'tls', 'replication', 'blockSize', 'timeout', 'locality'];

const fail = (name: string, value: unknown, wanted: string): never => {
  throw typeError('ERR_INVALID_OPTION', `storage option ${name} must be ${wanted}; it is ${describeWrong(value)}`);
};

/** Throws TypeError or RangeError with ERR_INVALID_OPTION. */
export function checkHdfsOptions(storage: unknown): CheckedHdfs {
  const options = (storage ?? {}) as HdfsOptions;
  if (typeof options !== 'object') fail('of HDFS', storage, 'an object');
  for (const name of Object.keys(options))
    if (!hdfsOptionNames.includes(name))
      throw typeError('ERR_INVALID_OPTION', `HDFS has no storage option "${name}" (known: ${hdfsOptionNames.join(', ')})`);
  const { nameNodes, user, token, tls, replication, blockSize, timeout, locality } = options;
  const list = typeof nameNodes === 'string' ? [nameNodes] : nameNodes;
  if (list !== undefined && (!Array.isArray(list) || list.length === 0 || !list.every(isNameNode)))
    fail('nameNodes', isSecret(list) ? 'an address with a password' : nameNodes, 'a "host:port" or a list of them');
  if (user !== undefined && (typeof user !== 'string' || user === '')) fail('user', user, 'a name');
  // Never shown: it opens doors.
  if (token !== undefined && (typeof token !== 'string' || token === ''))
    throw typeError('ERR_INVALID_OPTION', 'storage option token must be the text of a delegation token');
  if (tls !== undefined && typeof tls !== 'boolean' && (typeof tls !== 'object' || tls === null)) fail('tls', tls, 'true, or an object');
  if (locality !== undefined && typeof locality !== 'boolean') fail('locality', locality, 'true or false');
  if (replication !== undefined && (!Number.isInteger(replication) || replication < 1 || replication > 32767))
    throw rangeError('ERR_INVALID_OPTION', `storage option replication must be a whole number from 1; it is ${describeWrong(replication)}`);
  return {
    nameNodes: list,
    user,
    token,
    tls,
    replication,
    blockSize: blockSize === undefined ? undefined : parseByteSize(blockSize, 'storage option blockSize'),
    timeoutMs: parseDuration(timeout ?? '30 s', 'storage option timeout'),
    locality: locality ?? true,
  };
}

const isNameNode = (one: unknown): boolean => typeof one === 'string' && /^(https?:\/\/)?[^/?#@\s]+\/?$/.test(one);
const isSecret = (list: unknown): boolean => Array.isArray(list) && list.some((one) => typeof one === 'string' && one.includes('@'));

/** Whose rights count, when neither options nor URL say. */
export function defaultUser(): string {
  return process.env.HADOOP_USER_NAME || userInfo().username;
}
