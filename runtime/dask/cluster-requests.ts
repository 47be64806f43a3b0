import { type Callee, HeddleError } from '../../graph/index.ts';
import type { Outcome } from '../engine.ts';
import type { ClusterErrors } from './cluster-errors.ts';
import type { Code } from './code.ts';
import { fromBlob } from './data.ts';
import type { ClusterWorker } from './link.ts';
import { type ClusterSettings, isCalled, taskBlob } from './submission.ts';
import type { FailureInfo } from './thread-messages.ts';
import { type Blob, BlobKind, type Frame, type Header } from './wire.ts';

/** Results as the cluster answers, in the order they were asked for; `keys` name them in errors. */
export function outcomesOf({ header, blobs }: Frame, errors: ClusterErrors, keys: readonly string[]): Promise<Outcome[]> {
  return Promise.all(
    (header.outcomes as readonly (FailureInfo | null)[]).map(async (info, i): Promise<Outcome> => {
      const blob = blobs[i]!;
      if (info !== null) return { kind: 'error', error: await errors.errorOf(info, blob.body.length > 0 ? blob : undefined, keys[i]!) };
      if (blob.kind !== BlobKind.captured) return { kind: 'value', value: fromBlob(blob) };
      const why = `${keys[i]} holds functions or class instances, which cannot come back from a cluster; use it in a task`;
      return { kind: 'error', error: new HeddleError('ERR_UNSENDABLE', why) };
    }),
  );
}

/** What a call outside the scheduler needs to know of the engine. */
export interface CallSource {
  readonly code: Code;
  readonly errors: ClusterErrors;
  readonly workers: readonly ClusterWorker[];
  readonly settings: ClusterSettings;
  ask(header: Header, blobs: readonly Blob[]): Promise<Frame>;
}

/** Calls a function once on each of some workers; results by worker name. Rejects with what one of them threw. */
export async function callOnWorkers(
  source: CallSource,
  callee: Callee,
  names: readonly string[] | undefined,
): Promise<Map<string, unknown>> {
  const { code, errors, workers, settings } = source;
  const { retries, allowedFailures, cancelGraceMs: grace, setup, loader } = settings;
  const { name } = callee;
  const chosen = workers.filter((worker) => names === undefined || names.some((one) => isCalled(worker, one)));
  if (chosen.length === 0)
    throw new HeddleError(
      'ERR_NO_WORKER',
      `no worker is called ${JSON.stringify(names)} (there are ${workers.map((worker) => worker.name).join(', ')})`,
    );
  const references = [code.reference(callee)];
  const blob = taskBlob(
    { key: name, name, retries, timeout: null, grace, allowedFailures },
    { tape: [], references, keys: name, names: [name], nouts: [], checkMutation: false, setup, loader },
  );
  const { digests, blobs: definitions } = code.take();
  const { header, blobs } = await source.ask({ op: 'call', workers: chosen.map(({ address }) => address), code: digests }, [
    blob,
    ...definitions,
  ]);
  const said = header.said as readonly { readonly address: string; readonly ok: boolean; readonly info?: FailureInfo }[];
  const results = new Map<string, unknown>();
  for (const [i, { address, ok, info }] of said.entries()) {
    if (!ok) throw await errors.errorOf({ ...info!, key: name, name }, blobs[i], name);
    results.set(workers.find((worker) => worker.address === address)?.name ?? address, fromBlob(blobs[i]!));
  }
  return results;
}
