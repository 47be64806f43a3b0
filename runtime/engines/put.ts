import type { Putting } from '../engine.ts';
import { encode } from '../worker/encode.ts';
import type { ToWorker } from '../worker/protocol.ts';
import type { Definitions } from './definitions.ts';

/** Data on its way to one worker, all but the row that it will have there. */
export interface Parcel {
  readonly transfer: readonly ArrayBuffer[];
  message(row: number): ToWorker;
}

/** Data packed for so many workers. Throws ERR_UNSENDABLE. */
export function parcelsOf({ data, captured }: Putting, definitions: Definitions, count: number): Parcel[] {
  const definition = captured && definitions.defineData(captured);
  return Array.from({ length: count }, () => {
    if (definition !== undefined)
      return { transfer: [], message: (row) => ({ kind: 'put', row, rich: false, value: undefined, captured: definition }) };
    const { rich, value, transfer } = encode(data, 'data');
    return { transfer, message: (row) => ({ kind: 'put', row, rich, value }) };
  });
}
