import { setOwn } from './canonical/set-own.ts';
import { Op, type Tape } from './tape.ts';
import type { CapturedData } from './task.ts';

/** The arguments of a tape again, with `handle(i)` for its i-th dependency. */
export function decode(tape: Tape, handle: (dependency: number) => unknown): unknown[] {
  const stack: unknown[] = [];
  for (let at = 0; at < tape.length; at += 2) {
    const operand = tape[at + 1];
    switch (tape[at]) {
      case Op.literal:
        stack.push(operand);
        break;
      case Op.captured:
        stack.push((operand as CapturedData).data);
        break;
      case Op.dependency:
        stack.push(handle(operand as number));
        break;
      case Op.array:
        stack.push(take(stack, operand as number));
        break;
      case Op.set:
        stack.push(new Set(take(stack, operand as number)));
        break;
      case Op.map: {
        const flat = take(stack, operand as number);
        stack.push(new Map(Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]])));
        break;
      }
      case Op.object: {
        const names = operand as readonly string[];
        const object = {};
        for (const [i, value] of take(stack, names.length).entries()) setOwn(object, names[i] as string, value);
        stack.push(object);
        break;
      }
      default:
        throw new TypeError(`op ${String(tape[at])} has no place in a task's own tape`);
    }
  }
  return stack;
}

function take(stack: unknown[], n: number): unknown[] {
  return n === 0 ? [] : stack.splice(-n);
}
