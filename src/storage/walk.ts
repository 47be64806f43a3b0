/**
 * Which local files a directory or a glob stands for. Hidden files count like any other. A link to a file is a file; a link to a directory is followed after all real directories have
 * been seen, and each real directory is looked into once: no file is missed, none is read twice through a link, and circles of links end.
 *
 *     data/ ─ 2015/ ─ a.csv                  data/2015/a.csv
 *           ├ latest → 2015   (seen)         data/old/b.csv
 *           └ old → /archive  (followed)
 */
import { type Dirent, readdir as readdirWithCallback, realpath as realpathWithCallback } from 'node:fs';
import { promisify } from 'node:util';
import type { Glob, GlobStep } from './globs.ts';
import { forEachInLanes } from './lanes.ts';
import { holdsNothing, statListed } from './stat.ts';
import { codeOf, storageError } from './storage-error.ts';

const readdir = promisify(readdirWithCallback) as (path: string, options: { withFileTypes: true }) => Promise<Dirent[]>;
const realpath = promisify(realpathWithCallback) as (path: string) => Promise<string>;

/** Files that a write has not finished, or that a killed worker left: no listing shows them. */
export const unfinishedFile: RegExp = /^\.heddle-[0-9a-f]{32}\.tmp$/;

interface Directory {
  /** As it will be shown; ends with `/`. */
  readonly path: string;
  /** Without links; ends with `/`. */
  readonly real: string;
}

/** Every file below a directory whose name passes; paths in any order. */
export async function walk(root: string, accepts: (name: string) => boolean, signal?: AbortSignal): Promise<string[]> {
  return (await walkTree(root, accepts, signal)).files;
}

/** `root` ends with `/`. */
async function walkTree(
  root: string,
  accepts: (name: string) => boolean,
  signal?: AbortSignal,
): Promise<{ files: string[]; directories: string[] }> {
  const files: string[] = [];
  const directories: string[] = [];
  const seen = new Set<string>();
  let open = [root];
  // One round for the tree itself, then one for each generation of links that were met: sorted, so that which of two links is followed does not depend on the disk's order.
  while (open.length > 0) {
    const links: string[] = [];
    for (const start of open.sort()) {
      const real = await realDirectory(start);
      if (real === undefined || seen.has(real)) continue;
      const queue: Directory[] = [{ path: start, real }];
      seen.add(real);
      await forEachInLanes(
        queue,
        async (directory) => {
          directories.push(directory.path);
          for (const entry of await entriesOf(directory.path)) {
            const path = directory.path + entry.name;
            if (entry.isFile()) {
              if (accepts(entry.name) && !unfinishedFile.test(entry.name)) files.push(path);
            } else if (entry.isDirectory()) {
              const below = { path: `${path}/`, real: `${directory.real}${entry.name}/` };
              if (seen.has(below.real)) continue;
              seen.add(below.real);
              queue.push(below);
            } else if (entry.isSymbolicLink()) links.push(path);
          }
        },
        signal,
      );
    }
    open = [];
    const targets = await statListed(links, signal);
    for (const [i, link] of links.entries()) {
      if (targets[i]?.isDirectory()) open.push(`${link}/`);
      else if (targets[i]?.isFile() && accepts(link.slice(link.lastIndexOf('/') + 1))) files.push(link);
    }
  }
  return { files, directories };
}

async function realDirectory(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    return real.endsWith('/') ? real : `${real}/`;
  } catch (cause) {
    if (holdsNothing.has(codeOf(cause))) return undefined;
    throw storageError('list', path, cause);
  }
}

async function entriesOf(directory: string): Promise<Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (cause) {
    if (holdsNothing.has(codeOf(cause))) return [];
    throw storageError('list', directory, cause);
  }
}

/** Candidates for what a glob matches: each still has to be looked at, for a last plain name may not exist and a link may lead to a directory. */
export async function expandGlob({ prefix, steps }: Glob, signal?: AbortSignal): Promise<string[]> {
  let directories = [prefix];
  for (const [position, step] of steps.entries()) {
    const isLast = position === steps.length - 1;
    const next = steps[position + 1];
    if (step.kind === 'deep' && (isLast || position === steps.length - 2)) {
      return await walkAll(directories, next === undefined ? () => true : nameTest(next), signal);
    }
    const found: string[] = [];
    await forEachInLanes(
      directories,
      async (directory) => {
        if (step.kind === 'name') found.push(directory + step.name + (isLast ? '' : '/'));
        else if (step.kind === 'deep') found.push(...(await walkTree(directory, () => false, signal)).directories);
        else {
          for (const entry of await entriesOf(directory)) {
            if (!step.matches(entry.name) || unfinishedFile.test(entry.name)) continue;
            if (isLast ? !entry.isDirectory() : entry.isDirectory() || entry.isSymbolicLink())
              found.push(directory + entry.name + (isLast ? '' : '/'));
          }
        }
      },
      signal,
    );
    directories = [...new Set(found)];
  }
  return directories;
}

async function walkAll(directories: readonly string[], accepts: (name: string) => boolean, signal?: AbortSignal): Promise<string[]> {
  const found = new Set<string>();
  for (const directory of directories) for (const path of await walk(directory, accepts, signal)) found.add(path);
  return [...found];
}

function nameTest(step: GlobStep): (name: string) => boolean {
  if (step.kind === 'name') return (name) => name === step.name;
  if (step.kind === 'match') return step.matches;
  return () => true;
}
