/** Hosts that hold a range of a file's bytes. */
export interface BlockHosts {
  readonly offset: number;
  readonly length: number;
  readonly hosts: readonly string[];
}

/** One file as a storage lists it. `identity` changes whenever the content does. */
export interface StoredFile {
  readonly path: string;
  /** Bytes; `null` when only reading tells. */
  readonly size: number | null;
  readonly identity: string;
  /** Hosts by range of bytes, where the storage knows them. */
  readonly hosts?: readonly BlockHosts[];
}

/** What a storage gets beside paths and bytes. */
export interface StorageCall {
  readonly signal?: AbortSignal;
  /** The user's `storage` option, as it was given; it never enters keys or error texts. */
  readonly storage?: unknown;
}

/** What `write` gets. */
export interface StorageWrite extends StorageCall {
  readonly overwrite: boolean;
}

/** A file opened for several reads. */
export interface OpenFile {
  /** Reads at `offset`; the number of bytes read, 0 at the file's end. */
  read(offset: number, into: Uint8Array): number | Promise<number>;
  /** Fails with `ERR_SOURCE_CHANGED` when what was read may be of another content than `file.identity`. Called after the last read. */
  verify(): void | Promise<void>;
  close(): void | Promise<void>;
}

/**
 * A place where bytes lie. Nothing in it remembers: the caller lists with it, each worker loads `module` anew and reads and writes with it.
 * Paths are what `list` yields and `write` gets: absolute paths for local files, whole URLs (without passwords) for every other scheme.
 */
export interface Storage {
  /** Lower case, without the colon. */
  readonly schemes: readonly string[];
  /** The module whose `default` or `storage` export is this storage: usually `import.meta.url`. Workers import it. */
  readonly module: string | URL;
  /** What a file, directory or glob stands for, in any order; nothing when nothing matches. */
  list(pattern: string, options: StorageCall): AsyncIterable<StoredFile>;
  /** Reads at `offset`; the number of bytes read, 0 at the file's end. Rejects with `ERR_SOURCE_CHANGED` when the file is no longer `file.identity`. */
  read(file: StoredFile, offset: number, into: Uint8Array, options: StorageCall): Promise<number>;
  /** Whole or not at all; makes directories; without `overwrite` a path that exists is an `ERR_EXISTS`. The number of bytes written. */
  write?(path: string, data: Uint8Array, options: StorageWrite): Promise<number>;
  /** For several reads through one opening. Without it each `read` stands alone. */
  open?(file: StoredFile, options: StorageCall): OpenFile | Promise<OpenFile>;
  /** What tells two services apart that have the same paths (`host:port`), from the user's `storage` option; part of keys. Never a credential. */
  endpoint?(storage: unknown): string | undefined;
  /** Its calls mostly wait for others, so that a worker may have several in hand. @default false */
  readonly waits?: boolean;
  /** Throws for a `storage` option that it does not take: before a task is made with it. So no credential given by mistake ever travels. */
  checkOptions?(storage: unknown): void;
}
