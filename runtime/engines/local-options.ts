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
  readonly retries: number;
  readonly allowedFailures: number;
  readonly noWorkerTimeoutMs: number;
  readonly cancelGraceMs: number;
  /** Bytes that results may take in memory, of all workers. */
  readonly memoryLimit: number;
  /** Where they go beyond. @default os.tmpdir() */
  readonly spillDirectory: string | undefined;
  readonly settings: Omit<WorkerSettings, 'index' | 'name' | 'memory'>;
}
