/** Calls in flight: Node's pool for files has four threads, the rest keeps it fed; a remote storage gets no more connections than this. */
export const lanes = 16;

/** Runs `work` on every item, also on those it adds to the list meanwhile, a few at a time. Stops at the first error. */
export async function forEachInLanes<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  let next = 0;
  let idle: (() => void)[] = [];
  let busy = 0;
  let failed = false;
  const wake = (): void => {
    const waiting = idle;
    idle = [];
    for (const resume of waiting) resume();
  };
  const lane = async (): Promise<void> => {
    while (!failed) {
      if (next >= items.length) {
        // Those at work may still add items.
        if (busy === 0) return wake();
        await new Promise<void>((resume) => idle.push(resume));
        continue;
      }
      const index = next++;
      busy++;
      try {
        signal?.throwIfAborted();
        await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      } finally {
        busy--;
        wake();
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
