/**
 * GET requests whose bodies the system writes straight into a block's memory. HTTP clients hand bodies out in pieces of fresh memory, which cost twice: a copy, and full
 * collections of garbage on the way, for V8 counts memory outside its heap.
 *
 * Connections are kept and used again. What follows redirects, signs, retries and judges answers is the caller.
 */
import { Connection, type DirectAnswer, longestIdleMs, type Peer } from './connection.ts';

/** What is asked for. */
export interface DirectRequest {
  readonly url: URL;
  /** Path and query as they go over the wire, where the URL class would change them. @default those of the URL */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

const mostIdle = 64;

/** Connections to whatever servers are asked, with one way to speak TLS. */
export class DirectClient {
  readonly #tls: object;
  readonly #timeoutMs: number;
  /** Idle connections by origin, the one used last at the end. */
  readonly #idle = new Map<string, { readonly connection: Connection; readonly since: number }[]>();

  constructor({ tls, timeoutMs }: { readonly tls: object; readonly timeoutMs: number }) {
    this.#tls = tls;
    this.#timeoutMs = timeoutMs;
  }

  /** The head of the answer, and its body to be read. Rejects when there is none, or with the signal's reason. */
  async get({ url, path = url.pathname + url.search, headers = {}, signal }: DirectRequest): Promise<DirectAnswer> {
    // Not every server takes keeping a connection for granted.
    const request = textOf(path, { host: url.host, connection: 'keep-alive', ...headers });
    for (;;) {
      signal?.throwIfAborted();
      const kept = this.#takeIdle(url.origin);
      const connection = kept ?? this.#open(url);
      const onAbort = (): void => connection.destroy();
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        return await connection.send(request);
      } catch (error) {
        signal?.throwIfAborted();
        // The server may have closed an idle connection just now: the others are as old.
        if (kept === undefined || (error as { code?: unknown }).code === 'ETIMEDOUT') throw error;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    }
  }

  #open(url: URL): Connection {
    const isSecure = url.protocol === 'https:';
    const peer: Peer = {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (isSecure ? 443 : 80),
      tls: isSecure ? this.#tls : undefined,
      timeoutMs: this.#timeoutMs,
    };
    return new Connection(peer, (connection) => {
      const idle = this.#idle.get(url.origin) ?? [];
      this.#idle.set(url.origin, idle);
      idle.push({ connection, since: performance.now() });
      if (idle.length > mostIdle) idle.shift()!.connection.destroy();
    });
  }

  #takeIdle(origin: string): Connection | undefined {
    const idle = this.#idle.get(origin) ?? [];
    for (let last = idle.pop(); last !== undefined; last = idle.pop()) {
      if (last.connection.isOpen && performance.now() - last.since < longestIdleMs) return last.connection;
      last.connection.destroy();
    }
    return undefined;
  }
}

function textOf(path: string, headers: Readonly<Record<string, string>>): string {
  const lines = [`GET ${path} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)];
  if (lines.some((line) => /[\0\r\n]/.test(line))) throw new Error('a request cannot have a line break in its path or in a header');
  return `${lines.join('\r\n')}\r\n\r\n`;
}
