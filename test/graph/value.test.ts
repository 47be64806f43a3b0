import { format, inspect } from 'node:util';
import { isHeddleError } from '../../graph/errors.ts';
import type { Future } from '../../graph/future-types.ts';
import { callOwn, lazy, ownFunction, value } from '../../graph/lazy.ts';
import type { Value as ValueType } from '../../graph/lazy-types.ts';
import { callMethod, get } from '../../graph/operations.ts';
import { brandSymbol, taskSymbol } from '../../graph/task.ts';
import { isValue, makeValue, setValueActions, taskOf, Value } from '../../graph/value.ts';

const increment = lazy(function increment(x: number) {
  return x + 1;
});
const refused = (run: () => unknown): TypeError & { code: string } => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    expect((error as { code: string }).code).toBe('ERR_VALUE_USED');
    return error as TypeError & { code: string };
  }
  throw new Error('nothing was thrown');
};

describe('a Value', () => {
  const five = value(5);
  const untyped = five as unknown as Record<PropertyKey, unknown> & number & Iterable<unknown>;

  it('is shown by its key', () => {
    expect(five.key).toMatch(/^number-[0-9a-f]{32}$/);
    expect(inspect(five)).toBe(`Value('${five.key}')`);
    expect(`${five}`).toBe(`Value('${five.key}')`);
    expect(format('%s', String(five))).toBe(`Value('${five.key}')`);
    expect(inspect({ a: [value(1, { key: 'mine' })] })).toBe("{ a: [ Value('mine') ] }");
  });

  it('is a Value to isValue and taskOf, and to nothing else', () => {
    expect(isValue(five)).toBe(true);
    expect(taskOf(five)?.name).toBe('number');
    for (const other of [5, null, undefined, {}, [], 'x', increment, Value.prototype, Object.create(null)]) {
      expect(isValue(other)).toBe(false);
      expect(taskOf(other)).toBeUndefined();
    }
    const foreign = Object.create({ [brandSymbol]: 'Value' });
    for (const ask of [() => isValue(foreign), () => taskOf(foreign), () => increment(foreign), () => value([foreign])]) {
      let code: unknown;
      try {
        ask();
      } catch (error) {
        code = isHeddleError(error) ? error.code : error;
      }
      expect(code).toBe('ERR_FOREIGN_VALUE');
    }
  });

  it('is not thenable', async () => {
    expect('then' in five).toBe(false);
    expect(await five).toBe(five);
  });

  it('refuses use as data with the way out', () => {
    expect(refused(() => [...untyped]).message).toMatch(/nout/);
    expect(
      refused(() => {
        for (const _ of untyped) break;
      }).message,
    ).toMatch(/nout/);
    expect(
      refused(() => {
        const [a] = untyped;
        return a;
      }).message,
    ).toMatch(/nout/);
    // biome-ignore lint/suspicious/noDoubleEquals: what == does is the point
    for (const use of [() => untyped + 1, () => 2 * untyped, () => untyped < 1, () => -untyped, () => untyped == 1])
      expect(refused(use).message).toMatch(/lazy\(fn\)\(value\)/);
    expect(refused(() => JSON.stringify({ five })).message).toMatch(/await value\.compute\(\)/);
  });

  it('cannot be written to', () => {
    for (const property of ['x', 'key', 'get', 'toJSON', 'constructor', 'hasOwnProperty', Symbol('s'), '0'])
      expect(
        refused(() => {
          untyped[property] = 1;
        }).message,
      ).toMatch(/immutable/);
    expect(Object.keys(five)).toEqual([]);
    expect(five.key).toMatch(/^number-/);
  });

  it('names the property or method in the key of get and call', () => {
    const v = value({ a: 1, 'odd name': { f: () => 1 } });
    expect(v.get('a').key).toMatch(/^get-[0-9a-f]{32}$/);
    expect(v.get('a').key).toBe(v.get('a').key);
    expect(v.get('a').key).not.toBe(v.get('odd name').key);
    expect(value('x').call('toUpperCase').key).toMatch(/^toUpperCase-[0-9a-f]{32}$/);
    expect(value('x').call('concat', value('y')).key).not.toBe(value('x').call('concat', 'y').key);
    expect(taskOf(value('x').call('concat', value('y')))!.dependencies).toHaveLength(2);
    expect(taskOf(v.get('a'))!.callee!.source).toEqual({ kind: 'own', module: 'graph/operations.js', name: 'get' });
  });

  it('pipes through plain and lazy functions', () => {
    expect(five.pipe(increment).key).toBe(increment(five).key);
    const plus = (a: number, b: number): number => a + b;
    expect(five.pipe(plus, value(2)).key).toBe(lazy(plus)(five, value(2)).key);
  });

  it('takes other options with with()', () => {
    const one = increment(1);
    expect(one.with({ retries: 3 }).key).toBe(one.key);
    expect(taskOf(one.with({ retries: 3 }))!.options).toEqual({ retries: 3 });
    expect(one.with({ name: 'other' }).key).toBe(increment.with({ name: 'other' })(1).key);
    expect(one.with({ version: 2 }).key).toBe(increment.with({ version: 2 })(1).key);
    expect(one.with({ key: 'mine' }).key).toBe('mine');
    expect(one.with({ key: one.key }).key).toBe(one.key);
    expect(taskOf(one.with({ key: one.key }))!.givenKey).toBeUndefined();
    expect(one.with({ pure: false }).key).not.toBe(one.with({ pure: false }).key);
    const nested = lazy((x: { list: number[]; map: Map<string, number> }) => x)({ list: [1, one], map: new Map([['k', one]]) });
    expect(nested.with({ name: 'n' }).with({ name: 'lambda' }).key).toBe(nested.key);
    expect(value([1, one]).with({ name: 'n' }).key).toBe(value([1, one], { name: 'n' }).key);
    expect(() => one.with({ nout: 2 } as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
  });

  it('keeps what stands for the content of an own task when its name changes', () => {
    const read = ownFunction('src/x.js', 'read', 1);
    const made = callOwn(read, ['host-a', value(1)], { name: 'read', tokenOf: ['/a', 5], hosts: ['a'], bytesToRead: 7 });
    const elsewhere = callOwn(read, ['host-b', value(1)], { name: 'read', tokenOf: ['/a', 5] });
    expect(made.key).toBe(elsewhere.key);
    expect(made.with({ name: 'r' }).key).toBe(elsewhere.with({ name: 'r' }).key);
    expect(taskOf(made.with({ name: 'r' }))).toMatchObject({ hosts: ['a'], bytesToRead: 7, name: 'r' });
    expect(callOwn(read, [], { name: 'read', pure: false }).key).not.toBe(callOwn(read, [], { name: 'read', pure: false }).key);
    expect(callOwn(ownFunction('src/x.js', 'read', 2), [], { name: 'read', tokenOf: ['/a', 5] }).key).not.toBe(made.key);
  });

  it('says what is missing when nothing above can compute', () => {
    expect(() => five.compute()).toThrow(/import 'heddle'/);
  });

  it('hands compute, persist and visualize to the floors above', async () => {
    const seen: unknown[] = [];
    setValueActions({
      compute: (...given) => {
        seen.push(['compute', ...given]);
        return 'future' as unknown as Future<unknown>;
      },
      persist: (...given) => {
        seen.push(['persist', ...given]);
        return makeValue(taskOf(given[0])!, 'hold');
      },
      visualize: async (...given) => {
        seen.push(['visualize', ...given]);
        return 'svg';
      },
    });
    expect(five.compute()).toBe('future');
    expect(inspect(five.persist())).toBe(inspect(five));
    expect(await five.visualize('a.svg', { color: 'order' })).toBe('svg');
    expect(seen).toEqual([
      ['compute', five, undefined],
      ['persist', five, undefined],
      ['visualize', five, 'a.svg', { color: 'order' }],
    ]);
  });
});

describe('nout', () => {
  const pair = lazy((x: number): [number, string] => [x, String(x)], { nout: 2 });

  it('gives length, indexes and iteration over Values of the elements', () => {
    const both = pair(1);
    expect(both.length).toBe(2);
    const [a, b] = both;
    expect([a.key, b.key]).toEqual([both[0].key, both[1].key]);
    expect(a.key).toMatch(/^get-/);
    expect(a.key).not.toBe(b.key);
    expect([...both]).toHaveLength(2);
    expect((both as unknown as unknown[])[2]).toBeUndefined();
    expect(taskOf(both)!.options.nout).toBe(2);
    expect(taskOf(a)!.options.nout).toBeUndefined();
    expect(both.key).toBe(lazy((x: number): [number, string] => [x, String(x)])(1).key);
    expect(both.with({ retries: 1 }).length).toBe(2);
    refused(() => {
      (both as unknown as unknown[])[0] = 1;
    });
    refused(() => {
      (both as unknown as { length: number }).length = 1;
    });
  });

  it('may be 0', () => {
    const none = lazy((): [] => [], { nout: 0 })();
    expect(none.length).toBe(0);
    expect([...none]).toEqual([]);
  });

  it('is a RangeError when negative or fractional', () => {
    for (const nout of [-1, 1.5, Number.NaN]) expect(() => lazy((): number[] => [], { nout })).toThrow(RangeError);
  });
});

describe('what get and call run', () => {
  it('reads properties and calls methods', () => {
    expect(get([7], 0)).toBe(7);
    expect(get('ab', 'length')).toBe(2);
    expect(() => get(undefined, 'a')).toThrow('get("a"): the result is undefined');
    expect(callMethod('a', 'concat', 'b', 'c')).toBe('abc');
    expect(callMethod(new Map([[1, 2]]), 'get', 1)).toBe(2);
    expect(() => callMethod('a', 'nothing')).toThrow('call("nothing"): the result has no such method (it is String)');
    expect(() => callMethod(null, 'x')).toThrow('it is null');
  });
});

it('shows its task under a symbol of this copy', () => {
  const v: ValueType<number> = value(1);
  expect((v as unknown as { [taskSymbol]: unknown })[taskSymbol]).toBe(taskOf(v));
});
