import { HeddleError } from '../../graph/index.ts';
import { builtRoot } from '../../runtime/index.ts';
import { fileStorage } from './file.ts';
import type { Storage } from './storage.ts';

/** Storages of this thread, by module and scheme. */
const loaded = new Map<string, Storage | Promise<Storage>>([[`${fileStorage.module} file`, fileStorage]]);

/** The storage of a request, in the thread that serves it: at once when it is there already. */
export function loadStorage(module: string, scheme: string): Storage | Promise<Storage> {
  const id = `${module} ${scheme}`;
  const found = loaded.get(id);
  if (found !== undefined) return found;
  const loading = importStorage(module, scheme);
  loaded.set(id, loading);
  loading.then(
    (storage) => loaded.set(id, storage),
    () => loaded.delete(id),
  );
  return loading;
}

interface StorageModule {
  readonly default?: unknown;
  readonly storage?: unknown;
}

async function importStorage(module: string, scheme: string): Promise<Storage> {
  const own = module.startsWith('src/storage/');
  let exports: StorageModule;
  try {
    exports = (await import(own ? new URL(module, builtRoot).href : module)) as StorageModule;
  } catch (cause) {
    throw new HeddleError(
      'ERR_STORAGE',
      `the storage of "${scheme}:" cannot be loaded from ${module}; its module must be a URL that workers can import, such as import.meta.url`,
      { cause },
    );
  }
  for (const candidate of [exports.default, exports.storage, ...(own ? Object.values(exports) : [])])
    if (serves(candidate, scheme)) return candidate;
  throw new HeddleError('ERR_STORAGE', `${module} has no storage for "${scheme}:"; export it as default, or under the name storage`);
}

function serves(candidate: unknown, scheme: string): candidate is Storage {
  if (typeof candidate !== 'object' || candidate === null || !('schemes' in candidate)) return false;
  return Array.isArray(candidate.schemes) && candidate.schemes.includes(scheme);
}
