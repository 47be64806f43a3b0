import type { FromWorker, ToWorker, WorkerSettings } from '../worker/protocol.ts';

/** A worker as the shell holds it: somewhere to send messages, and an end. */
export interface Transport {
  post(message: ToWorker, transfer?: readonly object[]): void;
  /** Where other workers reach it, for processes. */
  readonly address?: string;
  /** Gives it and another worker a way to each other; left out where a worker is alone. `own` and `index` are their numbers. */
  meet?(own: number, other: Transport, index: number): void;
  /** Keeps the process alive, or lets it end. */
  setBusy(isBusy: boolean): void;
  /** Ends it, whatever it is doing; resolves when it is gone. */
  terminate(): Promise<void>;
}

/** Starts a worker. `gone` is called once when it ends by itself; `cause` is what it died of; `executor` is whose tasks it runs. */
export type StartWorker = (
  settings: WorkerSettings,
  receive: (message: FromWorker) => void,
  gone: (cause: Error | undefined) => void,
  executor: () => unknown,
) => Transport;
