import { isOnHost, workersNamed, workersOn } from '../../graph/hosts.ts';
import type { WorkerDescription } from '../../graph/pass.ts';

const worker = (host: string, aliases?: string[]): WorkerDescription => ({
  name: `on ${host}`,
  host,
  resources: {},
  ...(aliases === undefined ? {} : { aliases }),
});

describe('isOnHost', () => {
  it.each<[string, string, boolean]>([
    ['node1', 'node1', true],
    ['Node1', 'nODE1', true],
    ['node1', 'node1:9866', true],
    ['node1:7000', 'node1', true],
    ['node1', 'node2', false],
    ['node1', 'node10', false],
    ['node1', 'node1.example.org', true],
    ['node1.example.org', 'NODE1:50010', true],
    ['node1.example.org', 'node1.example.com', false],
    ['node1.example.org', 'node1.example', false],
    ['node1.example.org.', 'node1.example.org', true],
    ['10.0.0.1', '10.0.0.1:50010', true],
    ['10.0.0.1', '10.0.0.10', false],
    ['10', '10.0.0.1', false],
    ['::1', '[::1]:50010', true],
    ['[::1]', '::1', true],
    ['10.0.0.1', '::ffff:10.0.0.1', true],
    ['node1', '', false],
  ])('takes a worker on %s and the host %s as the same: %p', (host, wanted, is) => {
    expect(isOnHost(worker(host), wanted)).toBe(is);
  });

  it('knows a worker by the aliases of its host', () => {
    expect(isOnHost(worker('node1', ['10.0.0.1', 'localhost']), '10.0.0.1:9866')).toBe(true);
    expect(isOnHost(worker('node1', ['10.0.0.1']), '10.0.0.2')).toBe(false);
  });
});

const workers = ['node1:7000', 'node1:7001', 'Node2', 'node2', '[::1]:7000'].map((host) => worker(host));

describe('workersNamed', () => {
  it.each<[string | string[], number[]]>([
    ['on node1:7001', [1]],
    ['node1', [0, 1]],
    ['node1:7001', [1]],
    ['NODE2', [2, 3]],
    [
      ['node2', 'on node2', 'node1:7000'],
      [2, 3, 0],
    ],
    ['::1', [4]],
    ['[::1]:7000', [4]],
    ['[::1]:7001', []],
    ['nobody', []],
  ])('finds %p', (names, found) => {
    expect(workersNamed(workers, names)).toEqual(found);
  });
});

describe('workersOn', () => {
  it('gives each worker once, those of the first host first', () => {
    expect(workersOn(workers, ['node2:9866', 'node1:9866', 'node2'])).toEqual([2, 3, 0, 1]);
  });
});
