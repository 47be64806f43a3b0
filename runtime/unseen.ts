import { isHeddleError } from '../graph/index.ts';
import type { Output } from './output.ts';

/** Warns once a batch of Futures that failed, or were dropped by `close()`, and that nobody ever looked at. */
export function noteUnseen(outputs: Iterable<Output>): void {
  const keys: string[] = [];
  for (const output of outputs) {
    if (output.isSeen || output.status === 'pending' || output.status === 'finished' || isHeddleError(output.error, 'ERR_CANCELLED'))
      continue;
    output.isSeen = true;
    keys.push(output.key);
  }
  if (keys.length === 0) return;
  const shown = keys.slice(0, 3).join(', ');
  process.emitWarning(
    `${keys.length} ${keys.length === 1 ? 'future' : 'futures'} failed or were dropped and nobody looked: ${shown}${keys.length > 3 ? ', …' : ''}; await them, or gather them with { errors: 'settle' }`,
    {
      type: 'HeddleWarning',
      code: 'HEDDLE_UNSEEN',
    },
  );
}
