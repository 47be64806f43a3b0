import type { ResourceLimits } from 'node:worker_threads';
import type { Engine } from '../engine.ts';
import { processStarter } from '../pool/process.ts';
import { LocalEngine } from './local.ts';
import type { LocalOptions } from './local-options.ts';

/** Child processes of this one: what a task does to its process, it does to one worker only. */
export function processesEngine(
  options: Omit<LocalOptions, 'name' | 'start' | 'isLive' | 'isMemoryShared'> & {
    readonly env: NodeJS.ProcessEnv | undefined;
    readonly resourceLimits: ResourceLimits | undefined;
  },
): Engine {
  return new LocalEngine({ ...options, name: 'processes', start: processStarter(options), isLive: false, isMemoryShared: false });
}
