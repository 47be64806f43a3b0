import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Names for folders in a place that others use, too: they say whose a folder is, so what a killed process left is known from what a living one has.
 *
 *     <prefix><machine>-<pid>-<start>-<random>
 *
 * `machine` is a hash of host name, boot and process namespace: in a folder that other machines or containers share there are pids that mean nothing here.
 */

/** The beginning of a name of this process; whoever makes the folder adds some letters by chance. */
export function ownName(prefix: string): string {
  return `${prefix}${machine()}-${process.pid}-${startOf(process.pid) ?? 0}-`;
}

/** Whether a folder of this name belongs to a process of this machine that is no more. */
export function isLeftBehind(name: string, prefix: string): boolean {
  if (!name.startsWith(prefix)) return false;
  const [, where, pid, start] = /^([0-9a-f]+)-(\d+)-(\d+)-\w+$/.exec(name.slice(prefix.length)) ?? [];
  return where === machine() && !isRunning(Number(pid), Number(start));
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
