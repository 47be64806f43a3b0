/** Objects of S3 and of servers that speak it. Listing, reading and writing are loaded at first use, the SDK with them. */
import type { Storage } from '../storage.ts';
import { checkS3Options, endpointOf } from './options.ts';

/** The storage of `s3:` URLs. */
export const s3Storage: Storage = {
  schemes: ['s3'],
  module: 'src/storage/s3/s3.js',
  waits: true,
  async *list(pattern, call) {
    yield* (await import('./list.ts')).list(pattern, call);
  },
  async read(file, offset, into, call) {
    return (await import('./get.ts')).read(file, offset, into, call);
  },
  async write(path, data, call) {
    return (await import('./put.ts')).write(path, data, call);
  },
  endpoint(storage) {
    const endpoint = endpointOf((storage as { readonly endpoint?: unknown } | undefined)?.endpoint);
    return endpoint === undefined ? undefined : new URL(endpoint).host;
  },
  checkOptions: (storage) => void checkS3Options(storage),
};
