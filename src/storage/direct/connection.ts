import { connect as connectPlain, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { DirectBody } from './direct-body.ts';
import { type Head, parseHead } from './head.ts';

/** An answer whose body has yet to be read or destroyed. */
export interface DirectAnswer extends Head {
  readonly body: DirectBody;
}

/** Where a connection leads, and how long it may be silent. */
export interface Peer {
  readonly host: string;
  readonly port: number;
  /** What `node:tls` takes; `undefined`: without TLS. */
  readonly tls: object | undefined;
  /** 0: for ever. */
  readonly timeoutMs: number;
}

interface Waiting {
  resolve(answer: DirectAnswer): void;
  reject(error: Error): void;
}

const longestConnectMs = 10_000;
/** Servers close idle connections after five seconds, many of them: who asks at that moment gets no answer. */
export const longestIdleMs = 4000;
const longestHead = 64 * 1024;

/** One connection: a request and its answer at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #onIdle: (connection: Connection) => void;
  /** Where heads come in, and whatever has no place of its own. */
  readonly #scratch = Buffer.allocUnsafeSlow(longestHead);
  #head = '';
  #waiting: Waiting | undefined;
  #body: DirectBody | undefined;
  #error: Error | undefined;
  isKept = false;

  /** `onIdle` is told when an answer is read and the connection can serve again. */
  constructor({ host, port, tls, timeoutMs }: Peer, onIdle: (connection: Connection) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
    const onread: OnReadOpts = {
      buffer: () => this.#body?.room() ?? this.#scratch,
      callback: (nbytes, bytes) => this.#came(nbytes, bytes),
    };
    this.#socket =
      tls === undefined
        ? connectPlain({ host, port, onread })
        : connectTls({ servername: host, ...tls, host, port, ...({ onread } as object), ALPNProtocols: ['http/1.1'] });
    const connectMs = Math.min(timeoutMs || longestConnectMs, longestConnectMs);
    this.#socket.setNoDelay(true).setTimeout(connectMs, () => this.destroy(silence()));
    this.#socket.once(tls === undefined ? 'connect' : 'secureConnect', () => this.#socket.setTimeout(timeoutMs));
    this.#socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#socket.on('end', () => this.destroy());
    this.#socket.on('close', () => this.#closed());
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Sends a request that has no body. Rejects when no head comes back. */
  send(request: string): Promise<DirectAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.ref();
      if (!this.#socket.connecting) this.#socket.setTimeout(this.#timeoutMs);
      this.#socket.write(request, 'latin1');
    });
  }

  /** Goes on reading. */
  resume(): void {
    this.#socket.resume();
  }

  /** The answer is read. */
  release(): void {
    this.#body = undefined;
    if (!this.isKept || this.#socket.destroyed) {
      this.destroy();
      return;
    }
    // An idle connection holds no process.
    this.#socket.unref().setTimeout(longestIdleMs);
    this.#socket.resume();
    this.#onIdle(this);
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #came(nbytes: number, bytes: Uint8Array): boolean {
    if (this.#body !== undefined) return this.#body.came(nbytes, bytes);
    if (this.#waiting === undefined)
      this.destroy(); // it speaks unasked
    else this.#read(bytes.subarray(0, nbytes));
    return this.#body === undefined; // who gets the answer says when its body may come
  }

  /** Takes a piece of the head, which may come in several. */
  #read(bytes: Uint8Array): void {
    const from = Math.max(0, this.#head.length - 3);
    this.#head += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n', from);
    if (end < 0) {
      if (this.#head.length > longestHead) this.destroy(new Error('the server sends a head without end'));
      return;
    }
    const text = this.#head.slice(0, end);
    const rest = bytes.slice(bytes.length - (this.#head.length - end - 4));
    this.#head = '';
    let head: Head;
    try {
      head = parseHead(text);
    } catch (error) {
      this.destroy(error as Error);
      return;
    }
    // 100 Continue and the like: the answer is yet to come.
    if (head.status < 200) {
      if (rest.length > 0) this.#read(rest);
      return;
    }
    const waiting = this.#waiting!;
    this.#waiting = undefined;
    this.isKept = head.isKept;
    const body = new DirectBody(this, head, rest);
    if (!body.readableEnded && head.length !== 0) this.#body = body;
    waiting.resolve({ ...head, body });
  }

  #closed(): void {
    const body = this.#body;
    const waiting = this.#waiting;
    this.#body = this.#waiting = undefined;
    body?.broke(this.#error);
    waiting?.reject(asOurs(this.#error));
  }
}

const silence = (): Error => Object.assign(new Error('the server does not answer in time'), { name: 'TimeoutError', code: 'ETIMEDOUT' });

/** Errors of Node are of another realm in a vm context, where `instanceof` does not know them. */
function asOurs(error: Error | undefined): Error {
  if (error === undefined) return Object.assign(new Error('the server closed the connection before it answered'), { code: 'ECONNRESET' });
  if (error instanceof Error) return error;
  const { name, message } = error as Error;
  return Object.assign(new Error(message), { ...(error as object), name });
}
