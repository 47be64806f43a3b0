import { tokenize } from '../../graph/index.ts';
import { ownShared } from './context.ts';

/** Whether a call gave something to wait for. */
export function isThenable(thing: unknown): thing is PromiseLike<unknown> {
  return typeof thing === 'object' && thing !== null && typeof (thing as { then?: unknown }).then === 'function';
}

/** What an argument is made of; `undefined` for what cannot be hashed, which is then not looked at. */
export function fingerprint(argument: unknown): string | undefined {
  try {
    return tokenize(argument);
  } catch {
    return undefined;
  }
}

/** Bytes of 64 KiB and more move into shared memory, copied once. */
export function intoSharedMemory(result: unknown): unknown {
  if (!ArrayBuffer.isView(result) || result.byteLength < 65_536 || Object.prototype.toString.call(result) !== '[object Uint8Array]')
    return result;
  if (Object.prototype.toString.call(result.buffer) === '[object SharedArrayBuffer]') return result;
  const shared = new Uint8Array(ownShared(new SharedArrayBuffer(result.byteLength)));
  shared.set(new Uint8Array(result.buffer, result.byteOffset, result.byteLength));
  return shared;
}
