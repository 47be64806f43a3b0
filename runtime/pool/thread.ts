import { MessageChannel, type MessagePort, type ResourceLimits, Worker } from 'node:worker_threads';
import { builtRoot } from '../built-root.ts';
import type { FromWorker, WorkerSettings } from '../worker/protocol.ts';
import { flagsForWorkers, withoutRefused } from './flags.ts';
import type { StartWorker } from './transport.ts';

/** A way to start worker threads. */
export function threadStarter(options: {
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
}): StartWorker {
  let execArgv = flagsForWorkers(process.execArgv);
  const open = (settings: WorkerSettings, port: MessagePort): Worker => {
    for (;;) {
      try {
        return new Worker(new URL('runtime/worker/main.js', builtRoot), {
          workerData: { settings, port },
          transferList: [port],
          name: settings.name,
          ...(execArgv === undefined ? {} : { execArgv }),
          ...(options.env === undefined ? {} : { env: options.env }),
          ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
        });
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV' || execArgv === undefined || execArgv.length === 0) throw error;
        execArgv = withoutRefused(execArgv, message);
      }
    }
  };
  return (settings, receive, gone) => {
    // A port of our own: what a task, or a library in it, posts to its parent is not for us.
    const { port1: port, port2 } = new MessageChannel();
    const worker = open(settings, port2);
    let cause: Error | undefined;
    port.on('message', (message: FromWorker) => receive(message)); // before unref: a listener added later would hold the process
    port.unref();
    worker.on('error', (error) => {
      cause =
        error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)
          ? (error as Error)
          : new Error(String(error));
    });
    worker.on('exit', (code) => {
      port.close();
      gone(cause ?? new Error(`the worker thread ended with exit code ${code}`));
    });
    worker.unref();
    return {
      post: (message, transfer) => port.postMessage(message, transfer as ArrayBuffer[] | undefined),
      setBusy: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
}
