import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { entryPaths } from './entry.ts';
import { type Resolved, resolve, resolveFile } from './resolve.ts';

/**
 * What a module is, wherever it lies: a package by name and version, a file of the user's own by its content and that of every local file
 * its imports lead to.
 *
 *     tasks.mjs ──▶ lib/parse.mjs ──▶ left-pad@1.3.0          text of tasks · text of parse · the package's name
 */
interface LocalFile {
  readonly stamp: string;
  readonly digest: string;
  /** In the order of the text. */
  readonly imports: readonly string[];
}

const files = new Map<string, LocalFile>();

/** Read again when size or time changed. */
function localFile(path: string): LocalFile {
  const { mtimeNs, size } = statSync(path, { bigint: true });
  const stamp = `${mtimeNs} ${size}`;
  const known = files.get(path);
  if (known?.stamp === stamp) return known;
  const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n');
  const found: LocalFile = { stamp, digest: createHash('sha256').update(text).digest('hex'), imports: specifiersOf(text) };
  files.set(path, found);
  return found;
}

const importing =
  /\b(?:from|import|require)\s*\(?\s*(?:'([^'\n]+)'|"([^"\n]+)"|`([^`$\n]+)`)|\bnew\s+URL\s*\(\s*(?:'([^'\n]+)'|"([^"\n]+)")\s*,\s*import\.meta\.url/g;

/** Everything that looks like an import, TypeScript too. One inside a comment costs nothing: it counts only where it leads to a file. */
export function specifiersOf(text: string): string[] {
  const found = new Set<string>();
  for (const [, a, b, c, d, e] of text.matchAll(importing)) found.add((a ?? b ?? c ?? d ?? e) as string);
  return [...found];
}

interface Closure {
  readonly identity: string;
  readonly files: readonly string[];
  readonly stamps: readonly string[];
}

const closures = new Map<string, Closure>();
/** Files are looked at again once in a synchronous turn, so that thousands of captures in a row read no disk. */
let checkedInTurn: Set<string> | undefined;

function closureOf(root: string): Closure {
  const known = closures.get(root);
  if (known && checkedInTurn?.has(root)) return known;
  if (checkedInTurn === undefined) {
    checkedInTurn = new Set();
    setImmediate(() => {
      checkedInTurn = undefined;
    }).unref();
  }
  checkedInTurn.add(root);
  if (known?.files.every((file, i) => stampOf(file) === known.stamps[i])) return known;
  const order = new Map<string, number>([[root, 0]]);
  const hash = createHash('sha256');
  const stamps: string[] = [];
  for (const file of order.keys()) {
    const { digest, imports, stamp } = localFile(file);
    stamps.push(stamp);
    hash.update(`\nfile ${digest}`);
    for (const specifier of imports) {
      const target = resolve(specifier, file);
      if (target.kind === 'local') {
        if (!order.has(target.file)) order.set(target.file, order.size); // a Map visits what is added while it is walked
        hash.update(`\n  local ${order.get(target.file)}`);
      } else if (target.kind === 'package') hash.update(`\n  package ${target.identity}`);
    }
  }
  const closure: Closure = { identity: hash.digest('hex').slice(0, 32), files: [...order.keys()], stamps };
  closures.set(root, closure);
  return closure;
}

function stampOf(file: string): string {
  try {
    const { mtimeNs, size } = statSync(file, { bigint: true });
    return `${mtimeNs} ${size}`;
  } catch {
    return 'gone';
  }
}

/** A text that changes whenever the module's meaning may, and is equal wherever it lies. `undefined`: nobody knows what it is. */
export function moduleIdentity(resolved: Resolved): string | undefined {
  switch (resolved.kind) {
    case 'builtin':
      return `node:${resolved.name}`;
    case 'package':
      return `package:${resolved.identity}`;
    case 'local':
      return `file:${closureOf(resolved.file).identity}`;
    case 'unknown':
      return undefined;
  }
}

/** A file's identity. */
export function fileIdentity(file: string): string {
  return moduleIdentity(resolveFile(file)) as string;
}

/** Whether importing it would start the program again. */
export function reachesEntry(resolved: Resolved): boolean {
  if (resolved.kind !== 'local') return false;
  const entries = entryPaths();
  if (entries.size === 0) return false;
  return closureOf(resolved.file).files.some((file) => entries.has(file));
}

/** The local files a module leads to, itself first. */
export function localFiles(resolved: Resolved): readonly string[] {
  return resolved.kind === 'local' ? closureOf(resolved.file).files : [];
}

/** The user's own files that an import leads to: of a URL or path, or of a specifier in the module at `parent`. None for packages and builtins. */
export function localFilesOf(specifier: string, parent?: string): readonly string[] {
  return localFiles(resolve(specifier, parent === undefined || parent === '' ? `${process.cwd()}/here.js` : pathOfUrl(parent)));
}

/** The path of a module's URL; other URLs stay as they are. */
export function pathOfUrl(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(new URL(url)) : url;
}
