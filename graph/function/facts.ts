import { createRequire } from 'node:module';
import { resolve as resolvePath } from 'node:path';
import { type Look, look, NoInspectorError } from './inspect.ts';
import { moduleExport, travelsByImport } from './module.ts';
import { type FreeVariable, type FunctionSite, type Mark, type Needs, needs } from './parse.ts';
import { Problem } from './problem.ts';
import { rerunOf } from './rerun.ts';
import type { Resolved } from './resolve.ts';
import type { Binding } from './scope.ts';
import { type Located, locate, runningScript, type Script } from './script.ts';
import { prepare } from './text.ts';
import { isStandardGlobal, type KnownPath, wellKnown } from './well-known.ts';

/** A variable that a function takes from outside, and how a worker gets it. */
export type Variable =
  | {
      readonly kind: 'value';
      readonly name: string;
      readonly value: unknown;
      /** It never has another value. */
      readonly constant: boolean;
      /** This function assigns it. */
      readonly written: boolean;
      /** The same for functions that share the variable; `undefined`: nobody assigns it. */
      readonly cell: string | undefined;
      /** The cell's name says which variable it is, not only which declaration. */
      readonly single: boolean;
      readonly offset: number;
    }
  | {
      readonly kind: 'import';
      readonly name: string;
      readonly parent: string;
      readonly specifier: string;
      readonly imported: string;
      readonly resolved: Resolved;
      readonly offset: number;
    }
  | { readonly kind: 'require'; readonly name: string; readonly parent: string; readonly offset: number }
  | { readonly kind: 'module'; readonly name: string; readonly file: string; readonly offset: number }
  | {
      readonly kind: 'rerun';
      readonly name: string;
      readonly source: string;
      readonly parent: string;
      readonly uses: readonly Variable[];
      readonly requires: readonly Resolved[];
      readonly offset: number;
    };

/** A function whose text travels. */
export interface SourceFacts extends Located {
  readonly kind: 'source';
  readonly needs: Needs;
  /** By name. */
  readonly variables: readonly Variable[];
  readonly usesMeta: boolean;
  readonly constant: boolean;
}

/** What a function is. */
export type Facts =
  | { readonly kind: 'known'; readonly path: KnownPath }
  | { readonly kind: 'lazy'; readonly fn: unknown; readonly options: unknown }
  | { readonly kind: 'bound'; readonly target: unknown; readonly self: unknown; readonly args: readonly unknown[] }
  | {
      readonly kind: 'reference';
      readonly url: string;
      readonly file: string;
      readonly name: string | undefined;
      readonly cjs: boolean;
      readonly resolved: Resolved;
      readonly located: Located | undefined;
    }
  | SourceFacts;

/** LazyFunctions show under this symbol what they are made of: their function and their options. */
export const lazySymbol: symbol = Symbol.for('heddle.lazy');

const settled = new WeakMap<object, Facts>();

/** Looks at a function. What can never change is looked at once. Throws `Problem`. */
export function factsOf(fn: Fn): Facts {
  const known = settled.get(fn);
  if (known !== undefined) return known;
  const facts = lookAt(fn);
  if (facts.kind !== 'source' || facts.constant) settled.set(fn, facts);
  return facts;
}

export type Fn = (...args: never) => unknown;

function lookAt(fn: Fn): Facts {
  const parts = Reflect.get(fn, lazySymbol) as { readonly fn: unknown; readonly options: unknown } | undefined;
  if (parts !== undefined) return { kind: 'lazy', fn: parts.fn, options: parts.options };
  let seen: Look;
  try {
    seen = look(fn);
  } catch (error) {
    if (!(error instanceof NoInspectorError)) throw error;
    const path = wellKnown(fn);
    return path === undefined ? withoutInspector(fn) : { kind: 'known', path };
  }
  if (runningScript(fn, seen) === undefined) {
    const path = wellKnown(fn);
    if (path !== undefined) return { kind: 'known', path };
  }
  if (seen.isProxy) throw new Problem('is a Proxy', 'use the object behind it');
  if (seen.bound !== undefined) return { kind: 'bound', ...seen.bound };
  let located: Located | undefined;
  try {
    located = locate(fn, seen);
  } catch (error) {
    throw new Problem(
      `is a function whose text cannot be parsed (${(error as Error).message})`,
      'move it into a module of its own and export it',
    );
  }
  if (located === undefined)
    throw new Problem(`is the native function ${nameOf(fn)}`, 'call it inside a function of your own, which gets it there');
  if (located.script.isInternal)
    throw new Problem(
      `is ${nameOf(fn)}, a function inside Node.js itself (${located.script.url})`,
      'get it inside the task, through its module',
    );
  const exported = moduleExport(fn, located);
  if (exported !== undefined) return { kind: 'reference', ...exported, located };
  return sourceFacts(located, seen);
}

/** The permission model leaves us what `require` has loaded. */
function withoutInspector(fn: Fn): Facts {
  const cache = createRequire(import.meta.url).cache;
  for (const [file, module] of Object.entries(cache)) {
    const exports: unknown = module?.exports;
    const found =
      exports === fn
        ? ''
        : typeof exports === 'object' && exports !== null
          ? Object.keys(exports).find((key) => Object.getOwnPropertyDescriptor(exports, key)?.value === fn)
          : undefined;
    if (found !== undefined)
      return {
        kind: 'reference',
        url: file,
        file,
        name: found || undefined,
        cjs: true,
        resolved: { kind: 'local', file },
        located: undefined,
      };
  }
  throw refusedByPermission();
}

/** What to say where there is no inspector. */
export function refusedByPermission(): Problem {
  return new Problem(
    'is code that heddle may not look into, because the permission model (--permission) refuses the inspector',
    'use functions that a CommonJS module exports, or run without --permission',
  );
}

const refused: Readonly<Record<Exclude<Mark['kind'], 'import.meta' | 'import()'>, readonly [what: string, cure: string]>> = {
  this: ['uses `this` of the code around it', 'put what it needs into a variable, or write a `function`'],
  super: ['uses `super` of its class or object', 'capture an instance or the class, and call the method on it'],
  'new.target': ['uses `new.target` of the function around it', 'put it into a variable'],
  eval: ['calls eval(), which may name any variable', 'write the code out, or use new Function()'],
  '#private': ['uses a #private member of its class', 'capture the class, and call the method on it'],
};

function sourceFacts(located: Located, seen: Look): SourceFacts {
  const { site, script } = located;
  const { edits } = prepare(site);
  const needed = needs(
    site,
    edits.map(({ start, end }) => [start, end]),
  );
  const shift = located.offset - site.textStart;
  for (const mark of needed.marks) {
    if (mark.kind === 'import.meta' || mark.kind === 'import()') continue;
    const [what, cure] = refused[mark.kind as keyof typeof refused];
    throw new Problem(what, cure, { script, offset: mark.start + shift });
  }
  if (site.unit.table.scopes.get(site.node)?.parent?.insideWith)
    throw new Problem('lies inside a `with` statement', 'write it outside', { script, offset: located.offset });
  const variables: Variable[] = [];
  for (const free of [...needed.free.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const variable = variableOf(free, located, seen, shift);
    if (variable !== undefined) variables.push(variable);
  }
  return {
    kind: 'source',
    ...located,
    needs: needed,
    variables,
    usesMeta: needed.marks.some(({ kind }) => kind === 'import.meta'),
    constant: variables.every((one) => one.kind !== 'value' || one.constant),
  };
}

const missing = Symbol('missing');
const early = Symbol('early');

function variableOf(free: FreeVariable, located: Located, seen: Look, shift: number): Variable | undefined {
  const { name, binding } = free;
  const { script } = located;
  const offset = (free.references[0]?.start ?? 0) + shift;
  if (binding?.kind === 'implicit')
    throw new Problem('uses `arguments` of the function around it', 'put it into a variable', { script, offset });
  const place = { script, offset, step: name };
  if (binding?.from !== undefined && script.isFile) {
    const { specifier, imported } = binding.from;
    const resolved = travelsByImport(specifier, script);
    if (resolved !== undefined) return { kind: 'import', name, parent: script.url, specifier, imported, resolved, offset };
  }
  const value = readVariable(name, seen);
  if (value === early || (value === undefined && binding !== undefined && !free.optional && isUnready(binding, located)))
    throw new Problem('has no value yet', 'make the task after the line that declares it', place);
  if (!script.isModule) {
    const special = commonJs(name, value, script, offset);
    if (special !== undefined) return special;
    const rerun = binding && rerunOf(binding, located.site.unit, script, offset);
    if (rerun !== undefined && (value === missing || !isKnownThing(value))) return rerun;
  }
  if (value === missing) return userGlobal(free, seen, offset);
  return {
    kind: 'value',
    name,
    value,
    constant: isConstant(binding, value),
    written: free.written,
    cell:
      binding === undefined ? `${script.id} ${name}` : binding.assigned ? `${script.id} ${binding.scope.node.start} ${name}` : undefined,
    single: binding === undefined || binding.scope === located.site.unit.table.top,
    offset,
  };
}

function isKnownThing(value: unknown): boolean {
  return ((typeof value === 'object' && value !== null) || typeof value === 'function') && wellKnown(value) !== undefined;
}

function isConstant(binding: Binding | undefined, value: unknown): boolean {
  if (binding === undefined || binding.assigned) return false;
  return binding.kind !== 'var' || value !== undefined;
}

/** What V8 holds for a name; `early`: declared, and without a value yet. */
function readVariable(name: string, seen: Look): unknown {
  for (const scope of seen.scopes.slice(0, -1)) {
    try {
      if (Object.hasOwn(scope, name)) return (scope as Record<string, unknown>)[name];
    } catch (error) {
      if (error instanceof Error || (error as { name?: string })?.name === 'ReferenceError') return early;
      throw error;
    }
  }
  return missing;
}

/** Node 20 shows `undefined` for a variable that has no value yet. */
function isUnready(binding: Binding, located: Located): boolean {
  if (binding.kind === 'class') return true;
  if ((binding.kind !== 'const' && binding.kind !== 'let') || binding.init === undefined || nodeMajor >= 22) return false;
  const { init } = binding;
  if (
    /^(Literal|TemplateLiteral|ArrayExpression|ObjectExpression|ArrowFunctionExpression|FunctionExpression|ClassExpression|NewExpression)$/.test(
      init.type,
    )
  )
    return true;
  if (init.type === 'Identifier' && init.name === 'undefined') return false;
  if (init.type === 'UnaryExpression' && init.operator === 'void') return false;
  return isRunningBefore(init.end, binding, located);
}

const nodeMajor = Number.parseInt(process.versions.node, 10);

/** Whether the code that gives the variable its value is on the stack, and has not come to it. */
function isRunningBefore(end: number, binding: Binding, { script, site: { unit } }: Located): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  let frames: NodeJS.CallSite[] = [];
  try {
    Error.stackTraceLimit = 200;
    Error.prepareStackTrace = (_error, sites) => sites;
    frames = new Error().stack as unknown as NodeJS.CallSite[];
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
  let scope = binding.scope;
  while (!scope.isFunction && scope.parent !== undefined) scope = scope.parent;
  const owner = scope.node;
  const isInner = (offset: number): boolean => {
    for (const { node } of unit.functions.values())
      if (node !== owner && node.start >= owner.start && node.end <= owner.end && node.start <= offset && offset < node.end) return true;
    return false;
  };
  return frames.some((frame) => {
    const url = frame.getFileName();
    if (url === null || url === undefined || (url !== script.url && `file://${url}` !== script.url)) return false;
    const offset = script.offsetOf({ line: (frame.getLineNumber() ?? 1) - 1, column: (frame.getColumnNumber() ?? 1) - 1 });
    return offset >= owner.start && offset < end && !isInner(offset);
  });
}

/** Names that Node gives every CommonJS module. */
function commonJs(name: string, value: unknown, script: Script, offset: number): Variable | undefined {
  if (name !== 'require' && name !== 'module' && name !== 'exports' && name !== '__filename' && name !== '__dirname') return undefined;
  const parent = script.isFile ? script.url : resolvePath('[eval]');
  if (name === 'require') return typeof value === 'function' || value === missing ? { kind: 'require', name, parent, offset } : undefined;
  if (name !== 'module' || value === missing || !script.isFile || value !== createRequire(import.meta.url).cache[script.path])
    return undefined;
  if (travelsByImport(script.url, script) === undefined)
    throw new Problem('is the module object of a script that must not run again', 'take what you need of it into a variable', {
      script,
      offset,
      step: name,
    });
  return { kind: 'module', name, file: script.path, offset };
}

/** A global of the user's own making; those every thread has are left to it. */
function userGlobal(free: FreeVariable, seen: Look, offset: number): Variable | undefined {
  const { name } = free;
  const scope = seen.scopes.at(-1) ?? globalThis;
  const descriptor = Object.getOwnPropertyDescriptor(scope, name);
  if (descriptor === undefined || !('value' in descriptor) || isStandardGlobal(name)) return undefined;
  return {
    kind: 'value',
    name,
    value: descriptor.value,
    constant: false,
    written: free.written,
    cell: `global ${name}`,
    single: true,
    offset,
  };
}

function nameOf(fn: Fn): string {
  return fn.name === '' ? 'without a name' : `${fn.name}()`;
}

/** What a function's variables are now, for comparing. */
export function valuesNow(fn: Fn, names: readonly string[]): unknown[] {
  const seen = look(fn);
  const scope = (seen.scopes.at(-1) ?? globalThis) as Record<string, unknown>;
  return names.map((name) => {
    const value = readVariable(name, seen);
    return value === missing ? Object.getOwnPropertyDescriptor(scope, name)?.value : value;
  });
}

/** Whether two sites are the same text of the same script. */
export function siteKey({ script, site, offset }: SourceFacts): string {
  return `${script.id} ${offset} ${(site satisfies FunctionSite).kind}`;
}
