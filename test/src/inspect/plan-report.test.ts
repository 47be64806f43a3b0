import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor, lazy, plan, readBytes } from 'heddle';

const count = lazy(function count(bytes: Uint8Array): number {
  return bytes.length;
});
const merge = lazy(function merge(parts: number[]): number {
  return parts.reduce((sum, one) => sum + one, 0);
});

describe('plan', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'heddle-plan-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  //  read ─▶ count ─┐
  //  read ─▶ count ─┴▶ merge
  it('says what would be done, and does nothing', async () => {
    await writeFile(join(folder, 'data'), Buffer.alloc(100));
    const blocks = await readBytes(join(folder, 'data'), { blockSize: 25, lazy: true });
    await rm(join(folder, 'data'));
    const executor = new Executor({ workers: [{ name: 'north' }, { name: 'south' }] });
    const report = await plan(merge(blocks.map((block) => count(block))), { executor });
    await executor.close();
    expect(report).toMatchObject({ tasksBefore: 9, bytesToRead: 100, cacheHits: 0 });
    expect(report.tasksAfter).toBeLessThanOrEqual(5);
    expect(report.peakResults).toBeGreaterThan(0);
    expect(report.passes.map(({ name }) => name)).toEqual(['cull', 'inline', 'fuse', 'order', 'place']);
    expect(report.passes[0]?.tasksBefore).toBe(9);
    expect(report.passes.at(-1)?.tasksAfter).toBe(report.tasksAfter);
    expect([...report.tasksByWorker.keys()]).toEqual(['north', 'south']);
    const numbers = [...report.tasksByWorker.values()];
    expect(numbers.reduce((sum, one) => sum + one, 0)).toBe(report.tasksAfter);
    expect(Math.max(...numbers) - Math.min(...numbers)).toBeLessThanOrEqual(1);
    expect(report.text).toContain(`Plan: 9 tasks as written, ${report.tasksAfter} after optimising`);
    expect(report.text).toMatch(/^to read +100 B$/m);
    expect(report.text).toMatch(/^tasks a worker +north \d, south \d$/m);
  });

  it('gives workers what prefers them, and deals the rest to the others first', async () => {
    const executor = new Executor({ workers: [{ name: 'north' }, { name: 'south' }, { name: 'west' }] });
    const pinned = lazy(
      function pinned(n: number): number {
        return n;
      },
      { workers: 'south' },
    );
    const free = lazy(function free(n: number): number {
      return -n;
    });
    const values = [...Array.from({ length: 6 }, (_, i) => pinned(i)), ...Array.from({ length: 5 }, (_, i) => free(i))];
    const { tasksByWorker } = await plan(values, { executor });
    await executor.close();
    expect(Object.fromEntries(tasksByWorker)).toEqual({ north: 3, south: 6, west: 2 });
  });

  it('counts a task that two Values share once', async () => {
    const shared = count(new Uint8Array(3));
    const executor = new Executor({ engine: 'inline' });
    expect((await plan([shared, shared, merge([shared])], { executor })).tasksBefore).toBe(2);
    await executor.close();
  });

  it('refuses what is no Value', async () => {
    await expect(plan([7] as never)).rejects.toMatchObject({ name: 'TypeError', message: expect.stringContaining('item 0') });
  });
});
