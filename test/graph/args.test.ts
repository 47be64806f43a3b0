import fc from 'fast-check';
import { type Encoded, encode as encodeInto } from '../../graph/args.ts';
import { Walk } from '../../graph/canonical/walk.ts';
import { Writer } from '../../graph/canonical/writer.ts';
import { decode } from '../../graph/decode.ts';
import { taskOf } from '../../graph/handle.ts';
import { lazy, value } from '../../graph/lazy.ts';
import { Op } from '../../graph/tape.ts';
import type { CapturedData, Task } from '../../graph/task.ts';

const add = lazy((a: number, b: number) => a + b);
const nameOf = (tape: readonly unknown[]): string[] =>
  tape.filter((_, i) => i % 2 === 0).map((op) => Object.entries(Op).find(([, code]) => code === op)![0]);
/** What a task would get, its dependencies standing for themselves. */
const arrive = ({ tape, dependencies }: { tape: readonly unknown[]; dependencies: readonly Task[] }): unknown[] =>
  decode(tape, (i) => dependencies[i]);
const message = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
};

const withHoles = (length: number, items: Record<number, unknown>): unknown[] => Object.assign(new Array<unknown>(length), items);

function encode(args: readonly unknown[], traverse = true, isPure = true): Encoded & { readonly text: string } {
  const writer = new Writer();
  const encoded = encodeInto(args, writer, { root: 'args', traverse, isPure });
  return { ...encoded, text: writer.textFrom(0) };
}

describe('encode', () => {
  it('makes literals of plain data and dependencies of Values', () => {
    const v = add(1, 2);
    const { tape, dependencies, text } = encode([1, v, 'x', undefined, null, [1, 2]]);
    expect(nameOf(tape)).toEqual(['literal', 'dependency', 'literal', 'literal', 'literal', 'literal']);
    expect(dependencies).toEqual([taskOf(v)]);
    expect(text).toContain(taskOf(v)!.token);
  });

  it('finds Values at any depth of arrays, plain objects, Maps and Sets', () => {
    const [a, b, c, d] = [add(1, 1), add(1, 2), add(1, 3), add(1, 4)];
    const given = [
      { list: [a, [1, { deep: b }]] },
      new Map<unknown, unknown>([
        ['k', c],
        [d, 2],
      ]),
      new Set([a, 5]),
    ];
    const encoded = encode(given);
    const [ta, tb, tc, td] = [a, b, c, d].map(taskOf);
    expect(encoded.dependencies).toEqual([ta, tb, tc, td]);
    expect(arrive(encoded)).toEqual([
      { list: [ta, [1, { deep: tb }]] },
      new Map<unknown, unknown>([
        ['k', tc],
        [td, 2],
      ]),
      new Set<unknown>([ta, 5]),
    ]);
  });

  it('takes a Value deep down without recursion', () => {
    let deep: unknown = add(1, 1);
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(encode([deep]).dependencies).toHaveLength(1);
  });

  it('lists each dependency once, also when it was made twice', () => {
    const many = Array.from({ length: 40 }, (_, i) => add(i % 20, 1));
    expect(encode([many, many, add(3, 1)]).dependencies).toHaveLength(20);
  });

  it('keeps two tasks under one given key apart, for the graph to refuse', () => {
    expect(encode([[value(1, { key: 'k' }), value(2, { key: 'k' })]]).dependencies).toHaveLength(2);
  });

  it('copies containers, so that the caller may change his', () => {
    const mine = { list: [1, { a: [2] }], map: new Map([['k', [3]]]), when: new Date(5) };
    const encoded = encode([mine]);
    mine.list.push(9);
    (mine.list[1] as { a: number[] }).a.push(9);
    mine.map.get('k')!.push(9);
    mine.map.set('l', []);
    mine.when.setTime(6);
    expect(arrive(encoded)).toEqual([{ list: [1, { a: [2] }], map: new Map([['k', [3]]]), when: new Date(5) }]);
    const withValue = [add(1, 1), [1]];
    const taken = encode([withValue]);
    withValue.push([2]);
    (withValue[1] as number[]).push(7);
    expect(arrive(taken)).toEqual([[taskOf(withValue[0]), [1]]]);
    const flat = [1, 2];
    const flatTaken = encode([flat]);
    flat.push(3);
    expect(arrive(flatTaken)).toEqual([[1, 2]]);
  });

  it('copies bytes, once, so that a buffer can be filled again', () => {
    const bytes = new Uint8Array([1, 2, 3]);
    const encoded = encode([[bytes], bytes, new DataView(bytes.buffer, 1), bytes.buffer]);
    bytes[1] = 9;
    const [[got], again, view, buffer] = arrive(encoded) as [[Uint8Array], Uint8Array, DataView, ArrayBuffer];
    expect([...got]).toEqual([1, 2, 3]);
    expect(again).toBe(got);
    expect(view.getUint8(0)).toBe(2);
    expect([...new Uint8Array(buffer)]).toEqual([1, 2, 3]);
  });

  it('leaves shared memory shared', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    expect(arrive(encode([shared]))[0]).toBe(shared);
  });

  it('keeps sharing, cycles, holes, further properties and __proto__ in literals', () => {
    const shared = { a: 1 };
    const ring: unknown[] = [shared, shared];
    ring.push(ring);
    const holes = withHoles(4, { 0: 1, 2: 3 });
    const match = 'ab'.match(/b/)!;
    const proto = JSON.parse('{"__proto__":{"x":1},"y":2}') as object;
    const encoded = encode([ring, shared, holes, match, proto]);
    expect(nameOf(encoded.tape)).toEqual(['literal', 'literal', 'literal', 'literal', 'literal']);
    const [r, s, h, m, p] = arrive(encoded) as [unknown[], object, unknown[], object, object];
    expect(m).toEqual(match);
    expect(m).toMatchObject({ index: 1, input: 'ab' });
    expect(r[2]).toBe(r);
    expect(r[0]).toBe(r[1]);
    expect(r[0]).toBe(s);
    expect(r).not.toBe(ring);
    expect(h).toHaveLength(4);
    expect(1 in h || 3 in h).toBe(false);
    expect(Object.keys(p)).toEqual(['__proto__', 'y']);
    expect(Object.getPrototypeOf(p)).toBe(Object.prototype);
  });

  it('keeps what two arguments share, whatever else is among them', () => {
    const shared = { a: [1] };
    for (const other of [7, [2], new Map([['k', shared]]), new Uint8Array(1), add(1, 1)]) {
      const [first, , last] = arrive(encode([{ shared }, other, [shared]])) as [{ shared: object }, unknown, object[]];
      expect(first.shared).toEqual({ a: [1] });
      expect(last[0]).toBe(first.shared);
      expect(last[0]).not.toBe(shared);
    }
  });

  it('captures what a structured clone would lose', () => {
    class Point {
      x = 1;
    }
    class Table extends Map<string, number> {}
    const rich: unknown[] = [
      new Point(),
      (x: number) => x,
      Object.assign(Object.create(null), { a: 1 }),
      {
        get a() {
          return 1;
        },
      },
      { [Symbol.for('a')]: 1 },
      new Table(),
      new URL('http://x'),
      Buffer.from('a'),
      new Error('e'),
      [new Point()],
      { deep: [Math.max] },
      add,
      Symbol.for('s'),
    ];
    for (const one of rich) expect(nameOf(encode([one]).tape)).toEqual(['captured']);
    const exact: unknown[] = [
      1n,
      new Date(),
      /x/g,
      new Uint8Array(1),
      new ArrayBuffer(1),
      new Map([[1, { a: [] }]]),
      new Set([1]),
      Object(1),
      new Float64Array(2),
      new DataView(new ArrayBuffer(1)),
    ];
    for (const one of exact) expect(nameOf(encode([one]).tape)).toEqual(['literal']);
    const buffer = encode([Buffer.from('ab')]).tape[1] as CapturedData;
    expect(Buffer.isBuffer(buffer.data)).toBe(true);
    expect(buffer.capture.payload).toBeInstanceOf(Uint8Array);
  });

  it('copies the containers around class instances too, unless a cycle leads through one', () => {
    class Node1 {
      list: unknown[] = [];
    }
    const mine = [new Node1(), [1]];
    const taken = encode([mine]).tape[1] as CapturedData;
    mine.push(2 as never);
    expect(taken.data).toEqual([mine[0], [1]]);
    const node = new Node1();
    const ring = [node];
    node.list = ring;
    expect((encode([ring]).tape[1] as CapturedData).data).toBe(ring);
  });

  it('switches the search off with traverse: false, but not for arguments that are Values', () => {
    const v = value(1);
    const { tape, dependencies } = encode([[1, 2], v, { a: 1 }], false);
    expect(nameOf(tape)).toEqual(['literal', 'dependency', 'literal']);
    expect(dependencies).toHaveLength(1);
    const held = [v];
    const left = encode([held], false);
    expect(left.dependencies).toHaveLength(0);
    expect((left.tape[1] as CapturedData).data).toBe(held);
    expect(left.text).not.toBe(encode([held]).text);
    expect(left.text).not.toBe(encode([[value(2)]], false).text);
  });

  it('refuses Values where they would not be found, with the path', () => {
    const v = value(1);
    class Holder {
      it: unknown;
      constructor(it: unknown) {
        this.it = it;
      }
    }
    expect(message(() => encode([{ h: [new Holder([v])] }]))).toMatch(/^args\[0\]\.h\[0\] is an object of a class with a Value in it/);
    expect(message(() => encode([() => v]))).toMatch(/captures a Value/);
    const ring: unknown[] = [v];
    ring.push(ring);
    expect(message(() => encode([ring]))).toMatch(/args\[0\] goes round in a cycle that holds a Value/);
    expect(message(() => encode([Object.assign([v], { extra: 1 })]))).toMatch(/further properties \(extra\)/);
  });

  it('hashes nothing for an impure task, and captures late', () => {
    const weak = new WeakMap();
    const { tape } = encode([weak, { weak }], true, false);
    expect(nameOf(tape)).toEqual(['captured', 'captured']);
    expect((tape[1] as CapturedData).data).toBe(weak);
    expect(() => (tape[1] as CapturedData).capture).toThrow(expect.objectContaining({ code: 'ERR_CAPTURE' }));
  });
});

describe('encode as properties', () => {
  const leaf = fc.oneof(fc.integer(), fc.string(), fc.constant(undefined), fc.constant(null), fc.double());
  const handle = fc.integer({ min: 0, max: 30 }).map((n) => add(n, 1));
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 4 }, leaf, handle, tie('array'), tie('object'), tie('map'), tie('set')),
    array: fc.array(tie('any'), { maxLength: 12 }),
    object: fc.dictionary(fc.string(), tie('any'), { maxKeys: 3, noNullPrototype: true }),
    map: fc.array(fc.tuple(fc.string(), tie('any')), { maxLength: 3 }).map((entries) => new Map(entries)),
    set: fc.array(tie('any'), { maxLength: 3 }).map((items) => new Set(items)),
  }));
  /** The same with tasks in place of Values, made the slow plain way. */
  const resolved = (it: unknown): unknown => {
    const task = taskOf(it);
    if (task !== undefined) return `task ${task.id}`;
    if (Array.isArray(it)) return it.map(resolved);
    if (it instanceof Map) return new Map([...it].map(([k, v]) => [resolved(k), resolved(v)]));
    if (it instanceof Set) return new Set([...it].map(resolved));
    if (typeof it === 'object' && it !== null) {
      const made = {};
      for (const [k, v] of Object.entries(it))
        Object.defineProperty(made, k, { value: resolved(v), enumerable: true, writable: true, configurable: true });
      return made;
    }
    return it;
  };

  it('arrives as it was given, Values replaced', () => {
    fc.assert(
      fc.property(fc.array(any, { maxLength: 3 }), (args) => {
        const { tape, dependencies } = encode(args);
        expect(decode(tape, (i) => `task ${dependencies[i]!.id}`)).toEqual(args.map(resolved));
      }),
      { numRuns: 500 },
    );
  });

  it('gives the text that the walk gives, by whichever way', () => {
    fc.assert(
      fc.property(any, (arg) => {
        expect(encode([arg]).text).toBe(new Walk(taskOf).text(arg, 'x'));
      }),
      { numRuns: 500 },
    );
  });
});
