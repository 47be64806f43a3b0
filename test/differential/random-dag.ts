/** Data, another node (by its place), or a list of these. */
export type Operand = number | { readonly node: number } | readonly Operand[];

/** What a node does with its operands; exact in every language, for no number leaves ±2^53. */
export type Operation = 'add' | 'subtract' | 'multiply' | 'negate' | 'sum' | 'most' | 'pick' | 'fail';

/** A graph of arithmetic: nodes stand after what they use. */
export interface RandomDag {
  readonly seed: number;
  readonly nodes: readonly { readonly operation: Operation; readonly operands: readonly Operand[] }[];
  /** Nodes whose results are asked for. */
  readonly outputs: readonly number[];
}

/** Numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A graph of up to `most` nodes: wide, deep or both, as the seed has it; with nodes that nothing needs, and, where told to, some that fail. */
export function randomDag(seed: number, most: number, mayFail: boolean): RandomDag {
  const random = randomNumbers(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const size = 1 + below(most);
  const reach = 1 + below(size); // how far back a node looks: 1 makes chains
  const nodes: RandomDag['nodes'][number][] = [];
  for (let i = 0; i < size; i++) {
    const operand = (): Operand => (i === 0 || random() < 0.15 ? below(2001) - 1000 : { node: i - 1 - below(Math.min(reach, i)) });
    const list = (): Operand[] => Array.from({ length: 1 + below(5) }, operand);
    const at = random();
    if (mayFail && at < 0.04) nodes.push({ operation: 'fail', operands: [operand()] });
    else if (at < 0.55) nodes.push({ operation: (['add', 'subtract', 'multiply'] as const)[below(3)]!, operands: [operand(), operand()] });
    else if (at < 0.7) nodes.push({ operation: 'negate', operands: [operand()] });
    else if (at < 0.85) nodes.push({ operation: 'sum', operands: [list()] });
    else if (at < 0.95) nodes.push({ operation: 'most', operands: [list(), operand()] });
    else nodes.push({ operation: 'pick', operands: [[list(), list()], operand()] });
  }
  const outputs = [...new Set([size - 1, ...Array.from({ length: 1 + below(4) }, () => below(size))])];
  return { seed, nodes, outputs };
}

/** The nodes that the outputs need, themselves included. */
export function needed({ nodes, outputs }: RandomDag): Set<number> {
  const found = new Set(outputs);
  const look = (operand: Operand): void => {
    if (Array.isArray(operand)) for (const one of operand as readonly Operand[]) look(one);
    else if (typeof operand === 'object') found.add((operand as { node: number }).node);
  };
  for (const node of found) for (const operand of nodes[node]!.operands) look(operand);
  return found;
}
