import type { ResourceLimits } from 'node:worker_threads';
import type { Engine } from '../engine.ts';
import { threadStarter } from '../pool/thread.ts';
import { LocalEngine } from './local.ts';
import type { LocalOptions } from './local-options.ts';

/** Worker threads of this process: the default engine. */
export function threadsEngine(
  options: Omit<LocalOptions, 'name' | 'start' | 'isLive' | 'isMemoryShared'> & {
    readonly env: NodeJS.ProcessEnv | undefined;
    readonly resourceLimits: ResourceLimits | undefined;
  },
): Engine {
  return new LocalEngine({ ...options, name: 'threads', start: threadStarter(options), isLive: false, isMemoryShared: true });
}
