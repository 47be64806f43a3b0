import { Readable } from 'node:stream';
import fc from 'fast-check';
import { BrokenBodyError, OverlongBodyError } from '../../../src/storage/direct/direct-body.ts';
import { fill, inParts } from '../../../src/storage/fill.ts';

const source = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251);
const policy = { retries: 3, signal: undefined, isTransient: () => false };
/** A body of these bytes that breaks after so many. */
function body(bytes: Uint8Array, breaksAfter = Number.POSITIVE_INFINITY): Readable {
  return Readable.from(
    (async function* () {
      for (let at = 0; at < bytes.length; at += 10_000) {
        if (at >= breaksAfter) throw new Error('broken');
        yield bytes.subarray(at, at + 10_000);
      }
    })(),
    { objectMode: false },
  );
}

describe('filling memory from bodies', () => {
  it('asks again for what is left, from the byte where a body broke off', async () => {
    const asked: number[] = [];
    const into = new Uint8Array(source.length);
    await fill(
      into,
      async (done) => {
        asked.push(done);
        return body(source.subarray(done), asked.length < 3 ? 70_000 : undefined);
      },
      policy,
    );
    expect(Buffer.compare(into, source)).toBe(0);
    expect(asked).toEqual([0, 70_000, 140_000]);
  });

  it('takes a body that ends too early for a broken one, and gives up when it gets no further', async () => {
    let asked = 0;
    const short = fill(
      new Uint8Array(1000),
      async () => {
        asked++;
        return body(new Uint8Array(0));
      },
      { ...policy, retries: 2 },
    );
    await expect(short).rejects.toThrow(BrokenBodyError);
    expect(asked).toBe(3);
  });

  it('gives up at once on a body that is too long, and on a request that cannot be mended', async () => {
    let asked = 0;
    await expect(
      fill(
        new Uint8Array(10),
        async () => {
          asked++;
          return body(source);
        },
        policy,
      ),
    ).rejects.toThrow(OverlongBodyError);
    await expect(
      fill(
        new Uint8Array(10),
        async () => {
          asked++;
          throw new Error('denied');
        },
        policy,
      ),
    ).rejects.toThrow('denied');
    expect(asked).toBe(2);
  });

  it('stops with its signal, also between two tries', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('enough')), 30);
    const broken = fill(new Uint8Array(10), async () => body(new Uint8Array(0)), { ...policy, retries: 1000, signal: controller.signal });
    await expect(broken).rejects.toThrow('enough');
  });
});

describe('reading in parts', () => {
  it('covers every byte once, in few parts at a time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 400 }), async (mebibytes) => {
        const length = mebibytes * 1024 * 1024 + 7;
        const seen: [number, number][] = [];
        let now = 0;
        let most = 0;
        // only lengths count: the memory is never written
        const into = { length, subarray: (start: number, end: number) => ({ length: end - start }) } as unknown as Uint8Array;
        await inParts(into, async (offset, part) => {
          most = Math.max(most, ++now);
          await Promise.resolve();
          seen.push([offset, offset + part.length]);
          now--;
        });
        seen.sort(([a], [b]) => a - b);
        expect(seen[0]![0]).toBe(0);
        for (const [i, [, end]] of seen.entries()) expect(seen[i + 1]?.[0] ?? length).toBe(end);
        expect(most).toBeLessThanOrEqual(4);
      }),
      { numRuns: 50 },
    );
  });

  it('stops the others when one fails', async () => {
    const stopped: number[] = [];
    const reading = inParts(new Uint8Array(128 * 1024 * 1024), async (offset, _, signal) => {
      if (offset > 0) throw new Error('this one failed');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      stopped.push(offset);
    });
    await expect(reading).rejects.toThrow('this one failed');
    expect(stopped).toEqual([0]);
  });
});
