import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { HeddleError } from '../../graph/index.ts';
import { packError } from '../failure.ts';
import { ParentEngine } from '../nested/parent-engine.ts';
import { workerContext } from './context.ts';
import { WorkerCore } from './core.ts';
import type { ToWorker, WorkerSettings } from './protocol.ts';
import { startLoader } from './restore.ts';

/** A worker thread: the core with a message port on either side. */
const { port, settings } = workerData as { readonly port: MessagePort; readonly settings: WorkerSettings };
workerContext.isWorker = true;
const parent = new ParentEngine((request) => port.postMessage({ kind: 'nested', request }));
workerContext.parent = parent;
workerContext.sharedMemory = settings.sharedMemory;

const core: WorkerCore = new WorkerCore({
  settings,
  isLive: false,
  nested: (reply) => parent.receive(reply),
  send: (message, transfer = []) => port.postMessage(message, transfer as ArrayBuffer[]),
  poll: () => {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) core.receive(got.message as ToWorker);
    core.pollPeers(receiveMessageOnPort);
  },
  later: (work) => void setImmediate(work),
});

process.exit = (code): never => {
  throw new HeddleError(
    'ERR_TASK',
    `process.exit(${code ?? ''}) was called in a task, which would end its worker; throw an error, or return`,
  );
};
process.on('uncaughtException', (error) => core.stray(error));
process.on('unhandledRejection', (error) => core.stray(error));

try {
  if (settings.loader !== undefined) await startLoader(settings.loader as never);
  if (settings.setup !== undefined) await import(settings.setup);
  port.on('message', (message: ToWorker) => core.receive(message));
  port.postMessage({ kind: 'ready' });
} catch (error) {
  port.postMessage({ kind: 'unfit', error: packError(error) });
}
