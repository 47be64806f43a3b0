/**
 * HTTP as WebHDFS needs it. Redirects are not followed here: who calls decides. NameNodes are asked through undici. A DataNode's bytes go straight into the block's memory.
 * Uploads go through `node:http`: a DataNode says `100 Continue` unasked, which undici takes for an error.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Readable } from 'node:stream';
import type { Agent, Dispatcher } from 'undici';
import { DirectClient } from '../direct/direct-client.ts';
import type { HdfsTls } from './options.ts';

/** What came back. `error`: the connection broke, after `nbytes` had come. */
export interface Answer {
  /** 0 when there was none. */
  readonly status: number;
  readonly location: string | undefined;
  /** Bytes of the file that came. */
  readonly nbytes: number;
  /** Whatever else the server said. */
  readonly text: string;
  readonly error: Error | undefined;
}

/** What a call may set. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Where the file's bytes go; an answer that is no JSON is taken for them. */
  readonly into?: Uint8Array | undefined;
}

/** More than any directory page or list of blocks; a server that says more is no NameNode. */
const longestText = 256 * 1024 * 1024;
const longestConnectMs = 10_000;

/** Connections to the servers of one cluster. */
export class Http {
  /** 0: none. */
  readonly #timeoutMs: number;
  readonly #tls: HdfsTls;
  #agent: Promise<Agent> | undefined;
  readonly #direct: DirectClient;

  constructor({ timeoutMs, tls }: { readonly timeoutMs: number; readonly tls: HdfsTls }) {
    this.#timeoutMs = Number.isFinite(timeoutMs) ? Math.max(1, Math.round(timeoutMs)) : 0;
    this.#tls = tls;
    this.#direct = new DirectClient({ tls, timeoutMs: this.#timeoutMs });
  }

  async #open(): Promise<Agent> {
    const { Agent } = await import('undici');
    return new Agent({
      connect: { ...(this.#tls as object), timeout: Math.min(this.#timeoutMs || longestConnectMs, longestConnectMs) },
      headersTimeout: this.#timeoutMs,
      bodyTimeout: this.#timeoutMs,
      keepAliveTimeout: 4000,
    });
  }

  /** One request. Rejects only with its signal's reason. */
  async call(method: 'GET' | 'PUT' | 'DELETE', url: string, { signal, into }: CallOptions): Promise<Answer> {
    signal?.throwIfAborted();
    this.#agent ??= this.#open();
    const agent = await this.#agent;
    signal?.throwIfAborted();
    const { origin, pathname, search } = new URL(url);
    return await new Promise((resolve, reject) => {
      let stop: ((reason?: Error) => void) | undefined;
      const onAbort = (): void => {
        stop?.();
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const taken = new Taken(into);
      const end = (error: Error | undefined): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(taken.answer(error));
      };
      const handler: Dispatcher.DispatchHandlers = {
        onConnect: (abort) => {
          stop = abort;
          if (signal?.aborted === true) abort();
        },
        onHeaders: (status, headers) => {
          taken.head(status, headers);
          return true;
        },
        onData: (chunk) => {
          const wrong = taken.data(chunk);
          if (wrong !== undefined) stop?.(wrong);
          return true;
        },
        onComplete: () => end(undefined),
        onError: (error) => end(error),
      };
      agent.dispatch({ origin, path: pathname + search, method }, handler);
    });
  }

  /** Bytes of a file, laid into memory as they come. Rejects only with its signal's reason. */
  async download(url: string, into: Uint8Array, signal: AbortSignal | undefined): Promise<Answer> {
    let status = 0;
    let nbytes = 0;
    let text = '';
    let error: Error | undefined;
    try {
      const answer = await this.#direct.get({ url: new URL(url), headers: { 'user-agent': 'heddle', accept: '*/*' }, signal });
      status = answer.status;
      const isData = status >= 200 && status < 300 && answer.headers['content-type']?.toLowerCase().includes('json') !== true;
      const onBytes = (place: number): void => {
        nbytes = place;
      };
      if (isData) await answer.body.fill(into, 0, onBytes, signal);
      else text = await textOf(answer.body);
    } catch (thrown) {
      signal?.throwIfAborted();
      error = thrown as Error;
    }
    return { status, location: undefined, nbytes, text, error };
  }

  /** Sends bytes. Rejects only with its signal's reason. */
  async upload(url: string, data: Uint8Array, signal: AbortSignal | undefined): Promise<Answer> {
    signal?.throwIfAborted();
    const isSecure = url.startsWith('https:');
    return await new Promise((resolve, reject) => {
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        ...(isSecure ? (this.#tls as object) : {}),
        method: 'PUT',
        agent: false,
        headers: { 'content-type': 'application/octet-stream', 'content-length': data.byteLength },
      });
      let isAnswered = false;
      const onAbort = (): void => {
        request.destroy();
        reject(signal!.reason);
      };
      const end = (answer: Answer): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve(answer);
        request.destroy(); // a server that refuses may not want the rest
      };
      const broken = (error: Error): void => end({ status: 0, location: undefined, nbytes: 0, text: '', error });
      signal?.addEventListener('abort', onAbort, { once: true });
      request.setTimeout(this.#timeoutMs, () => request.destroy(Object.assign(new Error('the server is silent'), { code: 'ETIMEDOUT' })));
      // A server that refuses answers before it has read all, and closes: what it said counts.
      request.on('error', (error) => {
        if (!isAnswered) broken(error);
      });
      request.on('response', (response) => {
        isAnswered = true;
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length < 1024 * 1024) chunks.push(chunk);
        });
        response.on('error', broken);
        response.on('end', () =>
          end({
            status: response.statusCode ?? 0,
            location: undefined,
            nbytes: 0,
            text: Buffer.concat(chunks).toString(),
            error: undefined,
          }),
        );
      });
      let at = 0;
      const send = (): void => {
        while (at < data.byteLength && !request.destroyed) {
          const slice = data.subarray(at, (at += 1024 * 1024));
          if (!request.write(slice)) {
            request.once('drain', send);
            return;
          }
        }
        request.end();
      };
      send();
    });
  }
}

async function textOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > longestText) throw new Error('the answer is endless');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** An answer as it comes in. */
class Taken {
  readonly #into: Uint8Array | undefined;
  #status = 0;
  #location: string | undefined;
  #nbytes = 0;
  #isData = false;
  readonly #chunks: Buffer[] = [];
  #textLength = 0;

  constructor(into: Uint8Array | undefined) {
    this.#into = into;
  }

  head(status: number, headers: readonly (Buffer | string)[]): void {
    this.#status = status;
    let isJson = false;
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const name = headers[i]!.toString().toLowerCase();
      // Latin-1 would garble a path in it; NameNodes send UTF-8 or escapes.
      if (name === 'location') this.#location = headers[i + 1]!.toString();
      if (name === 'content-type') isJson = headers[i + 1]!.toString().toLowerCase().includes('json');
    }
    this.#isData = this.#into !== undefined && status >= 200 && status < 300 && !isJson;
  }

  /** What is wrong with the answer, if anything. */
  data(chunk: Buffer): Error | undefined {
    if (this.#isData) {
      const into = this.#into!;
      if (this.#nbytes + chunk.length > into.length) return new Error('the server sends more bytes than it was asked for');
      into.set(chunk, this.#nbytes);
      this.#nbytes += chunk.length;
      return undefined;
    }
    this.#textLength += chunk.length;
    if (this.#textLength > longestText) return new Error('the answer is endless');
    this.#chunks.push(chunk);
    return undefined;
  }

  answer(error: Error | undefined): Answer {
    return {
      status: this.#status,
      location: this.#location,
      nbytes: this.#nbytes,
      text: Buffer.concat(this.#chunks).toString(),
      error,
    };
  }
}
