import type { Putting } from '../engine.ts';
import { encode } from '../worker/encode.ts';
import type { ToWorker } from '../worker/protocol.ts';
import type { Definitions } from './definitions.ts';

/** Data as messages for some workers, but for its row: made before the table knows of it, so what cannot be sent is nowhere. */
export function encodePut(
  { data, captured }: Putting,
  definitions: Definitions,
  count: number,
): { readonly message: (row: number) => ToWorker; readonly transfer: readonly ArrayBuffer[] }[] {
  const definition = captured && definitions.defineData(captured);
  return Array.from({ length: count }, () => {
    if (definition !== undefined)
      return { message: (row) => ({ kind: 'put', row, rich: false, value: undefined, captured: definition }), transfer: [] };
    const { rich, value, transfer } = encode(data, 'data');
    return { message: (row) => ({ kind: 'put', row, rich, value }), transfer };
  });
}
