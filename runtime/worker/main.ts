import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { beginWorker } from './begin.ts';
import { portLink } from './links.ts';
import type { ToWorker, WorkerSettings } from './protocol.ts';

/** A worker thread: the core with a message port on either side. */
const { port, settings } = workerData as { readonly port: MessagePort; readonly settings: WorkerSettings };

await beginWorker({
  settings,
  openLink: portLink,
  send: (message, transfer = []) => port.postMessage(message, transfer as ArrayBuffer[]),
  listen: (receive) => void port.on('message', receive),
  poll: (core) => {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) core.receive(got.message as ToWorker);
    core.pollPeers();
  },
});
