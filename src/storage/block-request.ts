import type { Codec } from './compression.ts';
import type { StoredFile } from './storage.ts';

/** What the blocks of one call have in common. */
export interface BlockSource {
  readonly scheme: string;
  /** Where a worker finds the storage. */
  readonly module: string;
  /** The user's `storage` option. */
  readonly storage: unknown;
  readonly delimiter: Uint8Array | null;
  readonly notZero: boolean;
}

/** Which block of which file. */
export interface BlockRequest {
  readonly source: BlockSource;
  readonly file: StoredFile;
  /** Given: the file is one block. */
  readonly codec: Codec | null;
  readonly start: number;
  /** `null`: up to the end, wherever that is. */
  readonly end: number | null;
}

/** A block's task as it travels: texts and numbers, for thousands of them are made, hashed and sent at a time. `storage` only where the user gave options. */
export type BlockArguments = readonly [
  source: string,
  path: string,
  size: number | null,
  identity: string,
  codec: Codec | null,
  start: number,
  end: number | null,
  storage?: unknown,
];

/** What all tasks of one call begin with. */
export function packSource({ scheme, module, delimiter, notZero }: BlockSource): string {
  return JSON.stringify([scheme, module, delimiter === null ? null : Buffer.from(delimiter).toString('base64'), notZero]);
}

/** Sources of this thread, unpacked. */
const sources = new Map<string, Omit<BlockSource, 'storage'>>();
const mostSources = 64;

/** A source as `packSource` made it. */
export function unpackSource(packed: string): Omit<BlockSource, 'storage'> {
  const known = sources.get(packed);
  if (known !== undefined) return known;
  const [scheme, module, delimiter, notZero] = JSON.parse(packed) as [string, string, string | null, boolean];
  const source = { scheme, module, delimiter: delimiter === null ? null : Uint8Array.from(Buffer.from(delimiter, 'base64')), notZero };
  if (sources.size >= mostSources) sources.clear();
  sources.set(packed, source);
  return source;
}
