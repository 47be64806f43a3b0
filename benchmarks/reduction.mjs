/** read → parse → reduce, sixteen at a time: the graph of `memory-flat`, and of the picture that `plot-memory.mjs` draws. */

export const blockBytes = 1024 ** 2;

/** What a run gives for so many blocks. */
export const expected = (blocks) => blocks * blockBytes;

/** The sum over all blocks as one Value. `lazy` is heddle's. */
export function reduction(lazy, blocks, round) {
  const read = lazy(
    function read(i, size) {
      return new Uint8Array(size).fill(1, 0, size + 0 * i);
    },
    { version: `${round}` },
  );
  const parse = lazy(
    function parse(bytes) {
      let sum = 0;
      for (let i = 0; i < bytes.length; i++) sum += bytes[i];
      return { sum, head: bytes.slice(0, 64) };
    },
    { version: `${round}` },
  );
  const merge = lazy(function merge(parts) {
    return { sum: parts.reduce((all, one) => all + one.sum, 0), head: parts[0].head };
  });
  const blocksRead = Array.from({ length: blocks }, (_, i) => read(i, blockBytes));
  let level = blocksRead.map((block) => parse(block));
  while (level.length > 1) {
    const below = level;
    level = Array.from({ length: Math.ceil(below.length / 16) }, (_, i) => merge(below.slice(16 * i, 16 * i + 16)));
  }
  return { blocksRead, total: level[0] };
}
