import type { AnyNode, Pattern } from 'acorn';
import { recordExports } from './exports.ts';
import { children, isClassNode, isFunctionNode, nameOf } from './nodes.ts';
import type { Binding, BindingKind, Scope } from './scope.ts';

/** Adds a name to a scope. */
export function declare(
  scope: Scope,
  name: string,
  kind: BindingKind,
  init?: AnyNode | null,
  from?: Binding['from'],
  picked?: Binding['picked'],
): void {
  const known = scope.bindings.get(name);
  if (known === undefined || known.kind === 'implicit')
    scope.bindings.set(name, { name, kind, scope, init: init ?? undefined, from, picked, assigned: false, exportedAs: [] });
  else {
    // a parameter and a `var`, or a `var` and a function, of one name: one variable, given a value more than once
    if (init !== undefined && init !== null && known.init === undefined && known.kind === 'var')
      scope.bindings.set(name, { ...known, kind, init });
    else if (init !== undefined && init !== null) known.assigned = true;
  }
}

/** Adds every name of a pattern. */
export function declarePattern(pattern: Pattern | null | undefined, scope: Scope, kind: BindingKind, init?: AnyNode | null): void {
  if (pattern === null || pattern === undefined) return;
  switch (pattern.type) {
    case 'Identifier':
      return declare(scope, pattern.name, kind, init);
    case 'ObjectPattern':
      for (const property of pattern.properties) {
        if (
          property.type !== 'RestElement' &&
          init &&
          !property.computed &&
          property.key.type === 'Identifier' &&
          property.value.type === 'Identifier'
        )
          declare(scope, property.value.name, kind, undefined, undefined, { init, property: property.key.name });
        else declarePattern(property.type === 'RestElement' ? property.argument : property.value, scope, kind);
      }
      return;
    case 'ArrayPattern':
      for (const element of pattern.elements) declarePattern(element, scope, kind);
      return;
    case 'AssignmentPattern':
      return declarePattern(pattern.left, scope, kind);
    case 'RestElement':
      return declarePattern(pattern.argument, scope, kind);
    default:
      return;
  }
}

/** `var` belongs to the whole function, wherever it stands. */
export function hoistVars(node: AnyNode, scope: Scope): void {
  if (isFunctionNode(node) || isClassNode(node)) return;
  if (node.type === 'VariableDeclaration' && node.kind === 'var')
    for (const one of node.declarations) declarePattern(one.id, scope, 'var', one.init);
  // outside strict code a function in a block is a `var` of the function too
  if (node.type === 'BlockStatement' && !scope.strict)
    for (const statement of node.body) if (statement.type === 'FunctionDeclaration') declare(scope, statement.id.name, 'var');
  for (const child of children(node)) hoistVars(child, scope);
}

/** Adds what a block declares for itself. */
export function declareLexical(body: readonly AnyNode[], scope: Scope): void {
  for (const statement of body) {
    let node: AnyNode = statement;
    if (node.type === 'ImportDeclaration') {
      for (const one of node.specifiers) {
        const imported =
          one.type === 'ImportNamespaceSpecifier' ? '*' : one.type === 'ImportDefaultSpecifier' ? 'default' : nameOf(one.imported);
        declare(scope, one.local.name, 'import', undefined, { specifier: String(node.source.value), imported });
      }
      continue;
    }
    if ((node.type === 'ExportNamedDeclaration' || node.type === 'ExportDefaultDeclaration') && node.declaration) node = node.declaration;
    if (node.type === 'VariableDeclaration' && node.kind !== 'var')
      for (const one of node.declarations) declarePattern(one.id, scope, node.kind === 'let' ? 'let' : 'const', one.init);
    else if (node.type === 'FunctionDeclaration' && node.id) declare(scope, node.id.name, 'function', node);
    else if (node.type === 'ClassDeclaration' && node.id) declare(scope, node.id.name, 'class', node);
  }
  for (const statement of body) recordExports(statement, scope.bindings);
}
