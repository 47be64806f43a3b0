import { fileURLToPath } from 'node:url';

const began = performance.now();
const { Piscina } = await import('piscina');
const pool = new Piscina({ filename: fileURLToPath(new URL('../peers/identity.mjs', import.meta.url)) });
const sum = await pool.run(42);
console.log(JSON.stringify({ answer: sum, ms: performance.now() - began }));
await pool.destroy();
