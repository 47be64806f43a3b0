import { isUint8Array } from 'node:util/types';
import { describeWrong, typeError } from '../../graph/index.ts';

/** Only bytes may be written: text would need an encoding, and an array of numbers is a mistake. */
export function checkBytes(bytes: unknown, part: number, path: string): asserts bytes is Uint8Array {
  if (isUint8Array(bytes)) return;
  const cure = typeof bytes === 'string' ? 'encode text with new TextEncoder().encode(text)' : 'make it a Uint8Array first';
  throw typeError('ERR_INVALID_ARGUMENT', `part ${part} for ${path} is ${kindOf(bytes)}, and only bytes can be written; ${cure}`);
}

function kindOf(value: unknown): string {
  return typeof value === 'string'
    ? 'a string'
    : typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
      ? `a ${typeof value}`
      : describeWrong(value);
}
