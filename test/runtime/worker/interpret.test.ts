import { Op } from '../../../graph/index.ts';
import { type Callable, interpret, MemberFailure, type Observer } from '../../../runtime/worker/interpret.ts';

const noData = (data: unknown): unknown => data;
function run(tape: readonly unknown[], fns: readonly Callable[] = [], results: readonly unknown[] = [], observer?: Observer): unknown {
  return interpret(tape, 0, tape.length, results, (index) => fns[index]!, noData, observer);
}
async function failure(start: () => unknown): Promise<MemberFailure> {
  try {
    await start();
  } catch (error) {
    return error as MemberFailure;
  }
  throw new Error('it did not fail');
}
/** Functions that note how they were called. */
function recorder(give: (args: unknown[]) => unknown): { fn: Callable; calls: unknown[][] } {
  const calls: unknown[][] = [];
  const fn: Callable = function (this: unknown, ...args) {
    expect(this).toBeUndefined();
    calls.push(args);
    return give(args);
  };
  return { fn, calls };
}

describe('interpret', () => {
  it('gives the data of a tape without a call', () => {
    const data = { a: 1 };
    expect(run([Op.literal, data])).toBe(data);
    expect(run([Op.dependency, 1], [], ['x', 'y'])).toBe('y');
  });

  it('makes arrays, objects, Maps and Sets, nested in each other', () => {
    // { list: [1, dep0], map: Map { 'k' → Set { dep1 } }, none: [] }
    const tape = [
      Op.literal,
      1,
      Op.dependency,
      0,
      Op.array,
      2,
      Op.literal,
      'k',
      Op.dependency,
      1,
      Op.set,
      1,
      Op.map,
      2,
      Op.array,
      0,
      Op.object,
      ['list', 'map', 'none'],
    ];
    const made = run(tape, [], ['a', 'b']) as { list: unknown[]; map: Map<string, Set<string>>; none: unknown[] };
    expect(made).toEqual({ list: [1, 'a'], map: new Map([['k', new Set(['b'])]]), none: [] });
    expect(run(tape, [], ['a', 'b'])).not.toBe(made);
  });

  it('keeps a field called __proto__ a field', () => {
    const made = run([Op.literal, { evil: true }, Op.object, ['__proto__']]) as object;
    expect(Object.keys(made)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype);
  });

  it.each([0, 1, 2, 3, 4, 7])('calls a function with exactly %i arguments, once, without this', (argc) => {
    const { fn, calls } = recorder((args) => args.length);
    const tape: unknown[] = [Op.literal, 'below'];
    for (let i = 0; i < argc; i++) tape.push(Op.literal, i);
    tape.push(Op.call, 0, argc, 0, Op.array, 2);
    for (const observer of [undefined, {}, { before: () => {} }]) {
      calls.length = 0;
      expect(run(tape, [fn], [], observer)).toEqual(['below', argc]);
      expect(calls).toEqual([Array.from({ length: argc }, (_, i) => i)]);
    }
  });

  it('runs only its part of a tape that holds several programs', () => {
    const tape = [Op.literal, 'first', Op.literal, 2, Op.call, 0, 1, 0, Op.literal, 'last'];
    expect(interpret(tape, 2, 8, [], () => (x) => Number(x) * 10, noData)).toBe(20);
  });

  it('stays synchronous as long as no call gives a promise', () => {
    expect(run([Op.literal, 1, Op.call, 0, 1, 0], [(x) => x])).toBe(1);
    expect(run([Op.literal, 1, Op.call, 0, 1, 0], [async (x) => x])).toBeInstanceOf(Promise);
  });

  it('waits for promises and other thenables between calls, and gives their results on', async () => {
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    const later: Callable = (x) => ({ then: (done: (value: unknown) => void) => setTimeout(done, 1, `${String(x)}!`) });
    const tape = [Op.literal, 'a', Op.call, 0, 1, 0, Op.literal, 'b', Op.call, 1, 1, 1, Op.call, 2, 2, 2];
    expect(await run(tape, [later, async (x) => x, (x, y) => [x, y]])).toEqual(['a!', 'b']);
  });

  it('runs a fused chain of 100,000 calls, synchronous or not', async () => {
    const tape: unknown[] = [Op.literal, 0];
    for (let i = 0; i < 100_000; i++) tape.push(Op.call, 0, 1, i);
    expect(run(tape, [(x) => Number(x) + 1])).toBe(100_000);
    expect(await run(tape, [async (x) => Number(x) + 1])).toBe(100_000);
  });

  it('builds data nested 100,000 deep', () => {
    const tape: unknown[] = [Op.literal, 0];
    for (let i = 0; i < 100_000; i++) tape.push(Op.array, 1);
    let depth = 0;
    for (let at = run(tape); Array.isArray(at); at = at[0]) depth++;
    expect(depth).toBe(100_000);
  });

  it('says which member threw, whatever it threw', async () => {
    const bad = new Error('bad');
    const ok: Callable = (x) => x;
    const tape = [Op.literal, 1, Op.call, 0, 1, 0, Op.call, 1, 1, 1, Op.call, 0, 1, 2];
    for (const [thrower, thrown] of [
      [
        () => {
          throw bad;
        },
        bad,
      ],
      [
        () => {
          throw null;
        },
        null,
      ],
      [
        async () => {
          throw 'text';
        },
        'text',
      ],
      [
        () => ({
          // biome-ignore lint/suspicious/noThenProperty: it is what is tested
          get then() {
            throw bad;
          },
        }),
        bad,
      ],
    ] as const) {
      const error = await failure(() => run(tape, [ok, thrower]));
      expect(error).toBeInstanceOf(MemberFailure);
      expect([error.member, error.thrown]).toEqual([1, thrown]);
    }
  });

  it('blames the member that would have taken data which cannot be restored', async () => {
    const broken = (): never => {
      throw new Error('cannot restore');
    };
    const ok: Callable = (...args) => args;
    // outer(inner2(7), { x: captured }, inner4()) : the captured data belongs to outer, though inner4 is called first
    const tape = [Op.literal, 7, Op.call, 0, 1, 2, Op.captured, {}, Op.object, ['x'], Op.call, 0, 0, 4, Op.call, 0, 3, 9];
    const error = await failure(() => interpret(tape, 0, tape.length, [], () => ok, broken));
    expect([error.member, (error.thrown as Error).message]).toEqual([9, 'cannot restore']);
    const own = [Op.captured, {}, Op.call, 0, 1, 2, Op.call, 0, 1, 9];
    expect((await failure(() => interpret(own, 0, own.length, [], () => ok, broken))).member).toBe(2);
  });

  it('shows each call to the observer, with its arguments and its awaited result', async () => {
    const seen: unknown[] = [];
    const observer: Observer = {
      before: (member, args) => void seen.push(['before', member, [...args]]),
      after: (member, args, result) => void seen.push(['after', member, [...args], result]),
    };
    const tape = [Op.literal, 1, Op.literal, 2, Op.call, 0, 2, 5, Op.call, 1, 1, 6];
    expect(await run(tape, [async (x, y) => Number(x) + Number(y), (x) => Number(x) * 2], [], observer)).toBe(6);
    expect(seen).toEqual([
      ['before', 5, [1, 2]],
      ['after', 5, [1, 2], 3],
      ['before', 6, [3]],
      ['after', 6, [3], 6],
    ]);
  });

  it('counts what an observer throws as thrown by the member', async () => {
    const no = new Error('no');
    const tape = [Op.call, 0, 0, 3];
    for (const fn of [() => 1, async () => 1])
      for (const observer of [
        {
          before: () => {
            throw no;
          },
        },
        {
          after: () => {
            throw no;
          },
        },
      ]) {
        const error = await failure(() => run(tape, [fn], [], observer));
        expect([error.member, error.thrown]).toEqual([3, no]);
      }
  });

  it('refuses a stream or an iterator that a member gives, and lets the next have anything else', async () => {
    const tape = [Op.call, 0, 0, 3, Op.call, 1, 1, 4];
    for (const give of [() => [1].values(), async () => ({ body: new ReadableStream() })]) {
      const error = await failure(() => run(tape, [give, (x) => x]));
      expect([error.member, (error.thrown as { code: string }).code]).toEqual([3, 'ERR_UNSENDABLE']);
    }
    class Counter {
      #n = 1;
      get total(): number {
        return this.#n;
      }
    }
    expect(run(tape, [() => new Counter(), (counter) => (counter as Counter).total])).toBe(1);
  });

  it('lets an observer make the call', () => {
    expect(
      run([Op.literal, 2, Op.call, 0, 1, 0], [(x) => Number(x) + 1], [], { invoke: (member, fn, args) => [member, fn(...args)] }),
    ).toEqual([0, 3]);
  });
});
