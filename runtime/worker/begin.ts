import { packError } from '../failure.ts';
import { ParentEngine } from '../nested/parent-engine.ts';
import { captureConsole } from './console.ts';
import { workerContext } from './context.ts';
import { WorkerCore } from './core.ts';
import { guardWorker } from './guard.ts';
import type { OpenLink } from './links.ts';
import { startLoader } from './loader.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.ts';

/** What a thread or a process brings along to be a worker. */
export interface WorkerSite {
  readonly settings: WorkerSettings;
  readonly openLink: OpenLink;
  send(message: FromWorker, transfer?: readonly ArrayBuffer[]): void;
  /** From now on messages are taken in. */
  listen(receive: (message: ToWorker) => void): void;
  /** Takes in messages that wait, between two tasks of a long batch. */
  poll(core: WorkerCore): void;
}

/** Sets a worker up: what tasks find around them, what becomes of stray errors, the user's loader and set-up module. Then it says that it is ready. */
export async function beginWorker({ settings, openLink, send, listen, poll }: WorkerSite): Promise<WorkerCore> {
  const parent = new ParentEngine((request) => send({ kind: 'nested', request }));
  workerContext.isWorker = true;
  workerContext.parent = parent;
  workerContext.sharedMemory = settings.sharedMemory;
  const core: WorkerCore = new WorkerCore({
    settings,
    isLive: false,
    openLink,
    send,
    nested: (reply) => parent.receive(reply),
    poll: () => poll(core),
    later: (work) => void setImmediate(work),
  });
  guardWorker((error) => core.stray(error));
  captureConsole(send);
  try {
    if (settings.loader !== undefined) await startLoader(settings.loader as never);
    if (settings.setup !== undefined) await import(settings.setup);
    listen((message) => core.receive(message));
    send({ kind: 'ready' });
  } catch (error) {
    send({ kind: 'unfit', error: packError(error) });
  }
  return core;
}
