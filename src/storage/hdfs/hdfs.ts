/** HDFS, over WebHDFS. Listing, reading and writing are loaded at first use, undici with them. */
import type { Storage } from '../storage.ts';
import { checkHdfsOptions } from './options.ts';

/** The storage of `hdfs:`, `webhdfs:` and `swebhdfs:` URLs. */
export const hdfsStorage: Storage = {
  schemes: ['hdfs', 'webhdfs', 'swebhdfs'],
  module: 'src/storage/hdfs/hdfs.js',
  waits: true,
  async *list(pattern, call) {
    yield* (await import('./list.ts')).list(pattern, call);
  },
  async read(file, offset, into, call) {
    return (await import('./read.ts')).read(file, offset, into, call);
  },
  async open(file, call) {
    return (await import('./read.ts')).open(file, call);
  },
  async write(path, data, call) {
    return (await import('./write.ts')).write(path, data, call);
  },
  checkOptions: (storage) => void checkHdfsOptions(storage),
  endpoint: (storage) => {
    const { nameNodes } = checkHdfsOptions(storage);
    return nameNodes === undefined ? undefined : [...nameNodes].sort().join(',');
  },
};
