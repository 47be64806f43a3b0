/** A class says by a method under this symbol what its instances hash by. */
export const tokenizeSymbol: unique symbol = Symbol.for('heddle.tokenize') as never;
