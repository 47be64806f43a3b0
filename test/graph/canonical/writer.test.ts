import fc from 'fast-check';
import { tokenize } from 'heddle';
import { compact, digest, fold, type Leaf, leafText, stringText } from '../../../graph/canonical/leaf.ts';
import { Writer } from '../../../graph/canonical/writer.ts';

const leaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ minLength: 50, maxLength: 90 }),
  fc.integer(),
  fc.double(),
  fc.bigInt(),
  fc.constantFrom(
    true,
    false,
    null,
    undefined,
    0,
    -0,
    9,
    10,
    -(2 ** 31),
    2 ** 31 - 1,
    2 ** 31,
    Number.NaN,
    '\ud800',
    'é',
    'x'.repeat(64),
    'x'.repeat(65),
  ),
);

describe('Writer', () => {
  it('writes each primitive as leafText has it, and digests what the string would give', () => {
    const writer = new Writer();
    fc.assert(
      fc.property(fc.array(leaf, { maxLength: 20 }), (leaves) => {
        writer.clear();
        for (const one of leaves) writer.leaf(one);
        const text = leaves.map(leafText).join('');
        expect(writer.textFrom(0)).toBe(text);
        expect(writer.at - writer.surplus).toBe(text.length);
        expect(writer.digest()).toBe(digest(text));
      }),
    );
  });

  it('shortens containers by characters, not by bytes', () => {
    for (const item of ['é'.repeat(255), 'é'.repeat(400), 'é'.repeat(70_000), 'x'.repeat(511)]) {
      const writer = new Writer();
      writer.leaf('before é');
      const { at, surplus } = writer;
      writer.raw('[');
      writer.raw(item);
      writer.fold(at, surplus);
      writer.close(at, surplus);
      const text = `${leafText('before é')}${compact(`${fold(`[${item}`)})`)}`;
      expect(writer.textFrom(0)).toBe(text);
      expect(writer.at - writer.surplus).toBe(text.length);
    }
  });

  it('gives one token for one task, whatever it wrote before', () => {
    const writer = new Writer();
    const task = (name: string, version: string, args: readonly Leaf[]): string => {
      writer.begin(name, 'i'.repeat(32), version);
      for (const one of args) writer.leaf(one);
      return writer.finish();
    };
    const expected = (name: string, version: string, args: readonly Leaf[]): string =>
      digest(`${stringText(name)}${'i'.repeat(32)}${version}(${args.map(leafText).join('')})`);
    const names = fc.constantFrom('f', 'g', 'größe');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.constantFrom('', '~1'), fc.array(leaf, { maxLength: 3 }), fc.boolean())), (calls) => {
        for (const [name, version, args, other] of calls) {
          expect(task(name, version, args)).toBe(expected(name, version, args));
          if (!other) continue;
          writer.clear();
          writer.leaf('x'.repeat(10_000));
        }
      }),
    );
  });

  it('lets objects hash something else while they are hashed, and goes on after an error', () => {
    class Point {
      [Symbol.for('heddle.tokenize')]() {
        return tokenize({ inner: 'y'.repeat(1000) }, [1, 2, 3]);
      }
    }
    const list = ['before', new Point(), { after: 1 }];
    const first = tokenize(...list);
    expect(() => tokenize('before', Promise.resolve())).toThrow('args[1]');
    expect(tokenize(...list)).toBe(first);
    expect(tokenize('before', new Point())).not.toBe(first);
  });
});
