// Sections 1 and 2 of the contract: ordinary functions run in workers with what they capture, or say why they cannot.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { threadId } from 'node:worker_threads';
import { Executor, lazy } from 'heddle';
import { failure, fixture, lines, node, report, temporaryFolder } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterAll(() => executor.close());

const scale = 10;
const words = new Set(['a', 'the']);
const counts = new Map<string, number[]>([['a', [1, 2]]]);
const settings = { unit: 'kB', nested: { list: [1, 2, 3], when: new Date(5) } };

function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}
function isEven(n: number): boolean {
  return n === 0 ? true : isOdd(n - 1);
}
function isOdd(n: number): boolean {
  return n === 0 ? false : isEven(n - 1);
}
class Shape {
  static made = 'shape';
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
  describe(): string {
    return `${Shape.made} ${this.name} of ${this.area()}`;
  }
  area(): number {
    return 0;
  }
}
class Square extends Shape {
  #side: number;
  constructor(side: number) {
    super('square');
    this.#side = side;
  }
  override area(): number {
    return this.#side ** 2;
  }
  override describe(): string {
    return super.describe().toUpperCase();
  }
}

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  norm(): number {
    return Math.hypot(this.x, this.y);
  }
}

describe('a function runs in a worker', () => {
  it('and not in the thread that made it', async () => {
    expect(await executor.submit(() => threadId)).not.toBe(threadId);
  });

  it('with the constants it captures', async () => {
    expect(
      await executor.submit((x: number) => [x * scale, settings.unit, settings.nested.list[1], settings.nested.when.getTime()], 2),
    ).toEqual([20, 'kB', 2, 5]);
  });

  it('with Maps and Sets it captures', async () => {
    expect(await executor.submit((word: string) => [words.has(word), counts.get(word)?.[1]], 'a')).toEqual([true, 2]);
  });

  it('with helpers that call themselves and each other', async () => {
    expect(await executor.submit((n: number) => fibonacci(n), 15)).toBe(610);
    expect(await executor.submit((n: number) => isEven(n), 11)).toBe(false);
    expect(await executor.submit(fibonacci, 10)).toBe(55);
  });

  it('with classes, their base classes, statics and #private fields', async () => {
    expect(await executor.submit((side: number) => new Square(side).describe(), 3)).toBe('SHAPE SQUARE OF 9');
  });

  it('with instances of its classes, as captured data and as arguments', async () => {
    const point = new Point(3, 4);
    expect(await executor.submit(() => point.norm())).toBe(5);
    expect(await executor.submit((given: Point) => [given.norm(), given instanceof Point, given.x], new Point(6, 8))).toEqual([
      10,
      true,
      6,
    ]);
  });

  it('with builtin modules it imports, as names and as namespaces', async () => {
    expect(await executor.submit((text: string) => createHash('sha256').update(text).digest('hex').slice(0, 8), 'abc')).toBe('ba7816bf');
    expect(await executor.submit((a: string) => path.posix.join(a, 'b'), 'a')).toBe('a/b');
    expect(await executor.submit((at: string) => readFileSync(at, 'utf8').length > 0, fixture('keys.mjs'))).toBe(true);
  });

  it('with variables of the functions around it', async () => {
    const make = (base: number) => {
      const table = [base, base + 1];
      return (i: number) => table[i]! + base;
    };
    expect(await executor.submit(make(5), 1)).toBe(11);
    expect(await executor.submit(make(7), 0)).toBe(14);
  });

  it('as a method, an async function, a bound function and a default parameter', async () => {
    const object = {
      double(this: void, x: number) {
        return x * 2;
      },
    };
    expect(await executor.submit(object.double, 4)).toBe(8);
    const withDefault = (x: number, y = scale) => x + y;
    expect(await executor.submit((x: number) => withDefault(x), 1)).toBe(11);
    const bound = ((a: number, b: number) => a - b).bind(undefined, 10);
    expect(await executor.submit(bound, 4)).toBe(6);
    expect(await executor.submit(async (x: number) => (await Promise.resolve(x)) + 1, 4)).toBe(5);
  });

  it('with an identity that two captured things share', async () => {
    const shared = { n: 1 };
    const pair = [shared, shared];
    expect(await executor.submit(() => pair[0] === pair[1] && pair[0] === shared)).toBe(true);
  });

  it('with cyclic captured data', async () => {
    const ring: { name: string; self?: unknown } = { name: 'ring' };
    ring.self = ring;
    expect(await executor.submit(() => ring.self === ring && ring.name)).toBe('ring');
  });

  it('as a builtin function', async () => {
    expect(await executor.submit(Math.max, 1, 5, 3)).toBe(5);
    expect(await executor.submit(JSON.stringify as (x: unknown) => string, { a: 1 })).toBe('{"a":1}');
  });

  it('given as an argument or inside one', async () => {
    const apply = (fn: (x: number) => number, x: number) => fn(x);
    expect(await executor.submit(apply, (x: number) => x + scale, 1)).toBe(11);
  });
});

describe("a program's own functions", () => {
  const places = [
    ['an ES module', [fixture('entry-effects.mjs')]],
    ['a CommonJS module', [fixture('entry-effects.cjs')]],
    ['TypeScript under tsx', ['--import', 'tsx', fixture('entry-effects.ts')]],
    ['TypeScript run by the tsx command', [path.join('node_modules', 'tsx', 'dist', 'cli.mjs'), fixture('entry-effects.ts')]],
  ] as const;

  it.each(places)('run in workers, and the entry script does not run again: %s', async (kind, args) => {
    const log = path.join(folder, kind.replaceAll(' ', '-'));
    const result = await report<{ inline: number[]; exported: number; imported: number; threads: number }>([...args, log], {
      deadlineMs: 28_000,
    });
    expect(result.inline).toEqual([111, 112, 113]);
    expect(result.exported).toBe(6);
    expect(result.imported).toBe(40);
    expect(result.threads).toBeGreaterThanOrEqual(1);
    expect(lines(log)).toEqual(['entry']);
  });

  it('can be exported from a module, which a worker imports once and the entry script not at all', async () => {
    const log = path.join(folder, 'by-reference');
    const result = await report<{ results: number[] }>([fixture('by-reference.mjs'), log]);
    expect(result.results).toEqual([2, 4, 6, 8]);
    const seen = lines(log);
    expect(seen.filter((line) => line === 'entry')).toHaveLength(1);
    expect(seen.filter((line) => line.startsWith('module in main'))).toHaveLength(1);
    expect(seen.filter((line) => line.startsWith('module in worker')).length).toBeLessThanOrEqual(1);
  });

  it('may not compute while a worker imports their module', async () => {
    const { code } = await report<{ code: string }>([fixture('computes-on-import-entry.mjs')]);
    expect(code).toBe('ERR_COMPUTE_ON_IMPORT');
  });

  it('travel from a module that imports the entry script, which does not run again', async () => {
    const log = path.join(folder, 'round');
    expect(await report<{ result: number }>([fixture('round-entry.mjs'), log])).toEqual({ result: 15 });
    expect(lines(log)).toEqual(['entry']);
  });
});

describe('a function that cannot travel', () => {
  /** The CaptureError of a function, whether lazy() or compute() gives it. */
  const capture = (fn: (...args: never) => unknown) => failure(async () => await lazy(fn as () => unknown)().compute({ executor }));

  const promise = Promise.resolve(1);
  const weak = new WeakMap<object, number>();
  const stream = Readable.from(['a']);
  class Account {
    #balance = 1;
    get balance() {
      return this.#balance;
    }
  }
  const account = new Account();
  const proxy = new Proxy({ a: 1 }, { get: () => 2 });

  it.each([
    ['promise', () => promise],
    ['weak', () => weak.has({})],
    ['stream', () => stream.read()],
    ['account', () => account.balance],
    ['proxy', () => proxy.a],
  ])('is a CaptureError that names the variable and the source line: %s', async (variable, fn) => {
    const error = await capture(fn);
    expect(error.name).toBe('CaptureError');
    expect(error.code).toBe('ERR_CAPTURE');
    expect(error.path).toContain(variable);
    expect(error.message).toContain(variable);
    expect(error.message).toMatch(/functions-travel\.test\.ts:\d+/);
  });

  it('is named by its whole path', async () => {
    const load = { helper: { source: { stream } } };
    const error = await capture(() => load.helper.source.stream.read());
    expect(error.code).toBe('ERR_CAPTURE');
    expect(error.path).toMatch(/load.*helper.*source.*stream/);
  });

  it('is named through the helper that captures it', async () => {
    const deep = () => promise;
    const middle = () => deep();
    const error = await capture(() => middle());
    expect(error.code).toBe('ERR_CAPTURE');
    expect(error.path).toMatch(/middle.*deep.*promise/);
  });

  it("because of an arrow function's this is a CaptureError", async () => {
    class Job {
      factor = 2;
      task = () => this.factor;
    }
    const error = await capture(new Job().task);
    expect(error.code).toBe('ERR_CAPTURE');
    expect(error.message).toContain('this');
  });

  it('because of super in a method is a CaptureError', async () => {
    const base = { area: () => 1 };
    const object = {
      area() {
        return super.toString();
      },
    };
    Object.setPrototypeOf(object, base);
    const error = await capture(object.area);
    expect(error.code).toBe('ERR_CAPTURE');
    expect(error.message).toContain('super');
  });

  it('leaves the executor as it was', async () => {
    await capture(() => promise);
    expect(await executor.submit((x: number) => x + 1, 1)).toBe(2);
  });

  it('ends a program with a code of its own, not a hang', async () => {
    const ended = await node([fixture('capture-fails.mjs')]);
    expect(ended.late).toBe(false);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('ERR_CAPTURE');
    expect(ended.stderr).toMatch(/capture-fails\.mjs:\d+/);
  });
});

it('refuses a namespace that only gathers what other modules export, with the cure, which works', async () => {
  const gathered = await import('heddle');
  expect(await failure(() => executor.submit(() => gathered.currentTask().key))).toMatchObject({
    code: 'ERR_CAPTURE',
    message: expect.stringContaining('import what the task needs by name, or call import() in the task'),
  });
  expect(await executor.submit(async () => typeof (await import('heddle')).currentTask().key)).toBe('string');
});
