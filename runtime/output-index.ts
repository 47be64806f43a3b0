import type { Output } from './output.ts';

/**
 * Outputs by the id of their task. Ids are looked up once or twice a task, so it counts how long that takes: most are tokens, whose first digits
 * are a number already, and numbers are found in a third of the time of texts.
 */
export class OutputIndex {
  readonly #byNumber = new Map<number, Output | Output[]>();
  /** Those with a key that was given. */
  readonly #byKey = new Map<string, Output>();

  get(id: string): Output | undefined {
    const number = numberOf(id);
    if (number < 0) return this.#byKey.get(id);
    const found = this.#byNumber.get(number);
    if (found === undefined || !Array.isArray(found)) return found?.task.id === id ? found : undefined;
    return found.find((output) => output.task.id === id);
  }

  /** In place of the one that had this id. */
  set(output: Output): void {
    const { id } = output.task;
    const number = numberOf(id);
    if (number < 0) return void this.#byKey.set(id, output);
    const found = this.#byNumber.get(number);
    if (found === undefined) return void this.#byNumber.set(number, output);
    const others = (Array.isArray(found) ? found : [found]).filter((other) => other.task.id !== id);
    this.#byNumber.set(number, others.length === 0 ? output : [...others, output]);
  }

  /** Leaves another alone that has its id by now. */
  delete(output: Output): void {
    const { id } = output.task;
    const number = numberOf(id);
    if (number < 0) {
      if (this.#byKey.get(id) === output) this.#byKey.delete(id);
      return;
    }
    const found = this.#byNumber.get(number);
    if (found === output) return void this.#byNumber.delete(number);
    if (!Array.isArray(found)) return;
    const others = found.filter((other) => other !== output);
    this.#byNumber.set(number, others.length === 1 ? others[0]! : others);
  }

  clear(): void {
    this.#byNumber.clear();
    this.#byKey.clear();
  }

  *[Symbol.iterator](): IterableIterator<Output> {
    for (const found of this.#byNumber.values())
      if (Array.isArray(found)) yield* found;
      else yield found;
    yield* this.#byKey.values();
  }
}

const tokenLength = 32;
const digits = 7;

/** The first 28 bits of a token: a small integer, which costs no memory. -1 for what is no token. */
function numberOf(id: string): number {
  if (id.length !== tokenLength) return -1;
  let number = 0;
  for (let i = 0; i < digits; i++) {
    const code = id.charCodeAt(i);
    if (code >= 48 && code <= 57) number = (number << 4) | (code - 48);
    else if (code >= 97 && code <= 102) number = (number << 4) | (code - 87);
    else return -1;
  }
  return number;
}
