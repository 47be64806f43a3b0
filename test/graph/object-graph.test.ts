import fc from 'fast-check';
import type { CycleError } from '../../graph/errors.ts';
import { fromObject, type GraphObject, same, type TaskMaker } from '../../graph/object-graph.ts';
import { taskSymbol } from '../../graph/task.ts';

/** A task that shows how it was made, and runs itself. */
class Made {
  readonly key: string | undefined;
  readonly fn: unknown;
  readonly args: readonly unknown[];
  readonly [taskSymbol] = true;
  constructor(key: string | undefined, fn: unknown, args: readonly unknown[]) {
    this.key = key;
    this.fn = fn;
    this.args = args;
  }
}
let calls: Made[] = [];
const make: TaskMaker<Made> = {
  call: (fn, args, key) => {
    const made = new Made(key, fn, args);
    calls.push(made);
    return made;
  },
  data: (content, key) => new Made(key, undefined, [content]),
};
const resultOf = (thing: unknown): unknown => {
  if (Array.isArray(thing)) return thing.map(resultOf);
  if (!(thing instanceof Made)) return thing;
  return thing.fn === undefined
    ? resultOf(thing.args[0])
    : (thing.fn as (...args: readonly unknown[]) => unknown)(...thing.args.map(resultOf));
};
const get = (graph: GraphObject, key: string): unknown => resultOf(fromObject(graph, [key], make).get(key));
const thrownBy = (body: () => unknown): unknown => {
  try {
    body();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

const inc = (n: number): number => n + 1;
const add = (a: number, b: number): number => a + b;
const sum = (list: readonly number[]): number => list.reduce(add, 0);

beforeEach(() => {
  calls = [];
});

describe('fromObject', () => {
  const graph = { x: 1, y: [inc, 'x'], z: [sum, ['x', 'y', [inc, 'y']]], last: 'z', text: 'other', list: ['x', [inc, 1], 'other'] };

  it('reads tasks, keys, data and nested tasks as Dask does', () => {
    expect(get(graph, 'x')).toBe(1);
    expect(get(graph, 'y')).toBe(2);
    expect(get(graph, 'z')).toBe(6);
    expect(get(graph, 'last')).toBe(6);
    expect(get(graph, 'text')).toBe('other');
    expect(get(graph, 'list')).toEqual([1, 2, 'other']);
    expect(get(new Map<string, unknown>(Object.entries(graph)), 'z')).toBe(6);
  });

  it('gives each wanted key its task, made once', () => {
    const made = fromObject(graph, ['z', 'y', 'z'], make);
    expect([...made.keys()]).toEqual(['z', 'y']);
    expect((made.get('z')!.args[0] as readonly unknown[])[1]).toBe(made.get('y'));
    expect(calls.filter((call) => call.key === 'y')).toHaveLength(1);
  });

  it('makes a task inside arguments a task of its own, without a given key', () => {
    const made = fromObject({ x: 1, y: [add, [inc, [inc, 'x']], 2] }, ['y'], make);
    expect(calls.map((call) => [call.fn, call.key])).toEqual([
      [inc, undefined],
      [inc, undefined],
      [add, 'y'],
    ]);
    expect(resultOf(made.get('y'))).toBe(5);
  });

  it('gives an alias the result under its own key', () => {
    const made = fromObject(graph, ['last'], make).get('last')!;
    expect([made.key, made.fn]).toEqual(['last', same]);
  });

  it('makes nothing that is not wanted', () => {
    fromObject({ ...graph, bad: [inc, 'bad'] }, ['y'], make);
    expect(calls.map((call) => call.key)).toEqual(['y']);
  });

  it('leaves objects, Maps and lists without keys as they are', () => {
    const list = [[1, 'no key'], { a: 'x' }];
    const made = fromObject({ x: 1, y: [same, list, { deep: 'x' }, 'x'] }, ['y'], make).get('y')!;
    expect(made.args[0]).toBe(list);
    expect(made.args[1]).toEqual({ deep: 'x' });
    expect(made.args[2]).toBeInstanceOf(Made);
  });

  it('takes tasks that were made elsewhere', () => {
    const other = new Made('other', inc, [1]);
    expect(get({ x: other, y: [inc, other] }, 'x')).toBe(2);
    expect(get({ x: other, y: [inc, other] }, 'y')).toBe(3);
  });

  it('knows keys with the names of object properties, and only those that are there', () => {
    expect(
      get(
        JSON.parse('{ "constructor": 1, "__proto__": "constructor", "toString": ["valueOf", "constructor"] }') as GraphObject,
        '__proto__',
      ),
    ).toBe(1);
    expect(get({ a: ['constructor', 'toString'] }, 'a')).toEqual(['constructor', 'toString']);
    expect(thrownBy(() => fromObject({}, ['constructor'], make))).toMatchObject({ code: 'ERR_UNKNOWN_KEY' });
  });

  it('names the path of a cycle', () => {
    const cyclic = { start: [inc, 'a'], a: [inc, ['b']], b: [add, 1, [inc, 'c']], c: 'a' };
    const error = thrownBy(() => fromObject(cyclic, ['start'], make)) as CycleError;
    expect(error).toMatchObject({ code: 'ERR_CYCLE', cycle: ['a', 'b', 'c', 'a'] });
    expect(error.message).toContain('a → b → c → a');
    expect(thrownBy(() => fromObject({ x: 'x' }, ['x'], make))).toMatchObject({ cycle: ['x', 'x'] });
  });

  it('finds the cycle in any ring, from any entry', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.nat(29), (length, entry) => {
        const ring = Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, [inc, `k${(i + 1) % length}`]]));
        const { cycle } = thrownBy(() => fromObject(ring, [`k${entry % length}`], make)) as CycleError;
        expect(cycle).toHaveLength(length + 1);
        expect(cycle[0]).toBe(cycle[length]);
        expect(new Set(cycle).size).toBe(length);
      }),
    );
  });

  it('says which key is unknown, and which there are', () => {
    const error = thrownBy(() => fromObject(graph, ['w'], make));
    expect(error).toMatchObject({ code: 'ERR_UNKNOWN_KEY', message: 'the graph has no key "w" (it has "x", "y", "z", "last", "text", …)' });
  });

  it('refuses what is no graph', () => {
    for (const wrong of [null, 7, 'x', [inc, 1]]) {
      expect(thrownBy(() => fromObject(wrong as never, ['x'], make))).toMatchObject({ name: 'TypeError', code: 'ERR_INVALID_ARGUMENT' });
    }
  });

  it('takes a list that holds itself as data, and refuses it among keys', () => {
    const knot: unknown[] = [1];
    knot.push(knot);
    expect(fromObject({ knot }, ['knot'], make).get('knot')!.args[0]).toBe(knot);
    expect(thrownBy(() => fromObject({ x: 1, y: [same, knot, 'x'] }, ['y'], make))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('follows chains and nests of a hundred thousand without recursion', () => {
    const chain: Record<string, unknown> = { k0: 0 };
    for (let i = 1; i < 100_000; i++) chain[`k${i}`] = [inc, `k${i - 1}`];
    expect(fromObject(chain, ['k99999'], make).size).toBe(1);
    expect(calls).toHaveLength(99_999);
    let nest: unknown = 'x';
    for (let i = 0; i < 100_000; i++) nest = [nest];
    calls = [];
    fromObject({ x: 1, deep: [same, nest], tasks: [same, [inc, nest]] }, ['deep', 'tasks'], make);
    expect(calls).toHaveLength(3);
  });
});
