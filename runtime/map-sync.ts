import type { Future } from './future.ts';

/** Begins a task for each round of items, until the shortest iterable ends; the others are closed. When one throws, so are all, and what was begun is let go of. */
export function mapSync(iterables: readonly Iterable<unknown>[], begin: (args: readonly unknown[]) => Future<unknown>): Future<unknown>[] {
  const futures: Future<unknown>[] = [];
  const open = new Set<Iterator<unknown>>();
  try {
    if (iterables.length === 1) {
      const args: unknown[] = [undefined]; // a task keeps no list of arguments, so one serves for all
      for (const item of iterables[0]!) {
        args[0] = item;
        futures.push(begin(args));
      }
      return futures;
    }
    const iterators = iterables.map((iterable) => iterable[Symbol.iterator]());
    for (const iterator of iterators) open.add(iterator);
    for (;;) {
      const args: unknown[] = [];
      for (const iterator of iterators) {
        open.delete(iterator); // one that throws or ends must not be closed
        const next = iterator.next();
        if (next.done) return futures;
        open.add(iterator);
        args.push(next.value);
      }
      futures.push(begin(args));
    }
  } catch (error) {
    for (const future of futures) future.release();
    throw error;
  } finally {
    for (const iterator of open) iterator.return?.();
  }
}
