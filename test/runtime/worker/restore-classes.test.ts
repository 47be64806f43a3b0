import { capture } from '../../../graph/function/capture.ts';
import { OneWorker } from '../../fixtures/functions/pool.mjs';

let worker: OneWorker;
beforeAll(() => {
  worker = new OneWorker();
});
afterAll(() => worker.close());

/** What a function gives in a real thread. */
function run(fn: (...args: never[]) => unknown, ...args: unknown[]): Promise<unknown> {
  return worker.call(capture(fn, { label: fn.name || 'lambda' }).payload, args);
}

describe('classes in a worker', () => {
  it('inherit, and a base may name its subclass', async () => {
    class Base {
      static make(): Base {
        return new Derived();
      }
      value(): number {
        return 1;
      }
    }
    class Derived extends Base {
      override value(): number {
        return super.value() + 1;
      }
    }
    expect(await run(() => [Base.make().value(), Base.make() instanceof Derived, new Derived() instanceof Base])).toEqual([2, true, true]);
  });

  it('keep their statics as they are, and run no static code again', async () => {
    let runs = 0;
    const count = () => ++runs;
    class Counted {
      static first = count();
      static hits = 0;
      static #secret = 1;
      static {
        Counted.hits = 10;
      }
      static hit(): number {
        Counted.#secret += 1;
        return ++Counted.hits;
      }
      static get secret(): number {
        return Counted.#secret;
      }
    }
    Counted.hit();
    expect(await run(() => [Counted.first, Counted.hits, Counted.secret, Counted.hit(), Counted.secret])).toEqual([1, 11, 2, 12, 3]);
    expect(runs).toBe(1);
  });

  it('may have #private members, and hold an instance of themselves in one', async () => {
    class Hidden {
      #value = 4;
      value(): number {
        return this.#value;
      }
    }
    expect(await run(() => new Hidden().value())).toBe(4);
    class Plain {
      static readonly #instance = new Plain();
      static get instance(): Plain {
        return Plain.#instance;
      }
      label = 'one';
    }
    expect(await run(() => [Plain.instance.label, Plain.instance instanceof Plain])).toEqual(['one', true]);
  });

  it('may extend an expression, which is not evaluated again', async () => {
    let made = 0;
    const mixin = (base: new () => object) => {
      made++;
      return class extends base {
        mixed = true;
      };
    };
    class Root {}
    class Mixed extends mixin(Root) {
      has = 1;
    }
    expect(await run(() => [new Mixed().mixed, new Mixed() instanceof Root, made])).toEqual([true, true, 1]);
  });

  it('have computed keys', async () => {
    const name = 'foo';
    class Computed {
      [name](): number {
        return 5;
      }
      static [`${name}2`](): number {
        return 6;
      }
      *[Symbol.iterator]() {
        yield 7;
      }
    }
    expect(
      await run(() => [new Computed()[name](), (Computed as unknown as Record<string, () => number>).foo2!(), [...new Computed()]]),
    ).toEqual([5, 6, [7]]);
  });

  it('extend builtins, instances included', async () => {
    class Failure extends Error {
      readonly code = 'E_FAILURE';
    }
    class Bag extends Map<string, number> {
      total(): number {
        return [...this.values()].reduce((a, b) => a + b, 0);
      }
    }
    class List extends Array<number> {
      last(): number {
        return this[this.length - 1]!;
      }
    }
    const failure = new Failure('no', { cause: { why: 1 } });
    const bag = new Bag([
      ['a', 1],
      ['b', 2],
    ]);
    const list = List.from([1, 2, 3]) as List;
    expect(
      await run(() => [
        failure instanceof Failure,
        failure instanceof Error,
        failure.code,
        failure.message,
        (failure.cause as { why: number }).why,
        typeof failure.stack,
        new Failure('x').code,
        bag.total(),
        bag instanceof Map,
        list.last(),
        list.length,
      ]),
    ).toEqual([true, true, 'E_FAILURE', 'no', 1, 'string', 'E_FAILURE', 3, true, 3, 3]);
  });

  it('may be old-style constructors with prototypes and inheritance', async () => {
    type Old = { new (x: number): { x: number; get(): number; twice(): number }; prototype: Record<string, unknown> };
    const Base = function (this: { x: number }, x: number) {
      this.x = x;
    } as unknown as Old;
    Base.prototype.get = function (this: { x: number }) {
      return this.x;
    };
    const Sub = function (this: object, x: number) {
      Reflect.apply(Base, this, [x]);
    } as unknown as Old;
    Sub.prototype = Object.create(Base.prototype) as Record<string, unknown>;
    Sub.prototype.constructor = Sub;
    Sub.prototype.twice = function (this: { get(): number }) {
      return this.get() * 2;
    };
    const made = new Sub(3);
    expect(await run(() => [made.twice(), new Sub(4).twice(), made instanceof Base, made.constructor === Sub, new Base(1).get()])).toEqual([
      6,
      8,
      true,
      true,
      1,
    ]);
  });

  it('keep methods that were put on them later', async () => {
    class Patched {
      one(): number {
        return 1;
      }
      two(): number {
        return 2;
      }
    }
    Patched.prototype.two = () => 22;
    (Patched.prototype as unknown as Record<string, unknown>).three = () => 3;
    expect(
      await run(() => {
        const it = new Patched() as unknown as Record<string, () => number>;
        return [it.one!(), it.two!(), it.three!()];
      }),
    ).toEqual([1, 22, 3]);
  });

  it('are one class in a worker, whatever brings them', async () => {
    class Base {}
    class Mark extends Base {
      readonly at: number;
      static readonly origin = 0;
      constructor(at: number) {
        super();
        this.at = at;
      }
    }
    const mark = new Mark(3);
    const isMark = (thing: unknown) => [
      thing instanceof Mark,
      thing instanceof Base,
      (thing as Mark).constructor === Mark,
      (thing as Mark).at,
    ];
    const check = (await worker.call(capture(isMark, { label: 'isMark' }).payload, [mark])) as unknown[];
    expect(check[0]).toBe(false); // a structured clone has lost its class
    const asTask = capture(isMark, { label: 'isMark' }).payload;
    const asArgument = capture(mark, { label: 'mark' }).payload;
    expect(await worker.callRestored(asTask, asArgument)).toEqual([true, true, true, 3]);
  });

  it('are another class when their statics have changed', async () => {
    class Counted {
      static count = 1;
    }
    const read = () => Counted.count;
    expect(await run(read)).toBe(1);
    Counted.count = 2;
    expect(await run(read)).toBe(2);
    Counted.count = 1;
    expect(await run(read)).toBe(1);
  });

  it('keep to themselves when they hang on data that may change', async () => {
    const registry = new Map<string, number>();
    class Registered {
      static add(name: string): void {
        registry.set(name, registry.size);
      }
    }
    const add = (name: string) => {
      Registered.add(name);
      return [...registry.keys()];
    };
    expect(await run(add, 'a')).toEqual(['a']);
    expect(await run(add, 'b')).toEqual(['b']);
  });
});
