/** Where blocks are read whose hosts are known: near them when somebody near is free, elsewhere otherwise. */
import { Executor, lazy, plan, readBytes, registerStorage } from 'heddle';

const blocks = 150;
const location = `spread://cluster/${blocks}`;
const length = lazy(function length(bytes: Uint8Array) {
  return bytes.length;
});

beforeAll(async () => {
  const { default: storage } = (await import('../../fixtures/storage/spread-storage.mjs' as string)) as {
    default: Parameters<typeof registerStorage>[0];
  };
  registerStorage(storage);
});

/** The share of blocks that were read on one of their hosts, and who read how many. */
async function run(hosts: readonly string[], isWarm: boolean): Promise<{ share: number; planned: number; read: Map<string, number> }> {
  const executor = new Executor({ workers: hosts.map((host, i) => ({ host, name: `${i} at ${host}` })) });
  try {
    if (isWarm) await executor.run(() => 0);
    const values = await readBytes(location, { lazy: true });
    const lengths = values.map((block) => length(block));
    const { localReads } = await plan(lengths, { executor });
    const read = new Map<string, number>();
    const local: boolean[] = [];
    executor.on('task', ({ isLocal, worker }) => {
      if (isLocal === undefined) return;
      local.push(isLocal);
      read.set(worker!, (read.get(worker!) ?? 0) + 1);
    });
    expect(await executor.gather(executor.compute(lengths))).toEqual(new Array(blocks).fill(1000));
    expect(local).toHaveLength(blocks);
    return { share: local.filter(Boolean).length / blocks, planned: localReads.localTasks / localReads.tasks, read };
  } finally {
    await executor.close();
  }
}

describe('blocks on known hosts', () => {
  it.each([true, false])('are read where they lie, as planned, by workers on all hosts (workers up: %p)', async (isWarm) => {
    const { share, planned, read } = await run(['h0', 'h1', 'h2'], isWarm);
    expect(planned).toBe(1);
    expect(share).toBeGreaterThanOrEqual(0.95);
    expect(read.size).toBe(3);
  });

  it('are read where they lie by several workers a host', async () => {
    const { share } = await run(['h0', 'h1', 'h2', 'h0:7001', 'H1', 'h2.example.org'], true);
    expect(share).toBeGreaterThanOrEqual(0.95);
  });

  it('are all read when no worker is near', async () => {
    const { share, planned, read } = await run(['elsewhere', 'nowhere'], true);
    expect([share, planned]).toEqual([0, 0]);
    expect(read.size).toBe(2);
  });

  it('do not wait for the one worker that is near', async () => {
    const { read } = await run(['h0', 'elsewhere', 'nowhere'], true);
    expect(read.size).toBe(3);
    for (const count of read.values()) expect(count).toBeGreaterThan(blocks / 10);
  });
});
