// What a whole process does: it ends by itself, waits for its work, and loads nothing that it does not use.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fixture, lines, node, report, temporaryFolder } from '../fixtures/acceptance/helpers.ts';

const folder = temporaryFolder();

describe('a process ends by itself', () => {
  it.each([
    'unused',
    'idle',
    'several',
    'closed',
    'inline',
    'failed',
    'cancelled',
    'scattered',
    'persisted',
    'streamed',
    'unplaced',
    'refused',
  ])('with an executor that is %s', async (kind) => {
    const ended = await node([fixture('ends.mjs'), kind]);
    expect([ended.late, ended.code, ended.signal]).toEqual([false, 0, null]);
    expect(ended.stdout).toBe(`${kind}: the last line\n`);
  });

  it('and not before its work in flight is done', async () => {
    const marker = join(folder, 'in-flight');
    const ended = await node([fixture('in-flight.mjs'), marker]);
    expect([ended.late, ended.code]).toEqual([false, 0]);
    expect(lines(marker)).toEqual(['begun', 'done']);
  });

  it('after an error of its own, with work in flight', async () => {
    const marker = join(folder, 'throws');
    const ended = await node([fixture('in-flight.mjs'), marker, 'throw']);
    expect([ended.late, ended.code]).toEqual([false, 1]);
    expect(ended.stderr).toContain("the program's own error");
    expect(existsSync(marker) ? lines(marker) : []).not.toContain('done');
  });

  it('at process.exit, with work in flight', async () => {
    const ended = await node([fixture('in-flight.mjs'), join(folder, 'exits'), 'exit']);
    expect([ended.late, ended.code]).toEqual([false, 5]);
  });

  it('when a task failed that it awaited, with the error and its file and line', async () => {
    const ended = await node([fixture('fails.mjs')]);
    expect([ended.late, ended.code]).toEqual([false, 1]);
    expect(ended.stderr).toContain('RangeError: from the task');
    expect(ended.stderr).toMatch(/fails\.mjs:6\b/);
  });

  it('when executors are closed while they replace threads of cancelled tasks', async () => {
    expect(await report<unknown>([fixture('closes-while-replacing.mjs')], { deadlineMs: 55_000 })).toEqual({ rounds: 40 });
  }, 60_000);

  it('with what its tasks wrote to the console', async () => {
    const ended = await node([fixture('prints.mjs')]);
    expect([ended.late, ended.code]).toEqual([false, 0]);
    expect(ended.stdout).toContain('from a task\n');
    expect(ended.stderr).toContain('error from a task\n');
  });

  it('with a plan of a million tasks in a chain and a million leaves in a tree', async () => {
    const seen = await report<{ chain: number; tree: number }>([fixture('million.mjs')], { deadlineMs: 170_000 });
    expect(seen).toEqual({ chain: 1_000_000, tree: 1_111_111 });
  }, 180_000);

  it('as a worker thread itself', async () => {
    expect(await report<unknown>([fixture('in-a-thread.mjs')])).toEqual({ result: 42, code: 0 });
  });
});

describe("import 'heddle'", () => {
  it('loads no parser, hasher, graph library, renderer, argument parser or inspector', async () => {
    const { urls, required, builtins, threads } = await report<{ urls: string[]; required: string[]; builtins: string[]; threads: number }>(
      [fixture('import-light.mjs')],
    );
    const loaded = [...urls, ...required];
    expect(urls.some((url) => url.includes('/dist/src/index.js'))).toBe(true);
    const heavy =
      /node_modules\/(?:.*\/)?(acorn|object-hash|graphlib|@dagrejs|@hpcc-js|wasm-graphviz|commander|typescript|@aws-sdk|undici)\b/;
    expect(loaded.filter((url) => heavy.test(url))).toEqual([]);
    expect(builtins.filter((name) => /\b(inspector|internal\/inspector|http2|internal\/http2)/.test(name))).toEqual([]);
    expect(threads).toBe(0);
  });

  it('lets an eager program load them when it uses them', async () => {
    const { urls, required } = await report<{ urls: string[]; required: string[] }>([fixture('import-light.mjs'), 'use']);
    expect([...urls, ...required].some((url) => /acorn/.test(url))).toBe(true);
  });

  it('works from a CommonJS program', async () => {
    expect(await report<unknown>([fixture('from-commonjs.cjs')])).toEqual({ result: 3, kinds: ['function', 'function', 'function'] });
  });

  it('gives every name of the contract that this delivery has', async () => {
    const heddle = await import('heddle');
    const names = [
      'Executor',
      'lazy',
      'value',
      'annotate',
      'tokenize',
      'tokenizeSymbol',
      'asCompleted',
      'wait',
      'progress',
      'compute',
      'persist',
      'currentTask',
      'readBytes',
      'readBlocks',
      'writeBytes',
      'registerStorage',
      'visualize',
      'plan',
      'toGraphlib',
      'HeddleError',
      'KeyConflictError',
      'UntokenizableError',
      'CaptureError',
      'CycleError',
      'SourceChangedError',
      'KilledWorkerError',
      'CancelledError',
      'TimeoutError',
      'TaskError',
      'isHeddleError',
      'isTaskFailure',
    ];
    expect(names.filter((name) => !(name in heddle))).toEqual([]);
  });
});
