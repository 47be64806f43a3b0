import { rmSync } from 'node:fs';
import { createServer, Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { Frames } from '../pool/frames.ts';
import { beginWorker } from './begin.ts';
import type { WorkerCore } from './core.ts';
import type { OpenLink, PeerLink } from './links.ts';
import type { BetweenWorkers, ToWorker, WorkerSettings } from './protocol.ts';

/**
 * A worker process: the core, with a socket pair to the caller (descriptor 3) and a socket of its own where other workers ask for results.
 * It ends with its caller, always: when the socket pair closes, and, should a task keep it busy then, by a thread that watches descriptor 4.
 */
const [folder, address] = process.argv.splice(2) as [string, string];

/** Ends this process as it stands: neither a task nor an exit handler of the user's can hold it up. */
function endNow(): never {
  if (process.platform !== 'win32') rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {}); // they reach the caller too, who decides

let start: (settings: WorkerSettings) => void;
const started = new Promise<WorkerSettings>((resolve) => {
  start = resolve;
});
/** The first message says who it is; what comes before it can take tasks waits. */
const early: ToWorker[] = [];
let receive = (message: ToWorker): void => void early.push(message);
let isStarted = false;
const socket = new Socket({ fd: 3 });
const channel = new Frames(socket, (message) => {
  if (isStarted) return receive(message as ToWorker);
  isStarted = true;
  start(message as WorkerSettings);
});
socket.on('close', endNow);

/** Dials at the first question: most workers never ask most others. */
const socketLink: OpenLink = (way, listen, closed) => {
  let dialled: { readonly socket: Socket; readonly frames: Frames } | undefined;
  const dial = (): Frames => {
    if (dialled === undefined) {
      const socket = new Socket();
      socket.on('close', closed);
      dialled = { socket, frames: new Frames(socket, (message) => listen(message as BetweenWorkers)) };
      socket.connect(way as string);
    }
    return dialled.frames;
  };
  return {
    post: (message, transfer) => dial().post(message, transfer),
    poll: () => {},
    close: () => dialled?.socket.destroy(),
  } satisfies PeerLink;
};

let core: WorkerCore | undefined;
const server = createServer((peer) => {
  const frames = new Frames(peer, (message) =>
    core?.receiveFromPeer(message as BetweenWorkers, { post: (answer, transfer) => frames.post(answer, transfer) }),
  );
});
const settings = await started;
await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address, resolve));
server.unref();

core = await beginWorker({
  settings,
  openLink: socketLink,
  send: (message, transfer) => channel.post(message, transfer),
  listen: (take) => {
    receive = take;
    for (const message of early.splice(0)) take(message);
  },
  poll: () => {},
});

/** A task that never ends keeps this thread from seeing that the caller is gone. */
const watch = `
const { Socket } = require('node:net');
const { rmSync } = require('node:fs');
const { workerData: folder } = require('node:worker_threads');
new Socket({ fd: 4 }).resume().on('error', () => {}).on('close', () => {
  if (process.platform !== 'win32') rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});`;
new Worker(watch, { eval: true, workerData: folder, execArgv: [], env: {}, stdout: true, stderr: true }).unref();
