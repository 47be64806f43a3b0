import type { Peers } from './peers.ts';
import type { FromWorker } from './protocol.ts';
import type { Store } from './store.ts';

/** Brings over what the worker holds whose place this one is to take; what cannot leave that one stays there. */
export async function inherit(
  peers: Peers,
  results: Store,
  index: number,
  rows: readonly number[],
  send: (message: FromWorker) => void,
): Promise<void> {
  const brought: number[] = [];
  const bring = async (row: number): Promise<void> => {
    const { results: found, lost } = await peers.fetch(index, [row]);
    if (lost.length > 0) return;
    results.keep(row, found[0]);
    brought.push(row);
  };
  await Promise.allSettled(rows.map(bring));
  send({ kind: 'inherited', rows: brought });
}
