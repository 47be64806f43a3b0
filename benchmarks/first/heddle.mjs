/** A fresh process: from the import to the first result. */
const began = performance.now();
const { compute, lazy } = await import('../heddle.mjs');
const add = lazy(function add(a, b) {
  return a + b;
});
const [sum] = await compute(add(40, 2));
console.log(JSON.stringify({ answer: sum, ms: performance.now() - began }));
