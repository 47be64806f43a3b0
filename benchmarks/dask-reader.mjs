import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { workerCount } from './pools.mjs';

/** Dask's own `read_bytes` on as many worker processes as heddle has workers, each with two threads, through whichever file system of fsspec the URL names. */
const code = `
import json, sys, time, dask
from dask.bytes import read_bytes
from dask.distributed import Client
def main():
    url, block, workers, options = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
    client = Client(n_workers=workers, threads_per_worker=2, dashboard_address=None)
    for line in sys.stdin:
        began = time.perf_counter()
        _, blocks = read_bytes(url, blocksize=block, sample=False, **options)
        lengths = dask.compute(*[dask.delayed(len)(one, dask_key_name='len-%s-%d-%d' % (line.strip(), i, j)) for i, file in enumerate(blocks) for j, one in enumerate(file)])
        print(sum(lengths), (time.perf_counter() - began) * 1000, flush=True)
    client.close()
if __name__ == '__main__':
    main()
`;

/** A contestant that tells the time it took by itself. */
export function openDaskReader(python, url, blockBytes, options, env = {}) {
  const child = spawn(python, ['-W', 'ignore', '-c', code, url, String(blockBytes), String(workerCount), JSON.stringify(options)], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async run(round) {
      child.stdin.write(`${round}\n`);
      const { value } = await lines.next();
      if (value === undefined) throw new Error('Dask ended');
      const [answer, ms] = value.split(' ').map(Number);
      return { answer, ms };
    },
    async close() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
