import { readFileSync, realpathSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, resolve as resolvePath, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a specifier means, as far as identity goes: no loader is asked, nothing is run. */
export type Resolved =
  | { readonly kind: 'builtin'; readonly name: string }
  /** A file of the user's own, by its real path. */
  | { readonly kind: 'local'; readonly file: string }
  /** An installed package; `name@version/subpath`. */
  | { readonly kind: 'package'; readonly identity: string }
  | { readonly kind: 'unknown'; readonly specifier: string };

interface Manifest {
  readonly directory: string;
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly main: unknown;
  readonly exports: unknown;
  readonly imports: unknown;
}

const manifests = new Map<string, Manifest | null>();

/** The package.json of a directory; read once. */
function manifestAt(directory: string): Manifest | undefined {
  let found = manifests.get(directory);
  if (found === undefined) {
    found = null;
    try {
      const json: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      if (typeof json === 'object' && json !== null) {
        const { name, version, main, exports, imports } = json as Record<string, unknown>;
        found = {
          directory,
          name: typeof name === 'string' ? name : undefined,
          version: typeof version === 'string' ? version : undefined,
          main,
          exports,
          imports,
        };
      }
    } catch {
      // no package here
    }
    manifests.set(directory, found);
  }
  return found ?? undefined;
}

function* upwards(from: string): Generator<string> {
  for (let at = from; ; at = dirname(at)) {
    yield at;
    if (dirname(at) === at) return;
  }
}

/** The named package a file belongs to. */
function packageOf(file: string): Manifest | undefined {
  for (const directory of upwards(dirname(file))) {
    const manifest = manifestAt(directory);
    if (manifest?.name !== undefined) return manifest;
  }
  return undefined;
}

const ownRoot = packageOf(fileURLToPath(import.meta.url))?.directory;

/** Installed packages, and heddle itself, are known by name and version; all else by content. */
function classify(file: string): Resolved {
  let real = file;
  try {
    real = realpathSync(file);
  } catch {
    // gone since; its path will do
  }
  const installed = real.includes(`${sep}node_modules${sep}`);
  if (installed || (ownRoot !== undefined && real.startsWith(join(ownRoot, 'dist') + sep))) {
    const owner = packageOf(real);
    if (owner?.name !== undefined)
      return {
        kind: 'package',
        identity: `${owner.name}@${owner.version ?? '0'}/${real
          .slice(owner.directory.length + 1)
          .split(sep)
          .join('/')}`,
      };
  }
  return { kind: 'local', file: real };
}

/** What a file is. */
export function resolveFile(file: string): Resolved {
  return classify(file);
}

const memo = new Map<string, Resolved>();

/** What `specifier` means in the module at `parent` (a path). */
export function resolve(specifier: string, parent: string): Resolved {
  const key = `${dirname(parent)}\0${specifier}`;
  let found = memo.get(key);
  if (found === undefined) {
    found = look(specifier, parent);
    if (found.kind !== 'unknown') memo.set(key, found); // what is missing may come
  }
  return found;
}

function look(specifier: string, parent: string): Resolved {
  if (isBuiltin(specifier)) return { kind: 'builtin', name: specifier.replace(/^node:/, '') };
  const unknown: Resolved = { kind: 'unknown', specifier };
  if (specifier.startsWith('file:')) {
    const file = existing(fileURLToPath(specifier));
    return file === undefined ? unknown : classify(file);
  }
  if (/^\.{0,2}\//.test(specifier) || specifier === '.' || specifier === '..' || isAbsolute(specifier)) {
    const file = existing(resolvePath(dirname(parent), specifier.replace(/[?#].*$/, '')));
    return file === undefined ? unknown : classify(file);
  }
  const own = packageOf(parent);
  if (specifier.startsWith('#')) {
    const target = own && pick(own.imports, specifier);
    if (target === undefined || own === undefined) return unknown;
    return target.startsWith('.') ? look(`./${target.slice(2)}`, join(own.directory, 'package.json')) : look(target, parent);
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(specifier)) return unknown;
  const [, name = specifier, rest = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(specifier) ?? [];
  for (const manifest of packagesNamed(name, parent, own)) {
    const file = entryOf(manifest, rest);
    const known = file === undefined ? undefined : classify(file);
    if (known?.kind === 'local') return known;
    if (manifest.directory.includes(`${sep}node_modules${sep}`) || manifest.directory === ownRoot)
      return { kind: 'package', identity: `${name}@${manifest.version ?? '0'}${rest}` };
  }
  return unknown;
}

function* packagesNamed(name: string, parent: string, own: Manifest | undefined): Generator<Manifest> {
  if (own?.name === name && own.exports !== undefined) yield own;
  for (const directory of upwards(dirname(parent))) {
    let real: string;
    try {
      real = realpathSync(join(directory, 'node_modules', name));
    } catch {
      continue;
    }
    const manifest = manifestAt(real);
    if (manifest !== undefined) yield manifest;
  }
}

function entryOf(manifest: Manifest, rest: string): string | undefined {
  if (manifest.exports !== undefined) {
    const target = pick(manifest.exports, `.${rest}`);
    return target === undefined ? undefined : existing(join(manifest.directory, target));
  }
  if (rest !== '') return existing(join(manifest.directory, rest));
  return existing(join(manifest.directory, typeof manifest.main === 'string' ? manifest.main : 'index.js'));
}

const conditions = new Set(['node', 'import', 'require', 'module-sync', 'default']);

/** The target of `exports` or `imports`, by Node's rules; of several conditions the first that Node may take. */
function pick(map: unknown, key: string): string | undefined {
  if (typeof map === 'string' || Array.isArray(map)) return key === '.' ? target(map, '') : undefined;
  if (typeof map !== 'object' || map === null) return undefined;
  const entries = Object.entries(map);
  if (!entries.some(([name]) => name.startsWith('.') || name.startsWith('#'))) return key === '.' ? target(map, '') : undefined;
  const exact = entries.find(([name]) => name === key);
  if (exact !== undefined) return target(exact[1], '');
  let best: readonly [string, unknown] | undefined;
  for (const entry of entries) {
    const [before = '', after] = entry[0].split('*');
    if (
      after !== undefined &&
      key.startsWith(before) &&
      key.endsWith(after) &&
      key.length > before.length + after.length &&
      before.length > (best?.[0].indexOf('*') ?? -1)
    )
      best = entry;
  }
  if (best === undefined) return undefined;
  const [before = '', after = ''] = best[0].split('*');
  return target(best[1], key.slice(before.length, key.length - after.length));
}

function target(entry: unknown, star: string): string | undefined {
  if (typeof entry === 'string') return entry.replaceAll('*', star);
  if (Array.isArray(entry)) return entry.map((one) => target(one, star)).find((one) => one !== undefined);
  if (typeof entry !== 'object' || entry === null) return undefined;
  for (const [condition, inner] of Object.entries(entry)) {
    const found = conditions.has(condition) ? target(inner, star) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const endings = [
  '',
  '.js',
  '.mjs',
  '.cjs',
  '.json',
  '.ts',
  '.mts',
  '.cts',
  '.tsx',
  '.jsx',
  '/index.js',
  '/index.ts',
  '/index.mjs',
  '/index.cjs',
];

/** The file a path stands for: as it is, the TypeScript it is made from, or with an ending. */
function existing(path: string): string | undefined {
  if (isFile(path)) return path;
  const typed = path.replace(/\.([cm]?)js(x?)$/, '.$1ts$2');
  if (typed !== path && isFile(typed)) return typed;
  for (const ending of endings) if (ending !== '' && isFile(path + ending)) return path + ending;
  return undefined;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
