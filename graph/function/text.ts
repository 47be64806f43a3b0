import type { AnyNode } from 'acorn';
import { type ClassNode, isClassNode } from './nodes.ts';
import { between, type FunctionSite, type Unit } from './parse.ts';

/** A stretch of a function's text that is something else in the worker. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What must change in a text so that evaluating it again does nothing twice. */
export interface Preparation {
  readonly edits: readonly Edit[];
  /** Names that the edits bring in. */
  readonly superName: string | undefined;
  readonly privatesName: string | undefined;
  /** The `#private` statics, in the order of their slots. */
  readonly privates: readonly string[];
  /** Free names that are needed when the text is evaluated: in computed keys. */
  readonly early: ReadonlySet<string>;
}

const nothing: Preparation = { edits: [], superName: undefined, privatesName: undefined, privates: [], early: new Set() };
const prepared = new WeakMap<FunctionSite, Preparation>();

/**
 * A class is evaluated without its statics: they have run already, and what they made travels as values. Its base is given, not computed again.
 *
 *     class B extends mixin(A) { static n = next(); m() {} }   →   class B extends $super { m() {} }, n: 4
 */
export function prepare(site: FunctionSite): Preparation {
  let found = prepared.get(site);
  if (found === undefined) {
    found = isClassNode(site.node) ? prepareClass(site, site.node) : site.kind === 'method' ? prepareMethod(site) : nothing;
    prepared.set(site, found);
  }
  return found;
}

/** The key of a method on its own means nothing, and may need variables: any will do. */
function prepareMethod(site: FunctionSite): Preparation {
  const member = site.member as NonNullable<FunctionSite['member']>;
  const { source } = site.unit;
  const isPlain = !member.computed && member.key.type !== 'PrivateIdentifier';
  if (isPlain) return nothing;
  let { start, end } = member.key;
  if (member.computed) {
    start = source.lastIndexOf('[', start);
    end = source.indexOf(']', end) + 1;
  }
  return { ...nothing, edits: [{ start, end, text: "''" }] };
}

function prepareClass({ unit, textStart, textEnd }: FunctionSite, node: ClassNode): Preparation {
  const text = unit.source.slice(textStart, textEnd);
  const edits: Edit[] = [];
  const privates: string[] = [];
  const early = new Set<string>();
  const privatesName = unused('$private', text);
  let superName: string | undefined;
  if (node.superClass && !isNull(node.superClass)) {
    superName = unused('$super', text);
    edits.push(replacement(unit, parenthesised(unit.source, node.superClass), superName));
  }
  for (const member of node.body.body) {
    if (member.type === 'StaticBlock') edits.push(blank(unit, member));
    else if (member.type === 'PropertyDefinition' && member.static) {
      if (member.key.type !== 'PrivateIdentifier') edits.push(blank(unit, member));
      else {
        privates.push(`#${member.key.name}`);
        if (member.value) edits.push(blank(unit, { start: member.key.end, end: member.value.end }));
      }
    } else if ('key' in member && member.computed)
      for (const { name } of between(unit.table.references, member.key.start, member.key.end)) early.add(name);
  }
  // #private statics can be set from inside only
  if (privates.length > 0)
    edits.push({
      start: textEnd - 1,
      end: textEnd - 1,
      text: `;static{${privatesName}((v)=>{[${privates.map((name) => `this.${name}`).join()}]=v})}`,
    });
  return { edits, superName, privatesName: privates.length > 0 ? privatesName : undefined, privates, early };
}

function isNull(node: AnyNode): boolean {
  return node.type === 'Literal' && node.value === null;
}

/** A base in brackets keeps them outside its node. */
function parenthesised(source: string, node: AnyNode): { start: number; end: number } {
  let { start, end } = node;
  for (;;) {
    const before = /\((?:\s|\/\*[\s\S]*?\*\/)*$/.exec(source.slice(Math.max(0, start - 200), start));
    const after = /^(?:\s|\/\*[\s\S]*?\*\/)*\)/.exec(source.slice(end, end + 200));
    if (before === null || after === null) return { start, end };
    start -= before[0].length;
    end += after[0].length;
  }
}

/** Other text of the same lines, and where it can be of the same length. */
function replacement({ source }: Unit, { start, end }: { start: number; end: number }, text: string): Edit {
  const old = source.slice(start, end);
  const lines = old.replace(/[^\n]+/g, '');
  return { start, end, text: lines === '' ? text.padEnd(old.length) : text + lines + ' '.repeat(old.length - old.lastIndexOf('\n') - 1) };
}

function blank({ source }: Unit, { start, end }: { start: number; end: number }): Edit {
  const rest = source.slice(start, end).replace(/[^\n\r\u2028\u2029]/g, ' ');
  return { start, end, text: `;${rest.slice(1)}` };
}

/** A name that the text does not contain. */
export function unused(name: string, text: string): string {
  let free = name;
  while (text.includes(free)) free = `$${free}`;
  return free;
}

/** The text with its edits. */
export function edited({ unit, textStart, textEnd }: FunctionSite, edits: readonly Edit[]): string {
  let text = '';
  let at = textStart;
  for (const edit of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    text += unit.source.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return text + unit.source.slice(at, textEnd);
}
