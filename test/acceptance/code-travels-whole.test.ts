// Section 1 and 2 of the contract: what a function does in a worker is what it does here, whatever it is written with.
import { inspect } from 'node:util';
import { Executor } from 'heddle';
import { fixture, report } from '../fixtures/acceptance/helpers.ts';

let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

class Base {
  static make(): Base {
    return new Derived();
  }
  kind(): string {
    return 'base';
  }
}
class Derived extends Base {
  static #made = 0;
  static {
    Derived.#made = 10;
  }
  static count(): number {
    return ++Derived.#made;
  }
  override kind(): string {
    return `derived ${super.kind()}`;
  }
}

interface Old {
  readonly x: number;
  double(): number;
}
const OldStyle = function OldStyle(this: { x: number }, x: number) {
  this.x = x;
} as unknown as { new (x: number): Old; prototype: Old };
OldStyle.prototype.double = function double(this: Old) {
  return this.x * 2;
};

class Counter extends Map<string, number> {
  add(word: string): this {
    return this.set(word, (this.get(word) ?? 0) + 1);
  }
}
class QuotaError extends RangeError {
  readonly limit: number;
  constructor(limit: number) {
    super(`over ${limit}`);
    this.limit = limit;
  }
}
class Stack extends Array<number> {
  top(): number | undefined {
    return this.at(-1);
  }
}

const frozen = Object.freeze({ list: Object.freeze([1, 2]), n: 1 });
const sealed = Object.seal({ n: 1 });
const symbol = Symbol('local');
const odd = {
  get computed() {
    return this.base * 2;
  },
  base: 21,
  [symbol]: 'by symbol',
  [Symbol.for('shared')]: 'by shared symbol',
  method(x: number) {
    return this.base + x;
  },
};
const bare: Record<string, number> = Object.assign(Object.create(null), { a: 1 });
const counter = new Counter([['a', 1]]);
const derived = new Derived();
const failure = new QuotaError(3);
const holes: (number | undefined)[] = [];
holes[3] = 1;
const shared = { n: 1 };
const left = { shared };
const right = { shared };
let changing = 1;
const bump = () => ++changing;
function* counts(n: number): Generator<number> {
  for (let i = 0; i < n; i++) yield i;
}
function withStatic(x: number): number {
  return x * withStatic.factor;
}
withStatic.factor = 3;
const tag = (parts: TemplateStringsArray, ...values: number[]) => parts.raw.join('|') + values.join();

const cases: [string, () => unknown][] = [
  ['a base class that names its subclass', () => [Base.make().kind(), Base.make() instanceof Derived, Base.make() instanceof Base]],
  ['static private fields and static blocks', () => [Derived.count(), Derived.count()]],
  ['an old-style constructor with a prototype', () => [new OldStyle(4).double(), new OldStyle(4) instanceof OldStyle]],
  ['a subclass of Map', () => [[...new Counter().add('x').add('x')], new Counter() instanceof Map, new Counter().size]],
  ['an instance of a subclass of Map', () => [counter.get('a'), counter.add('a').get('a'), counter instanceof Counter]],
  [
    'a subclass of Error that is thrown and caught',
    () => {
      try {
        throw new QuotaError(5);
      } catch (error) {
        return [error instanceof QuotaError, error instanceof RangeError, (error as QuotaError).limit, (error as QuotaError).message];
      }
    },
  ],
  ['an instance of a subclass of Error', () => [failure instanceof QuotaError, failure.limit, failure.message]],
  ['a subclass of Array', () => [(Stack.from([1, 2, 3]) as Stack).top(), new Stack().length, Stack.from([1]) instanceof Stack]],
  ['an instance of a class and the class', () => [derived instanceof Derived, derived.constructor === Derived, derived.kind()]],
  [
    'frozen and sealed objects',
    () => [Object.isFrozen(frozen), Object.isFrozen(frozen.list), Object.isSealed(sealed), Object.isFrozen(sealed), frozen.list[1]],
  ],
  ['getters, symbols and methods of an object', () => [odd.computed, odd[symbol], odd[Symbol.for('shared') as never], odd.method(1)]],
  ['an object without a prototype', () => [Object.getPrototypeOf(bare) === null, bare.a]],
  ['an array with holes', () => [holes.length, 0 in holes, 3 in holes]],
  ['identity between two captured objects', () => left.shared === right.shared && left.shared === shared],
  ['a variable that two functions share', () => [bump(), bump(), changing]],
  ['generators as helpers', () => [...counts(4)]],
  ['a property of a function', () => withStatic(2)],
  ['tagged templates', () => tag`a${1}b\n${2}`],
  [
    'a variable used by an inner function before it is set',
    () => {
      const inner = () => later * 2;
      const later = 4;
      return inner();
    },
  ],
  [
    'variables of one name at many levels',
    () => {
      const changing = 'inner';
      const again = (changing: number) => {
        {
          const changing = 'block';
          if (changing !== 'block') return 'wrong';
        }
        return changing;
      };
      try {
        throw new Error('e');
      } catch (changing) {
        if (!(changing instanceof Error)) return 'wrong';
      }
      return [changing, again(7)];
    },
  ],
  [
    'destructuring, defaults, rest and labels',
    () => {
      const take = (
        { a, b: { c = frozen.n, ...others } = { c: 5 } as { c?: number; d?: number } }: { a: number; b?: { c?: number; d?: number } },
        [x, , y = a] = [1, 2],
        ...more: number[]
      ) => [a, c, others, x, y, more];
      outer: for (let i = 0; i < 3; i++) for (let j = 0; j < 3; j++) if (i * j === 1) break outer;
      return [take({ a: 1 }), take({ a: 2, b: { d: 3 } }, [7, 8, 9], 10, 11)];
    },
  ],
  [
    'arguments, new.target and optional catch',
    () => {
      function old(this: void, ..._: number[]) {
        // biome-ignore lint/complexity/noArguments: what is tested
        return [arguments.length, new.target === undefined];
      }
      try {
        JSON.parse('{');
      } catch {
        return old(1, 2, 3);
      }
      return 'no error';
    },
  ],
  [
    'typeof of a name that is nowhere',
    () => [typeof (globalThis as { nowhereAtAll?: unknown }).nowhereAtAll, typeof structuredClone, typeof Buffer],
  ],
  ['numbers that JSON loses', () => [Object.is([-0][0], -0), Number.NaN, 1n << 70n]],
];

describe('code does in a worker what it does here', () => {
  it.each(cases)('%s', async (_, fn) => {
    // the worker first: the caller's run may change what is captured
    const there = await executor.submit(fn);
    expect(inspect(there, { depth: 10 })).toBe(inspect(fn(), { depth: 10 }));
  });

  it('with import.meta and import() in the entry script', async () => {
    const seen = await report<Readonly<Record<string, string>>>([fixture('import-meta.mjs')]);
    for (const [what, text] of Object.entries(seen)) expect(`${what}: ${text}`).toMatch(/: (as here|ERR_CAPTURE)$/);
  });
});
