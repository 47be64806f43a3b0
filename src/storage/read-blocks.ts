import { type ByteSize, parseByteSize, type Value } from '../../graph/index.ts';
import { listFiles } from './list-files.ts';
import { blocksOf } from './read-bytes.ts';
import { checkOptionNames, checkReadOptions, codecFor, type ReadOptions, readOptionNames } from './read-options.ts';
import type { Location } from './url.ts';

/** Options of `readBlocks`. */
export interface ReadBlocksOptions extends ReadOptions {
  /** Bytes of the first file to show; up to the next delimiter when there is one. @default '10 kB' */
  readonly sample?: ByteSize | false | undefined;
}

/** The blocks of each file, in the order of `paths`. */
export interface Blocks {
  /** The first bytes of the first file, unpacked and with its header; `null` when not asked for. */
  readonly sample: Uint8Array | null;
  readonly blocks: Value<Uint8Array>[][];
  readonly paths: string[];
}

/** As `readBytes` with `lazy`, by file, with a sample and the paths. */
export async function readBlocks(url: Location | readonly Location[], options: ReadBlocksOptions = {}): Promise<Blocks> {
  checkOptionNames(options, 'readBlocks', [...readOptionNames, 'sample']);
  const read = checkReadOptions(options);
  const sampleSize = options.sample === false ? null : parseByteSize(options.sample ?? '10 kB', 'sample');
  const files = await listFiles(url, read.storage, read.signal);
  const blocks = blocksOf(files, read);
  const first = files[0]!;
  let sample: Uint8Array | null = null;
  if (sampleSize !== null) {
    const { readSample } = await import('./read-sample.ts');
    sample = await readSample(first, codecFor(first.file.path, read), read, sampleSize);
  }
  return { sample, blocks, paths: files.map(({ file }) => file.path) };
}
