import type { Engine } from '../engine.ts';
import { DaskEngine } from '../engines/dask.ts';
import type { LinkListener } from './link.ts';
import type { FromThread, ToThread } from './thread-messages.ts';

/** The engine of the tasks of a sidecar's thread: what they submit goes to the scheduler by way of the worker they run on. */
export function linkedEngine(
  post: (message: FromThread) => void,
  currentCall: () => number | undefined,
): { readonly engine: Engine; receive(message: Extract<ToThread, { op: 'link' }>): void } {
  let listener: LinkListener | undefined;
  const engine = new DaskEngine({
    name: 'dask',
    retries: 0,
    allowedFailures: 3,
    cancelGraceMs: 2000,
    noWorkerTimeoutMs: Number.POSITIVE_INFINITY,
    checkMutation: false,
    setup: undefined,
    loader: undefined,
    began: () => {
      const id = currentCall();
      if (id !== undefined) post({ op: 'secede', id });
    },
    open: (itsListener) => {
      listener = itsListener;
      queueMicrotask(() => itsListener.ready([]));
      return {
        send: (header, blobs = []) => post({ op: 'link', header, blobs }),
        setBusy: () => {},
        close: async () => {},
      };
    },
  });
  return { engine, receive: ({ header, blobs }) => listener?.frame({ header, blobs }) };
}
