import { realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The scripts that a process began with. Importing one again in a worker would start the program again, so nothing is ever taken from them
 * by reference, nor from a module whose imports lead to one.
 */
const entries = new Set<string>();
let readArgument: string | undefined;

/** Real paths of the entry scripts. */
export function entryPaths(): ReadonlySet<string> {
  const argument = process.argv[1];
  if (argument !== undefined && argument !== readArgument) {
    readArgument = argument;
    const found = fileOf(resolve(argument));
    if (found !== undefined) entries.add(found);
  }
  return entries;
}

/** Adds one that this thread cannot know: a worker is told its process's entry. */
export function addEntry(path: string): void {
  entries.add(path);
}

const endings = ['', '.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '/index.js', '/index.ts'];

function fileOf(path: string): string | undefined {
  for (const ending of endings) {
    try {
      if (statSync(path + ending).isFile()) return realpathSync(path + ending);
    } catch {
      // the next ending
    }
  }
  return undefined;
}
