import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Where workers spill to: a folder an executor, in it one for each worker's life. The name says whose it is, so that what a process left that was killed is
 * found at the next start, and what a living one has is never touched.
 *
 *     <spillDirectory>/heddle-spill-<machine>-<pid>-<start>-<random>/0-1/…
 *
 * `machine` is a hash of host name, boot and process namespace: in a folder that other machines or containers share there are pids that mean nothing here.
 */
export class SpillFolders {
  readonly #directory: string;
  readonly #folder: string;
  readonly #dropping = new Set<Promise<void>>();
  #lives = 0;

  constructor(directory: string | undefined) {
    this.#directory = directory ?? tmpdir();
    this.#folder = join(
      this.#directory,
      `${prefix}${machine()}-${process.pid}-${startOf(process.pid) ?? 0}-${randomBytes(6).toString('hex')}`,
    );
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
const namePattern = /^heddle-spill-([0-9a-f]+)-(\d+)-(\d+)-[0-9a-f]+$/;

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
    const [, where, pid, start] = namePattern.exec(name) ?? [];
    if (where !== machine() || isRunning(Number(pid), Number(start))) continue;
    await removeWhole(join(directory, name));
  }
}

/** Whether a process lives, and is the one that began then. In doubt it does. */
function isRunning(pid: number, start: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
  const found = startOf(pid);
  return found === undefined || start === 0 || found === start;
}

/** When a process began, in ticks since the machine did; known on Linux. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return undefined;
  }
}

let machineHash: string | undefined;

function machine(): string {
  machineHash ??= createHash('sha256')
    .update([hostname(), readText('/proc/sys/kernel/random/boot_id'), readLink('/proc/self/ns/pid')].join('\n'))
    .digest('hex')
    .slice(0, 12);
  return machineHash;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
