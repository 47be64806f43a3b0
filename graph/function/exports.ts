import type { AnyNode } from 'acorn';
import { nameOf } from './nodes.ts';
import type { Binding } from './scope.ts';

/** Notes at each name of a module as what a statement exports it. */
export function recordExports(statement: AnyNode, bindings: ReadonlyMap<string, Binding>): void {
  if (statement.type === 'ExportDefaultDeclaration') {
    const { declaration } = statement;
    const local = declaration.type === 'Identifier' ? declaration.name : 'id' in declaration ? declaration.id?.name : undefined;
    if (local !== undefined) bindings.get(local)?.exportedAs.push('default');
  } else if (statement.type === 'ExportNamedDeclaration' && !statement.source) {
    for (const one of statement.specifiers) bindings.get(nameOf(one.local))?.exportedAs.push(nameOf(one.exported));
    const { declaration } = statement;
    if (!declaration) return;
    if (declaration.type !== 'VariableDeclaration') bindings.get(declaration.id.name)?.exportedAs.push(declaration.id.name);
    else
      for (const one of declaration.declarations) if (one.id.type === 'Identifier') bindings.get(one.id.name)?.exportedAs.push(one.id.name);
  }
}
