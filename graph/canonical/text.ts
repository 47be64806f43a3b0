import { taskOf } from '../handle.ts';
import { type Leaf, leafText } from './leaf.ts';
import { Plain } from './plain.ts';
import { isObject, Walk } from './walk.ts';

/** Canonical text of a list of data. `root` is what errors call it. */
export function listText(list: readonly unknown[], root: string): string {
  let plain: Plain | undefined;
  let walk: Walk | undefined;
  let text = '';
  for (let i = 0; i < list.length; i++) {
    const item = list[i];
    let part: string | undefined;
    if (!isObject(item)) part = leafText(item as Leaf);
    else {
      if (typeof item === 'object') {
        plain ??= new Plain();
        part = plain.text(item);
      }
      if (part === undefined) {
        walk ??= new Walk(taskOf);
        part = walk.text(item, `${root}[${i}]`);
      }
    }
    text = i === 0 ? part : `${text},${part}`;
  }
  return text;
}
