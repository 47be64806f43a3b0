/**
 * What tokens.json has the tokens of: plain arguments, and keys of calls of functions written here.
 * Changing a case, or the code of a function below, changes its token: then run `node test/vectors/verify.mjs --write` and look at the difference.
 */

const ring = () => {
  const first = { n: 0 };
  const second = { n: 1, next: first };
  first.next = second;
  return first;
};
const crossed = () => {
  const a = { name: 'a', friends: new Set() };
  const b = { name: 'b', friends: new Set([a]) };
  a.friends.add(b).add(a);
  return new Set([b, a]);
};

const withHoles = (length, items) => Object.assign(new Array(length), items);

class Point {
  constructor(x, y) {
    this.x = x;
    this.y = y;
  }
  length() {
    return Math.hypot(this.x, this.y);
  }
}
class Named extends Point {
  name = 'p';
}

/** Lists of arguments of `tokenize`, by name. */
export const data = {
  nothing: [],
  undefined: [undefined],
  null: [null],
  booleans: [true, false],
  integers: [0, 1, -1, 2 ** 31, 2 ** 53, -(2 ** 53)],
  minusZero: [-0],
  fractions: [0.1, 0.1 + 0.2, 1e21, 1e-7, 5e-324, 1.7976931348623157e308],
  odd: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  bigints: [0n, -1n, 2n ** 100n],
  text: ['', 'a', 'größe', '名前', '😀', 'line\nbreak', '\u0000'],
  longText: ['x'.repeat(1000)],
  loneSurrogates: ['\ud800', 'a\udc00b'],
  symbols: [Symbol.for('a'), Symbol.iterator, Symbol('local')],
  arrays: [[], [1, [2, [3]]], [undefined], [null, '1', 1]],
  holes: [withHoles(3, { 0: 1, 2: 3 }), withHoles(2, {})],
  objects: [
    {},
    { b: 1, a: { d: [2], c: null } },
    JSON.parse('{"__proto__":1,"constructor":2}'),
    Object.assign(Object.create(null), { a: 1 }),
  ],
  integerKeys: [{ 2: 'b', 1: 'a', x: 'c' }],
  maps: [
    new Map(),
    new Map([
      ['a', 1],
      [{ k: 1 }, [2]],
    ]),
  ],
  sets: [new Set(), new Set([3, 'x', { a: 1 }, [1]])],
  dates: [new Date(0), new Date(1_420_070_400_123), new Date(Number.NaN)],
  regexes: [/a+/, /[/]\n(?<x>y)/giu],
  urls: [new URL('https://user@host:81/p?q=1#h'), new URLSearchParams('a=1&b=%20')],
  bytes: [
    new Uint8Array([1, 2, 3]),
    new Int16Array([1, -2]),
    new Float64Array([0.5, -0]),
    new BigInt64Array([-1n]),
    new Uint8Array([1, 2]).buffer,
    new DataView(new ArrayBuffer(3)),
    new Uint8Array([9, 1, 2]).subarray(1),
    Buffer.from('ab'),
  ],
  boxed: [Object(1), Object('a'), Object(false), Object(1n)],
  errors: [
    new Error('e'),
    Object.assign(new TypeError('t', { cause: new RangeError('c') }), { code: 'E_T' }),
    new AggregateError([1], 'm'),
  ],
  cycles: [ring(), crossed()],
  shared: (() => {
    const part = [1];
    return [[part, part]];
  })(),
  large: [Array.from({ length: 1000 }, (_, i) => ({ id: i, name: `n${i}`, tags: [i % 7, 'x'] }))],
  folded: [Array.from({ length: 20_000 }, (_, i) => i), Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key ${i}`, [i]]))],
  instances: [new Point(1, 2), new Named(3, 4)],
  functions: [
    (a, b = 2) => a + b,
    async function named({ x }, ...rest) {
      return [x, rest];
    },
    Point,
    Math.max,
  ],
};

const factor = 3;
const table = new Map([['a', 1]]);
const helper = (x) => x * factor;

/** Keys of calls, by name. */
export const calls = (lazy, value) => ({
  inline: lazy((x) => x + 1)(1),
  named: lazy(function countWords(text) {
    return text.split(' ').length;
  })('a b'),
  captures: lazy(function scale(x) {
    return helper(x) + table.get('a');
  })(2),
  recursive: lazy(function fib(n) {
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
  })(10),
  captureClass: lazy(function norm(x, y) {
    return new Named(x, y).length();
  })(3, 4),
  options: lazy((x) => x, { name: 'renamed', version: 2, retries: 5 })(1),
  nested: lazy(function merge(parts) {
    return parts;
  })([value(1), { deep: [value('x')] }, new Map([['k', value(2)]])]),
  data: value({ a: [1, 2] }),
  get: value({ a: 1 }).get('a'),
  call: value('ab').call('slice', value(1)),
  builtin: lazy(Math.max)(1, 2),
});
