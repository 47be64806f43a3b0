import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { annotate, Executor, lazy, value } from 'heddle';
import { type ReplayedStep, replay } from 'heddle/runtime';
import { rejection } from '../conformance/engine-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'heddle-decisions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const add = lazy(function add(a: number, b: number) {
  return a + b;
});
const make = lazy(function make(size: number) {
  return new Uint8Array(size).fill(1);
});
const weigh = lazy(function weigh(...parts: Uint8Array[]) {
  return parts.reduce((sum, part) => sum + part.length, 0);
});

describe('the story of a task', () => {
  it('is what happened to it, in order, with reasons', async () => {
    await using executor = new Executor({ workers: 1 });
    const future = executor.submit(add, 1, 2);
    expect(await future).toBe(3);
    const story = await executor.story(future);
    expect(story.map(({ from, to }) => `${from} → ${to}`)).toEqual([
      'forgotten → released',
      'released → waiting',
      'waiting → queued',
      'queued → processing',
      'processing → memory',
    ]);
    expect(story.at(-1)).toMatchObject({ worker: 'worker-0', why: expect.stringContaining('it finished: ') });
    expect(story.map(({ time }) => time)).toEqual(story.map(({ time }) => time).sort((a, b) => a - b));
    expect(Math.abs(story[0]!.time - Date.now())).toBeLessThan(60_000);
  });

  it('outlives the task: it is kept until the log has gone round', async () => {
    await using executor = new Executor({ workers: 1 });
    const future = executor.submit(add, 3, 4);
    const { key } = future;
    await future;
    future.release();
    const story = await executor.story(key);
    expect(story.slice(-2).map(({ to }) => to)).toEqual(['released', 'forgotten']);
    expect((await executor.explain(key)).outcome).toBe('ran');
    expect(await executor.story('add-of-nobody')).toEqual([]);
    expect((await rejection(executor.explain('add-of-nobody'))).code).toBe('ERR_UNKNOWN_KEY');
  });

  it('is found by the key of each task that was fused into it', async () => {
    await using executor = new Executor({ workers: 1 });
    const below = add(5, 6);
    const above = add(below, 7);
    const future = executor.compute(above);
    expect(await future).toBe(18);
    const story = await executor.story(above);
    expect(story.at(-1)?.to).toBe('memory');
    expect(await executor.story(below.key)).toEqual(story);
    future.release();
    expect((await executor.story(below)).at(-1)?.to).toBe('forgotten');
  });

  it('tells of errors and retries', async () => {
    await using executor = new Executor({ workers: 1, retries: 1 });
    const future = executor.submit(
      lazy(function fails(): number {
        throw new Error('no');
      }),
    );
    await rejection(future);
    const whys = (await executor.story(future)).map(({ why }) => why);
    expect(whys).toContainEqual('it threw or ran out of time, and has retries left (failure 1)');
    expect(whys.at(-1)).toBe('it threw or ran out of time, and has no retries left');
    expect(await executor.explain(future)).toMatchObject({ outcome: 'failed', worker: 'worker-0' });
  });
});

describe('the explanation of a task', () => {
  it('says where the bytes were and how busy each worker was', async () => {
    await using executor = new Executor({ workers: 2 });
    const big = executor.compute(make.with({ workers: 'worker-1' })(3_000_000));
    const small = executor.compute(make.with({ workers: 'worker-0' })(1_000));
    await Promise.all([big.exception(), small.exception()]);
    const total = executor.submit(weigh, big, small);
    expect(await total).toBe(3_001_000);
    const { text, outcome, worker, candidates } = await executor.explain(total);
    expect({ outcome, worker }).toEqual({ outcome: 'ran', worker: 'worker-1' });
    expect(candidates.map((one) => one.worker)).toEqual(['worker-1', 'worker-0']);
    expect(candidates[0]!.bytesToMove).toBeLessThan(2_000);
    expect(candidates[1]!.bytesToMove).toBeGreaterThanOrEqual(3_000_000);
    expect(text).toContain('on worker-1, where it would start first');
  });

  it('says that a result was reused', async () => {
    await using executor = new Executor({ workers: 1 });
    const first = executor.submit(add, 8, 9);
    await first;
    expect((await executor.explain(first)).outcome).toBe('ran');
    const again = executor.submit(add, 8, 9);
    await again;
    expect(await executor.explain(again)).toMatchObject({ outcome: 'reused', worker: 'worker-0' });
    const above = executor.compute(add(add(8, 9), 1));
    expect(await above).toBe(18);
    expect((await executor.explain(above)).outcome).toBe('ran');
  });

  it('says why a task was computed again', async () => {
    await using executor = new Executor({ workers: 1 });
    const first = executor.submit(make, 10);
    await first.exception();
    first.release();
    const again = executor.submit(make, 10);
    await again;
    expect(await executor.explain(again)).toMatchObject({
      outcome: 'recomputed',
      text: expect.stringContaining('nobody needs its result: it is freed'),
    });

    const lost = executor.submit(make, 11);
    await lost.exception();
    await rejection(
      executor.cancel(
        executor.submit(
          lazy(() => {
            for (;;) {}
          }),
        ),
        { force: true },
      ),
    ).catch(() => {}); // takes its worker along
    await lost;
    expect(await executor.explain(lost)).toMatchObject({
      outcome: 'recomputed',
      text: expect.stringContaining('the only worker that held its result'),
    });
  });

  it('says what a task waits for', async () => {
    await using executor = new Executor({ workers: 1 });
    const slow = executor.submit(
      lazy(function slow() {
        return new Promise<number>((done) => setTimeout(done, 60_000, 1));
      }),
    );
    const next = executor.submit(add, slow, 1);
    expect(await executor.explain(next)).toMatchObject({ outcome: 'waiting', text: expect.stringContaining(`it needs ${slow.key}`) });
    await executor.cancel([slow], { force: true });
  });

  it('is there for data that was scattered', async () => {
    await using executor = new Executor({ workers: 1 });
    const future = executor.scatter(new Uint8Array(100));
    expect((await executor.explain(future)).text).toContain('scattered');
  });

  it('works inline, too', async () => {
    await using executor = new Executor({ engine: 'inline' });
    const future = executor.submit(add, 1, 1);
    await future;
    expect(await executor.explain(future)).toMatchObject({ outcome: 'ran', worker: 'inline' });
  });
});

describe('a recorded run', () => {
  /** Work of all kinds: fused, reduced, retried, cancelled, lost with its worker, made again. */
  async function work(record: string): Promise<string> {
    await using executor = new Executor({ workers: 2, record, retries: 1 });
    const secret = 'hunter2';
    const parts = Array.from({ length: 300 }, (_, i) => make(1_000 + i));
    const total = executor.compute(weigh(...parts.map((part, i) => (i % 2 === 0 ? part : make.with({ priority: i % 3 })(2_000 + i)))));
    await total;
    const failing = executor.submit(
      lazy(function failing(text: string): number {
        throw new Error(text.length.toString());
      }),
      secret,
    );
    await rejection(failing);
    const held = executor.compute(annotate({ workers: 'worker-1' }, () => make(50_000)));
    const data = executor.scatter(new Uint8Array(70_000), { broadcast: true });
    expect(await executor.submit(weigh, held, data)).toBe(120_000);
    const endless = executor.submit(
      lazy(function endless() {
        for (;;) {}
      }),
    );
    await executor.cancel(endless, { force: true });
    expect(await executor.submit(weigh, held)).toBe(50_000);
    held.release();
    data.release();
    await executor.gather(executor.map(add, [1, 2, 3], [4, 5, 6]));
    await executor.restart();
    await executor.submit(add, 100, 200);
    return total.key;
  }

  it('is gone through again to the same commands, byte for byte, and its stories told', async () => {
    const path = join(folder, 'run.jsonl');
    const key = await work(path);
    const kinds = new Set<string>();
    const differing: ReplayedStep[] = [];
    const report = await replay(path, (step) => {
      kinds.add(step.kind);
      if (step.recorded !== step.replayed) differing.push(step);
    });
    expect(differing).toEqual([]);
    expect(report).toMatchObject({ differs: undefined, isCut: false });
    expect(report.steps).toBeGreaterThan(20);
    for (const kind of ['submitted', 'finished', 'failed', 'scattered', 'released', 'cancelled', 'worker-joined', 'worker-left'])
      expect(kinds).toContain(kind);
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    const restarted = lines.findLastIndex((line) => line.startsWith('{"scheduler"'));
    const before = join(folder, 'before.jsonl');
    writeFileSync(before, `${lines.slice(0, restarted).join('\n')}\n`);
    const { story, explain } = await replay(before);
    expect(story(key).at(-1)?.to).toBe('memory');
    expect(['ran', 'recomputed']).toContain(explain(key)?.outcome); // the worker that held it may be the one that was ended
  });

  it('holds keys, sizes and times, and nothing of the data', async () => {
    const path = join(folder, 'secret.jsonl');
    {
      await using executor = new Executor({ workers: 1, record: path, env: { TOKEN: 'hunter3' } });
      await executor.submit(add, value('hunter2') as never, 'hunter4' as never);
      await executor.scatter('hunter5'.repeat(30));
    }
    expect(readFileSync(path, 'utf8')).not.toContain('hunter');
  });

  it('may be cut off in its last line, and nowhere else', async () => {
    const path = join(folder, 'cut.jsonl');
    await work(path);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.slice(0, -20));
    expect(await replay(path)).toMatchObject({ isCut: true, differs: undefined });
    writeFileSync(path, `${text.slice(0, 2_000)}\n${text}`);
    expect((await rejection(replay(path))).code).toBe('ERR_DAMAGED');
    writeFileSync(path, '');
    expect((await rejection(replay(path))).code).toBe('ERR_DAMAGED');
  });

  it('is asked for by a path, of an engine that can', () => {
    expect(() => new Executor({ record: 3 as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_OPTION' }));
    expect(() => new Executor({ record: join(folder, 'no', 'such', 'folder') })).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });
});
