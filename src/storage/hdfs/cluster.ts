/**
 * One HDFS, through whichever of its NameNodes is active. The one that answered last is asked first; a NameNode that is down, on standby or still starting passes the question on.
 *
 *     ask nn1 ── standby ──▶ ask nn2 ── answers ──▶ nn2 is asked from now on
 *        ▲                     └ down, too: wait a little, begin again, up to `timeout`
 */
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { encodePath, type HdfsAddress } from './address.ts';
import { type Answer, type CallOptions, Http } from './http.ts';
import type { CheckedHdfs, HdfsTls } from './options.ts';
import { connectionText, RemoteError, remoteError } from './remote-error.ts';

/** Query of a call; `undefined` is left out. */
export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

/** Ways in which a NameNode tells where blocks lie, the newest first. */
export const locationOperations = ['GETFILEBLOCKLOCATIONS', 'GET_BLOCK_LOCATIONS'] as const;

const methods: Readonly<Record<string, 'PUT' | 'DELETE'>> = { CREATE: 'PUT', RENAME: 'PUT', DELETE: 'DELETE' };
/** Rounds through NameNodes of which none answers at all: a wrong address is told soon. */
const roundsOfSilence = 3;
/** How long a DataNode that failed is avoided: its NameNode may take ten minutes to notice. */
const suspectMs = 60_000;

export class Cluster {
  readonly #http: Http;
  readonly user: string;
  readonly #nameNodes: readonly string[];
  readonly #token: string | undefined;
  readonly #timeoutMs: number;
  #active = 0;
  /** DataNodes that failed, by host, until when they are avoided. */
  readonly #suspects = new Map<string, number>();
  /** Where in `locationOperations` to begin; its length when the cluster knows none. */
  locations = 0;
  /** Whether directories come in pages. */
  hasPages = true;

  constructor(nameNodes: readonly string[], user: string, options: CheckedHdfs) {
    this.#nameNodes = nameNodes;
    this.user = user;
    this.#token = options.token ?? (process.env.HADOOP_TOKEN || undefined);
    this.#timeoutMs = options.timeoutMs;
    this.#http = new Http({ timeoutMs: options.timeoutMs, tls: typeof options.tls === 'object' ? options.tls : ({} as HdfsTls) });
  }

  /** The user as messages name it: nobody knows whose a token is. */
  get who(): string {
    return this.#token === undefined ? this.user : '';
  }

  /** Asks the active NameNode. Rejects with a RemoteError for what it refuses, and when there is none. */
  async ask(op: string, path: string, params: Params = {}, options: CallOptions = {}): Promise<Answer> {
    const query = this.#queryOf(op, params);
    const deadline = performance.now() + this.#timeoutMs;
    for (let round = 1; ; round++) {
      const failures: string[] = [];
      let isSilent = true;
      for (let i = 0; i < this.#nameNodes.length; i++) {
        const index = (this.#active + i) % this.#nameNodes.length;
        const base = this.#nameNodes[index]!;
        const answer = this.#clean(await this.#http.call(methods[op] ?? 'GET', `${base}/webhdfs/v1${encodePath(path)}?${query}`, options));
        if (answer.error === undefined || answer.nbytes > 0) {
          if (answer.status >= 200 && answer.status < 400) {
            this.#active = index;
            return answer;
          }
          const error = remoteError(answer);
          if (!isElsewhere(error)) {
            if (error.exception !== '') this.#active = index;
            throw error;
          }
          isSilent = false;
          failures.push(`${hostOf(base)} ${error.exception === 'StandbyException' ? 'is on standby' : 'is still starting'}`);
        } else failures.push(`${hostOf(base)}: ${connectionText(answer.error)}`);
      }
      if ((isSilent && round >= roundsOfSilence) || performance.now() > deadline)
        throw new RemoteError('', `no active NameNode was found (${failures.join('; ')}); check storage: { nameNodes }`, 0);
      await delay(Math.min(100 * 2 ** round, 1000), undefined, options.signal === undefined ? {} : { signal: options.signal }).catch(() =>
        options.signal?.throwIfAborted(),
      );
    }
  }

  /** As `ask`, for answers in JSON. */
  async json(op: string, path: string, params?: Params, signal?: AbortSignal): Promise<unknown> {
    const { text } = await this.ask(op, path, params, { signal });
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw new RemoteError('', 'the NameNode’s answer is no JSON; is this the port of WebHDFS?', 200);
    }
  }

  /** Where a NameNode sends the caller for the bytes. Throws when it would lead out of TLS. */
  redirectOf({ location, text }: Answer, path: string): string {
    let target: unknown = location;
    if (location === undefined) {
      try {
        target = (JSON.parse(text) as { Location?: unknown }).Location;
      } catch {
        target = undefined;
      }
    }
    if (typeof target !== 'string' || !/^https?:\/\//.test(target))
      throw new RemoteError('', 'the NameNode names no DataNode; is this the port of WebHDFS?', 200);
    if (target.startsWith('http:') && this.#nameNodes[this.#active]!.startsWith('https:'))
      throw new RemoteError('', 'the NameNode leads from TLS to a DataNode without it, and heddle does not follow', 200);
    const url = new URL(target);
    // Servers differ in how they escape a path, and some do not; DataNodes all read what is escaped in full.
    if (url.pathname.startsWith('/webhdfs/v1/')) url.pathname = `/webhdfs/v1${encodePath(path)}`;
    return url.href;
  }

  /** Avoids a DataNode for a while. */
  suspect(host: string): void {
    this.#suspects.set(host, performance.now() + suspectMs);
  }

  /** Gives every DataNode another chance. */
  trustAll(): void {
    this.#suspects.clear();
  }

  /** The DataNodes to avoid, as a query names them: by address. */
  async excluded(): Promise<string | undefined> {
    const now = performance.now();
    const addresses: string[] = [];
    for (const [host, until] of this.#suspects) {
      if (until < now) this.#suspects.delete(host);
      else
        addresses.push(
          isIP(host) > 0
            ? host
            : await lookup(host).then(
                ({ address }) => address,
                () => host,
              ),
        );
    }
    return addresses.length === 0 ? undefined : addresses.join(',');
  }

  #queryOf(op: string, params: Params): string {
    const query = new URLSearchParams({ op });
    if (this.#token === undefined) query.set('user.name', this.user);
    else query.set('delegation', this.#token);
    for (const [name, value] of Object.entries(params)) if (value !== undefined) query.set(name, String(value));
    return query.toString();
  }

  /** What a DataNode answers to a redirect; its bytes go into memory. */
  async download(url: string, into: Uint8Array, signal: AbortSignal | undefined): Promise<Answer> {
    return this.#clean(await this.#http.download(url, into, signal));
  }

  /** What a DataNode says to bytes. */
  async upload(url: string, data: Uint8Array, signal: AbortSignal | undefined): Promise<Answer> {
    return this.#clean(await this.#http.upload(url, data, signal));
  }

  /** No credential may come back in a message. */
  #clean(answer: Answer): Answer {
    const token = this.#token;
    return token !== undefined && answer.status >= 400 ? { ...answer, text: answer.text.replaceAll(token, '…') } : answer;
  }
}

/** Whether another NameNode, or the same one later, may do what this one refuses. */
function isElsewhere({ exception, message, status }: RemoteError): boolean {
  if (exception === 'StandbyException') return true;
  return (exception === 'RetriableException' && !/safe ?mode/i.test(message)) || (exception === '' && (status === 503 || status === 502));
}

/** `host:port` of a URL, for messages: its query may hold a token. */
export function hostOf(url: string): string {
  return new URL(url).host;
}

/** Clusters of this thread, so that connections and what was learnt serve the next block. */
const clusters = new Map<string, Cluster>();
const mostClusters = 32;

/** The cluster that an address and options mean. */
export function clusterOf({ nameNodes, user }: HdfsAddress, options: CheckedHdfs): Cluster {
  const { token, tls, timeoutMs } = options;
  const id = createHash('sha256')
    .update(JSON.stringify([nameNodes, user, token, process.env.HADOOP_TOKEN, tls, timeoutMs]))
    .digest('base64');
  let cluster = clusters.get(id);
  if (cluster === undefined) {
    if (clusters.size >= mostClusters) {
      const [oldest] = clusters.keys();
      clusters.delete(oldest!); // those who still use it go on; its idle connections close by themselves
    }
    cluster = new Cluster(nameNodes, user, options);
    clusters.set(id, cluster);
  }
  return cluster;
}
