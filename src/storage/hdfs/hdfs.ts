import type { Storage } from '../storage.ts';
import { list } from './list.ts';
import { checkHdfsOptions } from './options.ts';
import { open, read } from './read.ts';
import { write } from './write.ts';

/** HDFS, over WebHDFS. */
export const hdfsStorage: Storage = {
  schemes: ['hdfs', 'webhdfs', 'swebhdfs'],
  module: 'src/storage/hdfs/hdfs.js',
  list,
  read,
  open,
  write,
  endpoint: (storage) => {
    const { nameNodes } = checkHdfsOptions(storage);
    return nameNodes === undefined ? undefined : [...nameNodes].sort().join(',');
  },
};
