import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeWrong, HeddleError, typeError } from '../../graph/index.ts';
import { fileStorage } from './file.ts';
import { hdfsStorage } from './hdfs/hdfs.ts';
import { httpStorage } from './http/http.ts';
import { s3Storage } from './s3/s3.ts';
import type { Storage } from './storage.ts';

const storageByScheme = new Map<string, Storage>();
const moduleByStorage = new Map<Storage, string>();

/** No storage is registered for a URL's scheme. */
export class UnknownSchemeError extends HeddleError {
  declare readonly code: 'ERR_UNKNOWN_SCHEME';
  constructor(scheme: string, known: readonly string[]) {
    super('ERR_UNKNOWN_SCHEME', `no storage for "${scheme}:" (known: ${known.join(', ')}); add one with registerStorage()`);
  }
}

/** Adds a storage for its schemes; a scheme that is taken is an error. */
export function registerStorage(storage: Storage): void {
  const module = checkedModule(storage);
  for (const scheme of storage.schemes) {
    if (storageByScheme.has(scheme))
      throw new HeddleError('ERR_INVALID_ARGUMENT', `the scheme "${scheme}:" has a storage already; register yours under another scheme`);
  }
  for (const scheme of storage.schemes) storageByScheme.set(scheme, storage);
  moduleByStorage.set(storage, module);
}

/** The storage of a scheme. */
export function storageFor(scheme: string): Storage {
  const storage = storageByScheme.get(scheme);
  if (storage === undefined) throw new UnknownSchemeError(scheme, [...storageByScheme.keys()]);
  return storage;
}

/** What a worker imports to get a storage: a URL, a package's name, or a path under heddle's own `dist`. */
export function moduleOf(storage: Storage): string {
  return moduleByStorage.get(storage)!;
}

function checkedModule(storage: unknown): string {
  const fail = (what: string): never => {
    throw typeError('ERR_INVALID_ARGUMENT', `registerStorage() takes a Storage: ${what}`);
  };
  if (typeof storage !== 'object' || storage === null) return fail(`got ${describeWrong(storage)}`);
  const { schemes, module, list, read } = storage as Partial<Record<keyof Storage, unknown>>;
  if (!Array.isArray(schemes) || schemes.length === 0) return fail('schemes must be a list of at least one scheme');
  for (const scheme of schemes) {
    if (typeof scheme !== 'string' || !/^[a-z][a-z0-9+.-]+$/.test(scheme))
      return fail(`a scheme is two or more lower-case letters or digits, without a colon; it is ${describeWrong(scheme)}`);
  }
  for (const [name, method] of Object.entries({ list, read }))
    if (typeof method !== 'function') return fail(`${name} must be a function; it is ${describeWrong(method)}`);
  const specifier = typeof module === 'object' && module !== null && 'href' in module ? module.href : module;
  if (typeof specifier !== 'string' || specifier === '')
    return fail('module must be the URL of the module that exports it: import.meta.url');
  if (/^\.\.?\//.test(specifier))
    return fail(`module ${JSON.stringify(specifier)} is relative to nothing; use new URL(${JSON.stringify(specifier)}, import.meta.url)`);
  return isAbsolute(specifier) ? pathToFileURL(specifier).href : specifier;
}

for (const storage of [fileStorage, s3Storage, httpStorage, hdfsStorage]) registerStorage(storage);
