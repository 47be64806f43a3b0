import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyValue } from '../../graph/index.ts';
import { isHandle } from '../inspect/values.ts';
import { UsageError } from './command.ts';

/** Loads a module and finds the Values among its exports: Values themselves, and those in arrays, plain objects, Maps and Sets. */
export async function loadValues(file: string, names: readonly string[] | undefined): Promise<AnyValue[]> {
  const exports = await loadModule(file);
  for (const name of names ?? []) {
    if (!exports.has(name))
      throw new UsageError(`${file} has no export ${JSON.stringify(name)} (it has: ${[...exports.keys()].join(', ') || 'none'})`);
  }
  const roots: unknown[] = [];
  for (const [name, thing] of exports) if (names === undefined || names.includes(name)) roots.push(await thing); // an export may be a Promise of Values
  const values = findValues(roots);
  if (values.length === 0) {
    const where = names === undefined ? `the exports of ${file}` : `export ${names.join(', ')} of ${file}`;
    throw new UsageError(`there is no Value among ${where}; export what a lazy function gives: export const total = merge(parts)`);
  }
  return values;
}

async function loadModule(file: string): Promise<Map<string, unknown>> {
  const path = resolve(file);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(error.code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read: ${error.message}`);
  });
  if (!found.isFile()) throw new UsageError(`${file} is no file; give the module that exports the Values`);
  if (/\.[cm]?tsx?$/.test(path)) await prepareTypeScript(path, file);
  const loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const exports = new Map(Object.entries(loaded));
  // CommonJS: what Node could not name is on the default export
  const whole = exports.get('default');
  if (isPlain(whole) && !isHandle(whole))
    for (const [name, thing] of Object.entries(whole)) if (!exports.has(name)) exports.set(name, thing);
  exports.delete('module.exports');
  return exports;
}

/** tsx of the user's own project reads TypeScript; so does Node itself from version 22.18 on. */
async function prepareTypeScript(path: string, file: string): Promise<void> {
  const near = createRequire(path);
  let folder: string;
  try {
    folder = dirname(near.resolve('tsx/package.json'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    if ((process.features as { typescript?: unknown }).typescript) return;
    throw new UsageError(
      `${file} is TypeScript, which this Node cannot read by itself; install tsx beside it (npm install --save-dev tsx), or give the compiled JavaScript`,
    );
  }
  // by their files: `import()` of what require.resolve finds would get the CommonJS build of the ESM hooks
  const esm = (await import(pathToFileURL(join(folder, 'dist/esm/api/index.mjs')).href)) as { register(): unknown };
  const cjs = near('tsx/cjs/api') as { register(): unknown };
  esm.register();
  cjs.register();
}

function findValues(roots: readonly unknown[]): AnyValue[] {
  const values = new Set<AnyValue>();
  const seen = new Set<object>();
  const stack = [...roots].reverse();
  while (stack.length > 0) {
    const thing = stack.pop();
    if (typeof thing !== 'object' || thing === null || seen.has(thing)) continue;
    seen.add(thing);
    if (isHandle(thing)) values.add(thing);
    else stack.push(...itemsOf(thing).reverse());
  }
  return [...values];
}

function itemsOf(thing: object): unknown[] {
  if (Array.isArray(thing)) return [...thing];
  if (thing instanceof Map) return [...thing.values()];
  if (thing instanceof Set) return [...thing];
  return isPlain(thing) ? Object.values(thing) : [];
}

function isPlain(thing: unknown): thing is Record<string, unknown> {
  if (typeof thing !== 'object' || thing === null) return false;
  const prototype: unknown = Object.getPrototypeOf(thing);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
