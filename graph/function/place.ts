import { moduleExport } from './module.ts';
import { locate } from './script.ts';

/** Where another thread finds a class or function by an import. */
export interface ImportPlace {
  readonly module: string;
  readonly export: string;
}

const places = new WeakMap<object, ImportPlace | undefined>();

/** The module and export that a class or function is; `undefined` when no import gives it. Looks inside the function, so it is for rare cases such as errors. */
export function importPlaceOf(fn: object): ImportPlace | undefined {
  if (!places.has(fn)) places.set(fn, findPlace(fn));
  return places.get(fn);
}

function findPlace(fn: object): ImportPlace | undefined {
  try {
    const located = locate(fn);
    const found = located && moduleExport(fn, located);
    return found?.name === undefined ? undefined : { module: found.url, export: found.name };
  } catch {
    return undefined; // without an inspector nobody can tell
  }
}
