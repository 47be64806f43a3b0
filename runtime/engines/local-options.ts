import type { WorkerDescription } from '../../graph/index.ts';
import type { StartWorker } from '../pool/transport.ts';
import type { WorkerSettings } from '../worker/protocol.ts';

/** What an engine on this machine is made of. */
export interface LocalOptions {
  readonly name: string;
  readonly workers: readonly WorkerDescription[];
  readonly start: StartWorker;
  /** Workers share the caller's thread: functions go over as they are. */
  readonly isLive: boolean;
  /** Workers are threads of this process: tasks can be taken back from one that is busy. */
  readonly isMemoryShared: boolean;
  readonly retries: number;
  readonly allowedFailures: number;
  readonly noWorkerTimeoutMs: number;
  readonly cancelGraceMs: number;
  /** How long ready tasks may wait beside an idle worker before a warning. */
  readonly stalledMs: number;
  /** A file for everything that the scheduler is told and decides. */
  readonly record: string | undefined;
  readonly settings: Omit<WorkerSettings, 'index' | 'name'>;
}
