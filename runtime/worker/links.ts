import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { BetweenWorkers } from './protocol.ts';

/** How a worker gets to another: a port between threads, the address of a socket between processes. */
export type Way = MessagePort | string;

/** A link to another worker. */
export interface PeerLink {
  post(message: BetweenWorkers, transfer: readonly ArrayBuffer[]): void;
  /** Takes in what waits there, in a thread that is busy. */
  poll(): void;
  close(): void;
}

/** Opens a link; `closed` is called when the other side is gone. */
export type OpenLink = (way: Way, receive: (message: BetweenWorkers) => void, closed: () => void) => PeerLink;

/** A link between two threads. */
export const portLink: OpenLink = (way, receive, closed) => {
  const port = way as MessagePort;
  port.on('message', receive);
  port.on('close', closed);
  port.unref();
  return {
    post: (message, transfer) => port.postMessage(message, transfer as ArrayBuffer[]),
    poll: () => {
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
        receive(got.message as BetweenWorkers);
    },
    close: () => port.close(),
  };
};
