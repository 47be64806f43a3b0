/** The word count as a user writes it: what heddle, piscina and readline all run. */

const decoder = new TextDecoder();

/** Words of a block, each with its count. */
export function countWords(bytes) {
  const counts = new Map();
  for (const word of decoder.decode(bytes).split(/\s+/)) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Several tables of counts as one. */
export function mergeCounts(tables) {
  const total = new Map();
  for (const table of tables) for (const [word, count] of table) total.set(word, (total.get(word) ?? 0) + count);
  return total;
}
