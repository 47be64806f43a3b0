/** Files behind URLs, for reading. What does the work is loaded at first use, undici with it. */
import type { Storage } from '../storage.ts';
import { checkHttpOptions } from './options.ts';

/** The storage of `http:` and `https:` URLs: one file each, for HTTP has no listing. */
export const httpStorage: Storage = {
  schemes: ['http', 'https'],
  module: 'src/storage/http/http.js',
  waits: true,
  async *list(url, call) {
    yield* (await import('./read.ts')).list(url, call);
  },
  async read(file, offset, into, call) {
    return (await import('./read.ts')).read(file, offset, into, call);
  },
  async open(file, call) {
    return (await import('./read.ts')).open(file, call);
  },
  checkOptions: (storage) => void checkHttpOptions(storage),
};
