import { types } from 'node:util';
import { builtinName, isResizable } from './kinds.ts';

/** Bytes from here on are moved to the other thread, not copied through the message. */
export const movedFrom = 65_536;

/**
 * The buffer to send for the views on `buffer`, and where an offset in the one lies in the other. Views that show less than half of it, and Buffers (they
 * lie in a pool), are sent with the bytes that they show, packed one after the other; views that overlap go on sharing theirs.
 */
export function packBuffer(
  buffer: ArrayBufferLike,
  views: readonly ArrayBufferView[],
  isShown: boolean,
): { readonly sent: ArrayBufferLike; readonly place: (offset: number) => number } {
  const place = (offset: number): number => offset;
  if (types.isSharedArrayBuffer(buffer) || isResizable(buffer)) return { sent: buffer, place };
  const ranges = isShown ? [] : rangesShown(views);
  const last = ranges.at(-1);
  const size = last === undefined ? 0 : last.to + last.end - last.start;
  const isPacked =
    last !== undefined && size < buffer.byteLength && (size * 2 < buffer.byteLength || views.every((view) => Buffer.isBuffer(view)));
  if (!isPacked) return { sent: buffer.byteLength >= movedFrom ? buffer.slice(0) : buffer, place };
  const sent = new ArrayBuffer(size);
  for (const { start, end, to } of ranges) new Uint8Array(sent, to, end - start).set(new Uint8Array(buffer, start, end - start));
  return {
    sent,
    place: (offset) => {
      let low = 0;
      for (let high = ranges.length - 1; low < high; ) {
        const middle = (low + high + 1) >> 1;
        if (ranges[middle]!.start <= offset) low = middle;
        else high = middle - 1;
      }
      return offset - ranges[low]!.start + ranges[low]!.to;
    },
  };
}

interface Range {
  readonly start: number;
  end: number;
  /** Where it begins in the packed buffer. */
  to: number;
}

/** The parts that are seen, in order, without overlap. They begin at multiples of 8 here and there, so every view stays aligned. */
function rangesShown(views: readonly ArrayBufferView[]): Range[] {
  const sorted = views.map(({ byteOffset, byteLength }) => ({ start: byteOffset - (byteOffset % 8), end: byteOffset + byteLength, to: 0 }));
  sorted.sort((a, b) => a.start - b.start);
  const ranges: Range[] = [];
  for (const range of sorted) {
    const last = ranges.at(-1);
    if (last !== undefined && range.start <= last.end) last.end = Math.max(last.end, range.end);
    else ranges.push(range);
  }
  let to = 0;
  for (const range of ranges) {
    range.to = to;
    to += Math.ceil((range.end - range.start) / 8) * 8;
  }
  return ranges;
}

/** The same kind of view elsewhere; a Buffer becomes a Uint8Array, which the decoder turns back. */
export function moveView(view: ArrayBufferView, buffer: ArrayBufferLike, byteOffset: number): ArrayBufferView {
  if (view.buffer === buffer && !Buffer.isBuffer(view)) return view;
  if (types.isDataView(view)) return new DataView(buffer as ArrayBuffer, byteOffset, view.byteLength);
  const length = (view as Uint8Array).length;
  const name = Buffer.isBuffer(view) ? 'Uint8Array' : builtinName(Object.getPrototypeOf(view));
  const View = Reflect.get(globalThis, name) as Uint8ArrayConstructor;
  return new View(buffer as ArrayBuffer, byteOffset, length);
}
