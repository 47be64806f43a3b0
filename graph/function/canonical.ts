import { createHash } from 'node:crypto';
import type { AnyNode } from 'acorn';
import { isFunctionNode } from './nodes.ts';
import type { FunctionSite } from './parse.ts';

/**
 * What a function's text means, as a text that formatters and TypeScript compilers do not change: the syntax tree without places, comments,
 * quotes, brackets around expressions, and the `__name` calls that esbuild puts in.
 *
 *     x => { return "a" + x; } // note      ≡      (x) => { return 'a' + x }
 */
export function siteDigest(site: FunctionSite): string {
  let digest = digests.get(site);
  if (digest === undefined) {
    const out: string[] = [];
    // a method's key is only a place to keep it
    if (site.member !== undefined) out.push(site.member.kind, ' ');
    write(site.node, out);
    digest = sha(out.join(''));
    digests.set(site, digest);
  }
  return digest;
}

const digests = new WeakMap<FunctionSite, string>();

/** Of any part of a program. */
export function nodeDigest(node: AnyNode): string {
  const out: string[] = [];
  write(node, out);
  return sha(out.join(''));
}

function sha(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Places, and flags that follow from the rest. */
const unsaid = new Set(['type', 'start', 'end', 'loc', 'range', 'raw', 'directive', 'shorthand', 'sourceType']);

function write(node: AnyNode, out: string[]): void {
  switch (node.type) {
    case 'Literal':
      return void out.push(literal(node));
    case 'TemplateLiteral':
      if (node.expressions.length === 0) return void out.push(JSON.stringify(node.quasis[0]?.value.cooked ?? ''));
      break;
    case 'TemplateElement':
      return void out.push('`', JSON.stringify(node.value.cooked ?? node.value.raw), '`');
    case 'TaggedTemplateExpression':
      out.push('(Tagged ');
      write(node.tag, out);
      for (const { value } of node.quasi.quasis) out.push('`', JSON.stringify([value.cooked, value.raw]), '`');
      for (const one of node.quasi.expressions) write(one, out);
      return void out.push(')');
    case 'ParenthesizedExpression':
      write(node.expression, out);
      return;
    case 'UnaryExpression':
      if (node.operator === 'void' && node.argument.type === 'Literal') return void out.push('undefined');
      break;
    case 'CallExpression': {
      const named = nameCall(node);
      if (named === undefined) break;
      write(named, out);
      return;
    }
    case 'Identifier':
      return void out.push(node.name);
    case 'PrivateIdentifier':
      return void out.push('#', node.name);
    case 'MemberExpression':
      if (node.computed && node.property.type === 'Literal' && typeof node.property.value === 'string') {
        out.push(node.optional ? '(Member ? ' : '(Member ');
        write(node.object, out);
        return void out.push(' ', JSON.stringify(node.property.value), ')');
      }
      if (!node.computed && node.property.type === 'Identifier') {
        out.push(node.optional ? '(Member ? ' : '(Member ');
        write(node.object, out);
        return void out.push(' ', JSON.stringify(node.property.name), ')');
      }
      break;
    case 'Property':
    case 'PropertyDefinition':
    case 'MethodDefinition':
      out.push(
        '(',
        node.type,
        ' ',
        'kind' in node ? node.kind : '',
        'static' in node && node.static ? ' static ' : ' ',
        'method' in node && node.method ? 'method ' : '',
      );
      // `{ __proto__ }` makes a property, `{ __proto__: x }` a prototype
      if (node.type === 'Property' && node.shorthand && node.key.type === 'Identifier' && node.key.name === '__proto__') out.push('own ');
      writeKey(node.key, node.computed, out);
      out.push(' ');
      if (node.value) write(node.value, out);
      return void out.push(')');
    default:
      break;
  }
  out.push(
    '(',
    isFunctionNode(node) && node.type !== 'ArrowFunctionExpression'
      ? 'Function'
      : node.type.replace(/^Class(Declaration|Expression)$/, 'Class'),
  );
  for (const [key, value] of Object.entries(node).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (unsaid.has(key) || value === null || value === undefined || value === false) continue;
    if (key === 'expression' && value === true) continue; // an arrow function's body shows it
    out.push(' ', key, '=');
    writeField(value, out);
  }
  out.push(')');
}

function writeField(value: unknown, out: string[]): void {
  if (Array.isArray(value)) {
    out.push('[');
    for (const one of value as readonly (AnyNode | null)[]) {
      if (one === null) out.push('_');
      else if (isNothing(one)) continue;
      else write(one, out);
      out.push(',');
    }
    out.push(']');
  } else if (typeof value === 'object' && value !== null && 'type' in value) write(value as AnyNode, out);
  else out.push(JSON.stringify(value));
}

function writeKey(key: AnyNode, computed: boolean, out: string[]): void {
  if (computed) {
    out.push('[');
    write(key, out);
    out.push(']');
  } else if (key.type === 'Literal') out.push(JSON.stringify(String(key.value)));
  else if (key.type === 'Identifier') out.push(JSON.stringify(key.name));
  else write(key, out);
}

function literal(node: AnyNode & { type: 'Literal' }): string {
  if (node.regex) return `/${node.regex.pattern}/${[...node.regex.flags].sort().join('')}`;
  if (node.bigint !== undefined && node.bigint !== null) return `${BigInt(node.bigint.replaceAll('_', ''))}n`;
  return typeof node.value === 'string' ? JSON.stringify(node.value) : String(node.value);
}

/** Statements that do nothing, or only what every compiler does in its own way. */
function isNothing(node: AnyNode): boolean {
  switch (node.type) {
    case 'EmptyStatement':
      return true;
    case 'ExpressionStatement':
      return 'directive' in node && node.directive !== undefined ? true : isNameCall(node.expression);
    case 'StaticBlock':
      return node.body.length > 0 && node.body.every(isNothing);
    default:
      return false;
  }
}

function isNameCall(node: AnyNode): boolean {
  return nameCall(node) !== undefined;
}

/** The function in esbuild's `__name(fn, 'fn')`. */
function nameCall(node: AnyNode): AnyNode | undefined {
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier' || node.callee.name !== '__name' || node.arguments.length !== 2)
    return undefined;
  const [fn, name] = node.arguments;
  return name?.type === 'Literal' && typeof name.value === 'string' ? fn : undefined;
}
