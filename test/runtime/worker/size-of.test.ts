import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { sizeOf } from '../../../runtime/worker/size-of.ts';

const within = (value: unknown, least: number, most: number): void => {
  const size = sizeOf(value);
  expect(size).toBeGreaterThanOrEqual(least);
  expect(size).toBeLessThanOrEqual(most);
};

describe('sizeOf', () => {
  it('knows primitives and bytes at once', () => {
    expect([sizeOf(1), sizeOf(true), sizeOf(undefined), sizeOf(null)]).toEqual([8, 8, 8, 8]);
    within('x'.repeat(1000), 1000, 1030);
    within('ж'.repeat(1000), 2000, 2030);
    within(2n ** 8000n, 1000, 1030);
    within(new Uint8Array(10_000_000), 10_000_000, 10_000_300);
    within(new Uint8Array(new SharedArrayBuffer(1_000_000)), 1_000_000, 1_000_300);
    within(new DataView(new ArrayBuffer(5000)), 5000, 5300);
  });

  it('counts the buffer that a view keeps alive, once, and not the pool of small Buffers', () => {
    const buffer = new ArrayBuffer(1_000_000);
    within([new Uint8Array(buffer, 0, 10), new Uint8Array(buffer, 10, 10)], 1_000_000, 1_001_000);
    within(Buffer.from('small'), 5, 200);
  });

  // what V8 really takes, measured in a process that can collect its garbage
  const expected = JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', fileURLToPath(new URL('../../fixtures/heap-sizes.mjs', import.meta.url))], {
      encoding: 'utf8',
      timeout: 60_000,
    }),
  ) as Record<string, number>;
  it.each(Object.entries(expected))('is within a third of the real heap for %s', async (name, real) => {
    const { corpus } = await import('../../fixtures/size-corpus.mjs');
    within(corpus[name]!(), real / 1.5, real * 1.5);
  });

  it('finds one giant among a thousand small things, and one text among a hundred thousand', () => {
    const giant = Buffer.alloc(20_000_000, 'y').toString('latin1');
    within(
      Array.from({ length: 1000 }, (_, i) => ({ text: i === 567 ? giant : 'small' })),
      20_000_000,
      21_000_000,
    );
    within(
      Array.from({ length: 100_000 }, (_, i) => (i === 777 ? giant : `small ${i}`)),
      20_000_000,
      30_000_000,
    );
    within(
      Array.from({ length: 5000 }, (_, i) => (i === 777 ? new Uint8Array(20_000_000) : [i])),
      20_000_000,
      21_000_000,
    );
    within(
      new Map([
        ['a', 1],
        ['b', giant],
      ] as [string, unknown][]),
      20_000_000,
      21_000_000,
    );
  });

  it('ends on cycles, deep nesting, proxies and getters that throw', () => {
    const cycle: Record<string, unknown> = { name: 'x' };
    cycle.self = cycle;
    within(cycle, 20, 200);
    let deep: unknown[] = [];
    for (let i = 0; i < 100_000; i++) deep = [deep];
    within(deep, 1_000_000, 20_000_000);
    const trap = new Proxy([1], {
      get: () => {
        throw new Error('trap');
      },
      ownKeys: () => {
        throw new Error('trap');
      },
    });
    const getter = Object.defineProperty({}, 'bad', {
      get: () => {
        throw new Error('getter');
      },
      enumerable: true,
    });
    within([trap, getter, new Error('x'), () => 1, Symbol('s'), new Date(), /x/, Object(1)], 100, 3000);
  });

  it('looks at a few thousand objects, however many there are', () => {
    let reads = 0;
    const rows = Array.from({ length: 50_000 }, () => {
      const row = {};
      for (const name of ['a', 'b']) Object.defineProperty(row, name, { enumerable: true, get: () => void reads++ });
      return row;
    });
    expect(sizeOf(rows)).toBeGreaterThan(1_000_000);
    expect(reads).toBe(0);
  });

  it('gives the same size each time', () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => ({ id: i, name: `n${i % 977}`, tags: ['a', i] }));
    expect(sizeOf(rows)).toBe(sizeOf(rows));
  });
});
