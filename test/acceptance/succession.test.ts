// A worker that is replaced for the sake of a cancelled task hands on what it holds, whatever its set-up writes to the console.
import { Executor } from 'heddle';

it('hands scattered data on to a worker whose set-up writes to the console', async () => {
  const setup = new URL(`data:text/javascript,${encodeURIComponent('console.log("set up")')}`);
  const executor = new Executor({ workers: 1, cancelGrace: 20, setup });
  executor.on('console', () => {});
  try {
    const data = executor.scatter(new Uint8Array([1, 2, 3]));
    const begun = executor.submit((bytes: Uint8Array) => bytes.length, data);
    expect(await begun).toBe(3);
    const endless = executor.submit(async () => {
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    });
    while (![...(await executor.processing()).values()].flat().includes(endless.key)) await new Promise(setImmediate);
    await endless.cancel();
    expect(await executor.submit((bytes: Uint8Array) => bytes[2], data)).toBe(3);
  } finally {
    await executor.close();
  }
});
