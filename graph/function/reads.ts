import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { AnyNode, Identifier } from 'acorn';
import type { Impurity } from './capture.ts';
import { unwrapped } from './module.ts';
import { children } from './nodes.ts';
import { between, parseFile, type Reference, type Unit } from './parse.ts';
import { requireCall } from './rerun.ts';
import { type Resolved, resolve } from './resolve.ts';
import type { Binding } from './scope.ts';
import { scriptByUrl } from './script.ts';
import type { Walk } from './walk.ts';

/** What a builtin module's functions read. Those that are not named compute from their arguments alone. */
const byModule: ReadonlyMap<string, Impurity> = new Map([
  ...['fs', 'fs/promises', 'sqlite'].map((name) => [name, 'file'] as const),
  ...['net', 'http', 'https', 'http2', 'tls', 'dgram', 'dns', 'dns/promises'].map((name) => [name, 'network'] as const),
  ...['os', 'child_process', 'cluster', 'readline', 'readline/promises', 'tty', 'repl'].map((name) => [name, 'environment'] as const),
]);
const randomOfCrypto = /^(?:random|getRandomValues|generate|webcrypto)/;
const clockOfProcess = /^(?:hrtime|uptime|cpuUsage|resourceUsage|threadCpuUsage)/;
const quietOfProcess = /^(?:nextTick|emitWarning|emit|stdout|stderr|on|once|off)$/;

/** What one use of a builtin reads: `fs.readFileSync`, `Math.random`, `process.env`. */
function readOf(owner: string, member: string | undefined): Impurity | undefined {
  switch (owner) {
    case 'node:crypto':
    case 'crypto':
      return member === undefined ? undefined : randomOfCrypto.test(member) ? 'randomness' : undefined;
    case 'node:perf_hooks':
    case 'performance':
      return member === undefined || /^(?:now|performance|timeOrigin|mark|measure)$/.test(member) ? 'clock' : undefined;
    case 'Math':
      return member === 'random' ? 'randomness' : undefined;
    case 'Date':
      return member === 'now' ? 'clock' : undefined;
    case 'node:process':
    case 'process':
      return member === undefined
        ? 'environment'
        : clockOfProcess.test(member)
          ? 'clock'
          : quietOfProcess.test(member)
            ? undefined
            : 'environment';
    case 'fetch':
    case 'WebSocket':
    case 'EventSource':
      return 'network';
    default:
      return owner.startsWith('node:') ? byModule.get(owner.slice(5)) : undefined;
  }
}

/** Everything that what was captured visibly reads: its own text, helpers that travel with it, and local modules as far as they are reached. */
export function impuritiesOf(walk: Walk): ReadonlySet<Impurity> {
  const reads = new Reads();
  for (const { site, script } of walk.functions) reads.code(site.unit, site.node, script.isFile ? script.path : undefined, false);
  for (const { resolved, name } of walk.references) reads.export(resolved, name ?? '*');
  for (const [module, ...path] of walk.knowns) {
    if (module) reads.add(readOf(`node:${module}`, path[0]));
    else reads.add(readOf(path[0] as string, path[1]));
  }
  return reads.found;
}

class Reads {
  readonly found = new Set<Impurity>();
  readonly #seen = new Set<unknown>();

  add(impurity: Impurity | undefined): void {
    if (impurity !== undefined) this.found.add(impurity);
  }

  /** What a part of a script reads. `follow`: also what its top-level names stand for, where no live values are at hand. */
  code(unit: Unit, root: AnyNode, file: string | undefined, follow: boolean): void {
    if (this.#seen.has(root)) return;
    this.#seen.add(root);
    const references = new Map<number, Reference>();
    for (const reference of between(unit.table.references, root.start, root.end)) references.set(reference.start, reference);
    const open: AnyNode[] = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      for (const child of children(node)) open.push(child);
      const use = useOf(node);
      const reference = use && references.get(use.name.start);
      if (use === undefined || reference === undefined || reference.name !== use.name.name) continue;
      if (use.member !== undefined || use.isClock) references.delete(use.name.start); // the name alone comes up again as a child
      this.#use(unit, reference, use, file, follow);
    }
  }

  #use(unit: Unit, { name, binding }: Reference, { member, isClock, required }: Use, file: string | undefined, follow: boolean): void {
    if (binding === undefined) {
      if (required !== undefined) this.#module(required, '*', member, file);
      else if (isClock && name === 'Date') this.add('clock');
      else if (member !== undefined || name === 'process' || name === 'fetch' || name === 'WebSocket' || name === 'EventSource')
        this.add(readOf(name, member));
      return;
    }
    if (binding.from !== undefined) {
      this.#module(binding.from.specifier, binding.from.imported, member, file);
      return;
    }
    const init = binding.picked?.init ?? unwrapped(binding.init);
    const specifier = init && requireCall(init);
    if (specifier !== undefined) this.#module(specifier, binding.picked?.property ?? '*', member, file);
    else if (follow && binding.scope === unit.table.top) this.#declaration(unit, binding, file);
  }

  #declaration(unit: Unit, binding: Binding, file: string | undefined): void {
    if (binding.init !== undefined) {
      this.code(unit, binding.init, file, true);
      return;
    }
    // taken apart from something: what it was taken from counts
    for (const statement of unit.program.body) {
      const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
      if (
        declaration?.type === 'VariableDeclaration' &&
        new RegExp(`\\b${binding.name.replaceAll('$', '\\$')}\\b`).test(unit.source.slice(declaration.start, declaration.end))
      )
        this.code(unit, declaration, file, true);
    }
  }

  #module(specifier: string, imported: string, member: string | undefined, file: string | undefined): void {
    const resolved = resolve(specifier, file ?? `${process.cwd()}/here.js`);
    const whole = imported === '*' || imported === 'default';
    if (resolved.kind === 'builtin') this.add(readOf(`node:${resolved.name}`, whole ? member : imported));
    else this.export(resolved, imported === '*' ? (member ?? '*') : imported);
  }

  /** What an export of a local module reads; packages keep it to themselves. */
  export(resolved: Resolved, name: string): void {
    if (resolved.kind !== 'local' || this.#seen.has(`${resolved.file}\0${name}`)) return;
    this.#seen.add(`${resolved.file}\0${name}`);
    const unit = unitOf(resolved.file);
    if (unit === undefined) return;
    const targets = exportNodes(unit, name, (specifier, imported) => this.#module(specifier, imported, undefined, resolved.file));
    for (const node of targets) this.code(unit, node, resolved.file, true);
  }
}

interface Use {
  readonly name: Identifier;
  readonly member: string | undefined;
  /** `new Date()`, `Date()`. */
  readonly isClock: boolean;
  /** `require('x')`. */
  readonly required: string | undefined;
}

function useOf(node: AnyNode): Use | undefined {
  if (node.type === 'Identifier') return { name: node, member: undefined, isClock: false, required: undefined };
  if (node.type === 'MemberExpression' && node.object.type === 'Identifier') {
    const { property } = node;
    const member =
      !node.computed && property.type === 'Identifier' ? property.name : property.type === 'Literal' ? String(property.value) : undefined;
    return { name: node.object, member, isClock: false, required: undefined };
  }
  if (node.type === 'NewExpression' && node.callee.type === 'Identifier' && node.arguments.length === 0)
    return { name: node.callee, member: undefined, isClock: true, required: undefined };
  if (node.type === 'CallExpression' && node.callee.type === 'Identifier') {
    const required = node.callee.name === 'require' ? requireCall(node) : undefined;
    return { name: node.callee, member: undefined, isClock: node.callee.name === 'Date', required };
  }
  return undefined;
}

/** Parsed as V8 runs it where it is loaded, else as it lies on disk. */
function unitOf(file: string): Unit | undefined {
  const script = scriptByUrl(pathToFileURL(file).href);
  if (script?.unit !== undefined) return script.unit;
  try {
    const unit = parsed.get(file) ?? parseFile(readFileSync(file, 'utf8'));
    parsed.set(file, unit);
    return unit;
  } catch {
    return undefined;
  }
}

const parsed = new Map<string, Unit>();

/** The parts of a module that make an export. */
function exportNodes({ program, table }: Unit, name: string, follow: (specifier: string, imported: string) => void): AnyNode[] {
  if (name === '*') return [program];
  for (const binding of table.top.bindings.values()) {
    if (!binding.exportedAs.includes(name)) continue;
    if (binding.from !== undefined) follow(binding.from.specifier, binding.from.imported);
    else if (binding.init !== undefined) return [binding.init];
  }
  const found: AnyNode[] = [];
  for (const node of program.body) {
    if (node.type === 'ExportDefaultDeclaration' && name === 'default') found.push(node.declaration);
    else if (node.type === 'ExportAllDeclaration' && node.source.value !== undefined)
      follow(String(node.source.value), node.exported ? '*' : name);
    else if (node.type === 'ExportNamedDeclaration' && node.source) {
      for (const one of node.specifiers) if (textOf(one.exported) === name) follow(String(node.source.value), textOf(one.local));
    } else if (node.type === 'ExportNamedDeclaration' && node.declaration?.type === 'VariableDeclaration') {
      if (table.top.bindings.get(name)?.exportedAs.includes(name)) found.push(node.declaration);
    } else if (node.type === 'ExpressionStatement' && node.expression.type === 'AssignmentExpression')
      found.push(...commonJsExport(node.expression.left, node.expression.right, name));
  }
  return found;
}

/** `exports.name = …`, `module.exports = …`. */
function commonJsExport(left: AnyNode, right: AnyNode, name: string): AnyNode[] {
  if (left.type !== 'MemberExpression' || left.property.type !== 'Identifier') return [];
  const { object, property } = left;
  if (object.type === 'Identifier' && object.name === 'exports') return property.name === name ? [right] : [];
  if (object.type === 'Identifier' && object.name === 'module' && property.name === 'exports') {
    if (right.type !== 'ObjectExpression') return [right];
    return right.properties.filter((one) => one.type === 'SpreadElement' || (one.key.type === 'Identifier' && one.key.name === name));
  }
  const isModule = object.type === 'MemberExpression' && object.object.type === 'Identifier' && object.object.name === 'module';
  return isModule && property.name === name ? [right] : [];
}

function textOf(node: { readonly type: string; readonly name?: string; readonly value?: unknown }): string {
  return node.type === 'Identifier' ? (node.name as string) : String(node.value);
}
