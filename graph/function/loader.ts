import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** How this process loads TypeScript, in so far as a worker must be told. */
export interface LoaderInfo {
  readonly kind: 'tsx' | 'ts-node';
  /** Modules whose `register()` starts it; `import` for ESM, `require` for CommonJS. */
  readonly esm: string | undefined;
  readonly cjs: string;
}

let found: LoaderInfo | null | undefined;

/** Which TypeScript loader this process runs under. tsx does not start by itself in worker threads. */
export function loaderOf(): LoaderInfo | undefined {
  if (found === undefined) found = detect() ?? null;
  return found ?? undefined;
}

/** In a worker: the loader that its process told. */
export function rememberLoader(info: LoaderInfo): void {
  found = info;
}

function detect(): LoaderInfo | undefined {
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  const mention = words.find((word) => /(?:^|[\\/=])tsx(?:$|[\\/@])/.test(word));
  if (mention !== undefined) {
    const root = tsxRoot(mention);
    if (root !== undefined)
      return { kind: 'tsx', esm: pathToFileURL(join(root, 'dist/esm/api/index.mjs')).href, cjs: join(root, 'dist/cjs/api/index.cjs') };
  }
  if (Object.hasOwn(process, Symbol.for('ts-node.register.instance'))) {
    try {
      return { kind: 'ts-node', esm: undefined, cjs: requireHere().resolve('ts-node/register/transpile-only') };
    } catch {
      return undefined;
    }
  }
  return undefined;
}

function requireHere(): NodeJS.Require {
  return createRequire(process.argv[1] ?? join(process.cwd(), 'here.js'));
}

/** The option names the file that was preloaded, or the package. */
function tsxRoot(mention: string): string | undefined {
  const word = mention.replace(/^--?[\w-]+=/, '');
  const path = word.startsWith('file:') ? fileURLToPath(word) : word;
  const inside = /^(.*[\\/]tsx)[\\/]dist[\\/]/.exec(path);
  if (inside !== null) return inside[1];
  for (const require of [requireHere(), createRequire(join(process.cwd(), 'here.js'))]) {
    try {
      return require.resolve('tsx/package.json').replace(/[\\/]package\.json$/, '');
    } catch {
      // the other place
    }
  }
  return undefined;
}
