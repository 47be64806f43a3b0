import * as fc from 'fast-check';
import { fromBlob, toBlob } from '../../../runtime/dask/data.ts';
import { type Frame, FrameReader, writeFrame } from '../../../runtime/dask/wire.ts';
import { encode } from '../../../runtime/worker/encode.ts';

const written = (frames: readonly Frame[]): Uint8Array => {
  const chunks: Uint8Array[] = [];
  const sink = { cork: () => {}, uncork: () => {}, write: (chunk: Uint8Array) => chunks.push(Uint8Array.from(chunk)) > 0 };
  for (const { header, blobs } of frames) writeFrame(sink, header, blobs);
  return Buffer.concat(chunks);
};

describe('frames', () => {
  const blob = fc.record({ kind: fc.integer({ min: 0, max: 255 }), body: fc.uint8Array({ maxLength: 40 }) });
  const frame = fc.record({
    header: fc.record({ op: fc.string(), text: fc.string({ unit: 'grapheme' }) }),
    blobs: fc.array(blob, { maxLength: 4 }),
  });

  it('come out as they went in, however they are cut on the way', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (frames, cuts) => {
        const bytes = written(frames);
        const got: Frame[] = [];
        const reader = new FrameReader((one) => got.push(one));
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = cuts[i % cuts.length]!;
          reader.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(got.map(({ header: { b: _, ...header }, blobs }) => ({ header, blobs }))).toEqual(frames);
        for (const { blobs } of got)
          for (const { body } of blobs) expect([body.byteOffset, body.byteLength]).toEqual([0, body.buffer.byteLength]);
      }),
    );
  });

  it('refuse what their lengths cannot say', () => {
    const huge = { length: 2 ** 32 } as Uint8Array;
    const sink = { cork: () => {}, uncork: () => {}, write: () => true };
    expect(() => writeFrame(sink, { op: 'x' }, [{ kind: 0, body: huge }])).toThrow(/4 GiB/);
  });
});

describe('data', () => {
  it('keeps views on one buffer together, and bytes as they are', () => {
    const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    const both = [bytes.subarray(0, 4), new Uint16Array(bytes.buffer, 4, 2)];
    const got = fromBlob(toBlob(encode(both, 'data'))) as [Uint8Array, Uint16Array];
    expect(got[0].buffer).toBe(got[1].buffer);
    expect(fromBlob(toBlob(encode(bytes, 'data')))).toEqual(bytes);
    expect(fromBlob(toBlob(encode(Buffer.from('hello'), 'data')))).toEqual(Buffer.from('hello'));
    expect(fromBlob(toBlob(encode(new URL('x:y'), 'data')))).toEqual(new URL('x:y'));
  });

  it('refuses memory that threads share', () => {
    expect(() => toBlob({ rich: false, value: [new SharedArrayBuffer(8)] })).toThrow(expect.objectContaining({ code: 'ERR_UNSENDABLE' }));
  });
});
