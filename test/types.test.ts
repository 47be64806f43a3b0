// The types of lazy graphs, tested as types: `tsc -p test` is the judge. What stands under @ts-expect-error must not compile. Nothing here runs but the last case.
import { annotate } from '../graph/annotate.ts';
import type { Future, FutureHandle } from '../graph/future-types.ts';
import { lazy, value } from '../graph/lazy.ts';
import type { Lazy, LazyArguments, LazyFunction, ManyFunction, ManyValue, MethodNames, TaskFunction, Value } from '../graph/lazy-types.ts';
import type { Computed, Gathered, Scattered, Started } from '../graph/result-types.ts';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles for `true` alone. */
const is = <_ extends true>(): void => undefined;
type Fits<A, B> = A extends B ? true : false;

interface Row {
  readonly id: number;
  readonly tags: string[];
  readonly at: Date;
  readonly index: Map<string, { n: number }>;
  readonly note?: string | undefined;
}

/** Inference of calls. */
function calls(future: Future<number>, handle: FutureHandle<string[]>): void {
  const add = lazy((a: number, b: number) => a + b);
  is<Equal<typeof add, LazyFunction<[a: number, b: number], number>>>();
  is<Equal<ReturnType<typeof add>, Value<number>>>();
  add(1, add(2, future));
  // @ts-expect-error text is no number
  add(1, 'x');
  // @ts-expect-error a Value of text is no number
  add(1, value('x'));
  // @ts-expect-error one is missing
  add(1);
  // @ts-expect-error one too many
  add(1, 2, 3);

  const later = lazy(async (id: number): Promise<Row | undefined> => (id > 0 ? undefined : undefined));
  is<Equal<ReturnType<typeof later>, Value<Row | undefined>>>();

  const rest = lazy((head: string, ...tail: number[]) => [head, tail] as const);
  rest('a');
  rest(value('a'), 1, value(2), future);
  // @ts-expect-error the rest are numbers
  rest('a', 'b');
  is<Equal<ReturnType<typeof rest>, Value<readonly [string, number[]]>>>();

  const optional = lazy((a: number, b?: string, c: boolean = true) => [a, b, c]);
  optional(1);
  optional(1, undefined, value(false));
  optional(1, value('x'));
  // @ts-expect-error c is a boolean
  optional(1, 'b', 3);

  const total = lazy((values: number[]) => values.length);
  total([1, value(2), future]);
  total(value([1, 2]));
  total([1, 2] as const);
  // @ts-expect-error items are numbers
  total(['x']);
  const lengths = lazy((lists: string[][]) => lists.length);
  lengths([handle, ['a', value('b')]]);

  const pair = lazy((p: [name: string, n: number]) => p);
  pair(['a', value(1)]);
  // @ts-expect-error two items
  pair(['a']);

  const nothing = lazy(() => undefined);
  is<Equal<ReturnType<typeof nothing>, Value<undefined>>>();
  const throws = lazy((): never => {
    throw new Error('x');
  });
  is<Equal<ReturnType<typeof throws>, Value<never>>>();

  const first = <T>(items: readonly T[]): T => items[0] as T;
  const firstText = lazy(first<string>);
  is<Equal<ReturnType<typeof firstText>, Value<string>>>();
  firstText([value('a')]);

  // @ts-expect-error a generator cannot be a task
  lazy(function* () {
    yield 1;
  });
  // @ts-expect-error a wrong option
  lazy((x: number) => x, { retry: 1 });
  // @ts-expect-error a wrong unit
  lazy((x: number) => x, { timeout: '12 parsecs' });
  // @ts-expect-error a number is no function
  lazy(5);
  // @ts-expect-error options are frozen
  add.options.name = 'x';
}

/** Containers. */
function containers(row: Value<Row>): void {
  const use = lazy((given: Row) => given.id);
  use(row);
  use({ id: value(1), tags: [value('a')], at: value(new Date()), index: new Map([['k', { n: value(1) }]]) });
  use({ id: 1, tags: value(['a']), at: new Date(), index: value(new Map<string, { n: number }>()), note: value('x') });
  // @ts-expect-error deep down a text is no number
  use({ id: 1, tags: [], at: new Date(), index: new Map([['k', { n: value('1') }]]) });
  // @ts-expect-error a Date is looked at as a whole
  use({ id: 1, tags: [], at: { getTime: value(1) }, index: new Map() });

  const union = lazy((x: string | number[]) => x);
  union('a');
  union([1, value(2)]);
  union(value<string | number[]>('a'));
  union(value('a'));
  const sets = lazy((x: Set<number>) => x.size);
  sets(new Set([1, value(2)]));
  const bytes = lazy((x: Uint8Array) => x.length);
  bytes(new Uint8Array(1));
  // @ts-expect-error bytes are one thing
  bytes([value(1)]);
  const each = lazy((x: Iterable<string>) => [...x]);
  each(['a', value('b')]);
  const callback = lazy((f: (x: number) => string) => f(1));
  callback((x) => String(x));
  // @ts-expect-error the callback gives text
  callback((x: number) => x);

  interface Tree {
    readonly n: number;
    readonly children: readonly Tree[];
  }
  const depth = lazy((tree: Tree) => tree.n);
  depth({ n: value(1), children: [{ n: 2, children: [value<Tree>({ n: 3, children: [] })] }] });

  is<Fits<number[], Lazy<number[]>>>();
  is<Fits<Value<number>, Lazy<number | string>>>();
  is<Equal<Fits<Value<string>, Lazy<number>>, false>>();
  is<Equal<LazyArguments<[a: number, b?: string]>['length'], 1 | 2>>();
}

/** Values. */
function values(row: Value<Row>): void {
  is<Equal<ReturnType<typeof row.get<'tags'>>, Value<string[]>>>();
  const tag = row.get('tags').get(0);
  is<Equal<typeof tag, Value<string>>>();
  // @ts-expect-error no such property
  row.get('nothing');
  const upper = tag.call('toUpperCase');
  is<Equal<typeof upper, Value<string>>>();
  const sliced = tag.call('slice', value(1), 2);
  is<Equal<typeof sliced, Value<string>>>();
  // @ts-expect-error slice takes numbers
  tag.call('slice', 'a');
  // @ts-expect-error no method
  tag.call('length');
  const found = row.get('index').call('get', 'k');
  is<Equal<typeof found, Value<{ n: number } | undefined>>>();
  const joined = row.get('tags').call('join', ',');
  is<Equal<typeof joined, Value<string>>>();
  is<Equal<MethodNames<{ a: number; f(): void }>, 'f'>>();

  const piped = row.pipe((r: Row, by: number) => r.id * by, value(2));
  is<Equal<typeof piped, Value<number>>>();
  const pipedLazy = piped.pipe(lazy(async (n: number) => [n]));
  is<Equal<typeof pipedLazy, Value<number[]>>>();
  // @ts-expect-error the first parameter is a Row
  row.pipe((r: string) => r);

  is<Equal<ReturnType<typeof row.compute>, Future<Row>>>();
  is<Equal<ReturnType<typeof row.with>, Value<Row>>>();
  is<Fits<Value<1>, Value<number>>>();
  is<Equal<Fits<Value<number>, Value<1>>, false>>();
  // @ts-expect-error not iterable
  const [x] = row;
  // @ts-expect-error not thenable
  row.then;
  // @ts-expect-error immutable
  row.key = 'x';
  // @ts-expect-error no arithmetic
  piped * 2;
  // @ts-expect-error nout belongs to the function
  row.with({ nout: 2 });
  void x;

  const inside = annotate({ retries: 2 }, () => [row, 1] as const);
  is<Equal<typeof inside, readonly [Value<Row>, 1]>>();
  // @ts-expect-error a key belongs to one task
  annotate({ key: 'x' }, () => 1);
  const task: TaskFunction<[a: number], string> = (a: number) => String(a);
  const other: TaskFunction<[a: number], string> = lazy((a: number) => String(a));
  void [task, other];
}

/** `nout`. */
function many(): void {
  const divide = lazy((a: number, b: number): [number, string] => [a, String(b)], { nout: 2 });
  is<Equal<typeof divide, ManyFunction<[a: number, b: number], [number, string], 2>>>();
  const both = divide(1, value(2));
  is<Equal<typeof both, ManyValue<[number, string], 2>>>();
  const [n, s] = both;
  is<Equal<[typeof n, typeof s], [Value<number>, Value<string>]>>();
  is<Equal<typeof both.length, 2>>();
  is<Equal<(typeof both)[1], Value<string>>>();
  // @ts-expect-error there are two
  both[2];
  // @ts-expect-error no array
  both.map((x: unknown) => x);
  const list = lazy(async (k: number): Promise<number[]> => [k], { nout: 3 })(1);
  const [a, b, c] = list;
  is<Equal<[typeof a, typeof b, typeof c], [Value<number>, Value<number>, Value<number>]>>();
  const later = lazy((k: number): [number, Date] => [k, new Date()]).with({ nout: 2 })(1);
  is<Equal<(typeof later)[1], Value<Date>>>();
  const again = both.with({ retries: 1 });
  is<Equal<(typeof again)[0], Value<number>>>();
  both.get(0).call('toFixed', 1);
  lazy((x: [number, string]) => x)(both as Lazy<[number, string]>);
  // @ts-expect-error a number has no elements
  lazy((x: number) => x, { nout: 2 });
}

/** What comes back. */
function results(): void {
  type In = {
    readonly a: Value<number>;
    readonly list: readonly [Value<string>, 3];
    readonly map: Map<string, Future<Date>>;
    readonly when: Date;
  };
  is<Equal<Computed<In>, { a: number; list: [string, 3]; map: Map<string, Date>; when: Date }>>();
  is<Equal<Computed<Value<Row>>, Row>>();
  is<Equal<Started<[Value<number>, 3]>, [Future<number>, 3]>>();
  is<Equal<Started<{ a: Value<number>; b: string }>, { a: Future<number>; b: string }>>();
  is<Equal<Started<Value<number>>, Future<number>>>();
  is<Equal<Gathered<[Future<number>, 'x']>, [number, 'x']>>();
  is<Equal<Gathered<Future<number>[], 'skip'>, number[]>>();
  is<Equal<Gathered<Future<number>, 'settle'>, PromiseSettledResult<number>>>();
  is<Equal<Gathered<Map<string, Future<number>>>, Map<string, number>>>();
  is<Equal<Scattered<number[]>, Future<number>[]>>();
  is<Equal<Scattered<{ a: string; b: 1 }>, { a: Future<string>; b: Future<1> }>>();
  is<Equal<Scattered<Map<string, number>>, Map<string, Future<number>>>>();
  is<Equal<Scattered<Uint8Array>, Future<Uint8Array>>>();
}

it('is judged by tsc -p test; at run time there is only the way in', () => {
  expect([calls, containers, values, many, results].every((tests) => typeof tests === 'function')).toBe(true);
});
