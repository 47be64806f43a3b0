import { type ClusterOptions, Executor, type ExecutorOptions } from 'heddle';
import { testEngine } from '../../conformance/engine.ts';
import { DaskCluster, daskPythonOrReason, daskVersions } from '../../services/dask.ts';

/** The contract of engines on real clusters: the newest distributed, and the oldest that is supported. */
const skip = {};

for (const [age, version] of Object.entries(daskVersions)) {
  const { python, reason } = await daskPythonOrReason(version);
  const suite = python === undefined ? describe.skip : describe;
  suite(`the ${age} distributed${reason === undefined ? '' : ` (${reason})`}`, () => {
    let cluster: DaskCluster;
    beforeAll(async () => {
      cluster = await DaskCluster.start(version);
    }, 120_000);
    afterAll(() => cluster?.stop(), 60_000);
    const open = ({ workers: _, ...options }: ExecutorOptions = {}): Executor =>
      new Executor(cluster.address as 'tcp://', { python, ...(options as ClusterOptions) });
    testEngine('dask', open, skip, () => `${cluster.address}#${python}`);
  });
}
