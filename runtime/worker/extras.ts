import { inspect, types } from 'node:util';

/**
 * Names beside the elements of arrays and bytes. The language lists them only after all indexes, a million of them for a long array; `inspect` asks V8 for
 * the names that are no indexes. Its text is used as a "no"; any other text counts as "perhaps", and is looked into the long way.
 */
const onlyElements = /^(?:\w+\(\d+\) )?(?:\[\w+\] )?\[ \.\.\. \d+ more items?(?:, \[length\]: \d+)? \]$/;
const short = 100;

function showsOnlyElements(value: object, showHidden: boolean): boolean {
  return onlyElements.test(
    inspect(value, { maxArrayLength: 0, depth: 0, showHidden, customInspect: false, maxStringLength: 0, breakLength: Infinity }),
  );
}

/** Whether an array has properties beside its elements. */
export function hasExtras(array: readonly unknown[]): boolean {
  const { length } = array;
  if (length > short) return !showsOnlyElements(array, true);
  const keys = Reflect.ownKeys(array);
  if (keys.length === length + 1 && (length === 0 || keys[length - 1] === String(length - 1))) return false;
  let elements = 0;
  for (let i = 0; i < length; i++) if (Object.hasOwn(array, i)) elements++;
  return keys.length !== elements + 1;
}

/** Whether most indexes of a long array are holes: then nobody should walk them. */
export function isSparse(array: readonly unknown[]): boolean {
  const { length } = array;
  if (length < 100_000) return false;
  let present = 0;
  for (let i = 0; i < 64; i++) if (Object.hasOwn(array, Math.floor((i * length) / 64))) present++;
  return present < 32;
}

/** `undefined` for an array with all its elements and nothing else; otherwise the names of all it has, `length` left out. */
export function otherNames(array: readonly unknown[]): string[] | undefined {
  let isWhole = !isSparse(array) && !hasExtras(array);
  for (let i = 0; i < array.length && isWhole; i++) if (array[i] === undefined && !Object.hasOwn(array, i)) isWhole = false;
  return isWhole ? undefined : Object.getOwnPropertyNames(array).filter((name) => name !== 'length');
}

/** The name of a property put on bytes, if there is one. */
export function expandoOf(view: ArrayBufferView): PropertyKey | undefined {
  const symbol = Object.getOwnPropertySymbols(view)[0];
  if (symbol !== undefined) return symbol;
  const length = types.isDataView(view) ? 0 : (view as Uint8Array).length;
  if (length > short && showsOnlyElements(view, false)) return undefined;
  return Object.getOwnPropertyNames(view)[length];
}
