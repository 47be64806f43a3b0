import { digest } from './canonical/leaf.ts';
import { Walk } from './canonical/walk.ts';
import { taskOf } from './handle.ts';

export { tokenizeSymbol } from './canonical/describe.ts';
export { digest } from './canonical/leaf.ts';

/** 32 lower-case hex digits of the content of the arguments. What cannot be hashed for sure is an `ERR_UNTOKENIZABLE`. */
export function tokenize(...args: readonly unknown[]): string {
  const walk = new Walk(taskOf);
  return digest(args.map((arg, i) => walk.text(arg, `args[${i}]`)).join());
}
