import { MessageChannel, type MessagePort, type ResourceLimits, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { builtRoot } from '../built-root.ts';
import type { FromWorker, WorkerSettings } from '../worker/protocol.ts';
import { flagsForWorkers, withoutRefused } from './flags.ts';
import { canWatch, fenceMb, HeapWatch, heapLimitMb, outOfMemory } from './heap-watch.ts';
import type { StartWorker } from './transport.ts';

/** A way to start worker threads. */
export function threadStarter(options: {
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
}): StartWorker {
  let execArgv = flagsForWorkers(process.execArgv);
  const limitMb = heapLimitMb(options.resourceLimits);
  const isWatched = canWatch(Worker.prototype);
  const resourceLimits = isWatched ? { ...options.resourceLimits, maxOldGenerationSizeMb: fenceMb(limitMb) } : options.resourceLimits;
  const open = (settings: WorkerSettings, port: MessagePort): Worker => {
    for (;;) {
      try {
        return new Worker(new URL('runtime/worker/main.js', builtRoot), {
          workerData: { settings, port },
          transferList: [port],
          name: settings.name,
          ...(execArgv === undefined ? {} : { execArgv }),
          ...(options.env === undefined ? {} : { env: options.env }),
          ...(resourceLimits === undefined ? {} : { resourceLimits }),
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
    const watch = isWatched
      ? new HeapWatch(worker, limitMb, (bytes) => {
          cause = outOfMemory(limitMb, `its heap had grown to ${Math.round(bytes / 2 ** 20)} MiB`);
          void worker.terminate();
        })
      : undefined;
    worker.on('error', (error) => {
      cause ??= asError(error, limitMb);
    });
    worker.on('exit', (code) => {
      watch?.set(false);
      for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) receive(got.message as FromWorker);
      port.close();
      gone(cause ?? new Error(`the worker thread ended with exit code ${code}`));
    });
    worker.unref();
    return {
      post: (message, transfer) => port.postMessage(message, transfer as ArrayBuffer[] | undefined),
      meet: (own, other, index) => {
        const { port1, port2 } = new MessageChannel();
        other.post({ kind: 'peer', worker: own, way: port1 }, [port1]);
        port.postMessage({ kind: 'peer', worker: index, way: port2 }, [port2]);
      },
      setBusy: (isBusy) => {
        watch?.set(isBusy);
        if (isBusy) worker.ref();
        else worker.unref();
      },
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
}

/** What a thread died of: anything can be thrown. */
function asError(thrown: unknown, limitMb: number): Error {
  if (typeof thrown !== 'object' || thrown === null || !('message' in thrown)) return new Error(String(thrown));
  const error = thrown as NodeJS.ErrnoException;
  return error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? outOfMemory(limitMb, 'V8 could not collect enough', error) : error;
}
