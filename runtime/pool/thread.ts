import { existsSync } from 'node:fs';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import type { FromWorker } from '../worker/protocol.ts';
import type { StartWorker } from './transport.ts';

/** Flags of the caller's process that would make a worker do something else than work. */
const notForWorkers =
  /^(-e|--eval|-p|--print|-c|--check|-i|--interactive|--test\b|--test-.*|--watch.*|--input-type.*|--inspect.*|--experimental-vm-modules)/;

/** A way to start worker threads. */
export function threadStarter(options: {
  readonly env: NodeJS.ProcessEnv | undefined;
  readonly resourceLimits: ResourceLimits | undefined;
}): StartWorker {
  const execArgv = flagsForWorkers(process.execArgv);
  return (settings, receive, gone) => {
    const worker = new Worker(workerEntry(), {
      workerData: settings,
      name: settings.name,
      execArgv,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.resourceLimits === undefined ? {} : { resourceLimits: options.resourceLimits }),
    });
    let cause: Error | undefined;
    worker.on('message', (message: FromWorker) => receive(message)); // before unref: a listener added later would hold the process
    worker.on('error', (error) => {
      cause =
        error instanceof Error || (typeof error === 'object' && error !== null && 'message' in error)
          ? (error as Error)
          : new Error(String(error));
    });
    worker.on('exit', (code) => gone(cause ?? new Error(`the worker thread ended with exit code ${code}`)));
    worker.unref();
    return {
      post: (message, transfer) => worker.postMessage(message, transfer as ArrayBuffer[] | undefined),
      setBusy: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
      terminate: async () => {
        await worker.terminate();
      },
    };
  };
}

/** The built worker module: beside this file, or in `dist` when this file runs from source. */
function workerEntry(): URL {
  const beside = new URL('../worker/main.js', import.meta.url);
  return existsSync(beside) ? beside : new URL('../../dist/runtime/worker/main.js', import.meta.url);
}

/** Node's flags without those that belong to the caller's own run, and without TypeScript loaders, which the worker starts by itself. */
function flagsForWorkers(flags: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const flag = flags[i]!;
    const takesNext = [
      '--import',
      '--require',
      '-r',
      '--loader',
      '--experimental-loader',
      '-e',
      '--eval',
      '-p',
      '--print',
      '-C',
      '--conditions',
    ].includes(flag);
    const text = takesNext ? `${flag} ${flags[i + 1]}` : flag;
    if (takesNext) i++;
    if (notForWorkers.test(flag) || (/^(--import|--require|-r|--loader|--experimental-loader)\b/.test(flag) && /\btsx\b/.test(text)))
      continue;
    kept.push(flag, ...(takesNext ? [flags[i]!] : []));
  }
  return kept;
}
