import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from '@swc/core';
import { errorCodes } from '../graph/errors.ts';

/** The floors and doors of the house, read from the code's own imports. */
const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const floors = ['graph', 'runtime', 'src'] as const;
type Floor = (typeof floors)[number];

interface SourceFile {
  /** From the root: `graph/token.ts`. */
  readonly path: string;
  readonly floor: Floor;
  readonly text: string;
  readonly imports: readonly string[];
}

function sourcesOf(floor: Floor): SourceFile[] {
  return readdirSync(join(root, floor), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = `${floor}/${name.replaceAll('\\', '/')}`;
      const text = readFileSync(join(root, path), 'utf8');
      return { path, floor, text, imports: importsOf(text) };
    });
}

/** Specifiers of static, dynamic and re-exporting imports. */
function importsOf(text: string): string[] {
  const found: string[] = [];
  const look: unknown[] = [parseSync(text, { syntax: 'typescript', target: 'es2022' })];
  for (let node = look.pop(); node !== undefined; node = look.pop()) {
    if (Array.isArray(node)) look.push(...node);
    else if (typeof node === 'object' && node !== null) {
      const { type, source, callee } = node as { type?: string; source?: { value?: string }; callee?: { type?: string } };
      if (
        (type === 'ImportDeclaration' || type === 'ExportNamedDeclaration' || type === 'ExportAllDeclaration') &&
        source?.value !== undefined
      )
        found.push(source.value);
      if (type === 'CallExpression' && callee?.type === 'Import') {
        const [first] = (node as { arguments: { expression: { type: string; value: string } }[] }).arguments;
        if (first?.expression.type === 'StringLiteral') found.push(first.expression.value);
      }
      look.push(...Object.values(node));
    }
  }
  return found;
}

const sources = floors.flatMap(sourcesOf);

/** A relative import as a path from the root. */
function target(file: SourceFile, specifier: string): string | undefined {
  return specifier.startsWith('.') ? relative(root, resolve(root, dirname(file.path), specifier)).replaceAll('\\', '/') : undefined;
}

describe('the house', () => {
  it('has files on every floor', () => {
    for (const floor of floors) expect(sources.filter((file) => file.floor === floor).length).toBeGreaterThan(10);
  });

  it('asks nothing of a floor above', () => {
    const upward = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => {
          const to = target(file, specifier)?.split('/')[0] as Floor | undefined;
          return to !== undefined && floors.includes(to) && floors.indexOf(to) > floors.indexOf(file.floor);
        })
        .map((specifier) => `${file.path} → ${specifier}`),
    );
    expect(upward).toEqual([]);
  });

  it('enters a floor below by its door', () => {
    const windows = sources.flatMap((file) =>
      file.imports
        .filter((specifier) => {
          const to = target(file, specifier);
          return to !== undefined && to.split('/')[0] !== file.floor && to !== 'graph/index.ts' && to !== 'runtime/index.ts';
        })
        .map((specifier) => `${file.path} → ${specifier}`),
    );
    expect(windows).toEqual([]);
  });

  it('keeps graph pure: of Node it uses crypto, and inside function/ what tells it what a function is', () => {
    const allowed = new Set(['node:crypto', 'node:util', 'node:module']);
    const allowedInside = new Set([
      ...allowed,
      'node:inspector',
      'node:vm',
      'node:fs',
      'node:path',
      'node:url',
      'node:v8',
      'node:process',
      'node:worker_threads',
    ]);
    const others = sources
      .filter((file) => file.floor === 'graph')
      .flatMap((file) =>
        file.imports
          .filter((one) => one.startsWith('node:') && !(file.path.startsWith('graph/function/') ? allowedInside : allowed).has(one))
          .map((one) => `${file.path} → ${one}`),
      );
    expect(others).toEqual([]);
  });

  it('decides in the scheduler without clock, chance, timers or locale', () => {
    const forbidden =
      /\b(Date|performance|Math\.random|setTimeout|setInterval|setImmediate|queueMicrotask|localeCompare|Intl|WeakRef|FinalizationRegistry|process)\b/;
    for (const file of sources.filter((one) => one.path.startsWith('runtime/scheduler/'))) {
      const code = file.text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      expect([file.path, forbidden.exec(code)?.[0]]).toEqual([file.path, undefined]);
    }
  });

  it('takes no heap snapshot: one that is pending when its worker ends crashes the process', () => {
    expect(sources.filter((file) => file.text.includes('getHeapSnapshot')).map((file) => file.path)).toEqual([]);
  });

  it('has no file that needs a map', () => {
    expect(sources.filter((file) => file.text.split('\n').length > 401).map((file) => file.path)).toEqual([]);
  });

  it('loads heavy packages at first use only', () => {
    const heavy =
      /^(acorn|object-hash|@dagrejs\/graphlib|@hpcc-js\/wasm-graphviz|commander|picomatch|@jridgewell\/trace-mapping|@aws-sdk\/.*|undici|node:inspector)$/;
    const eager = sources
      .filter((file) => !file.path.startsWith('src/cli/'))
      .flatMap((file) =>
        [...file.text.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)'/gms)]
          .map((match) => match[1]!)
          .filter((one) => heavy.test(one))
          .map((one) => `${file.path} → ${one}`),
      );
    expect(eager).toEqual([]);
  });

  it('lists every error code it throws, and throws every one it lists', () => {
    const listed = new Set<string>(errorCodes);
    const used = new Set(
      sources
        .filter((file) => file.path !== 'graph/errors.ts')
        .flatMap((file) => [...file.text.matchAll(/'(ERR_[A-Z_]+)'/g)].map((match) => match[1]!)),
    );
    const nodes = new Set([...used].filter((code) => !listed.has(code)));
    for (const code of nodes)
      expect(code).toMatch(
        /^ERR_(MODULE_NOT_FOUND|IMPORT_ATTRIBUTE_MISSING|IMPORT_ASSERTION_TYPE_MISSING|PACKAGE_PATH_NOT_EXPORTED|UNSUPPORTED_.*|INSPECTOR_.*|REQUIRE_.*|ACCESS_DENIED|UNKNOWN_FILE_EXTENSION|UNKNOWN_BUILTIN_MODULE|INVALID_.*|VM_.*|WORKER_.*|BUFFER_.*|_?ERR_.*|PADDING.*|OUT_OF_RANGE)$/,
      );
  });
});
