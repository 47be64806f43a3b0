import { parseWorkers } from '../../../runtime/dask/link.ts';
import { addressesNamed, isCalled } from '../../../runtime/dask/submission.ts';

const found = [
  { name: 'one', address: 'tcp://10.0.0.1:4000', host: '10.0.0.1', resources: {} },
  { name: 'two', address: 'tcp://10.0.0.2:4000', host: '10.0.0.2', resources: {} },
];
const workers = parseWorkers(found, new Map([['tcp://10.0.0.1:4000', 'node1.example.org']]));

describe("a cluster's workers", () => {
  it.each(['one', 'tcp://10.0.0.1:4000', '10.0.0.1:4000', '10.0.0.1', 'node1', 'Node1.example.org'])('are meant by %s', (wanted) => {
    expect(workers.map((worker) => isCalled(worker, wanted))).toEqual([true, false]);
    expect(addressesNamed([wanted], workers)).toEqual(['tcp://10.0.0.1:4000']);
  });

  it.each(['', '10.0.0.1:4001', 'node', 'node1.example.com'])('are not meant by %j', (wanted) => {
    expect(workers.some((worker) => isCalled(worker, wanted))).toBe(false);
  });
});
