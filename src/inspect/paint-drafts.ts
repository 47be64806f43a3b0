import { categoryPaint, type Paint, rampPaint, statusPaint, unknownPaint } from './colors.ts';
import type { Draft } from './drafts.ts';
import type { Picture, PictureColor } from './picture.ts';
import { grouped, shorten, timeText, visible } from './text.ts';

/** A paint for each draft, and what the paints mean. */
export interface Paints {
  readonly paints: Paint[];
  readonly legend: Picture['legend'];
}

/** Colours drafts by what was asked for. Names need no legend: they stand in the nodes. */
export function paintsOf(drafts: readonly Draft[], color: PictureColor): Paints {
  if (color === 'order' || color === 'time') return rampPaints(drafts, color);
  const index = new Map<string, number>();
  const legend: { text: string; paint: Paint }[] = [];
  let unknown = false;
  const paints = drafts.map((draft) => {
    const word = color === 'name' ? draft.name : color === 'worker' ? draft.worker : draft.status;
    if (word === undefined) {
      unknown = true;
      return unknownPaint;
    }
    const known = index.get(word) ?? index.size;
    const paint = color === 'status' ? statusPaint(word) : categoryPaint(known);
    if (known === index.size) {
      index.set(word, known);
      legend.push({ text: shorten(visible(word), 40), paint });
    }
    return paint;
  });
  if (unknown) legend.push({ text: color === 'worker' ? 'any worker' : 'not known', paint: unknownPaint });
  return { paints, legend: color === 'name' ? [] : legend };
}

function rampPaints(drafts: readonly Draft[], color: 'order' | 'time'): Paints {
  // times differ by powers of ten, orders by one
  const scale = color === 'time' ? (amount: number): number => Math.log10(Math.max(amount, 0.001)) : (amount: number): number => amount;
  const text = color === 'time' ? timeText : (order: number): string => `order ${grouped(order)}`;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  const amounts = drafts.map((draft) => (color === 'time' ? draft.milliseconds : draft.order));
  for (const amount of amounts) {
    if (amount === undefined) continue;
    least = Math.min(least, amount);
    most = Math.max(most, amount);
  }
  const span = scale(most) - scale(least);
  const paintOf = (amount: number): Paint => rampPaint(span > 0 ? (scale(amount) - scale(least)) / span : 0.5);
  const legend: { text: string; paint: Paint }[] = [];
  if (most >= least) legend.push({ text: text(least), paint: paintOf(least) });
  if (most > least) legend.push({ text: text(most), paint: paintOf(most) });
  if (amounts.includes(undefined)) legend.push({ text: 'not known', paint: unknownPaint });
  return { paints: amounts.map((amount) => (amount === undefined ? unknownPaint : paintOf(amount))), legend };
}
