import { typeError } from '../../graph/index.ts';

/** Moves a storage's own options from beside the others into `storage`: for the doors that take them there. Throws TypeError when there is a `storage` already. */
export function inStorage<T extends object>(options: T, names: readonly string[], door: string): T {
  if (typeof options !== 'object' || options === null) return options; // refused with the others
  if ('storage' in options)
    throw typeError('ERR_INVALID_OPTION', `${door} has no option "storage": what would be in it stands beside the others`);
  const others: Record<string, unknown> = {};
  const storage: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) if (value !== undefined) (names.includes(name) ? storage : others)[name] = value;
  return (Object.keys(storage).length === 0 ? others : { ...others, storage }) as T;
}
