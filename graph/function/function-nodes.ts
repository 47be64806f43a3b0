import type { Fn, SourceFacts, Variable } from './facts.ts';
import { siteKey } from './facts.ts';
import type { PayloadNode, Slots } from './payload.ts';
import { captureError, Problem, type Trail } from './problem.ts';
import { type Edit, edited, prepare, unused } from './text.ts';

/** A variable of a function, with its value or the node of it. */
export interface Entry {
  readonly variable: Variable;
  readonly value: unknown;
  readonly ref: number;
}

/** A function whose node is finished when all are known: who shares a variable with whom shows only then. */
export interface Pending {
  readonly id: number;
  readonly fn: Fn;
  readonly facts: SourceFacts;
  readonly entries: readonly Entry[];
  readonly trail: Trail;
  readonly extras: Pick<Extract<PayloadNode, { kind: 'function' }>, 'prototype' | 'shape' | 'shared'>;
  readonly superRef: number;
  readonly metaRef: number;
  readonly privates: Slots | undefined;
}

/**
 * Makes the nodes of all functions. Variables that one of them assigns are shared through cells; all else is by value.
 *
 *     let n = 0; up = () => ++n; read = () => n      up ─▶ cell { v: 0 } ◀─ read      their texts say `n.v`
 */
export function finishFunctions(all: readonly Pending[], nodes: PayloadNode[], addCell: (node: PayloadNode) => number): void {
  const sharing = new Map<string, { readonly pending: Pending; readonly entry: Entry }[]>();
  for (const pending of all)
    for (const entry of pending.entries) {
      if (entry.variable.kind !== 'value' || entry.variable.cell === undefined) continue;
      const known = sharing.get(entry.variable.cell);
      if (known === undefined) sharing.set(entry.variable.cell, [{ pending, entry }]);
      else known.push({ pending, entry });
    }
  const cells = new Map<Entry, number>();
  for (const group of sharing.values()) {
    if (!group.some(({ entry }) => entry.variable.kind === 'value' && entry.variable.written)) continue;
    for (const [value, ref, members] of byValue(group)) {
      const sites = new Map<string, Fn>();
      for (const { pending, entry } of members) {
        const key = siteKey(pending.facts);
        const other = sites.get(key);
        if (entry.variable.kind === 'value' && !entry.variable.single && other !== undefined && other !== pending.fn)
          throw captureError(
            new Problem(
              'is assigned by functions of which heddle cannot tell who shares it with whom',
              'keep it in an object, or in a class',
              { script: pending.facts.script, offset: entry.variable.offset, step: entry.variable.name },
            ),
            pending.trail,
          );
        sites.set(key, pending.fn);
      }
      const id = addCell({ kind: 'cell', slots: { values: [value], refs: ref < 0 ? [] : [0, ref] } });
      for (const { entry } of members) cells.set(entry, id);
    }
  }
  for (const pending of all) nodes[pending.id] = finished(pending, cells);
}

function* byValue(
  group: readonly { readonly pending: Pending; readonly entry: Entry }[],
): Generator<[value: unknown, ref: number, members: typeof group]> {
  const rest = [...group];
  while (rest.length > 0) {
    const first = rest[0] as (typeof group)[number];
    const members = rest.filter(({ entry }) => entry.ref === first.entry.ref && Object.is(entry.value, first.entry.value));
    yield [first.entry.ref < 0 ? first.entry.value : undefined, first.entry.ref, members];
    for (const one of members) rest.splice(rest.indexOf(one), 1);
  }
}

function finished({ fn, facts, entries, extras, superRef, metaRef, privates }: Pending, cells: ReadonlyMap<Entry, number>): PayloadNode {
  const { site, script, needs } = facts;
  const prepared = prepare(site);
  const text = site.unit.source.slice(site.textStart, site.textEnd);
  const edits: Edit[] = [...prepared.edits];
  const ordered = [...entries].sort((a, b) => Number(prepared.early.has(b.variable.name)) - Number(prepared.early.has(a.variable.name)));
  const names: string[] = [];
  const values: unknown[] = [];
  const refs: number[] = [];
  const give = (name: string, value: unknown, ref: number): void => {
    if (ref >= 0) refs.push(names.length, ref);
    names.push(name);
    values.push(ref >= 0 ? undefined : value);
  };
  if (prepared.superName !== undefined) give(prepared.superName, undefined, superRef);
  const early = names.length + ordered.filter(({ variable }) => prepared.early.has(variable.name)).length;
  for (const entry of ordered) {
    const { name } = entry.variable;
    const cell = cells.get(entry);
    give(name, entry.value, cell ?? entry.ref);
    if (cell === undefined) continue;
    for (const { start, end, shorthand, called } of needs.free.get(name)?.references ?? [])
      edits.push({ start, end, text: shorthand ? `${name}:${name}.v` : called ? `(0,${name}.v)` : `${name}.v` });
  }
  if (facts.usesMeta) {
    const name = unused('import_meta', text);
    for (const { kind, start, end } of needs.marks) if (kind === 'import.meta') edits.push({ start, end, text: name.padEnd(end - start) });
    give(name, undefined, metaRef);
  }
  const { line, column } = script.placeOf(facts.offset);
  const ownName: unknown = Object.getOwnPropertyDescriptor(fn, 'name')?.value;
  return {
    kind: 'function',
    name: typeof ownName === 'string' ? ownName : undefined,
    source: edited(site, edits),
    form: site.kind === 'method' ? 'method' : 'expression',
    strict: site.strict,
    // where the text was transpiled, frames carry a mark, so that they are told from frames of the module itself
    url: script.sourceMapURL === '' ? script.url : `${script.url}?heddle`,
    line,
    column,
    names,
    slots: { values, refs },
    early,
    ...(privates && { privates: { name: prepared.privatesName as string, slots: privates } }),
    ...extras,
  };
}
