import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as v8 from 'node:v8';
import type { Payload, PayloadNode } from '../../graph/index.ts';
import { builtRoot } from '../built-root.ts';

/** A function on its way to a cluster: what `restore` takes, and the user's own files that it imports. */
export interface ShippedDefinition {
  readonly payload: Uint8Array;
  /** Path on the client → text. */
  readonly files: ReadonlyMap<string, string>;
}

/** In the place of the client's copy of heddle: the worker's. */
export const ownPrefix = 'heddle:';

/**
 * Makes a payload fit this machine. The client's own files are used where they lie when they are here and alike (a shared disk); else all of them are laid out
 * in a folder of their own. Packages come from the `node_modules` nearest to where the worker was started.
 */
export function localise({ payload, files }: ShippedDefinition, cwd: string): Uint8Array {
  const table = v8.deserialize(payload) as Payload;
  const place = placeFiles(files);
  const moved = (path: string): string => (files.has(path) ? place(path) : existsSync(path) ? path : join(cwd, '[heddle].mjs'));
  const movedUrl = (url: string): string => {
    if (url.startsWith(ownPrefix)) return new URL(url.slice(ownPrefix.length), builtRoot).href;
    return url.startsWith('file:') ? pathToFileURL(moved(fileURLToPath(new URL(url)))).href : url;
  };
  const parentOf = (parent: string): string => (parent === '' ? parent : parent.startsWith('file:') ? movedUrl(parent) : moved(parent));
  const nodes = table.nodes.map((node): PayloadNode => {
    switch (node.kind) {
      case 'import':
        return node.parent === undefined || node.url.startsWith(ownPrefix)
          ? { kind: 'import', url: movedUrl(node.url), name: node.name }
          : { ...node, url: movedUrl(node.url), parent: parentOf(node.parent) };
      case 'file':
      case 'module':
        return { ...node, file: moved(node.file) };
      case 'require':
      case 'rerun':
        return { ...node, parent: parentOf(node.parent) };
      default:
        return node;
    }
  });
  return v8.serialize({ ...table, nodes } satisfies Payload);
}

/** Where each of some files is to be found. */
function placeFiles(files: ReadonlyMap<string, string>): (path: string) => string {
  if ([...files].every(([path, text]) => isAlike(path, text))) return (path) => path;
  const hash = createHash('sha256');
  for (const [path, text] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    hash.update(`${path.length} ${text.length}\n${path}\n${text}\n`);
  const root = fileURLToPath(new URL(`../files/${hash.digest('hex').slice(0, 24)}`, builtRoot));
  const place = (path: string): string => join(root, ...path.split(/[\\/]/).map((part) => part.replace(':', '')));
  if (!existsSync(root)) {
    const fresh = `${root}.${process.pid}.${Math.trunc(performance.now() * 1000)}`;
    for (const [path, text] of files) {
      const target = join(fresh, place(path).slice(root.length + sep.length));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    }
    const modules = fileURLToPath(new URL('../node_modules', builtRoot));
    if (existsSync(modules)) symlinkSync(modules, join(fresh, 'node_modules'));
    try {
      renameSync(fresh, root);
    } catch {
      // another thread was faster: its copy is as good
    }
  }
  return place;
}

function isAlike(path: string, text: string): boolean {
  try {
    return readFileSync(path, 'utf8') === text;
  } catch {
    return false;
  }
}
