import { Graph } from '../../../graph/graph.ts';
import type { TaskOptions } from '../../../graph/options.ts';
import type { WorkerDescription } from '../../../graph/pass.ts';
import { fuse } from '../../../graph/passes/fuse.ts';
import { place } from '../../../graph/passes/place.ts';
import { call, testPass } from '../../conformance/pass.ts';

const worker = (name: string, host: string): WorkerDescription => ({ name, host, resources: {} });
const workers = [worker('w0', 'node2'), worker('w1', 'node3:9000'), worker('w2', 'Node1'), worker('w3', 'node2'), worker('w4', '::1')];
const preferred = (hosts: readonly string[] | undefined, options: TaskOptions = {}): readonly number[] | undefined =>
  place.run(Graph.from([call('read', [], { options, ...(hosts && { hosts }) })]), { workers }).preferred![0];

describe('place', () => {
  testPass(place);

  it('prefers the workers on the hosts that hold the bytes, those of the first host first', () => {
    expect(preferred(['node1', 'node2'])).toEqual([2, 0, 3]);
    expect(preferred(['node2', 'node1'])).toEqual([0, 3, 2]);
  });

  it('compares hosts without port, brackets and case', () => {
    expect(preferred(['NODE3:50010'])).toEqual([1]);
    expect(preferred(['[::1]:50010'])).toEqual([4]);
    expect(preferred(['::1'])).toEqual([4]);
  });

  it('prefers nothing when nothing is known, or nobody is there', () => {
    expect(preferred(undefined)).toBeUndefined();
    expect(preferred([])).toBeUndefined();
    expect(preferred(['node9'])).toBeUndefined();
  });

  it('takes the workers that the option names', () => {
    expect(preferred(undefined, { workers: 'w3' })).toEqual([3]);
    expect(preferred(undefined, { workers: ['node2', 'w2'] })).toEqual([0, 3, 2]);
    expect(preferred(undefined, { workers: 'node3:9000' })).toEqual([1]);
    expect(preferred(undefined, { workers: 'node3' })).toEqual([1]);
    expect(preferred(undefined, { workers: 'nobody' })).toBeUndefined();
  });

  it('lets hosts choose among the workers that the option allows', () => {
    expect(preferred(['node2'], { workers: ['w3', 'w2'] })).toEqual([3]);
    expect(preferred(['node9'], { workers: ['w3', 'w2'] })).toEqual([3, 2]);
    expect(preferred(['node1'], { workers: ['w3'] })).toEqual([3]);
    expect(preferred(['node1'], { workers: ['w3'], allowOtherWorkers: true })).toEqual([2]);
  });

  it('prefers for a fused row what its reading member prefers', () => {
    const graph = fuse.run(Graph.from([call('count', [call('read', [], { hosts: ['node3'] })])]), { workers });
    expect(graph.size).toBe(1);
    expect(place.run(graph, { workers }).preferred![0]).toEqual([1]);
  });

  it('prefers nothing for a held row', () => {
    const graph = Graph.from([call('read', [], { hosts: ['node3'] })], () => true);
    expect(place.run(graph, { workers }).preferred![0]).toBeUndefined();
  });
});
