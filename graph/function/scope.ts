import type { AnyNode, Pattern, Program } from 'acorn';
import { declare, declareLexical, declarePattern, hoistVars } from './declare.ts';
import { type ClassNode, children, type FunctionNode, isStrictBody } from './nodes.ts';

/** How a name came to be. `own`: the name of a function or class expression inside itself; `implicit`: `arguments`. */
export type BindingKind = 'var' | 'let' | 'const' | 'function' | 'class' | 'import' | 'param' | 'catch' | 'own' | 'implicit';

/** A declared name. */
export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  readonly scope: Scope;
  /** The function or class declared, or the simple initialiser of a variable. */
  readonly init: AnyNode | undefined;
  /** Where an import comes from. */
  readonly from: { readonly specifier: string; readonly imported: string } | undefined;
  /** Of `const { property: name } = init`. */
  readonly picked: { readonly init: AnyNode; readonly property: string } | undefined;
  /** Something other than its declaration gives it a value. */
  assigned: boolean;
  /** Names under which the module exports it. */
  readonly exportedAs: string[];
}

/** A region of names. */
export interface Scope {
  readonly parent: Scope | undefined;
  readonly node: AnyNode;
  readonly isFunction: boolean;
  readonly strict: boolean;
  readonly insideWith: boolean;
  readonly bindings: Map<string, Binding>;
}

/** A use of a name. */
export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly scope: Scope;
  readonly writes: boolean;
  /** It may be missing: after `typeof`, or inside `with`. */
  readonly optional: boolean;
  /** `{ name }`: text in front is needed when it is replaced. */
  readonly shorthand: boolean;
  /** `name(…)`. */
  readonly called: boolean;
  binding: Binding | undefined;
}

/** Other things that reach out of a function. `owner`: the node that gives them their meaning; `undefined`: none in this script. */
export interface Mark {
  readonly kind: 'this' | 'super' | 'new.target' | 'import.meta' | 'import()' | 'eval' | '#private';
  readonly start: number;
  readonly end: number;
  readonly owner: AnyNode | undefined;
  readonly name?: string;
}

/** Names of a whole script, resolved. */
export interface ScopeTable {
  readonly top: Scope;
  /** By place. */
  readonly references: readonly Reference[];
  readonly marks: readonly Mark[];
  /** The outermost scope that belongs to a function or class. */
  readonly scopes: ReadonlyMap<AnyNode, Scope>;
}

interface Context {
  readonly scope: Scope;
  readonly self: AnyNode | undefined;
  readonly home: AnyNode | undefined;
  readonly privates: readonly { readonly node: ClassNode; readonly names: ReadonlySet<string> }[];
}

/** Finds every name of a script and what it refers to. */
export function scopeTable(program: Program, isModule: boolean): ScopeTable {
  return new Analysis(program, isModule).finish();
}

class Analysis {
  readonly #references: Reference[] = [];
  readonly #marks: Mark[] = [];
  readonly #scopes = new Map<AnyNode, Scope>();
  readonly #top: Scope;

  constructor(program: Program, isModule: boolean) {
    this.#top = {
      parent: undefined,
      node: program,
      isFunction: true,
      strict: isModule || isStrictBody(program.body),
      insideWith: false,
      bindings: new Map(),
    };
    const context: Context = { scope: this.#top, self: undefined, home: undefined, privates: [] };
    for (const statement of program.body) hoistVars(statement, this.#top);
    declareLexical(program.body, this.#top);
    for (const statement of program.body) this.#walk(statement, context);
  }

  finish(): ScopeTable {
    this.#references.sort((a, b) => a.start - b.start);
    this.#marks.sort((a, b) => a.start - b.start);
    for (const reference of this.#references) {
      let scope: Scope | undefined = reference.scope;
      while (scope !== undefined && reference.binding === undefined) {
        reference.binding = scope.bindings.get(reference.name);
        scope = scope.parent;
      }
      if (reference.writes && reference.binding !== undefined && !isLoopStep(reference, reference.binding))
        reference.binding.assigned = true;
    }
    // direct eval may assign whatever it can see
    for (const mark of this.#marks) {
      if (mark.kind !== 'eval') continue;
      for (const scope of [this.#top, ...this.#scopes.values()])
        for (const binding of scope.bindings.values()) if (binding.kind === 'let' || binding.kind === 'var') binding.assigned = true;
    }
    return { top: this.#top, references: this.#references, marks: this.#marks, scopes: this.#scopes };
  }

  #scope(parent: Scope, node: AnyNode, more: Partial<Pick<Scope, 'isFunction' | 'strict' | 'insideWith'>> = {}): Scope {
    const scope: Scope = {
      parent,
      node,
      isFunction: false,
      strict: parent.strict,
      insideWith: parent.insideWith,
      bindings: new Map(),
      ...more,
    };
    if (!this.#scopes.has(node)) this.#scopes.set(node, scope);
    return scope;
  }

  #refer(
    id: { name: string; start: number; end: number },
    { scope }: Context,
    more: Partial<Pick<Reference, 'writes' | 'optional' | 'shorthand' | 'called'>> = {},
  ): void {
    this.#references.push({
      name: id.name,
      start: id.start,
      end: id.end,
      scope,
      writes: false,
      optional: scope.insideWith,
      shorthand: false,
      called: false,
      ...more,
      binding: undefined,
    });
  }

  #mark(kind: Mark['kind'], node: AnyNode, owner: AnyNode | undefined, name?: string): void {
    this.#marks.push({ kind, start: node.start, end: node.end, owner, ...(name === undefined ? {} : { name }) });
  }

  #function(node: FunctionNode, context: Context): void {
    let parent = context.scope;
    if (node.type === 'FunctionExpression' && node.id) {
      parent = this.#scope(parent, node);
      declare(parent, node.id.name, 'own', node);
    }
    const strict = parent.strict || (node.body.type === 'BlockStatement' && isStrictBody(node.body.body));
    const scope = this.#scope(parent, node, { isFunction: true, strict });
    const arrow = node.type === 'ArrowFunctionExpression';
    if (!arrow) declare(scope, 'arguments', 'implicit');
    const inner: Context = { ...context, scope, self: arrow ? context.self : node };
    for (const param of node.params) declarePattern(param, scope, 'param');
    for (const param of node.params) this.#pattern(param, inner, false);
    if (node.body.type !== 'BlockStatement') return this.#walk(node.body, inner);
    for (const statement of node.body.body) hoistVars(statement, scope);
    declareLexical(node.body.body, scope);
    for (const statement of node.body.body) this.#walk(statement, inner);
  }

  #class(node: ClassNode, context: Context): void {
    const scope = this.#scope(context.scope, node, { strict: true });
    if (node.id) declare(scope, node.id.name, 'own', node);
    const names = new Set<string>();
    for (const member of node.body.body) if ('key' in member && member.key.type === 'PrivateIdentifier') names.add(member.key.name);
    const inner: Context = { ...context, scope, privates: [...context.privates, { node, names }] };
    if (node.superClass) this.#walk(node.superClass, inner);
    for (const member of node.body.body) {
      if ('key' in member && member.computed) this.#walk(member.key, inner);
      if (member.type === 'StaticBlock') {
        const block = this.#scope(scope, member, { isFunction: true });
        for (const statement of member.body) hoistVars(statement, block);
        declareLexical(member.body, block);
        for (const statement of member.body) this.#walk(statement, { ...inner, scope: block, self: member, home: node });
      } else if (member.value) {
        if (member.type === 'PropertyDefinition')
          this.#walk(member.value, { ...inner, scope: this.#scope(scope, member, { isFunction: true }), self: member, home: node });
        else this.#walk(member.value, { ...inner, home: node });
      }
    }
  }

  /** A pattern in a place that gives values: names in it are written when `assigning`, else they were declared. */
  #pattern(pattern: Pattern | null, context: Context, assigning: boolean, shorthand = false): void {
    if (pattern === null) return;
    switch (pattern.type) {
      case 'Identifier':
        if (assigning) this.#refer(pattern, context, { writes: true, shorthand });
        return;
      case 'MemberExpression':
        return this.#walk(pattern, context);
      case 'ObjectPattern':
        for (const property of pattern.properties) {
          if (property.type === 'RestElement') this.#pattern(property.argument, context, assigning);
          else {
            if (property.computed) this.#walk(property.key, context);
            this.#pattern(property.value, context, assigning, property.shorthand);
          }
        }
        return;
      case 'ArrayPattern':
        for (const element of pattern.elements) this.#pattern(element, context, assigning);
        return;
      case 'AssignmentPattern':
        this.#pattern(pattern.left, context, assigning, shorthand);
        return this.#walk(pattern.right, context);
      case 'RestElement':
        return this.#pattern(pattern.argument, context, assigning);
    }
  }

  #block(node: AnyNode, body: readonly AnyNode[], context: Context, heads: readonly AnyNode[] = []): void {
    const inner = { ...context, scope: this.#scope(context.scope, node) };
    declareLexical([...heads, ...body], inner.scope);
    for (const one of heads) this.#walk(one, inner);
    for (const one of body) this.#walk(one, inner);
  }

  #walk(node: AnyNode | null | undefined, context: Context): void {
    if (node === null || node === undefined) return;
    switch (node.type) {
      case 'Identifier':
        return this.#refer(node, context);
      case 'ThisExpression':
        return this.#mark('this', node, context.self);
      case 'Super':
        return this.#mark('super', node, context.home);
      case 'MetaProperty':
        return node.meta.name === 'import' ? this.#mark('import.meta', node, undefined) : this.#mark('new.target', node, context.self);
      case 'ImportExpression':
        this.#mark('import()', node, undefined);
        break;
      case 'PrivateIdentifier':
        return this.#mark('#private', node, context.privates.findLast(({ names }) => names.has(node.name))?.node, node.name);
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ArrowFunctionExpression':
        return this.#function(node, context);
      case 'ClassDeclaration':
      case 'ClassExpression':
        return this.#class(node, context);
      case 'MemberExpression':
        this.#walk(node.object, context);
        if (node.computed || node.property.type === 'PrivateIdentifier') this.#walk(node.property, context);
        return;
      case 'ObjectExpression':
        for (const property of node.properties) {
          if (property.type === 'SpreadElement') this.#walk(property.argument, context);
          else if (property.shorthand && property.value.type === 'Identifier') this.#refer(property.value, context, { shorthand: true });
          else {
            if (property.computed) this.#walk(property.key, context);
            this.#walk(property.value, property.method || property.kind !== 'init' ? { ...context, home: node } : context);
          }
        }
        return;
      case 'LabeledStatement':
        return this.#walk(node.body, context);
      case 'BreakStatement':
      case 'ContinueStatement':
      case 'ImportDeclaration':
      case 'ExportAllDeclaration':
        return;
      case 'ExportNamedDeclaration':
        if (node.declaration) return this.#walk(node.declaration, context);
        if (!node.source) for (const one of node.specifiers) if (one.local.type === 'Identifier') this.#refer(one.local, context);
        return;
      case 'UnaryExpression':
        if (node.operator === 'typeof' && node.argument.type === 'Identifier')
          return this.#refer(node.argument, context, { optional: true });
        break;
      case 'AssignmentExpression':
        this.#pattern(node.left, context, true);
        return this.#walk(node.right, context);
      case 'UpdateExpression':
        if (node.argument.type === 'Identifier') return this.#refer(node.argument, context, { writes: true });
        break;
      case 'VariableDeclaration':
        for (const one of node.declarations) {
          this.#pattern(one.id, context, false);
          this.#walk(one.init, context);
        }
        return;
      case 'CallExpression':
        if (node.callee.type === 'Identifier') {
          if (node.callee.name === 'eval') this.#mark('eval', node, undefined);
          this.#refer(node.callee, context, { called: true });
          for (const argument of node.arguments) this.#walk(argument, context);
          return;
        }
        break;
      case 'TaggedTemplateExpression':
        if (node.tag.type === 'Identifier') {
          this.#refer(node.tag, context, { called: true });
          return this.#walk(node.quasi, context);
        }
        break;
      case 'BlockStatement':
        return this.#block(node, node.body, context);
      case 'SwitchStatement':
        this.#walk(node.discriminant, context);
        return this.#block(node, [], { ...context, scope: this.#switchScope(node, context.scope) }, node.cases);
      case 'ForStatement':
        return this.#block(
          node,
          [node.test, node.update, node.body].filter((one) => one != null),
          context,
          node.init ? [node.init] : [],
        );
      case 'ForInStatement':
      case 'ForOfStatement': {
        const inner = { ...context, scope: this.#scope(context.scope, node) };
        declareLexical([node.left], inner.scope);
        if (node.left.type === 'VariableDeclaration') {
          // each round gives it a value, but to a variable of its own; `var` has one for all rounds
          if (node.left.kind === 'var')
            for (const one of node.left.declarations) if (one.id.type === 'Identifier') this.#refer(one.id, inner, { writes: true });
          this.#walk(node.left, inner);
        } else this.#pattern(node.left, inner, true);
        this.#walk(node.right, inner);
        return this.#walk(node.body, inner);
      }
      case 'CatchClause': {
        const inner = { ...context, scope: this.#scope(context.scope, node) };
        declarePattern(node.param, inner.scope, 'catch');
        this.#pattern(node.param ?? null, inner, false);
        return this.#walk(node.body, inner);
      }
      case 'WithStatement':
        this.#walk(node.object, context);
        return this.#walk(node.body, { ...context, scope: this.#scope(context.scope, node, { insideWith: true }) });
      default:
        break;
    }
    for (const child of children(node)) this.#walk(child, context);
  }

  #switchScope(node: AnyNode & { type: 'SwitchStatement' }, parent: Scope): Scope {
    const scope = this.#scope(parent, node);
    for (const one of node.cases) declareLexical(one.consequent, scope);
    return scope;
  }
}

/** `i++` of `for (let i = 0; …; i++)`: each round has an `i` of its own, and the step writes only the next round's, which no function has seen yet. */
function isLoopStep({ start, end, scope }: Reference, binding: Binding): boolean {
  const { node } = binding.scope;
  if (binding.kind !== 'let' || scope !== binding.scope || node.type !== 'ForStatement') return false;
  const { update } = node;
  return update !== null && update !== undefined && update.start <= start && end <= update.end;
}
