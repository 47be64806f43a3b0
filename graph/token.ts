import { listDigest } from './canonical/text.ts';

export { digest } from './canonical/leaf.ts';
export { tokenizeSymbol } from './canonical/symbols.ts';

/** 32 lower-case hex digits of the content of the arguments. What cannot be hashed for sure is an `ERR_UNTOKENIZABLE`. */
export function tokenize(...args: readonly unknown[]): string {
  return listDigest(args, 'args');
}
