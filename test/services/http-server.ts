import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** How the server treats its files. */
export interface Manners {
  /** @default true */
  readonly ranges?: boolean;
  /** What names a content. @default 'etag' */
  readonly validator?: 'etag' | 'weak' | 'modified' | 'fresh' | 'none';
  /** No length: the body comes in chunks. @default false */
  readonly chunked?: boolean;
}

/** A web server whose files are in memory. */
export interface WebServer {
  readonly origin: string;
  /** Paths and their bytes. */
  readonly files: Map<string, Uint8Array>;
  manners: Manners;
  /** Asked first; `true`: it has answered. */
  answer: (...args: Parameters<RequestListener>) => boolean;
  readonly seen: { readonly url: string; readonly headers: IncomingHttpHeaders }[];
  close(): Promise<void>;
}

const minute = 60_000;

/** Starts a server on loopback; with a certificate it speaks TLS. */
export async function openWebServer(tls?: { readonly key: string; readonly cert: string }): Promise<WebServer> {
  const sockets = new Set<Socket>();
  const listener: RequestListener = (request, response) => {
    server.seen.push({ url: request.url!, headers: request.headers });
    if (server.answer(request, response)) return;
    const bytes = server.files.get(request.url!.replace(/\?.*/, ''));
    if (bytes === undefined) return void response.writeHead(404).end('not found');
    const { ranges = true, validator = 'etag', chunked = false } = server.manners;
    const hash = createHash('sha1').update(bytes).digest('hex');
    const modified = new Date(
      (validator === 'fresh' ? Date.now() : Date.now() - 5 * minute) - (Number.parseInt(hash.slice(0, 2), 16) * 1000) / 5,
    );
    const headers: Record<string, string> = {};
    if (validator === 'etag') headers.etag = `"${hash}"`;
    if (validator === 'weak') headers.etag = `W/"${hash}"`;
    if (validator === 'modified' || validator === 'fresh')
      headers['last-modified'] = server.modified.get(validator + hash) ?? modified.toUTCString();
    if (headers['last-modified'] !== undefined) server.modified.set(validator + hash, headers['last-modified']);
    if (request.headers['if-match'] !== undefined && request.headers['if-match'] !== headers.etag)
      return void response.writeHead(412).end();
    const range = ranges ? /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') : null;
    if (range === null) {
      if (!chunked) headers['content-length'] = String(bytes.length);
      response.writeHead(200, headers).end(bytes);
      return;
    }
    const [first, last] = [Number(range[1]), Math.min(Number(range[2]), bytes.length - 1)];
    if (first >= bytes.length) return void response.writeHead(416, { ...headers, 'content-range': `bytes */${bytes.length}` }).end();
    headers['content-range'] = `bytes ${first}-${last}/${bytes.length}`;
    headers['content-length'] = String(last - first + 1);
    response.writeHead(206, headers).end(bytes.subarray(first, last + 1));
  };
  const listening = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  listening.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const server: WebServer & { readonly modified: Map<string, string> } = {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    files: new Map(),
    manners: {},
    answer: () => false,
    seen: [],
    modified: new Map(),
    async close() {
      for (const socket of sockets) socket.destroy();
      listening.close();
      await once(listening, 'close');
    },
  };
  return server;
}
