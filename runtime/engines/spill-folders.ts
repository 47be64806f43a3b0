import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isLeftBehind, ownName } from '../own-name.ts';

/**
 * Where workers spill to: a folder an executor, in it one for each worker's life. The name says whose it is (`own-name.ts`), so that what a process left that
 * was killed is found at the next start, and what a living one has is never touched.
 *
 *     <spillDirectory>/heddle-spill-<machine>-<pid>-<start>-<random>/0-1/…
 */
export class SpillFolders {
  readonly #directory: string;
  readonly #folder: string;
  readonly #dropping = new Set<Promise<void>>();
  #lives = 0;

  constructor(directory: string | undefined) {
    this.#directory = directory ?? tmpdir();
    this.#folder = join(this.#directory, `${ownName(prefix)}${randomBytes(6).toString('hex')}`);
    if (open.size === 0) process.on('exit', removeAll);
    open.add(this.#folder);
    this.#wait(removeLeftovers(this.#directory));
  }

  /** A folder for the life of a worker; made by the worker when it first needs it. */
  next(worker: number): string {
    return join(this.#folder, `${worker}-${this.#lives++}`);
  }

  /** The worker that had it is gone. */
  drop(folder: string): void {
    this.#wait(removeWhole(folder));
  }

  #wait(removing: Promise<void>): void {
    this.#dropping.add(removing);
    void removing.finally(() => this.#dropping.delete(removing));
  }

  /** All workers are gone: nothing stays. */
  async close(): Promise<void> {
    await Promise.all(this.#dropping);
    await removeWhole(this.#folder);
    open.delete(this.#folder);
    if (open.size === 0) process.off('exit', removeAll);
  }
}

const prefix = 'heddle-spill-';

/** Folders of this process. */
const open = new Set<string>();

function removeAll(): void {
  for (const folder of open) {
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // the next start finds it
    }
  }
}

async function removeWhole(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 2 }).catch(() => {}); // what cannot be removed now, the next start finds
}

/** Removes what processes left that were killed before they could. */
async function removeLeftovers(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names) {
    if (isLeftBehind(name, prefix)) await removeWhole(join(directory, name));
  }
}
