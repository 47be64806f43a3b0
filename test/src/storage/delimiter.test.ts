import fc from 'fast-check';
import { cutFile } from '../../../src/storage/blocks.ts';
import { readCut } from '../../../src/storage/delimiter.ts';

/** Serves the reads of a search from memory, and checks that none leaves the file. */
function readAll(
  data: Uint8Array,
  start: number,
  end: number,
  delimiter: Uint8Array | null,
  options: { notZero?: boolean; chunk?: number } = {},
) {
  const steps = readCut(
    { size: data.length, start, end, delimiter, notZero: options.notZero ?? false },
    (length) => new Uint8Array(length).fill(255),
    options.chunk,
  );
  let bytesRead = 0;
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return { bytes: step.value, bytesRead };
    const { offset, into } = step.value;
    expect(offset).toBeGreaterThanOrEqual(0);
    expect(offset + into.length).toBeLessThanOrEqual(data.length);
    into.set(data.subarray(offset, offset + into.length));
    bytesRead += into.length;
  }
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const blocksOf = (data: string, blockSize: number, delimiter: string, options: { notZero?: boolean; chunk?: number } = {}): string[] =>
  cutFile(bytesOf(data).length, blockSize).map(({ start, end }) =>
    textOf(readAll(bytesOf(data), start, end, bytesOf(delimiter), options).bytes),
  );

/** Records as a plain split gives them, each with its delimiter. */
function naiveRecords(data: number[], delimiter: number[]): number[][] {
  const records: number[][] = [[]];
  for (let i = 0; i < data.length; ) {
    if (delimiter.every((byte, k) => data[i + k] === byte)) {
      records.at(-1)!.push(...delimiter);
      records.push([]);
      i += delimiter.length;
    } else records.at(-1)!.push(data[i++]!);
  }
  return records;
}

const overlapsItself = (delimiter: number[]): boolean =>
  delimiter.some((_, shift) => shift > 0 && delimiter.slice(shift).every((byte, i) => byte === delimiter[i]));

const small = fc.integer({ min: 0, max: 2 });
const cases = fc.record({
  data: fc.array(small, { maxLength: 60 }),
  delimiter: fc.array(small, { minLength: 1, maxLength: 4 }),
  blockSize: fc.integer({ min: 1, max: 70 }),
  chunk: fc.integer({ min: 1, max: 12 }),
  notZero: fc.boolean(),
});

describe('blocks with a delimiter', () => {
  it('gives a record that begins exactly at a border to the block before', () => {
    expect(blocksOf('aaa\nbbb\nccc\n', 4, '\n')).toEqual(['aaa\nbbb\n', 'ccc\n', '']);
  });

  it('keeps empty blocks', () => {
    expect(blocksOf('a\nbbbbbbbbbbbbbbbb\nc', 4, '\n')).toEqual(['a\nbbbbbbbbbbbbbbbb\n', '', '', '', 'c'].slice(0, cutFile(20, 4).length));
  });

  it('makes one full block of a file without the delimiter', () => {
    expect(blocksOf('abcdefghij', 3, '\n')).toEqual(['abcdefghij', '', '']);
  });

  it('finds a delimiter that straddles a border', () => {
    expect(blocksOf('abc<end>def<end>ghi', 6, '<end>', { chunk: 2 })).toEqual(['abc<end>def<end>', 'ghi', '']);
  });

  it('drops the header once and repeats nothing', () => {
    expect(blocksOf('id\n1\n2\n3\n4\n', 4, '\n', { notZero: true })).toEqual(['1\n2\n', '3\n4\n'].slice(0, cutFile(11, 4).length));
    expect(blocksOf('\n1\n2\n', 100, '\n', { notZero: true })).toEqual(['1\n2\n']);
    expect(blocksOf('a long header\n1\n2\n', 4, '\n', { notZero: true }).join('|')).toBe('|||1\n2\n');
    expect(blocksOf('only a header', 4, '\n', { notZero: true }).join('')).toBe('');
  });

  it('rejoins to the file byte for byte, whatever the delimiter, block size and read size', () => {
    fc.assert(
      fc.property(cases, ({ data, delimiter, blockSize, chunk }) => {
        const file = Uint8Array.from(data);
        const blocks = cutFile(file.length, blockSize).map(
          ({ start, end }) => readAll(file, start, end, Uint8Array.from(delimiter), { chunk }).bytes,
        );
        expect(blocks.flatMap((block) => [...block])).toEqual(data);
      }),
      { numRuns: 1000 },
    );
  });

  it('ends just after the first delimiter at or after its cut, as a plain search finds it', () => {
    fc.assert(
      fc.property(cases, ({ data, delimiter, blockSize, chunk, notZero }) => {
        const file = Uint8Array.from(data);
        const endOfRecord = (place: number): number => {
          for (let i = place; i + delimiter.length <= data.length; i++)
            if (delimiter.every((byte, k) => data[i + k] === byte)) return i + delimiter.length;
          return data.length;
        };
        for (const { start, end } of cutFile(file.length, blockSize)) {
          const from = start === 0 && !notZero ? 0 : endOfRecord(start);
          const to = end === data.length ? end : endOfRecord(end);
          expect([...readAll(file, start, end, Uint8Array.from(delimiter), { chunk, notZero }).bytes]).toEqual(data.slice(from, to));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('is the records of a plain split, each in the block in which the delimiter before it begins', () => {
    fc.assert(
      fc.property(cases, ({ data, delimiter, blockSize, chunk, notZero }) => {
        fc.pre(!overlapsItself(delimiter));
        const file = Uint8Array.from(data);
        const cuts = cutFile(file.length, blockSize);
        const expected: number[][] = cuts.map(() => []);
        let place = 0;
        for (const [i, record] of naiveRecords(data, delimiter).entries()) {
          const owner =
            i === 0 ? 0 : cuts.findIndex(({ start, end }) => start <= place - delimiter.length && place - delimiter.length < end);
          if (record.length > 0 && !(notZero && i === 0)) expected[owner]!.push(...record);
          place += record.length;
        }
        expect(cuts.map(({ start, end }) => [...readAll(file, start, end, Uint8Array.from(delimiter), { chunk, notZero }).bytes])).toEqual(
          expected,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('reads a file without delimiters no more than twice, in however many blocks', () => {
    const file = new Uint8Array(4_000_000);
    const bytesRead = cutFile(file.length, 100_000).map(({ start, end }) => readAll(file, start, end, bytesOf('\n')).bytesRead);
    expect(bytesRead.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(2 * file.length);
  });

  it('reads little more than the block when records are short', () => {
    const file = bytesOf('0123456789\n'.repeat(200_000));
    const cuts = cutFile(file.length, 500_000);
    for (const { start, end } of cuts)
      expect(readAll(file, start, end, bytesOf('\n')).bytesRead).toBeLessThanOrEqual(end - start + 128 * 1024);
  });

  it('finds delimiters across the large reads of a real search', () => {
    const delimiter = 'x'.repeat(40) + 'y'.repeat(100_000);
    const data = `${'x'.repeat(65_500)}${delimiter}tail${'z'.repeat(70_000)}${delimiter}end`;
    const blocks = blocksOf(data, 50_000, delimiter);
    expect(blocks.join('') === data).toBe(true);
    const second = 65_500 + delimiter.length;
    expect(blocks.map((block) => block.length)).toEqual([second, data.length - 3 - second, 0, 0, 3, 0]);
  });
});
