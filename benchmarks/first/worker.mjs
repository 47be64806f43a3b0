/** The least that threads take: one worker, and one message each way. */
const began = performance.now();
const { Worker } = await import('node:worker_threads');
const { once } = await import('node:events');
const worker = new Worker(new URL('../peers/echo.mjs', import.meta.url));
worker.postMessage(42); // waits at the port until the worker listens
await once(worker, 'message'); // 'ready'
const [sum] = await once(worker, 'message');
console.log(JSON.stringify({ answer: sum, ms: performance.now() - began }));
await worker.terminate();
