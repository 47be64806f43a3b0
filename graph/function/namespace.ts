import type { Unit } from './parse.ts';

/**
 * Whether a namespace with these names may be that of the module whose export `name` it holds. Where the module exports all of them itself, it is; where it
 * hands on what others export, it may be. A module that only gathers what others export is none of them.
 */
export function mayBeOf({ program, table }: Unit, name: string, names: readonly string[]): boolean {
  const own = new Set<string>();
  for (const { exportedAs } of table.top.bindings.values()) for (const one of exportedAs) own.add(one);
  if (!own.has(name)) return false;
  const handsOn = program.body.some(
    ({ type, ...rest }) =>
      type === 'ExportAllDeclaration' || (type === 'ExportNamedDeclaration' && 'source' in rest && rest.source != null),
  );
  return handsOn || names.every((one) => one === 'default' || own.has(one));
}
