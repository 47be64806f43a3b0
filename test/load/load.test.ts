import { fileURLToPath } from 'node:url';
import { report } from '../fixtures/acceptance/helpers.ts';

interface Load {
  readonly n: number;
  readonly total: number;
  readonly seconds: number;
  /** MiB of resident memory before the work, and at most while it went on. */
  readonly before: number;
  readonly peak: number;
  /** MiB of live objects when all is let go of. */
  readonly heap: number;
}

const script = fileURLToPath(new URL('load.mjs', import.meta.url));
const load = (form: string, n: number) => report<Load>(['--expose-gc', '--no-warnings', script, form, String(n)], { deadlineMs: 170_000 });
const grown = ({ before, peak }: Load): number => peak - before;
const sumUpTo = (n: number): number => (n * (n - 1)) / 2;

describe('a million tiny tasks', () => {
  it.each([
    ['map', sumUpTo(1_000_001)],
    ['tree', sumUpTo(500_000)],
  ])(
    'held together take memory in proportion, a kilobyte or so each: %s',
    async (form, total) => {
      const few = await load(form, 100_000);
      const many = await load(form, 1_000_000);
      expect(many.total).toBe(total);
      expect(grown(many)).toBeLessThan(12 * grown(few));
      expect((grown(many) * 2 ** 20) / many.n).toBeLessThan(2048);
    },
    200_000,
  );

  it.each([
    ['batches', sumUpTo(1_000_001)],
    ['parts', sumUpTo(500_000)],
  ])(
    'let go as they are done take no more memory than a tenth of them: %s',
    async (form, total) => {
      const few = await load(form, 100_000);
      const many = await load(form, 1_000_000);
      expect(many.total).toBe(total);
      expect(many.heap - few.heap).toBeLessThan(5);
      // a heap grows into what it is given: what matters is that ten times the work does not take anything like ten times the memory
      expect(grown(many)).toBeLessThan(4 * grown(few));
    },
    200_000,
  );
});
