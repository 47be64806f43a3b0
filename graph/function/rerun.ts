import type { AnyNode } from 'acorn';
import type { Variable } from './facts.ts';
import { travelsByImport, unwrapped } from './module.ts';
import { between, type Unit } from './parse.ts';
import type { Resolved } from './resolve.ts';
import type { Binding } from './scope.ts';
import type { Script } from './script.ts';

type Rerun = Extract<Variable, { readonly kind: 'rerun' }>;

/**
 * A CommonJS variable that was initialised with `require('x')`, perhaps through a compiler's helper, is initialised again in the worker, so that it
 * is the worker's own module and not a copy of ours. Helpers come along as text: V8 does not hold what no function uses.
 */
export function rerunOf(binding: Binding, unit: Unit, script: Script, offset: number): Rerun | undefined {
  const init = binding.picked?.init ?? unwrapped(binding.init);
  const call = init && requireCall(init);
  if (init === undefined || call === undefined || binding.assigned || !isTopLevel(binding)) return undefined;
  const parent = script.isFile ? script.url : undefined;
  const resolved = parent === undefined ? undefined : travelsByImport(call, script);
  if (parent !== undefined && resolved === undefined) return undefined;
  const whole = textOf(binding.name, init, unit, parent ?? '', offset, resolved === undefined ? [] : [resolved], new Map());
  return binding.picked === undefined ? whole : { ...whole, source: `${whole.source}.${binding.picked.property}` };
}

/** Of the module, or of the function that a test runner wraps around it. */
function isTopLevel({ scope }: Binding): boolean {
  return scope.parent === undefined || (scope.isFunction && scope.parent.parent === undefined);
}

/** The specifier in `require('x')`, `helper(require('x'))`, `tslib.helper(require('x'))`. */
export function requireCall(node: AnyNode): string | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const [first] = node.arguments;
  if (first === undefined) return undefined;
  if (node.callee.type === 'Identifier' && node.callee.name === 'require')
    return first.type === 'Literal' && typeof first.value === 'string' ? first.value : undefined;
  return node.callee.type === 'Identifier' || node.callee.type === 'MemberExpression' ? requireCall(first) : undefined;
}

function textOf(
  name: string,
  node: AnyNode,
  unit: Unit,
  parent: string,
  offset: number,
  requires: readonly Resolved[],
  done: Map<string, Rerun>,
): Rerun {
  const uses: Variable[] = [];
  const rerun: Rerun = { kind: 'rerun', name, source: unit.source.slice(node.start, node.end), parent, uses, requires, offset };
  done.set(name, rerun);
  const seen = new Set([name, 'require']);
  for (const reference of between(unit.table.references, node.start, node.end)) {
    const { binding } = reference;
    if (seen.has(reference.name) || binding === undefined || !isTopLevel(binding) || binding.init === undefined) continue;
    seen.add(reference.name);
    uses.push(done.get(reference.name) ?? textOf(reference.name, unwrapped(binding.init) as AnyNode, unit, parent, offset, [], done));
  }
  return rerun;
}
