import { createHash } from 'node:crypto';

/** Content keys of calls: the same arguments to each. Every call has arguments of its own, made before the clock starts. */

/** What the calls take. `count` is chosen so that a round takes about as long for each. */
const sets = {
  'small arguments': { quick: 2_000, full: 20_000, make: (i) => ['count', i, { delimiter: '\n', size: 128 + i, header: true }] },
  'a nested object': {
    quick: 500,
    full: 5_000,
    make: (i) => [
      {
        source: { bucket: 'logs', prefix: `2015/${i}`, hosts: ['a', 'b', 'c'], retry: { attempts: 3, backoff: [100, 200, 400] } },
        columns: { id: 'int', name: 'text', when: 'date', amount: 'decimal', tags: ['x', 'y', { z: i }] },
        filter: {
          and: [
            { field: 'amount', above: i },
            {
              or: [
                { field: 'name', is: `n${i}` },
                { field: 'id', below: 10 * i },
              ],
            },
          ],
        },
        limit: null,
      },
    ],
  },
  'an array of 100 records': {
    quick: 20,
    full: 200,
    make: (i) => [
      Array.from({ length: 100 }, (_, j) => ({
        id: i * 100 + j,
        name: `record ${j} of ${i}`,
        amount: j / 7,
        isOpen: j % 3 === 0,
        note: j % 5 === 0 ? null : 'as ordered',
      })),
    ],
  },
  '64 KiB of bytes': {
    quick: 5,
    full: 50,
    make: (i) => [Uint8Array.from({ length: 65_536 }, (_, j) => (j * 31 + i * 17 + (j >> 8)) & 255)],
  },
};

/** A contestant that makes a key for each argument list with `keyOf`. Equal content must give equal keys, other content other keys. */
function hasher(keyOf) {
  return ({ set, count }) => {
    const { make } = sets[set];
    const calls = Array.from({ length: count }, (_, i) => make(i));
    return {
      run() {
        const keys = new Set();
        for (const args of calls) keys.add(keyOf(args));
        return { keys: keys.size, equal: keyOf(make(3)) === keyOf(calls[3]), sensitive: keyOf(make(3)) !== keyOf(make(4)) };
      },
    };
  };
}

export default {
  name: 'keys',
  about: 'the key of a call from the content of its arguments',
  tables: (quick) =>
    Object.entries(sets).map(([set, sizes]) => {
      const count = quick ? sizes.quick : sizes.full;
      return {
        title: `keys: ${set}`,
        unit: 'µs a key',
        per: count,
        settings: { set, count },
        contestants: ['heddle', 'heddle lazy call', 'object-hash', 'ohash', 'sha256 of JSON'],
        marks: [{ text: 'object-hash takes ≥ 10× as long as tokenize()', peer: 'object-hash', atLeast: 10 }],
      };
    }),
  contestants: {
    async heddle(settings) {
      const { tokenize } = await import('../heddle.mjs');
      return hasher((args) => tokenize(...args))(settings);
    },
    /** The call makes a whole task, and its key is made into text. */
    async 'heddle lazy call'(settings) {
      const { lazy } = await import('../heddle.mjs');
      const call = lazy(function call(...args) {
        return args.length;
      });
      return hasher((args) => call(...args).key)(settings);
    },
    async 'object-hash'(settings) {
      const { default: hash } = await import('object-hash');
      return hasher((args) => hash(args))(settings);
    },
    async ohash(settings) {
      const { hash } = await import('ohash');
      return hasher((args) => hash(args))(settings);
    },
    /** No key at all by heddle's rules (it mixes up much and depends on the order of properties): what must be paid in any case. */
    async 'sha256 of JSON'(settings) {
      const text = (_, value) => (ArrayBuffer.isView(value) ? Buffer.from(value.buffer).toString('latin1') : value);
      return hasher((args) => createHash('sha256').update(JSON.stringify(args, text)).digest('hex'))(settings);
    },
  },
};
