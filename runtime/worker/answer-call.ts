import { packError } from '../failure.ts';
import type { Callees } from './callees.ts';
import { encode } from './encode.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

/** Runs a function outside the scheduler and says what it gave. */
export async function answerCall(
  { request, definition }: Extract<ToWorker, { kind: 'call' }>,
  callees: Callees,
  send: (message: FromWorker, transfer?: readonly ArrayBuffer[]) => void,
): Promise<void> {
  try {
    const fn = (await callees.load(definition)) as () => unknown;
    const { rich, value, transfer } = encode(await fn(), 'result');
    send({ kind: 'called', request, rich, value }, transfer);
  } catch (error) {
    send({ kind: 'called', request, rich: false, value: undefined, error: packError(error, callees.describeClass) });
  }
}
