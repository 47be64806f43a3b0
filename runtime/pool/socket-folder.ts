import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { isLeftBehind, ownName } from '../own-name.ts';

/**
 * Where the sockets lie by which worker processes reach each other: a folder that only this user can enter, there while any of its processes lives.
 * The caller removes it when the last has ended, or at its own exit; processes whose caller is gone remove it as they end; what a crash of
 * them all leaves behind, the next caller removes. Windows has named pipes instead, which need no folder.
 */
export class SocketFolder {
  #path: string | undefined;
  #uses = 0;
  #next = 0;

  /** The folder, and a fresh address in it; `done` lets go of both. */
  enter(): { readonly folder: string; readonly address: string; readonly done: () => void } {
    this.#path ??= makeFolder();
    const folder = this.#path;
    const name = `${this.#next++}`;
    this.#uses++;
    return {
      folder,
      address: process.platform === 'win32' ? `\\\\.\\pipe\\${basename(folder)}-${name}` : join(folder, name),
      done: () => {
        if (process.platform !== 'win32') rmSync(join(folder, name), { force: true });
        if (--this.#uses > 0) return;
        this.#path = undefined;
        removeFolder(folder);
      },
    };
  }
}

const prefix = 'heddle-sockets-';
const open = new Set<string>();

function makeFolder(): string {
  if (open.size === 0) {
    process.on('exit', removeAll);
    removeStale();
  }
  const folder = mkdtempSync(join(tmpdir(), ownName(prefix))); // mode 0700
  open.add(folder);
  return folder;
}

function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  open.delete(folder);
  if (open.size === 0) process.off('exit', removeAll);
}

function removeAll(): void {
  for (const folder of open) rmSync(folder, { recursive: true, force: true });
}

/** Folders of processes that are no more. */
function removeStale(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!isLeftBehind(name, prefix)) continue;
    try {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    } catch {
      // another user's, or another process was faster
    }
  }
}
