import { Executor } from 'heddle';
const executor = new Executor(process.argv[2], { python: process.argv[3], timeout: '5 s' });
console.log(await executor.workers());
await executor.close();
