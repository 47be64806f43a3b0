import { checkExecutorOptions } from '../../../runtime/executor-options.ts';

/** What is wrong with the options of an executor on a cluster is said at once, before anything is started. */
const code = (address: string, options: object = {}): unknown => {
  try {
    checkExecutorOptions(address, options);
  } catch (error) {
    return [(error as { code?: string }).code, (error as Error).message];
  }
  return 'fine';
};

describe('options of an executor on a cluster', () => {
  it('takes what every engine takes, and what only a cluster has', () => {
    const { cluster, retries, engine } = checkExecutorOptions('tcp://here:8786', {
      retries: 2,
      timeout: '3 s',
      python: '/usr/bin/python3',
    });
    expect(cluster).toEqual({ address: 'tcp://here:8786', tls: undefined, timeoutMs: 3000, python: '/usr/bin/python3' });
    expect([retries, engine]).toEqual([2, 'threads']);
    expect(checkExecutorOptions({}).cluster).toBeUndefined();
  });

  it.each(['workers', 'memoryLimit', 'spillDirectory', 'sharedMemory', 'env', 'resourceLimits', 'record', 'stalledAfter', 'engine'])(
    'says whose business %s is',
    (name) => {
      expect(code('tcp://here:8786', { [name]: 1 })).toEqual(['ERR_UNSUPPORTED', expect.stringContaining(name)]);
    },
  );

  it('refuses addresses that are none, with and without credentials in them', () => {
    for (const address of ['here', 'tcp://here', 'http://here:1', 'tcp://me:secret@here:8786', 'tcp://here:8786/path'])
      expect(code(address)).toEqual(['ERR_INVALID_OPTION', expect.stringContaining('tcp://host:8786')]);
  });

  it('refuses tls:// without all of ca, cert and key, and tcp:// with them', () => {
    const all = { ca: 'a', cert: 'b', key: 'c' };
    expect(code('tls://here:8786')).toEqual(['ERR_INVALID_OPTION', expect.stringContaining('ca, cert, key')]);
    for (const name of ['ca', 'cert', 'key'])
      expect(code('tls://here:8786', { tls: { ...all, [name]: undefined } })).toEqual(['ERR_INVALID_OPTION', expect.any(String)]);
    expect(code('tls://here:8786', { tls: all })).toBe('fine');
    expect(code('tcp://here:8786', { tls: all })).toEqual(['ERR_INVALID_OPTION', expect.stringContaining('tls://')]);
  });

  it('refuses options that are none, or of a wrong type', () => {
    expect(code('tcp://here:8786', { threads: 2 })).toEqual(['ERR_INVALID_OPTION', expect.stringContaining('threads')]);
    expect(code('tcp://here:8786', { timeout: 'soon' })).toEqual(['ERR_INVALID_OPTION', expect.stringContaining('timeout')]);
    expect(code('tcp://here:8786', { python: '' })).toEqual(['ERR_INVALID_OPTION', expect.stringContaining('python')]);
    expect(code('tcp://here:8786', 7 as never)).toEqual(['ERR_INVALID_OPTION', expect.any(String)]);
  });
});
