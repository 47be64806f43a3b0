import { createRequire } from 'node:module';
import { entryPaths } from './entry.ts';
import { loaderOf } from './loader.ts';
import { reachesEntry } from './module-identity.ts';
import { type Resolved, resolve, resolveFile } from './resolve.ts';
import type { Binding } from './scope.ts';
import type { Located, Script } from './script.ts';

/** Where a worker finds a function by itself. */
export interface ModuleExport {
  readonly url: string;
  readonly file: string;
  /** `undefined`: the whole of what a CommonJS module exports. */
  readonly name: string | undefined;
  readonly cjs: boolean;
  readonly resolved: Resolved;
}

/** Whether a worker can load a file as it lies on disk. */
function isLoadable(file: string): boolean {
  if (!/\.([cm]?tsx?|jsx)$/.test(file)) return true;
  return (
    loaderOf() !== undefined ||
    ((process.features as { typescript?: unknown }).typescript !== undefined &&
      (process.features as { typescript?: unknown }).typescript !== false)
  );
}

/** What a specifier means, if importing it in a worker gives the same module and starts no program again; else what it names goes by value. */
export function travelsByImport(specifier: string, script: Script): Resolved | undefined {
  const resolved = specifier === script.url ? resolveFile(script.path) : resolve(specifier, script.path);
  // test runners and the like have resolvers of their own, which no worker has
  if (resolved.kind === 'unknown') return script.isVirtual ? undefined : resolved;
  if (resolved.kind === 'local' && (!isLoadable(resolved.file) || reachesEntry(resolved))) return undefined;
  return resolved;
}

/** The export of its module that a function is, unless the module must not be loaded again. */
export function moduleExport(fn: object, { script, site }: Located): ModuleExport | undefined {
  if (!script.isFile || site.unit.alone) return undefined;
  const found = script.isModule ? esmExport(site) : cjsExport(fn, script);
  if (found === undefined) return undefined;
  const file = script.path;
  if (entryPaths().has(file) || !isLoadable(file)) return undefined;
  const resolved = resolveFile(file);
  if (reachesEntry(resolved)) return undefined;
  return { url: script.url, file, name: found.name, cjs: !script.isModule, resolved };
}

/** A top-level function or class is made once, so its place says which export it is. */
function esmExport({ node, unit }: Located['site']): { readonly name: string } | undefined {
  for (const statement of unit.program.body) {
    if (statement.end <= node.start || statement.start > node.start) continue;
    if (statement.type === 'ExportDefaultDeclaration' && unwrapped(statement.declaration) === node) return { name: 'default' };
  }
  for (const binding of unit.table.top.bindings.values()) {
    const name = binding.exportedAs[0];
    if (name !== undefined && !binding.assigned && unwrapped(binding.init) === node) return { name };
  }
  return undefined;
}

/** esbuild's `__name(fn, 'name')` gives `fn` back. */
export function unwrapped(node: Binding['init']): Binding['init'] {
  if (node?.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === '__name' && node.arguments.length === 2)
    return unwrapped(node.arguments[0]);
  return node;
}

function cjsExport(fn: object, script: Script): { readonly name: string | undefined } | undefined {
  const module = createRequire(import.meta.url).cache[script.path];
  const exports: unknown = module?.exports;
  if (exports === fn) return { name: undefined };
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return undefined;
  for (const key of Object.keys(exports)) {
    const descriptor = Object.getOwnPropertyDescriptor(exports, key);
    if (descriptor?.value === fn) return { name: key };
    // compilers export through getters that only name a variable
    if (descriptor?.get !== undefined && isNamingGetter(descriptor.get)) {
      try {
        if (descriptor.get.call(exports) === fn) return { name: key };
      } catch {
        // its variable has no value yet
      }
    }
  }
  return undefined;
}

function isNamingGetter(getter: () => unknown): boolean {
  return /^(?:\(\)\s*=>\s*[\w$]+|(?:function\s*)?(?:get\s*)?[\w$]*\s*\(\)\s*\{\s*return\s+[\w$.]+;?\s*\})$/.test(
    Function.prototype.toString.call(getter),
  );
}
