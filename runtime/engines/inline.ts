import type { Engine } from '../engine.ts';
import type { StartWorker } from '../pool/transport.ts';
import { WorkerCore } from '../worker/core.ts';
import type { FromWorker } from '../worker/protocol.ts';
import { LocalEngine } from './local.ts';
import type { LocalOptions } from './local-options.ts';

/** One worker in the caller's own thread, for debugging: breakpoints, stacks and `console.log` are where one expects them. */
export function inlineEngine(options: Omit<LocalOptions, 'name' | 'start' | 'isLive' | 'isMemoryShared' | 'workers'>): Engine {
  return new LocalEngine({
    ...options,
    name: 'inline',
    start: startInline,
    isLive: true,
    isMemoryShared: false,
    workers: [{ name: 'inline', host: 'localhost', resources: {} }],
  });
}

const startInline: StartWorker = (settings, receive, _gone, executor) => {
  let isOpen = true;
  /** There is no thread that would keep the process alive. */
  let holding: NodeJS.Timeout | undefined;
  const inTurn = (work: () => void): void => {
    const timer = setImmediate(() => isOpen && work());
    if (!isOpen) clearImmediate(timer);
  };
  const core = new WorkerCore({
    settings,
    isLive: true,
    executor,
    send: (message) => queueMicrotask(() => isOpen && receive(asCopy(message))),
    poll: () => {},
    later: inTurn,
  });
  queueMicrotask(() => isOpen && receive({ kind: 'ready' }));
  return {
    post: (message) => inTurn(() => core.receive(message)),
    setBusy: (isBusy) => {
      clearInterval(holding);
      holding = isBusy && isOpen ? setInterval(() => {}, 2 ** 30) : undefined;
    },
    terminate: async () => {
      isOpen = false;
      clearInterval(holding);
      core.close();
    },
  };
};

/** Results leave as they would leave a thread: what the caller does to them does not reach the tasks. */
function asCopy(message: FromWorker): FromWorker {
  return message.kind === 'fetched' || message.kind === 'called' ? structuredClone(message) : message;
}
