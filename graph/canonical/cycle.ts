import { digest, stringText } from './leaf.ts';
import { Shape } from './shape.ts';

/**
 * Gives every member of a cycle (a strongly connected component) its text. There is no first member to begin at, so the members are told apart by what
 * they are: first by their own text, then again and again by which kinds they lead to, until that tells no more of them apart (colour refinement).
 *
 *     a = { n: 1, to: b }     round 0: {n:1,to:?} {n:2,to:?}     two kinds, and no more to come
 *     b = { n: 2, to: a }     a = ring{ 0 → 1, 1 → 0 } seen from 0
 *
 * Kinds are numbered in the order of their texts, never in the order of the walk, so a Set on the way changes nothing. The whole table is hashed once;
 * a member's text is that digest and its number. Members of one kind cannot be told apart without comparing identities, and count as one.
 */
export function nameCycle(members: readonly Shape[]): void {
  const at = new Map(members.map((member, i) => [member, i]));
  // a member's text with its kind in front and the kinds of its neighbours in their places
  const sign = (member: Shape, kind: (i: number) => number): string => {
    const texts = member.parts.map(
      (part, i) => (member.names?.[i] ?? '') + (part instanceof Shape ? `@${kind(at.get(part) as number)}` : part),
    );
    return `${member.head}${(member.isUnordered ? texts.sort() : texts).join()})`;
  };
  let { kinds, texts } = number(members.map((member) => sign(member, () => 0)));
  for (;;) {
    const before = kinds;
    const count = texts.length;
    const next = number(members.map((member, i) => `${pad(before[i] as number)}${sign(member, (k) => before[k] as number)}`));
    kinds = next.kinds;
    texts = next.texts;
    // equal numbers of kinds: the same kinds, and each text of the last round says what they lead to
    if (texts.length === count) break;
  }
  const table = digest(texts.map(stringText).join());
  for (const [i, member] of members.entries()) member.text = `O${table}:${kinds[i]}`;
}

/** Numbers texts in their order, equal ones alike. */
function number(all: readonly string[]): { readonly kinds: readonly number[]; readonly texts: readonly string[] } {
  const texts = [...new Set(all)].sort();
  const byText = new Map(texts.map((text, i) => [text, i]));
  return { kinds: all.map((text) => byText.get(text) as number), texts };
}

/** So that kinds refined from one stay together, in its place: numbers sort as text. */
function pad(kind: number): string {
  return `${String(kind).padStart(9, '0')};`;
}
