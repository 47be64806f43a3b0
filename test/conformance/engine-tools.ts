import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Executor, ExecutorOptions } from 'heddle';

/** Opens an executor on the engine under test. */
export type OpenExecutor = (options?: ExecutorOptions) => Executor;

/** The engines that run the suite. */
export type EngineName = 'inline' | 'threads' | 'processes' | 'dask';

/** Cases that an engine cannot have: the name of the case → the reason. */
export type EngineSkips = Readonly<Record<string, string>>;

/** `it`, which a skip with a reason turns into `it.skip`. */
export type Case = (name: string, run: () => Promise<void>) => void;

let last = 0;
/** A number that nothing else has, so that two tests never share a key. */
export const fresh = (): number => ++last;

/** Runs a suite on one executor, opened before and closed after it. */
export function withExecutor(open: () => Executor, body: (executor: () => Executor) => void): void {
  let opened: Executor | undefined;
  beforeAll(() => {
    opened = open();
  });
  afterAll(() => opened?.close());
  body(() => opened!);
}

/** The error a promise rejects with. */
export async function rejection(
  promise: PromiseLike<unknown>,
): Promise<Error & { readonly code?: string; readonly [field: string]: unknown }> {
  try {
    await promise;
  } catch (error) {
    return error as Error & { readonly [field: string]: unknown };
  }
  throw new Error('it did not fail');
}

/** Notes each run of a task in a file, which every thread and process can. */
export function runCounter(): { readonly path: string; count(): number; lines(): string[]; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-runs-'));
  const path = join(folder, 'runs');
  const lines = (): string[] => {
    try {
      return readFileSync(path, 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  };
  return { path, lines, count: () => lines().length, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Looks every few milliseconds, for ten seconds at most. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 10_000; !isSo(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
}
