import { loadStorage } from './load-storage.ts';
import type { Storage } from './storage.ts';

/** One of heddle's own storages, loaded when it is first used: who reads local files does not pay for the others. */
export function lazyStorage(schemes: readonly string[], module: string, { writes }: { readonly writes: boolean }): Storage {
  let loaded: Storage | undefined;
  const load = async (): Promise<Storage> => (loaded ??= await loadStorage(module, schemes[0]!));
  return {
    schemes,
    module,
    async *list(pattern, options) {
      yield* (await load()).list(pattern, options);
    },
    read: async (file, offset, into, options) => (await load()).read(file, offset, into, options),
    async open(file, options) {
      const storage = await load();
      if (storage.open !== undefined) return await storage.open(file, options);
      return { read: (offset, into) => storage.read(file, offset, into, options), verify: () => {}, close: () => {} };
    },
    ...(writes ? { write: async (path, data, options) => (await load()).write!(path, data, options) } : {}),
    // Keys are made after listing, so it is there by then.
    endpoint: (storage) => loaded?.endpoint?.(storage),
  };
}
