import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SpillFolders } from '../../../runtime/engines/spill-folders.ts';
import { Accounts, Figure, figuresOf, type MemorySettings } from '../../../runtime/worker/accounts.ts';
import { ownShared } from '../../../runtime/worker/context.ts';
import { SpillFiles } from '../../../runtime/worker/spill.ts';
import { gone, Store } from '../../../runtime/worker/store.ts';

let root = '';
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'heddle-test-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
const fresh = (): string => join(root, String(count++));

describe('a result in a file', () => {
  const half = new Uint8Array(4096).fill(7);
  const cyclic: Record<string, unknown> = { name: 'loop' };
  cyclic.self = cyclic;
  const pair = new ArrayBuffer(16);
  const shared = { x: 1 };
  const table: [string, unknown][] = [
    ['bytes', new Uint8Array([1, 2, 3])],
    ['part of bytes', half.subarray(5, 9)],
    ['most of bytes', half.subarray(8)],
    ['a Buffer', Buffer.from('text')],
    ['floats', new Float64Array([0.5, -0, Number.NaN])],
    ['bigints', new BigInt64Array([1n, -1n])],
    ['a DataView', new DataView(new ArrayBuffer(8), 2, 4)],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
    ['a long text', 'héłło 𝄞'.repeat(1000)],
    ['records', [{ a: 1, b: undefined, c: null, d: 1n, e: new Date(0) }]],
    ['a Map with object keys', new Map([[{ k: 1 }, new Set([1, '1'])]])],
    ['a bare object', Object.assign(Object.create(null), { a: 1 })],
    ['a frozen array', Object.freeze([1, 2])],
    ['a URL', new URL('http://x/y?z')],
    ['an error with fields', Object.assign(new RangeError('no', { cause: { why: 1 } }), { extra: [1] })],
    ['holes', Object.assign([1], { 2: 3 })],
    ['undefined', undefined],
    ['minus zero', -0],
  ];
  it.each(table)('comes back as it was: %s', (_, value) => {
    const files = new SpillFiles(fresh());
    const file = files.write(value)!;
    const back = files.read(file);
    expect(back).toEqual(value);
    expect(Object.prototype.toString.call(back)).toBe(Object.prototype.toString.call(value));
    if (typeof value === 'object' && value !== null) {
      expect(Object.isFrozen(back)).toBe(Object.isFrozen(value));
      expect(Object.getPrototypeOf(back) === null).toBe(Object.getPrototypeOf(value) === null);
      expect(Buffer.isBuffer(back)).toBe(Buffer.isBuffer(value));
    }
    files.remove(file);
    expect(existsSync(file.path)).toBe(false);
  });

  it('keeps what is shared and what is cyclic inside one result', () => {
    const files = new SpillFiles(fresh());
    const [loop, views, twice] = files.read(
      files.write([cyclic, [new Uint8Array(pair, 0, 8), new Uint8Array(pair, 4, 8)], [shared, shared]])!,
    ) as [typeof cyclic, Uint8Array[], object[]];
    expect(loop.self).toBe(loop);
    expect(views[0]!.buffer).toBe(views[1]!.buffer);
    expect(twice[0]).toBe(twice[1]);
  });

  it('refuses what bytes cannot be made into again, and leaves no file', () => {
    const folder = fresh();
    const files = new SpillFiles(folder);
    class Point {
      x = 1;
    }
    const refused: unknown[] = [
      () => 1,
      [() => 1],
      new Point(),
      { deep: [new Point()] },
      Symbol('s'),
      new Uint8Array(new SharedArrayBuffer(8)),
    ];
    refused.push([new SharedArrayBuffer(8)], Object.assign(new Uint8Array(8), { extra: 1 }), Promise.resolve());
    for (const value of refused) expect(files.write(value)).toBeUndefined();
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
  });

  it('brings shared memory that heddle took back as shared memory', () => {
    const files = new SpillFiles(fresh());
    const bytes = new Uint8Array(ownShared(new SharedArrayBuffer(4)));
    bytes.set([1, 2, 3, 4]);
    const back = files.read(files.write(bytes)!) as Uint8Array;
    expect([...back]).toEqual([1, 2, 3, 4]);
    expect(Object.prototype.toString.call(back.buffer)).toBe('[object SharedArrayBuffer]');
  });

  it('is not read when it was cut', () => {
    const files = new SpillFiles(fresh());
    const file = files.write(new Uint8Array(100))!;
    writeFileSync(file.path, 'short');
    expect(() => files.read(file)).toThrow(/is not what was written/);
  });
});

describe('the results of a worker', () => {
  const kib = (n: number): Uint8Array => new Uint8Array(n * 1024);
  const open = (limit: number, settings: Partial<MemorySettings> = {}, failed: (error: unknown) => void = () => {}): [Store, string] => {
    const folder = fresh();
    const store = new Store({ limit, figures: undefined, index: 0, count: 1, folder, hasOwnHeap: false, ...settings }, failed);
    return [store, settings.folder ?? folder];
  };
  const files = (folder: string): number => (existsSync(folder) ? readdirSync(folder).length : 0);
  const keep = (store: Store, row: number, n = 10): void => store.set(row, kib(n), n * 1024);

  it('stay in memory below 60 % of the limit, and are held to it above', () => {
    const [store, folder] = open(100 * 1024);
    for (let row = 0; row < 6; row++) keep(store, row);
    expect(files(folder)).toBe(0);
    for (let row = 6; row < 50; row++) {
      keep(store, row);
      expect(store.held).toBeLessThanOrEqual(60 * 1024);
    }
    expect(files(folder)).toBe(44);
    expect(store.accounts.of(0, Figure.spilled)).toBe(44 * 10 * 1024);
    for (let row = 0; row < 50; row++) expect((store.read(row) as Uint8Array).byteLength).toBe(10 * 1024);
  });

  it('leave by age of use, not of making', () => {
    const [store] = open(100 * 1024);
    for (let row = 0; row < 6; row++) keep(store, row);
    store.use(0);
    store.done([0]);
    const first = store.read(1);
    const zero = store.read(0);
    keep(store, 6);
    expect(store.read(0)).toBe(zero);
    expect(store.read(1)).not.toBe(first); // from its file
  });

  it('stay while a task reads them', () => {
    const [store] = open(100 * 1024);
    for (let row = 0; row < 6; row++) keep(store, row);
    const taken = [store.use(0), store.use(1)];
    for (let row = 6; row < 20; row++) keep(store, row);
    expect([store.read(0), store.read(1)]).toEqual(taken);
    expect(store.read(0)).toBe(taken[0]);
    store.done([0, 1]);
    for (let row = 20; row < 30; row++) keep(store, row);
    expect(store.read(0)).not.toBe(taken[0]);
  });

  it('come back when they are used, and go again without being written twice', () => {
    const [store, folder] = open(100 * 1024);
    for (let row = 0; row < 12; row++) keep(store, row);
    const before = files(folder);
    store.use(0);
    store.check();
    store.done([0]);
    expect(files(folder)).toBe(before + 1); // another had to make room
    for (let row = 0; row < 12; row++) {
      store.use(row);
      store.done([row]);
    }
    expect(store.held).toBe(120 * 1024);
    store.settle();
    expect(files(folder)).toBe(before + 1); // the oldest six have files
    expect(store.held).toBeLessThanOrEqual(60 * 1024);
  });

  it('take their files along when they are let go', () => {
    const [store, folder] = open(100 * 1024);
    for (let row = 0; row < 50; row++) keep(store, row);
    for (let row = 0; row < 50; row++) store.delete(row);
    expect(files(folder)).toBe(0);
    expect(store.held).toBe(0);
    expect(store.accounts.of(0, Figure.spilled)).toBe(0);
    expect(store.read(3)).toBe(gone);
    expect(store.use(3)).toBe(gone);
  });

  it('are gone when their file is', () => {
    const [store, folder] = open(100 * 1024);
    for (let row = 0; row < 10; row++) keep(store, row);
    rmSync(folder, { recursive: true });
    expect(store.has(0)).toBe(true);
    expect(store.use(0)).toBe(gone);
    expect(store.has(0)).toBe(false);
  });

  it('that are small or cannot be written stay, and do not hold up others', () => {
    const [store] = open(100 * 1024);
    const fixed = { fn: () => 1 };
    store.set(0, fixed, 30 * 1024);
    store.set(1, 'tiny', 24);
    for (let row = 2; row < 20; row++) keep(store, row);
    expect(store.held).toBeLessThanOrEqual(60 * 1024);
    expect(store.use(0)).toBe(fixed);
    store.done([0]);
    keep(store, 20);
    expect(store.read(0)).toBe(fixed);
    expect(store.read(1)).toBe('tiny');
  });

  it('survive a folder that takes no files: what fits stays, what does not is refused', async () => {
    const folder = join(fresh());
    writeFileSync(folder, 'no folder');
    const told: unknown[] = [];
    const [store] = open(100 * 1024, { folder: join(folder, 'below') }, (error) => told.push(error));
    for (let row = 0; row < 10; row++) {
      keep(store, row, 10);
      expect(store.isTooMuch(row)).toBe(false);
    }
    keep(store, 10);
    expect(store.isTooMuch(10)).toBe(true);
    const refusal = await store.roomFor(10);
    expect(refusal).toMatchObject({ code: 'ERR_SPILL' });
    expect(refusal!.message).toContain('ENOTDIR');
    expect(store.has(10)).toBe(false);
    for (let row = 0; row < 10; row++) expect((store.read(row) as Uint8Array).byteLength).toBe(10 * 1024);
    expect(told.length).toBeGreaterThan(0);
    // it waits for room that others make
    keep(store, 10);
    const waiting = store.roomFor(10);
    store.delete(0);
    expect(await waiting).toBeUndefined();
    expect(store.has(10)).toBe(true);
  });

  it('make room for each other: who has more than its share spills, whoever must spills at once', () => {
    const figures = figuresOf(2);
    const [one] = open(100 * 1024, { figures, index: 0, count: 2 });
    const [two] = open(100 * 1024, { figures, index: 1, count: 2 });
    for (let row = 0; row < 6; row++) keep(one, row);
    keep(two, 6);
    expect([one.held, two.held]).toEqual([60 * 1024, 10 * 1024]); // two is below its share
    one.settle();
    expect(one.held).toBe(50 * 1024);
    for (let row = 7; row < 10; row++) keep(two, row);
    expect(one.held + two.held).toBeLessThanOrEqual(80 * 1024);
    one.settle();
    expect(one.held + two.held).toBeLessThanOrEqual(60 * 1024);
    expect(new Accounts(100 * 1024, figures, 0, 2).held()).toBe(one.held + two.held);
  });
});

describe('folders of executors', () => {
  const until = async (isTrue: () => boolean): Promise<void> => {
    for (const end = Date.now() + 10_000; !isTrue() && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isTrue()).toBe(true);
  };

  it('of dead processes go at the next start; those of living ones, of other machines and of others stay', async () => {
    const directory = fresh();
    mkdirSync(directory);
    const own = new SpillFolders(directory);
    const worker = own.next(0);
    mkdirSync(worker, { recursive: true });
    const [mine] = readdirSync(directory) as [string];
    const [, , machine, pid, start, random] = mine.split('-');
    const named = (m: unknown, p: unknown, s: unknown): string => `heddle-spill-${m}-${p}-${s}-${random!.replace(/./g, 'a')}`;
    const dead = named(machine, 2 ** 22 + 1, start); // beyond any pid
    const again = named(machine, pid, Number(start) + 1); // the number is another's by now
    const elsewhere = named(String(machine).replace(/./g, '0'), 2 ** 22 + 1, start);
    for (const name of [dead, again, elsewhere, 'heddle-spill-notes', 'data'])
      mkdirSync(join(directory, name, 'deep'), { recursive: true });
    const next = new SpillFolders(directory);
    await until(() => !existsSync(join(directory, dead)) && (process.platform !== 'linux' || !existsSync(join(directory, again))));
    await next.close();
    expect(
      readdirSync(directory)
        .filter((name) => name !== again)
        .sort(),
    ).toEqual(['data', elsewhere, 'heddle-spill-notes', mine].sort());
    own.drop(worker);
    await own.close();
    expect(existsSync(join(directory, mine))).toBe(false);
  });
});
