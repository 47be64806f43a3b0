import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with one request. */
export type Fault =
  /** The server says so itself, and never hears of the request. */
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** The connection is reset, before the server hears of it. */
  | { readonly kind: 'refuse' }
  /** The server does its work; its answer is lost. */
  | { readonly kind: 'swallow' }
  /** After so many bytes of the body the connection is reset (`reset`) or ends as if all were well (`end`); `stall`: nothing comes any more. */
  | { readonly kind: 'cut'; readonly after: number; readonly how: 'reset' | 'end' | 'stall' }
  /** The body is shorter (or longer, with bytes that nobody sent) than it was, and the length says so too. */
  | { readonly kind: 'length'; readonly by: number }
  /** The body comes at so many bytes a second. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  | { readonly kind: 'delay'; readonly ms: number }
  /** Something is done before the request goes on. */
  | { readonly kind: 'meanwhile'; readonly work: () => Promise<void> };

/** A request as the proxy saw it. */
export interface SeenRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

/** A proxy between a client and a real server that does harm on demand. */
export interface FaultProxy {
  readonly endpoint: string;
  readonly seen: SeenRequest[];
  /** Connections that clients have opened so far, and those that are open. */
  readonly connections: { opened: number; open: number };
  /** The most requests that were on their way at a time. */
  mostAtOnce: number;
  /** Asked before each request; `undefined`: nothing goes wrong. */
  decide: (request: SeenRequest) => Fault | undefined;
  /** Forgets what was seen, and does no more harm. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts a proxy in front of a server of this machine. The Host header stays as it is, so that signatures hold. */
export async function openFaultProxy(target: string): Promise<FaultProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let atOnce = 0;
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const seen: SeenRequest = { method: incoming.method!, url: incoming.url!, headers: incoming.headers };
    proxy.seen.push(seen);
    proxy.mostAtOnce = Math.max(proxy.mostAtOnce, ++atOnce);
    outgoing.on('close', () => atOnce--);
    const fault = proxy.decide(seen);
    void serve(incoming, outgoing, fault).catch(() => outgoing.destroy());
  };
  const server = createServer(take).on('checkContinue', take);
  server.on('connection', (socket) => {
    sockets.add(socket);
    const { connections } = proxy;
    connections.opened++;
    connections.open++;
    socket
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(socket);
        connections.open--;
      });
  });

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): Promise<void> {
    if (fault?.kind === 'refuse') return void incoming.socket.resetAndDestroy();
    if (fault?.kind === 'answer') {
      if (incoming.headers.expect !== undefined) outgoing.writeContinue();
      incoming.resume();
      await once(incoming, 'end');
      outgoing.writeHead(fault.status, fault.headers).end(fault.body);
      return;
    }
    if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
    if (fault?.kind === 'meanwhile') await fault.work();
    const forward = request({ host: hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers, agent: false });
    forward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forward.destroy());
    if (incoming.headers.expect === undefined) incoming.pipe(forward);
    else {
      // The server may answer without having heard the body.
      forward.on('continue', () => {
        outgoing.writeContinue();
        incoming.pipe(forward);
      });
      forward.flushHeaders();
    }
    const [answer] = (await once(forward, 'response')) as [IncomingMessage];
    if (fault?.kind === 'swallow') {
      answer.resume();
      await once(answer, 'end');
      return void incoming.socket.resetAndDestroy();
    }
    const headers = { ...answer.headers };
    if (fault?.kind === 'length') headers['content-length'] = String(Number(headers['content-length']) + fault.by);
    outgoing.writeHead(answer.statusCode!, headers);
    await relay(answer, outgoing, incoming.socket, fault);
  }

  const proxy: FaultProxy = {
    endpoint: '',
    seen: [],
    connections: { opened: 0, open: 0 },
    mostAtOnce: 0,
    decide: () => undefined,
    reset() {
      proxy.seen.length = 0;
      proxy.connections.opened = proxy.mostAtOnce = 0;
      proxy.decide = () => undefined;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(proxy, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function relay(answer: IncomingMessage, outgoing: ServerResponse, socket: Socket, fault: Fault | undefined): Promise<void> {
  const limit =
    fault?.kind === 'cut'
      ? fault.after
      : fault?.kind === 'length' && fault.by < 0
        ? Number(answer.headers['content-length']) + fault.by
        : Infinity;
  let sent = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const part = chunk.subarray(0, Math.max(0, limit - sent));
    sent += part.length;
    if (part.length > 0 && !outgoing.write(part)) await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')]);
    if (outgoing.destroyed) return;
    if (fault?.kind === 'throttle') await sleep((part.length / fault.bytesPerSecond) * 1000);
    if (fault?.kind === 'cut' && sent >= limit) {
      // what was written is to arrive before the end does
      await sleep(20);
      if (fault.how === 'reset') socket.resetAndDestroy();
      else if (fault.how === 'end') socket.end();
      return;
    }
    if (sent >= limit) break;
  }
  if (fault?.kind === 'length' && fault.by > 0) outgoing.write(Buffer.alloc(fault.by, '#'));
  outgoing.end();
}
