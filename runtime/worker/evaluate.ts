import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

/** Lets evaluated text import as a module of its file would. */
const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER;

let warm: Promise<void> | undefined;

/** Node warns at the first such import of a thread that this is new; that is ours to know and not the user's. */
export function warmUp(): Promise<void> {
  warm ??= (async () => {
    const { emitWarning } = process;
    process.emitWarning = ((warning: string | Error, ...rest: never[]) => {
      if (!String(warning).includes('USE_MAIN_CONTEXT_DEFAULT_LOADER')) emitWarning.call(process, warning, ...rest);
    }) as typeof process.emitWarning;
    try {
      await (evaluate("import('node:module')", '') as Promise<unknown>);
    } finally {
      process.emitWarning = emitWarning;
    }
  })();
  return warm;
}

/** Evaluates text as if it stood at that place of that file (counted from 0). */
export function evaluate(source: string, filename: string, line = 0, column = 0): unknown {
  return new vm.Script(source, {
    filename: filename || '[lambda]',
    lineOffset: line,
    columnOffset: column,
    importModuleDynamically,
  }).runInThisContext();
}

/** Evaluates an expression with these variables. */
export function evaluateWith(source: string, filename: string, names: readonly string[], values: readonly unknown[]): unknown {
  const fn = evaluate(`(function(${names.join()}){return(${source}\n)})`, filename) as (...args: unknown[]) => unknown;
  return fn(...values);
}

type Importer = (specifier: string, options?: { readonly with: { readonly type: string } }) => Promise<unknown>;
const importers = new Map<string, Importer>();

/** `import(specifier)` as the module at `parent` would do it; it did load, so JSON came with its attribute there. */
export async function importFrom(parent: string, specifier: string): Promise<unknown> {
  let importer = importers.get(parent);
  if (importer === undefined) {
    importer = evaluate('(specifier,options)=>import(specifier,options)', parent) as Importer;
    importers.set(parent, importer);
  }
  try {
    return await importer(specifier);
  } catch (error) {
    const { code } = (error ?? {}) as { readonly code?: unknown };
    if (code !== 'ERR_IMPORT_ATTRIBUTE_MISSING' && code !== 'ERR_IMPORT_ASSERTION_TYPE_MISSING') throw error;
    return importer(specifier, { with: { type: 'json' } });
  }
}

/** What `import.meta` is in the module at `url`. */
export function metaOf(url: string): object {
  const isFile = url.startsWith('file:');
  const filename = isFile ? fileURLToPath(new URL(url)) : undefined;
  return {
    url,
    ...(filename !== undefined && { filename, dirname: dirname(filename) }),
    resolve: (specifier: string) => {
      if (/^(?:\.{0,2}\/|file:)/.test(specifier)) return new URL(specifier, url).href;
      const found = createRequire(filename ?? `${process.cwd()}/here.js`).resolve(specifier);
      return found.startsWith('/') || /^[A-Za-z]:\\/.test(found) ? new URL(`file://${found}`).href : found;
    },
  };
}
