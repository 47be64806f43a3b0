import { nodeDigest, siteDigest } from './canonical.ts';
import { type Facts, type Fn, factsOf, type SourceFacts, type Variable } from './facts.ts';
import { privateStatics } from './inspect.ts';
import { fileIdentity, moduleIdentity } from './module-identity.ts';
import { parseAlone } from './parse.ts';
import { Flag } from './payload.ts';
import { captureError, Problem } from './problem.ts';
import type { Resolved } from './resolve.ts';
import { functionShape, type Tools, unusualPrototype } from './shape.ts';
import { prepare } from './text.ts';
import { knownText } from './well-known.ts';

/** What a function is, for hashing: a text, and the values it hangs on. */
export interface FunctionParts {
  /** Equal wherever and whenever the function means the same, as far as its children do. */
  readonly head: string;
  /** Captured variables by name, then what lies on the function. */
  readonly children: readonly (readonly [label: string, value: unknown])[];
}

/** Reads a function or class. Throws CaptureError where it cannot be known. */
export function functionParts(fn: (...args: never) => unknown, path: string): FunctionParts {
  try {
    return partsOf(fn, factsOf(fn));
  } catch (error) {
    throw error instanceof Problem ? captureError(error, { parent: undefined, step: path }) : error;
  }
}

function partsOf(fn: Fn, facts: Facts): FunctionParts {
  switch (facts.kind) {
    case 'known':
      return { head: `builtin ${knownText(facts.path)}`, children: [] };
    case 'lazy':
      return {
        head: 'lazy',
        children: [
          ['fn', facts.fn],
          ['options', facts.options],
        ],
      };
    case 'bound':
      return {
        head: `bound ${facts.args.length}`,
        children: [
          ['target', facts.target],
          ['this', facts.self],
          ...facts.args.map((arg, i): [string, unknown] => [`argument ${i}`, arg]),
        ],
      };
    case 'reference':
      return { head: `export ${moduleIdentity(facts.resolved) ?? fileIdentity(facts.file)} ${facts.name ?? '*'}`, children: [] };
    case 'source':
      return sourceParts(fn, facts);
  }
}

function sourceParts(fn: Fn, facts: SourceFacts): FunctionParts {
  const { site } = facts;
  const lines = [`source ${siteDigest(site)} ${site.kind}${site.strict ? ' strict' : ''} ${ownName(fn)}`];
  const children: [label: string, value: unknown][] = [];
  for (const variable of facts.variables) {
    if (variable.kind !== 'value') lines.push(`${variable.name} = ${variableText(variable)}`);
    else if (variable.name !== '__name') children.push([variable.name, variable.value]); // esbuild's own helper
  }
  // `import.meta` tells where the code lies, which never counts
  const { superName, privates } = prepare(site);
  if (superName !== undefined) children.push(['(extends)', Object.getPrototypeOf(fn)]);
  if (privates.length > 0) {
    const values = privateStatics(fn);
    for (const name of privates) children.push([name, values.get(name)]);
  }
  addShape(functionShape(fn, facts, collecting), fn, '', lines, children);
  const prototype = unusualPrototype(fn, facts);
  if (prototype !== undefined) addPrototype(prototype, fn, children);
  return { head: lines.join('\n'), children };
}

function ownName(fn: Fn): string {
  const name: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return typeof name === 'string' ? JSON.stringify(name) : '';
}

/** Takes down what there is, without walking on. */
const collecting: Tools = { slots: (values) => ({ values, refs: [] }), idOf: () => 0 };

function addShape(
  shape: ReturnType<typeof functionShape>,
  owner: object,
  prefix: string,
  lines: string[],
  children: [string, unknown][],
): void {
  if (shape === undefined) return;
  if (shape.integrity !== undefined) lines.push(`${prefix}${shape.integrity}`);
  const keys = shape.keys.map((key, i) => (typeof key === 'string' ? key : `@${i}`));
  const flags = new Map(shape.special?.map(([index, flag]) => [index, flag]));
  const sorted = keys.map((key, i) => [key, i] as const).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, i] of sorted) {
    const flag = flags.get(i);
    if (flag !== undefined) lines.push(`${prefix}.${key} flags ${flag}`);
    if (flag !== undefined && (flag & Flag.accessor) !== 0) {
      const descriptor = Object.getOwnPropertyDescriptor(owner, key);
      children.push([`${prefix}.${key} get`, descriptor?.get], [`${prefix}.${key} set`, descriptor?.set]);
    } else children.push([`${prefix}.${key}`, shape.slots.values[i]]);
  }
  const symbols = Object.getOwnPropertySymbols(owner).filter(
    (symbol) => Object.getOwnPropertyDescriptor(owner, symbol) !== undefined && typeof owner === 'function',
  );
  for (const symbol of symbols) children.push([`${prefix}.${String(symbol)}`, symbol]);
  if (shape.proto !== undefined) children.push([`${prefix}(prototype)`, Object.getPrototypeOf(owner)]);
}

/** The prototype of an old-style constructor hangs on it; `constructor` would lead back. */
function addPrototype(prototype: object, fn: Fn, children: [string, unknown][]): void {
  for (const key of Reflect.ownKeys(prototype).sort((a, b) => (String(a) < String(b) ? -1 : 1))) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, key) as PropertyDescriptor;
    if (key === 'constructor' && descriptor.value === fn) continue;
    const label = `prototype.${String(key)}`;
    if ('value' in descriptor) children.push([label, descriptor.value]);
    else children.push([`${label} get`, descriptor.get], [`${label} set`, descriptor.set]);
  }
  const parent: unknown = Object.getPrototypeOf(prototype);
  const base: unknown =
    typeof parent === 'object' && parent !== null ? Object.getOwnPropertyDescriptor(parent, 'constructor')?.value : undefined;
  if (typeof base === 'function' && base !== fn) children.push(['prototype (extends)', base]);
}

function variableText(variable: Exclude<Variable, { readonly kind: 'value' }>): string {
  switch (variable.kind) {
    case 'import':
      return `import ${identityOf(variable.resolved)} ${variable.imported}`;
    case 'require':
    case 'module':
      return variable.kind;
    case 'rerun': {
      const { unit, offset } = parseAlone(variable.source, false);
      const digest = nodeDigest(unit.functions.get(offset)?.node ?? unit.program);
      return `rerun ${digest} ${variable.requires.map(identityOf).join()} ${variable.uses.map(({ name }) => name).join()}`;
    }
  }
}

function identityOf(resolved: Resolved): string {
  return moduleIdentity(resolved) ?? `unresolved ${resolved.kind === 'unknown' ? resolved.specifier : ''}`;
}
