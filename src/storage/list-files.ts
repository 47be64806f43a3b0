import { HeddleError } from '../../graph/index.ts';
import { hasGlob } from './globs.ts';
import { forEachInLanes } from './lanes.ts';
import { storageFor } from './registry.ts';
import type { Storage, StorageCall, StoredFile } from './storage.ts';
import { type Location, type ParsedLocation, parseLocations } from './url.ts';

/** A file, and where it lies. */
export interface ListedFile {
  readonly scheme: string;
  readonly storage: Storage;
  readonly file: StoredFile;
}

/** The files that locations stand for: each location's files sorted by code units, in the order of the locations. Nothing found for one of them is an `ERR_NOT_FOUND`. */
export async function listFiles(
  url: Location | readonly Location[],
  storageOptions: unknown,
  signal: AbortSignal | undefined,
): Promise<ListedFile[]> {
  const locations = parseLocations(url);
  const storages = locations.map(({ scheme }) => storageFor(scheme));
  for (const storage of storages) storage.checkOptions?.(storageOptions);
  signal?.throwIfAborted();
  const call: StorageCall = {
    ...(signal === undefined ? {} : { signal }),
    ...(storageOptions === undefined ? {} : { storage: storageOptions }),
  };
  const lists: StoredFile[][] = new Array(locations.length);
  await forEachInLanes(
    locations,
    async (location, i) => {
      const files: StoredFile[] = [];
      for await (const file of storages[i]!.list(location.path, call)) {
        signal?.throwIfAborted();
        files.push(file);
      }
      if (files.length === 0) throw notFound(location);
      lists[i] = files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
    },
    signal,
  );
  return lists.flatMap((files, i) => files.map((file) => ({ scheme: locations[i]!.scheme, storage: storages[i]!, file })));
}

function notFound({ scheme, path, shown }: ParsedLocation): HeddleError {
  const where = scheme === 'file' && path !== shown ? ` (${path})` : '';
  const what = hasGlob(shown)
    ? `no file matches ${shown}${where}; a glob matches files, and goes into directories with /**`
    : `there is no file at ${shown}${where}, nor below it; check the path`;
  return new HeddleError('ERR_NOT_FOUND', what);
}
