// Sections 2 to 4 of the contract as types. The compiler is the judge (`tsc -p test`); what stands under @ts-expect-error must not compile.
import {
  annotate,
  asCompleted,
  type ByteSize,
  compute,
  currentTask,
  type Duration,
  Executor,
  type Future,
  type FutureHandle,
  type GraphlibGraph,
  isHeddleError,
  isTaskFailure,
  type Lazy,
  type LazyFunction,
  lazy,
  type PlanReport,
  persist,
  plan,
  progress,
  readBlocks,
  readBytes,
  toGraphlib,
  tokenize,
  type Value,
  value,
  visualize,
  wait,
  writeBytes,
} from 'heddle';

/** True when the two types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only for `true`. */
function check<_ extends true>(): void {}

declare const executor: Executor;

/** Never called: the compiler reads it. */
function lazyCalls(): void {
  const add = lazy((a: number, b: number) => a + b);
  const sum = add(1, 2);
  check<Same<typeof sum, Value<number>>>();

  const later = lazy(async (text: string) => [text.length]);
  const lengths = later('a');
  check<Same<typeof lengths, Value<number[]>>>();
  add(sum, add(3, sum));
  add(
    executor.submit((x: number) => x, 1),
    2,
  );
  // @ts-expect-error: text is no number
  add('1', 2);
  // @ts-expect-error: a Value of text is no number
  add(value('1'), 2);
  // @ts-expect-error: an argument is missing
  add(1);
  // @ts-expect-error: one too many
  add(1, 2, 3);

  const optional = lazy((a: number, b?: string, ...rest: boolean[]) => [a, b, rest] as const);
  optional(1);
  optional(1, 'b');
  optional(value(1), value('b'), true, value(false));
  // @ts-expect-error: the rest are booleans
  optional(1, 'b', 3);

  interface Order {
    readonly id: number;
    readonly lines: { readonly name: string; readonly amounts: number[] }[];
    readonly tags: Map<string, Set<number>>;
    readonly pair: [string, number];
    readonly when: Date;
  }
  const total = lazy((order: Order) => order.id);
  total({
    id: value(1),
    lines: [{ name: value('n'), amounts: [1, value(2)] }],
    tags: new Map([['t', new Set([1])]]),
    pair: ['p', value(2)],
    when: new Date(),
  });
  total({
    id: 1,
    lines: value([{ name: 'n', amounts: [1] }]),
    tags: value(new Map<string, Set<number>>()),
    pair: value(['p', 2] as [string, number]),
    when: value(new Date()),
  });
  total(value<Order>({ id: 1, lines: [], tags: new Map(), pair: ['p', 2], when: new Date() }));
  // @ts-expect-error: text in place of a number, three levels down
  total({ id: 1, lines: [{ name: 'n', amounts: [value('2')] }], tags: new Map(), pair: ['p', 2], when: new Date() });
  // @ts-expect-error: a tuple of another length
  total({ id: 1, lines: [], tags: new Map(), pair: ['p'], when: new Date() });

  const merge = lazy((parts: Map<string, number>[]) => parts.length);
  const part = lazy((bytes: Uint8Array) => new Map([['n', bytes.length]]));
  const merged = merge([part(new Uint8Array(1)), value(new Map<string, number>())]);
  check<Same<typeof merged, Value<number>>>();

  const either = lazy((x: string | number) => String(x));
  either(value<string | number>(1));
  either('a');

  const first = <T>(items: T[]): T => items[0]!;
  const firstNumber = lazy(first<number>);
  check<Same<ReturnType<typeof firstNumber>, Value<number>>>();

  const names: string = add.name;
  const options: number | undefined = add.options.retries;
  void [names, options];
  const named: LazyFunction<[a: number, b: number], number> = add.with({
    name: 'plus',
    retries: 2,
    timeout: '10 s',
    resources: { gpu: 1 },
  });
  void named;
  // @ts-expect-error: no such option
  lazy((x: number) => x, { retry: 2 });
  // @ts-expect-error: text is no number of retries
  lazy((x: number) => x, { retries: '2' });
  // @ts-expect-error: a generator cannot be a task
  lazy(function* () {
    yield 1;
  });
  // @ts-expect-error: nor an asynchronous one
  lazy(async function* () {
    yield 1;
  });
}

/** Never called: the compiler reads it. */
function manyValues(): void {
  const divide = lazy((a: number, b: number): [number, string] => [a / b, String(a % b)], { nout: 2 });
  const both = divide(7, 2);
  const [quotient, rest] = both;
  check<Same<typeof quotient, Value<number>>>();
  check<Same<typeof rest, Value<string>>>();
  const second = both[1];
  check<Same<typeof second, Value<string>>>();
  const length: 2 = both.length;
  void length;
  // @ts-expect-error: there are two
  both[2];
  const [one] = lazy((x: number): [number, number] => [x, x]).with({ nout: 2 })(1);
  check<Same<typeof one, Value<number>>>();
  const plain = lazy((x: number): [number, number] => [x, x])(1);
  // @ts-expect-error: without nout a Value is not iterable
  const [nothing] = plain;
  void nothing;
  // @ts-expect-error: what is no array has no nout
  lazy((x: number) => x, { nout: 2 });
}

/** Never called: the compiler reads it. */
async function values(): Promise<void> {
  const point = value({ x: 1, names: ['a'], at: new Date() });
  const x = point.get('x');
  check<Same<typeof x, Value<number>>>();
  const name = point.get('names').get(0);
  check<Same<typeof name, Value<string>>>();
  // @ts-expect-error: no such property
  point.get('y');
  const upper = value('a').call('toUpperCase');
  check<Same<typeof upper, Value<string>>>();
  const time = point.get('at').call('getTime');
  check<Same<typeof time, Value<number>>>();
  // @ts-expect-error: no such method
  value('a').call('nothing');
  const piped = x.pipe((a: number, b: string) => `${a}${b}`, value('b'));
  check<Same<typeof piped, Value<string>>>();
  const throughLazy = x.pipe(lazy((a: number) => a > 1));
  check<Same<typeof throughLazy, Value<boolean>>>();
  // @ts-expect-error: the function takes text
  x.pipe((a: string) => a);

  const future = x.compute();
  check<Same<typeof future, Future<number>>>();
  const kept = x.persist({ executor });
  check<Same<typeof kept, Value<number>>>();
  const awaited = await x.compute();
  check<Same<typeof awaited, number>>();
  const renamed = x.with({ name: 'renamed' });
  check<Same<typeof renamed, Value<number>>>();
  const picture: string = await x.visualize('x.svg', { format: 'svg', color: 'order' });
  void picture;
  // @ts-expect-error: a Value has no then
  x.then;
  // @ts-expect-error: a Value is immutable
  x.key = 'other';
  const widened: Value<number | string> = x;
  void widened;
  // @ts-expect-error: a Value of a number is none of text
  const wrong: Value<string> = x;
  void wrong;
  const body = annotate({ retries: 2 }, () => [x, upper] as const);
  check<Same<typeof body, readonly [Value<number>, Value<string>]>>();
  const token: string = tokenize(1, 'a', {});
  void token;
  const accepted: Lazy<number[]> = [1, value(2), future];
  void accepted;
}

/** Never called: the compiler reads it. */
async function executors(): Promise<void> {
  const submitted = executor.submit((a: number, b: string) => a + b.length, 1, 'b');
  check<Same<typeof submitted, Future<number>>>();
  const asynchronous = executor.submit(async (a: number) => [a], value(1));
  check<Same<typeof asynchronous, Future<number[]>>>();
  const lazily = executor.submit(
    lazy((a: number) => a, { retries: 2 }),
    1,
  );
  check<Same<typeof lazily, Future<number>>>();
  // @ts-expect-error: text is no number
  executor.submit((a: number) => a, 'a');
  // @ts-expect-error: no function
  executor.submit(5);

  const mapped = executor.map((a: number, b: string) => `${a}${b}`, [1, value(2)], new Set(['a']));
  check<Same<typeof mapped, Future<string>[]>>();
  async function* stream() {
    yield 1;
  }
  const streamed = executor.map((a: number) => a > 1, stream());
  check<Same<typeof streamed, AsyncIterable<FutureHandle<boolean>>>>();
  for await (const handle of streamed) {
    const result: boolean = await handle.result();
    void result;
  }

  const started = executor.compute([value(1), 'b', value('c')]);
  const startedFirst: Future<number> = started[0];
  const startedSecond: 'b' = started[1];
  void [startedFirst, startedSecond];
  const object = executor.compute({ n: value(1), k: 5 });
  const n: Future<number> = object.n;
  void n;

  const gathered = await executor.gather([submitted, mapped[0]!] as const);
  check<Same<typeof gathered, [number, string]>>();
  const settled = await executor.gather([submitted], { errors: 'settle' });
  const outcome: PromiseSettledResult<number> = settled[0];
  void outcome;
  const skipped = await executor.gather(mapped, { errors: 'skip' });
  check<Same<typeof skipped, string[]>>();
  const scattered = executor.scatter(new Map([['a', 1]]));
  check<Same<typeof scattered, Map<string, Future<number>>>>();
  const bytes = executor.scatter(new Uint8Array(1));
  const view: Uint8Array = await bytes;
  void view;
  const got: Future<number> = executor.get<number>({ x: 1 }, 'x');
  const all: Future<number>[] = executor.get<number>({ x: 1 }, ['x']);
  void [got, all];
  const ran: Map<string, number> = await executor.run(async () => 1, { workers: ['a'], timeout: '1 s' });
  void ran;

  const [a, deep] = await compute(value(1), { list: [value('x'), { map: new Map([['k', value(true)]]) }] });
  check<Same<typeof a, number>>();
  const text: string = deep.list[0];
  const flag: boolean | undefined = deep.list[1].map.get('k');
  void [text, flag];
  const [kept] = await persist(value(1));
  check<Same<typeof kept, Value<number>>>();

  const { done, notDone } = await wait([submitted, lazily], { returnWhen: 'first', timeout: 5 });
  check<Same<typeof done, Future<number>[]>>();
  check<Same<typeof notDone, Future<number>[]>>();
  await progress(mapped);
  for await (const future of asCompleted(mapped)) {
    check<Same<typeof future, FutureHandle<string>>>();
  }
  for await (const batch of asCompleted(mapped).batches()) {
    const more: FutureHandle<string>[] = batch;
    void more;
  }
  for await (const result of asCompleted(mapped).results()) {
    check<Same<typeof result, string>>();
  }

  const task = currentTask();
  const attempt: number = task.attempt;
  const signal: AbortSignal = task.signal;
  const child: Future<number> = task.submit((x: number) => x, 1);
  void [attempt, signal, child];
  const status: 'pending' | 'finished' | 'error' | 'cancelled' | 'lost' = submitted.status;
  const problem: Error | null = await submitted.exception();
  void [status, problem];
  const remove: () => void = submitted.addDoneCallback((future) => future.key);
  remove();
}

/** Never called: the compiler reads it. */
async function executorOptions(): Promise<void> {
  new Executor({ workers: [{ name: 'a', host: 'h', resources: { gpu: 1 } }], memoryLimit: '1.5 GiB', cancelGrace: '2 s', retries: 1 });
  new Executor({ engine: 'inline' });
  // @ts-expect-error: no such unit
  new Executor({ memoryLimit: '12 parsecs' });
  // @ts-expect-error: no such option
  new Executor({ threads: 2 });
  const size: ByteSize = '64 MiB';
  const duration: Duration = '500 ms';
  void [size, duration];
}

/** Never called: the compiler reads it. */
async function storage(): Promise<void> {
  const eager = await readBytes('/data/');
  check<Same<typeof eager, Future<Uint8Array>[]>>();
  const lazyBlocks = await readBytes(new URL('file:///data/'), { lazy: true, blockSize: '64 MiB', delimiter: '\n' });
  check<Same<typeof lazyBlocks, Value<Uint8Array>[]>>();
  const { sample, blocks, paths } = await readBlocks(['a', 'b'], { blockSize: null, compression: 'gzip', sample: '1 kB' });
  check<Same<typeof sample, Uint8Array | null>>();
  check<Same<typeof blocks, Value<Uint8Array>[][]>>();
  check<Same<typeof paths, string[]>>();
  const written = await writeBytes('/out/', lazyBlocks);
  check<Same<typeof written, Future<number>[]>>();
  const toWrite = await writeBytes('/out/', [new Uint8Array(1), eager[0]!], { lazy: true, overwrite: true, compression: 'gzip' });
  check<Same<typeof toWrite, Value<number>[]>>();
  // @ts-expect-error: a Set has no order
  readBytes(new Set(['a']));
  // @ts-expect-error: no such unit
  readBytes('a', { blockSize: '12 parsecs' });
  // @ts-expect-error: text is no bytes
  writeBytes('/out/', ['text']);
  // @ts-expect-error: nothing is inferred when writing
  writeBytes('/out/', [new Uint8Array(1)], { compression: 'infer' });
}

/** Never called: the compiler reads it. */
async function looking(error: unknown): Promise<void> {
  const text: string = await visualize([value(1), value('a')], undefined, { format: 'mermaid', rankdir: 'LR' });
  const png: string | Uint8Array = await visualize(value(1), undefined, { format: 'png' });
  const report: PlanReport = await plan(value(1));
  const before: number = report.tasksBefore;
  const graph: GraphlibGraph = toGraphlib([value(1)]);
  void [text, png, before, graph];
  if (isHeddleError(error, 'ERR_TIMEOUT')) {
    const code: 'ERR_TIMEOUT' = error.code;
    void code;
  }
  if (isTaskFailure(error)) {
    const key: string = error.task.key;
    void key;
  }
}

describe('the types', () => {
  it('are read by the compiler', () => {
    expect([lazyCalls, manyValues, values, executors, executorOptions, storage, looking].every((body) => typeof body === 'function')).toBe(
      true,
    );
  });

  it('belong to functions that are there', () => {
    for (const fn of [
      lazy,
      value,
      annotate,
      tokenize,
      compute,
      persist,
      wait,
      progress,
      asCompleted,
      plan,
      visualize,
      toGraphlib,
      readBytes,
      readBlocks,
      writeBytes,
    ]) {
      expect(typeof fn).toBe('function');
    }
  });

  it('are what a value at run time is: name, options, length', () => {
    const divide = lazy((a: number, b: number): [number, number] => [Math.floor(a / b), a % b], { nout: 2 });
    expect(divide.name).toMatch(/^\S+$/);
    expect(divide.options.nout).toBe(2);
    expect(divide(7, 2).length).toBe(2);
  });
});
