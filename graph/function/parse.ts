import { createRequire } from 'node:module';
import type { AnyNode, MethodDefinition, Options, Program, Property } from 'acorn';
import { type ClassNode, children, type FunctionNode, isClassNode, isFunctionNode } from './nodes.ts';
import { type Binding, type Mark, type Reference, type Scope, type ScopeTable, scopeTable } from './scope.ts';

export type { Mark, Reference };

/** A parsed script: every function in it by its place, every name resolved. */
export interface Unit {
  readonly source: string;
  readonly program: Program;
  readonly isModule: boolean;
  readonly table: ScopeTable;
  /** Whether this is only one function's text: what lies around it is unknown. */
  readonly alone: boolean;
  /** By where `Function.prototype.toString` begins. */
  readonly functions: ReadonlyMap<number, FunctionSite>;
}

/** A function, method or class in its script. `text*` is what `Function.prototype.toString` gives. */
export interface FunctionSite {
  readonly unit: Unit;
  readonly kind: 'arrow' | 'function' | 'method' | 'class';
  readonly node: FunctionNode | ClassNode;
  /** Of a method: the member it is. */
  readonly member: MethodDefinition | Property | undefined;
  readonly textStart: number;
  readonly textEnd: number;
  readonly strict: boolean;
}

/** A name that a function takes from outside. */
export interface FreeVariable {
  readonly name: string;
  readonly binding: Binding | undefined;
  /** May be missing everywhere. */
  readonly optional: boolean;
  readonly written: boolean;
  readonly references: readonly Reference[];
}

/** What a function reaches out for. */
export interface Needs {
  readonly free: ReadonlyMap<string, FreeVariable>;
  /** Marks whose meaning comes from outside. */
  readonly marks: readonly Mark[];
}

const options: Options = {
  ecmaVersion: 'latest',
  allowReturnOutsideFunction: true,
  allowAwaitOutsideFunction: true,
  allowSuperOutsideMethod: true,
  allowHashBang: true,
  checkPrivateFields: false,
};

function acornParse(source: string, isModule: boolean): Program {
  const { parse } = createRequire(import.meta.url)('acorn') as typeof import('acorn');
  return parse(source, { ...options, sourceType: isModule ? 'module' : 'script' });
}

/** Parses a script as V8 holds it. Throws SyntaxError. */
export function parseScript(source: string, isModule: boolean): Unit {
  return unitOf(source, acornParse(source, isModule), isModule, false);
}

/** Parses a module file of unknown kind. Throws SyntaxError. */
export function parseFile(source: string): Unit {
  try {
    return parseScript(source, true);
  } catch {
    return parseScript(source, false);
  }
}

/** Parses one function's own text, for scripts whose other text is too new for the parser. `text` begins at `offset` of the unit's source. */
export function parseAlone(text: string, isModule: boolean): { readonly unit: Unit; readonly offset: number } {
  let failure: unknown;
  for (const [before, after] of [
    ['(', '\n)'],
    ['({', '\n})'],
    ['(class{', '\n})'],
  ] as const) {
    for (const kind of isModule ? [true] : [false, true]) {
      try {
        const source = before + text + after;
        return { unit: unitOf(source, acornParse(source, kind), kind, true), offset: before.length };
      } catch (error) {
        failure = error;
      }
    }
  }
  throw failure;
}

function unitOf(source: string, program: Program, isModule: boolean, alone: boolean): Unit {
  const functions = new Map<number, FunctionSite>();
  const unit: Unit = { source, program, isModule, table: scopeTable(program, isModule), alone, functions };
  const add = (node: FunctionNode | ClassNode, kind: FunctionSite['kind'], strict: boolean, member?: MethodDefinition | Property): void => {
    const textStart = member === undefined ? node.start : memberStart(source, member);
    functions.set(textStart, { unit, kind, node, member, textStart, textEnd: node.end, strict });
  };
  const methods = new Set<AnyNode>();
  const open: AnyNode[] = [program];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (isFunctionNode(node)) {
      const kind = node.type === 'ArrowFunctionExpression' ? 'arrow' : 'function';
      if (!methods.has(node)) add(node, kind, unit.table.scopes.get(node)?.strict ?? isModule);
    } else if (isClassNode(node)) add(node, 'class', true);
    else if (
      (node.type === 'MethodDefinition' || (node.type === 'Property' && (node.method || node.kind !== 'init'))) &&
      isFunctionNode(node.value as AnyNode)
    ) {
      const value = node.value as FunctionNode;
      add(value, 'method', unit.table.scopes.get(value)?.strict ?? isModule, node);
      methods.add(value); // comes up again as a child
    }
    for (const child of children(node)) open.push(child);
  }
  return unit;
}

const staticWord = /static(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*/y;

/** A static method's text begins after the word. */
function memberStart(source: string, member: MethodDefinition | Property): number {
  if (member.type === 'Property' || !member.static) return member.start;
  staticWord.lastIndex = member.start;
  return staticWord.test(source) ? staticWord.lastIndex : member.start;
}

/** The function whose text begins at `start`. */
export function siteAt(unit: Unit, start: number): FunctionSite | undefined {
  return unit.functions.get(start);
}

const needsOf = new WeakMap<FunctionSite, Needs>();

/** Finds what a function reaches out for; parts of the text in `without` do not count. */
export function needs(site: FunctionSite, without: readonly (readonly [start: number, end: number])[]): Needs {
  const known = needsOf.get(site);
  if (known !== undefined) return known;
  const { table } = site.unit;
  const own = table.scopes.get(site.node) as Scope;
  // a method's key is no part of what it does
  const start = site.kind === 'method' ? site.node.start : site.textStart;
  const counts = (place: { start: number }): boolean => !without.some(([from, to]) => place.start >= from && place.start < to);
  const free = new Map<string, { -readonly [K in keyof FreeVariable]: FreeVariable[K] } & { references: Reference[] }>();
  for (const reference of between(table.references, start, site.textEnd)) {
    if (!counts(reference) || (reference.binding !== undefined && isWithin(reference.binding.scope, own))) continue;
    const found = free.get(reference.name);
    if (found === undefined)
      free.set(reference.name, {
        name: reference.name,
        binding: reference.binding,
        optional: reference.optional,
        written: reference.writes,
        references: [reference],
      });
    else {
      found.references.push(reference);
      found.optional &&= reference.optional;
      found.written ||= reference.writes;
    }
  }
  const marks = [...between(table.marks, start, site.textEnd)].filter((mark) => counts(mark) && !isOwned(mark, site));
  const result: Needs = { free, marks };
  needsOf.set(site, result);
  return result;
}

function isOwned(mark: Mark, site: FunctionSite): boolean {
  return (
    mark.owner !== undefined &&
    mark.owner.start >= site.node.start &&
    mark.owner.end <= site.node.end &&
    (mark.kind !== 'super' || mark.owner !== site.node || site.kind === 'class')
  );
}

function isWithin(scope: Scope, top: Scope): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) if (at === top) return true;
  return false;
}

/** The stretch of a list sorted by place. */
export function* between<T extends { readonly start: number }>(sorted: readonly T[], start: number, end: number): Generator<T> {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as T).start < start) low = middle + 1;
    else high = middle;
  }
  for (let i = low; i < sorted.length && (sorted[i] as T).start < end; i++) yield sorted[i] as T;
}
