import { isDeepStrictEqual } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import fc from 'fast-check';
import { Plain } from '../../../graph/canonical/plain.ts';
import { Walk } from '../../../graph/canonical/walk.ts';
import { Writer } from '../../../graph/canonical/writer.ts';
import { taskOf } from '../../../graph/handle.ts';
import { value } from '../../../graph/lazy.ts';
import { tokenizeSymbol } from '../../../graph/token.ts';

const walked = (it: object): string => new Walk(taskOf).text(it, 'it');
/** What a reader writes; `undefined` when it gives up. */
const textBy = (reader: Plain, writer: Writer, it: object): string | undefined => {
  writer.clear();
  return reader.write(it) ? writer.textFrom(0) : undefined;
};
const plain = (it: object, copies = false): string | undefined => {
  const writer = new Writer();
  return textBy(new Plain(writer, copies), writer, it);
};
const copyOf = (it: object): unknown => {
  const writer = new Writer();
  const reader = new Plain(writer, true);
  expect(textBy(reader, writer, it)).toBe(walked(it));
  return reader.copy;
};

const leaf = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 90, maxLength: 700 }),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
  fc.bigInt(),
  fc.date({ noInvalidDate: true }),
);
const key = fc.oneof(fc.string({ unit: 'binary' }), fc.nat().map(String), fc.constantFrom('a', 'b', 'c', '__proto__', 'constructor'));
const { array, object } = fc.letrec<Record<'any', unknown> & Record<'array' | 'object', object>>((tie) => ({
  any: fc.oneof({ maxDepth: 5 }, leaf, tie('array'), tie('object')),
  array: fc.array(tie('any'), { maxLength: 30 }),
  object: fc.dictionary(key, tie('any'), { maxKeys: 8, noNullPrototype: true }),
}));
const data = fc.oneof(array, object);

describe('Plain', () => {
  it('gives the text that the walk gives', () => {
    fc.assert(
      fc.property(data, (it) => plain(it) === walked(it)),
      { numRuns: 500 },
    );
  });

  it('copies with the same content and the same order of properties', () => {
    fc.assert(
      fc.property(data, (it) => {
        const copy = copyOf(it) as object;
        expect(copy).not.toBe(it);
        expect(isDeepStrictEqual(copy, it)).toBe(true);
        expect(Object.keys(copy)).toEqual(Object.keys(it));
      }),
      { numRuns: 200 },
    );
  });

  it('gives the text that the walk gives of what is too long for one text', () => {
    const records = Array.from({ length: 5000 }, (_, i) => ({ id: i, name: `record ${i}`, tags: ['x', i % 7] }));
    const dictionary = Object.fromEntries(records.map((record) => [`the ${record.name}`, record]));
    for (const one of [records, dictionary, { records, dictionary }, ['x'.repeat(100_000), 'y']]) expect(plain(one)).toBe(walked(one));
    const changed = records.with(4000, { ...records[4000]!, id: -1 });
    expect(plain(changed)).not.toBe(plain(records));
    expect(plain(records.with(0, records[1]!))).not.toBe(plain(records));
  });

  it('tells objects with other keys, and other orders of keys, apart or alike, however many forms it has seen', () => {
    const forms = Array.from({ length: 3000 }, (_, i) => ({ [`k${i % 700}`]: 1, [`l${i}`]: 2, a: 3 }));
    const texts = forms.map((form) => plain(form));
    expect(new Set(texts).size).toBe(forms.length);
    for (const [i, form] of forms.entries()) {
      expect(plain(form)).toBe(texts[i]);
      expect(plain(Object.fromEntries(Object.entries(form).reverse()))).toBe(texts[i]);
    }
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i]));
    expect(plain(Object.fromEntries(Object.entries(wide).reverse()))).toBe(plain(wide));
  });

  it('reads a part that is shared a few times at most', () => {
    let deep: object = ['x'];
    for (let i = 0; i < 80; i++) deep = [deep, deep]; // 2^80 leaves if it were read as a tree
    expect(plain(deep)).toBe(walked(deep));
  });

  it('leaves to the walk what is more than plain data', () => {
    const ring: unknown[] = [];
    ring.push([ring]);
    let deep: unknown[] = [];
    for (let i = 0; i < 1000; i++) deep = [deep];
    const holes = Object.assign(new Array<unknown>(2), { 0: 1, extra: 1 });
    const others: readonly object[] = [
      ring,
      deep,
      holes,
      new Array(3),
      Object.assign([1], { extra: 1 }),
      Object.assign([1], { [Symbol('s')]: 1 }),
      Object.create(null),
      Object.create({}),
      Object.create(Array.prototype),
      new (class extends Array {})(),
      new (class Point {})(),
      { [Symbol('s')]: 1 },
      Object.defineProperty({}, 'hidden', { value: 1 }),
      {
        get a() {
          return 1;
        },
      },
      { set a(_: unknown) {} },
      { symbol: Symbol.for('s') },
      { fn: () => 1 },
      [Math.max],
      new Map(),
      new Set(),
      new Uint8Array(2),
      /x/,
      Math,
      value(1),
      [value(1)],
      Object.assign(new Date(0), { zone: 'x' }),
      Object.assign(new Date(0), { [tokenizeSymbol]: () => 1 }),
      new (class extends Date {})(),
      Object.create(Date.prototype),
      runInContext('[1]', createContext({})) as object,
      (function (..._: unknown[]) {
        // biome-ignore lint/complexity/noArguments: it looks like a plain object
        return arguments;
      })(1),
    ];
    for (const other of others) {
      for (const copies of [false, true]) {
        expect(plain(other, copies)).toBeUndefined();
        expect(plain([{ a: other }], copies)).toBeUndefined();
      }
    }
  });

  it('runs no code of the user’s', () => {
    const refuse = (): never => {
      throw new Error('it was touched');
    };
    const handler = new Proxy({}, { get: () => refuse });
    const traps: readonly object[] = [
      new Proxy({}, handler),
      new Proxy([], handler),
      Object.defineProperty({}, 'a', { get: refuse, enumerable: true }),
      Object.defineProperty({}, 'toJSON', { value: refuse, enumerable: true }),
    ];
    for (const trap of traps) for (const copies of [false, true]) expect(plain([trap], copies)).toBeUndefined();
  });

  it('leaves sharing to the walk when it copies, in one argument and between two', () => {
    const part = [1];
    expect(plain([part, part], true)).toBeUndefined();
    const writer = new Writer();
    const reader = new Plain(writer, true);
    expect(textBy(reader, writer, { a: part })).toBe(walked({ a: part }));
    expect(textBy(reader, writer, [part])).toBeUndefined();
    expect(plain([part, part])).toBe(walked([part, part]));
  });
});
