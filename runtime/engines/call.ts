import type { Callee, WorkerDescription } from '../../graph/index.ts';
import { unpackError } from '../failure.ts';
import { decode } from '../worker/decode.ts';
import type { Definition } from '../worker/protocol.ts';
import type { Crew } from './crew.ts';
import { lostError } from './errors.ts';

/** Calls a function once on each of some workers, outside the scheduler; results by worker name. Rejects with what one of them threw. */
export async function callOn(
  crew: Crew,
  chosen: readonly number[],
  workers: readonly WorkerDescription[],
  { name: key }: Callee,
  definition: Definition,
): Promise<Map<string, unknown>> {
  const calls = chosen.map(async (index) => {
    const { name } = workers[index]!;
    const answer = await crew.ask(index, (request) => ({ kind: 'call', request, definition }));
    if (answer.kind !== 'called') throw lostError(key);
    if (answer.error !== undefined) throw await unpackError(answer.error, { key, name: key, worker: name, attempt: 1 });
    return [name, decode(answer)] as const;
  });
  return new Map(await Promise.all(calls));
}
