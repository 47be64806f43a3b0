// What a user may get wrong: each ends in a clear error at the right place, nothing is half-written, and the executor goes on.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { currentTask, Executor, lazy, readBytes, value, writeBytes } from 'heddle';
import {
  type Failure,
  failure,
  fixture,
  lines,
  node,
  packageFolder,
  report,
  temporaryFolder,
  thrown,
} from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();
let executor: Executor;
beforeAll(() => {
  executor = new Executor({ workers: 2 });
});
afterEach(async () => {
  // whatever went wrong before, the next task runs
  expect(await executor.submit((x: number) => x + 1, 1)).toBe(2);
});
afterAll(() => executor.close());

/** Takes what the types would refuse. */
const untyped = (fn: unknown): ((...args: unknown[]) => Promise<unknown>) => fn as (...args: unknown[]) => Promise<unknown>;

function tree(files: Readonly<Record<string, string | Uint8Array>>): string {
  const place = mkdtempSync(join(folder, 'tree-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(place, name)), { recursive: true });
    writeFileSync(join(place, name), content);
  }
  return place;
}

/** The error of a read, whether the listing or a block gives it. */
const readFailure = (url: Parameters<typeof readBytes>[0], options: Parameters<typeof readBytes>[1] = {}): Promise<Failure> =>
  failure(async () => await Promise.all((await readBytes(url, options)) as PromiseLike<Uint8Array>[]));

/** The error of a write, whether the call or a part gives it. */
const writeFailure = (url: string, parts: unknown, options: object = {}): Promise<Failure> =>
  failure(async () => await Promise.all((await untyped(writeBytes)(url, parts, options)) as PromiseLike<number>[]));

describe('reading', () => {
  it('a missing path is an ERR_NOT_FOUND that names it', async () => {
    const path = join(folder, 'nowhere', 'missing.txt');
    const error = await failure(() => readBytes(path));
    expect(error.code).toBe('ERR_NOT_FOUND');
    expect(error.message).toContain(path);
    expect((await failure(() => readBytes([fixture('keys.mjs'), path], { lazy: true }))).code).toBe('ERR_NOT_FOUND');
  });

  it('a glob without a match is an ERR_NOT_FOUND that shows the pattern', async () => {
    const pattern = join(tree({ 'a.txt': 'a' }), '*.jsonl');
    const error = await failure(() => readBytes(pattern));
    expect(error.code).toBe('ERR_NOT_FOUND');
    expect(error.message).toContain(pattern);
  });

  it('an empty directory is an ERR_NOT_FOUND that names it', async () => {
    const place = tree({});
    const error = await failure(() => readBytes(place));
    expect(error.code).toBe('ERR_NOT_FOUND');
    expect(error.message).toContain(place);
  });

  it('an empty list, and a path that is no path, are errors at the call', async () => {
    expect((await failure(() => readBytes([]))).code).toMatch(/^ERR_/);
    for (const wrong of [undefined, null, 5, {}, '', [5]]) {
      const error = await failure(() => untyped(readBytes)(wrong));
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it('an unreadable file is an error that names it, at its block', async () => {
    const result = await report<{ code?: string; message: string; good: string }>([fixture('without-permission.mjs'), 'read']);
    expect(result.good).toBe('readable');
    expect(result.code).toMatch(/^(EACCES|ERR_[A-Z_]+)$/);
    expect(result.message).toMatch(/unreadable\.txt/);
    expect(result.message).toMatch(/permission|EACCES/i);
  });

  it('a directory given where a file is meant is an error that names it', async () => {
    const place = tree({ 'dir.txt/inner': 'inner', 'b.txt': 'b' });
    // a directory is walked, so one stands for a file only where a file was listed before
    const blocks = await readBytes(join(place, 'b.txt'), { lazy: true });
    rmSync(join(place, 'b.txt'));
    mkdirSync(join(place, 'b.txt'));
    const error = await failure(async () => await blocks[0]!.compute());
    expect(error.code).toMatch(/^(ERR_SOURCE_CHANGED|EISDIR|ERR_[A-Z_]+)$/);
    expect(error.message).toContain(join(place, 'b.txt'));
  });

  it('a path through a file, as if it were a directory, is an error that names it', async () => {
    const place = tree({ file: 'a' });
    const path = join(place, 'file', 'inside.txt');
    const error = await readFailure(path);
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain(path);
  });

  it('a ring of symbolic links is an error that names it', async () => {
    const place = tree({});
    symlinkSync(join(place, 'b'), join(place, 'a'));
    symlinkSync(join(place, 'a'), join(place, 'b'));
    const error = await readFailure(join(place, 'a'));
    expect(error.code).toMatch(/^E/);
    expect(error.message).toContain(join(place, 'a'));
  });

  it.each([
    ['shrinks', (path: string) => truncateSync(path, 10)],
    ['grows', (path: string) => appendFileSync(path, 'more and more')],
    ['keeps its size and changes', (path: string) => writeFileSync(path, 'y'.repeat(1_000))],
  ])('a file that %s between listing and reading is a SourceChangedError, never mixed bytes', async (_, change) => {
    const path = join(tree({ a: 'x'.repeat(1_000) }), 'a');
    const blocks = await readBytes(path, { blockSize: 100, lazy: true });
    await new Promise((resolve) => setTimeout(resolve, 20));
    change(path);
    for (const block of [blocks[0]!, blocks.at(-1)!]) {
      const error = await failure(async () => await block.compute());
      expect(error.name).toBe('SourceChangedError');
      expect(error.code).toBe('ERR_SOURCE_CHANGED');
      expect(error.path).toBe(path);
      expect(error.message).toContain(path);
    }
  });

  it('a file that shrinks is a SourceChangedError also with delimiters and codecs', async () => {
    const place = tree({ a: 'line\n'.repeat(200), 'a.gz': gzipSync('line\n'.repeat(200)) });
    const blocks = [
      ...(await readBytes(join(place, 'a'), { blockSize: 100, delimiter: '\n', lazy: true })),
      ...(await readBytes(join(place, 'a.gz'), { blockSize: null, lazy: true })),
    ];
    await new Promise((resolve) => setTimeout(resolve, 20));
    truncateSync(join(place, 'a'), 50);
    truncateSync(join(place, 'a.gz'), 15);
    for (const block of [blocks[0]!, blocks.at(-1)!])
      expect((await failure(async () => await block.compute())).code).toBe('ERR_SOURCE_CHANGED');
  });

  it('a file that vanishes between listing and reading is an error that names it', async () => {
    const path = join(tree({ a: 'x'.repeat(100) }), 'a');
    const [block] = await readBytes(path, { lazy: true });
    rmSync(path);
    const error = await failure(async () => await block!.compute());
    expect(['ERR_SOURCE_CHANGED', 'ERR_NOT_FOUND']).toContain(error.code);
    expect(error.message).toContain(path);
  });

  const small = () => join(tree({ a: 'x'.repeat(100) }), 'a');

  it.each([
    [0, /^RangeError$/],
    [-1, /^RangeError$/],
    [5.5, /^RangeError$/],
    [Number.NaN, /^RangeError$/],
    [Number.POSITIVE_INFINITY, /^RangeError$/],
    ['12 parsecs', /^(RangeError|TypeError)$/],
    ['0 B', /^RangeError$/],
    ['-5 kB', /^(RangeError|TypeError)$/],
    ['', /^(RangeError|TypeError)$/],
    [true, /^TypeError$/],
    [{}, /^TypeError$/],
  ])('a blockSize of %p is an error that shows it, at the call', async (blockSize, name) => {
    const error = await failure(() => untyped(readBytes)(small(), { blockSize, lazy: true }));
    expect(error.name).toMatch(name);
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain('blockSize');
    if (typeof blockSize !== 'object') expect(error.message).toContain(String(blockSize).split(' ')[0]);
  });

  it.each(['', new Uint8Array(0)])('an empty delimiter is an error at the call', async (delimiter) => {
    const error = await failure(() => readBytes(small(), { delimiter }));
    expect(error.name).toMatch(/^(RangeError|TypeError)$/);
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain('delimiter');
  });

  it('a delimiter that is no text and no bytes is a TypeError at the call', async () => {
    for (const delimiter of [5, /x/, ['\n']]) {
      const error = await failure(() => untyped(readBytes)(small(), { delimiter }));
      expect(error.name).toBe('TypeError');
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it.each(['gzip', 'deflate', 'brotli'] as const)(
    'the codec %s with a block size is an ERR_COMPRESSED_BLOCKS that says to pass blockSize: null',
    async (compression) => {
      const error = await failure(() => readBytes(small(), { compression, blockSize: '64 MiB' }));
      expect(error.code).toBe('ERR_COMPRESSED_BLOCKS');
      expect(error.message).toContain('blockSize: null');
    },
  );

  it('the codec infer with a block size is an ERR_COMPRESSED_BLOCKS for a packed file', async () => {
    const place = tree({ 'a.gz': gzipSync('a') });
    expect((await failure(() => readBytes(join(place, 'a.gz'), { compression: 'infer', blockSize: 10 }))).code).toBe(
      'ERR_COMPRESSED_BLOCKS',
    );
  });

  it('an unknown codec is an error that names it', async () => {
    const error = await failure(() => untyped(readBytes)(small(), { compression: 'rar', blockSize: null }));
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toContain('rar');
  });

  it.each([
    ['cut short', (packed: Buffer) => packed.subarray(0, packed.length - 12)],
    ['changed in the middle', (packed: Buffer) => packed.fill(255, 20, 40)],
    ['with a wrong checksum', (packed: Buffer) => packed.fill(7, packed.length - 8, packed.length - 4)],
    ['not gzip at all', () => Buffer.from('this is plain text')],
  ])('damaged gzip (%s) is an error that names the file', async (_, damage) => {
    const path = join(tree({ 'a.gz': damage(gzipSync('some text that is long enough to be packed '.repeat(50))) }), 'a.gz');
    const error = await readFailure(path, { blockSize: null });
    expect(error.message).toContain(path);
    expect(error.code).toMatch(/^(ERR_|Z_)/);
    expect(error.task?.key).toMatch(/^read_bytes-/);
  });

  it('is ended by a signal that has fired, with its reason', async () => {
    const reason = new Error('not now');
    expect(await failure(() => readBytes(small(), { signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  it('a Set of paths is a TypeError that says why', async () => {
    const error = await failure(() => untyped(readBytes)(new Set([small()])));
    expect(error.name).toBe('TypeError');
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toMatch(/Set/);
    expect(error.message).toMatch(/order|array|list/);
  });
});

describe('writing', () => {
  const bytes = new Uint8Array([1, 2, 3]);

  it.each([
    ['string', 'text', /string/],
    ['number', 5, /number/],
    ['array', [1, 2], /array/i],
    ['null', null, /null/],
    ['undefined', undefined, /undefined/],
    ['object', { a: 1 }, /object/i],
  ])('what is no bytes is a TypeError that names the type, and leaves nothing behind: %s', async (_, part, type) => {
    const at = tree({});
    const error = await writeFailure(`${at}/`, [part]);
    expect(error.name).toBe('TypeError');
    expect(error.code).toMatch(/^ERR_/);
    expect(error.message).toMatch(type);
    expect(readdirSync(at)).toEqual([]);
  });

  it('a task whose result is no bytes is a TypeError that names the type, and leaves nothing behind', async () => {
    const at = tree({});
    const error = await writeFailure(`${at}/`, [lazy(() => 'text')()]);
    expect(error.name).toBe('TypeError');
    expect(error.message).toMatch(/string/);
    expect(readdirSync(at)).toEqual([]);
  });

  it('a failed part leaves no file, and the others are whole', async () => {
    const at = tree({});
    const bad = lazy((): Uint8Array => {
      throw new Error('no part');
    });
    const futures = await writeBytes(`${at}/`, [bytes, bad(), bytes]);
    const settled = await Promise.allSettled(futures);
    expect(settled.map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(readdirSync(at).sort()).toEqual(['0', '2']);
  });

  it('onto a file without overwrite is an ERR_EXISTS that names it, and the file stays', async () => {
    const at = tree({ 0: 'kept' });
    const error = await writeFailure(`${at}/`, [bytes]);
    expect(error.code).toBe('ERR_EXISTS');
    expect(error.message).toContain(join(at, '0'));
    expect(error.message).toContain('overwrite');
    expect(readFileSync(join(at, '0'), 'utf8')).toBe('kept');
    expect(readdirSync(at)).toEqual(['0']);
    expect(await Promise.all(await writeBytes(`${at}/`, [bytes], { overwrite: true }))).toEqual([3]);
    expect(readFileSync(join(at, '0'))).toEqual(Buffer.from(bytes));
  });

  it('onto a file that appears between the call and the task is an ERR_EXISTS too', async () => {
    const at = tree({});
    const [part] = await writeBytes(`${at}/`, [bytes], { lazy: true });
    writeFileSync(join(at, '0'), 'quicker');
    expect((await failure(async () => await part!.compute())).code).toBe('ERR_EXISTS');
    expect(readFileSync(join(at, '0'), 'utf8')).toBe('quicker');
    expect(readdirSync(at)).toEqual(['0']);
  });

  it('into a read-only directory is an error that names it, and leaves nothing behind', async () => {
    const result = await report<{ code?: string; message: string; left: string[] }>([fixture('without-permission.mjs'), 'write']);
    expect(result.code).toMatch(/^(EACCES|ERR_[A-Z_]+)$/);
    expect(result.message).toMatch(/read-only/);
    expect(result.left).toEqual([]);
  });

  it('into a place that is a file is an error that names it', async () => {
    const at = tree({ file: 'a' });
    const error = await writeFailure(`${join(at, 'file')}/`, [bytes]);
    expect(error.code).toMatch(/^E/);
    expect(error.message).toContain(join(at, 'file'));
    expect(readFileSync(join(at, 'file'), 'utf8')).toBe('a');
  });

  it('is ended by a signal that has fired, and leaves nothing behind', async () => {
    const at = tree({});
    const reason = new Error('not now');
    expect(await writeFailure(`${at}/`, [bytes], { signal: AbortSignal.abort(reason) })).toBe(reason);
    expect(readdirSync(at)).toEqual([]);
  });

  it('parts that are no list are a TypeError at the call', async () => {
    for (const wrong of [5, null, undefined, {}]) expect((await writeFailure(`${tree({})}/`, wrong)).name).toBe('TypeError');
  });
});

describe('tasks', () => {
  it('a non-function to submit or map is a TypeError at the call', () => {
    for (const wrong of [undefined, null, 5, 'name', {}, value(1)]) {
      for (const call of [executor.submit, executor.map] as unknown as ((...args: unknown[]) => unknown)[]) {
        const error = thrown(() => call.call(executor, wrong, [1]));
        expect(error.name).toBe('TypeError');
        expect(error.code).toMatch(/^ERR_/);
      }
    }
  });

  it('a Value from another copy of the package is an ERR_FOREIGN_VALUE that says so', async () => {
    const place = join(folder, 'copy');
    mkdirSync(place);
    const seen = await report<Record<string, { code: string; message: string }>>([fixture('foreign-value.mjs'), packageFolder, place]);
    for (const way of ['argument', 'nested', 'compute', 'submit']) {
      expect(seen[way]?.code).toBe('ERR_FOREIGN_VALUE');
      expect(seen[way]?.message).toMatch(/copy|copies|twice|another|two/i);
    }
  });

  it('a function that throws a string is a TaskError with it as cause', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          throw 'just text';
        }),
    );
    expect(error.name).toBe('TaskError');
    expect(error.code).toBe('ERR_TASK');
    expect(error.cause).toBe('just text');
    expect(error.message).toContain('just text');
    expect(error.task?.attempt).toBe(1);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a number', 5],
    ['an object', { reason: 'because' }],
    ['0', 0],
  ])('a function that throws %s is a TaskError with it as cause', async (_, what) => {
    const error = await failure(
      async () =>
        await executor.submit((thrownValue: unknown) => {
          throw thrownValue;
        }, what),
    );
    expect(error.code).toBe('ERR_TASK');
    expect(error.cause).toEqual(what);
  });

  it('an Error with cycles comes back with them', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          const inner: Error & { outer?: unknown } = new Error('inner');
          const outer: Error & { self?: unknown; list?: unknown } = new Error('outer', { cause: inner });
          outer.self = outer;
          outer.list = [outer, inner];
          inner.outer = outer;
          throw outer;
        }),
    );
    expect(error.message).toBe('outer');
    expect(error.self).toBe(error);
    expect((error.cause as Failure).message).toBe('inner');
    expect((error.cause as Failure).outer).toBe(error);
    expect((error.list as unknown[])[0]).toBe(error);
    expect((error.list as unknown[])[1]).toBe(error.cause);
  });

  it('an Error that is its own cause comes back', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          const own: Error = new Error('own cause');
          own.cause = own;
          throw own;
        }),
    );
    expect(error.cause).toBe(error);
  });

  it('an Error with fields that cannot be sent still comes back', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          throw Object.assign(new RangeError('all the same'), { fn: () => 1, symbol: Symbol('s'), weak: new WeakMap(), kept: 'yes' });
        }),
    );
    expect([error.name, error.message, error.kept]).toEqual(['RangeError', 'all the same', 'yes']);
  });

  it('an Error whose message and fields throw when they are read still comes back', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          const sly = new Error('sly');
          Object.defineProperty(sly, 'trap', {
            enumerable: true,
            get() {
              throw new Error('do not look');
            },
          });
          throw sly;
        }),
    );
    expect(error.message).toBe('sly');
  });

  it.each([
    ['a symbol', () => Symbol('thrown')],
    ['a function', () => () => 1],
    ['an object with a function', () => ({ fn: () => 1 })],
    [
      'a cyclic object',
      () => {
        const ring: { self?: unknown } = {};
        ring.self = ring;
        return ring;
      },
    ],
  ])('a function that throws %s is a TaskError', async (_, make) => {
    const error = await failure(
      async () =>
        await executor.submit((makes: () => unknown) => {
          throw makes();
        }, make),
    );
    expect(error.code).toBe('ERR_TASK');
    expect(error.task?.key).toMatch(/-[0-9a-f]{32}$/);
  });

  it('a function that calls itself for ever is the RangeError of its stack', async () => {
    const forever = (n: number): number => forever(n + 1) + 1;
    const error = await failure(async () => await executor.submit((n: number) => forever(n), 0));
    expect(error.name).toBe('RangeError');
    expect(error.message).toMatch(/call stack/);
  });

  it('a message of 100 kB comes back whole', async () => {
    const error = await failure(
      async () =>
        await executor.submit((n: number) => {
          throw new Error('m'.repeat(n));
        }, 100_000),
    );
    expect(error.message).toHaveLength(100_000);
    expect(error.message).toBe('m'.repeat(100_000));
  });

  it('a message above 1 MiB is cut, with a note of it', async () => {
    const error = await failure(
      async () =>
        await executor.submit((n: number) => {
          throw new Error('m'.repeat(n));
        }, 3_000_000),
    );
    expect(error.message.length).toBeGreaterThanOrEqual(1_048_576);
    expect(error.message.length).toBeLessThan(1_048_576 + 1_000);
    expect(error.message.startsWith('m'.repeat(1_048_576 - 1_000))).toBe(true);
    expect(error.message.slice(-200)).toMatch(/[^m]+/);
  });

  class Point {
    x: number;
    constructor(x: number) {
      this.x = x;
    }
    double() {
      return this.x * 2;
    }
  }

  it('a class instance as a result is an ERR_UNSENDABLE that names the class and says what to do', async () => {
    const error = await failure(async () => await executor.submit(() => new Point(3)));
    expect(error.code).toBe('ERR_UNSENDABLE');
    expect(error.message).toContain('Point');
    const nested = await failure(async () => await executor.submit(() => ({ deep: [new Point(3)] })));
    expect(nested.code).toBe('ERR_UNSENDABLE');
    expect(nested.message).toMatch(/deep.*0/);
  });

  it('a class instance is an ordinary argument of the next task where it was made', async () => {
    const own = new Executor({ workers: 1 });
    try {
      const made = lazy((x: number) => new Point(x))(4);
      expect(await own.compute(lazy((point: Point) => point.double())(made))).toBe(8);
      expect(await own.compute(made.call('double'))).toBe(8);
    } finally {
      await own.close();
    }
  });

  it.each([
    ['a function', () => () => 1],
    ['a symbol', () => Symbol('s')],
    ['a WeakMap', () => new WeakMap()],
    ['a generator', () => (function* () {})()],
    ['a promise inside', () => ({ at: Promise.resolve(1) })],
    ['a function inside', () => new Map([['key', [() => 1]]])],
  ])('a result that cannot be cloned is an ERR_UNSENDABLE: %s', async (_, make) => {
    const error = await failure(async () => await executor.submit(make as () => unknown));
    expect(error.code).toBe('ERR_UNSENDABLE');
    expect(error.task?.key ?? error.message).toMatch(/-[0-9a-f]{32}/);
  });

  it('process.exit() inside a task fails that task, and no other', async () => {
    const own = new Executor({ workers: 1 });
    try {
      const kept = own.submit((x: number) => x + 1, 1);
      expect(await kept).toBe(2);
      const exits = own.submit(() => {
        process.exit(3);
      });
      const others = own.map((x: number) => x * 2, [1, 2, 3]);
      const error = await failure(() => exits.result());
      expect(error.code).toMatch(/^ERR_/);
      expect(error.message).toMatch(/process\.exit|exit/);
      expect(await own.gather(others)).toEqual([2, 4, 6]);
      expect(await own.submit((x: number) => x, kept)).toBe(2);
    } finally {
      await own.close();
    }
  });

  it('process.exit() in a later turn of a task fails that task', async () => {
    const exitsLater = async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      process.exit(0);
    };
    expect((await failure(async () => await executor.submit(lazy(exitsLater, { pure: false })))).code).toMatch(/^ERR_/);
  });

  it('an uncaught error in a timer of a task fails it', async () => {
    const throwsLater = () =>
      new Promise((resolve) => {
        setTimeout(() => {
          throw new Error('in the timer');
        }, 5);
        setTimeout(resolve, 3_600_000);
      });
    const error = await failure(async () => await executor.submit(throwsLater));
    expect(error.message).toContain('in the timer');
  });

  it('an unhandled rejection of a task fails it', async () => {
    const rejects = async () => {
      void Promise.reject(new Error('nobody waits for this'));
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    };
    const error = await failure(async () => await executor.submit(lazy(rejects, { pure: false })));
    expect(error.message).toContain('nobody waits for this');
  });

  it('a task that kills its worker each time is an ERR_KILLED_WORKER that names its key and the worker', async () => {
    const result = await report<{ code: string; message: string; key: string; worker: string; other: number }>([
      fixture('kills-worker.mjs'),
    ]);
    expect(result.code).toBe('ERR_KILLED_WORKER');
    expect(result.message).toContain(result.key);
    expect(result.message).toContain(result.worker);
    expect(result.other).toBe(2);
  });

  it('closing an executor with work in flight rejects the work, stops it and ends the process', async () => {
    const log = join(folder, 'in-flight');
    const ended = await node([fixture('close-in-flight.mjs'), log]);
    expect([ended.late, ended.code, ended.stderr]).toEqual([false, 0, '']);
    expect(JSON.parse(ended.stdout)).toEqual({
      codes: ['ERR_EXECUTOR_CLOSED', 'ERR_EXECUTOR_CLOSED', 'ERR_EXECUTOR_CLOSED'],
      statuses: ['cancelled', 'cancelled', 'cancelled'],
    });
    expect(lines(log)).toEqual(['begun']);
  });

  it("a wrong call of an executor's methods is a TypeError with a code", async () => {
    const wrong: (() => unknown)[] = [
      () => untyped(executor.cancel.bind(executor))(5),
      () => untyped(executor.get.bind(executor))(5, 'a'),
      () => untyped(executor.gather.bind(executor))([], { errors: 'hide' }),
      () => untyped(executor.map.bind(executor))((x: number) => x, 5),
    ];
    for (const call of wrong) {
      const error = await failure(call);
      expect(error.name).toMatch(/^(TypeError|RangeError)$/);
      expect(error.code).toMatch(/^ERR_/);
    }
  });

  it('a task may look at itself and fail with what it sees', async () => {
    const error = await failure(
      async () =>
        await executor.submit(() => {
          throw new Error(`I am ${currentTask().key}`);
        }),
    );
    expect(error.message).toBe(`I am ${error.task?.key}`);
    expect(existsSync(folder)).toBe(true);
  });
});
