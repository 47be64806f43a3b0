import { Executor } from 'heddle';
const executor = new Executor(process.argv[2], { python: process.argv[3] });
await executor.submit((a) => a, 1);
for (let r = 0; r < 3; r++) {
  const t = Date.now();
  const f = executor.map((i) => i * 2, Array.from({ length: 2000 }, (_, i) => i + r * 1e5));
  await executor.drain();
  const t2 = Date.now();
  await executor.gather(f);
  console.log('tasks/s', Math.round(2000 / (t2 - t) * 1000), 'gather ms', Date.now() - t2);
}
let t = Date.now();
for (let i = 0; i < 20; i++) await executor.submit((i) => i, i + 1e7);
console.log('round trip ms', (Date.now() - t) / 20);
if (process.argv[4]) { await executor.run(() => 1); }
await executor.close();
