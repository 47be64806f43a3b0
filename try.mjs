import { Executor, lazy, currentTask } from 'heddle';
const executor = new Executor(process.argv[2], { python: process.argv[3], timeout: '10 s' });
const t0 = Date.now();
const add = (a, b) => a + b;
const f = executor.submit(add, 40, 2);
console.log(f.key, await f, Date.now() - t0);
const t1 = Date.now();
console.log(await executor.submit(add, 1, 2), Date.now() - t1);
console.log(await executor.workers());
const bytes = executor.submit((n) => new Uint8Array(n).fill(7), 10_000_000);
console.log((await bytes).length, await executor.submit((b) => b.reduce((a, c) => a + c, 0), bytes));
console.log(await executor.submit(() => currentTask().key));
//TRY
try { await executor.submit(() => { throw new TypeError('boom', { cause: new Error('x') }); }); } catch (e) { console.log(e, e.task); }
const t2 = Date.now();
const many = executor.map((i) => i * 2, Array.from({ length: 5000 }, (_, i) => i));
console.log((await executor.gather(many)).length, Date.now() - t2);
console.log(await executor.submit(async () => { const { submit } = currentTask(); return (await submit((a) => a + 1, 5)) + (await submit((a) => a + 1, 6)); }));
console.log(await executor.run(() => process.pid));
await executor.close();
console.log('closed', Date.now() - t0);
