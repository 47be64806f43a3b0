import { taskOf } from '../handle.ts';
import type { Leaf } from './leaf.ts';
import { Plain } from './plain.ts';
import { isObject, Walk } from './walk.ts';
import { giveBack, inOnePiece, takeWriter, type Writer } from './writer.ts';

/** 32 hex digits of a list of data. `root` is what errors call it. */
export function listDigest(list: readonly unknown[], root: string): string {
  const writer = takeWriter();
  writer.clear();
  writeList(writer, list, root);
  const digest = inOnePiece(writer.digest());
  giveBack(writer);
  return digest;
}

/** Canonical text of a list of data. */
export function listText(list: readonly unknown[], root: string): string {
  const writer = takeWriter();
  writer.clear();
  writeList(writer, list, root);
  const text = writer.textFrom(0);
  giveBack(writer);
  return text;
}

function writeList(writer: Writer, list: readonly unknown[], root: string): void {
  let plain: Plain | undefined;
  let walk: Walk | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    if (i > 0) writer.code(comma);
    if (!isObject(item)) {
      writer.leaf(item as Leaf);
      continue;
    }
    const { at, surplus } = writer;
    if (typeof item === 'object') {
      plain ??= new Plain(writer);
      if (plain.write(item)) continue;
      writer.at = at;
      writer.surplus = surplus;
    }
    walk ??= new Walk(taskOf);
    writer.raw(walk.text(item, `${root}[${i}]`));
  }
}

const comma = 44;
