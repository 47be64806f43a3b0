import { type GatherErrors, isValue, typeError, type WaitOptions } from '../graph/index.ts';
import { eachLeaf, replaceLeaves } from './containers.ts';
import { outputOf } from './future.ts';
import { waitFor } from './limits.ts';
import type { Output } from './output.ts';
import { whenEnough } from './waiting.ts';

/** Results of all Futures in a container, in the same container. */
export async function gather(futures: unknown, options: WaitOptions & { readonly errors?: GatherErrors | undefined }): Promise<unknown> {
  const { errors = 'raise' } = options;
  if (errors !== 'raise' && errors !== 'skip' && errors !== 'settle')
    throw typeError('ERR_INVALID_OPTION', `option errors must be 'raise', 'skip' or 'settle'; it is ${String(errors)}`);
  const list = outputsOfList(futures);
  const outputs = list ?? outputsIn(futures);
  return waitFor(gatherAll(futures, outputs, errors, list !== undefined), options, `gathering ${outputs.length} futures`);
}

/** An array of Futures and nothing else is by far the most frequent container, and may be long; `undefined`: it is another one. */
function outputsOfList(futures: unknown): Output[] | undefined {
  if (!Array.isArray(futures)) return undefined;
  const outputs: Output[] = [];
  for (const future of futures) {
    const output = outputOf(future);
    if (output === undefined) return undefined;
    outputs.push(output);
  }
  return outputs;
}

function outputsIn(futures: unknown): Output[] {
  const outputs: Output[] = [];
  eachLeaf(futures, (leaf) => {
    const output = outputOf(leaf);
    if (output !== undefined) outputs.push(output);
    else if (isValue(leaf))
      throw typeError('ERR_VALUE_USED', `gather() takes Futures, and ${leaf.key} is a Value; begin it with executor.compute()`);
  });
  return outputs;
}

async function gatherAll(futures: unknown, outputs: readonly Output[], errors: GatherErrors, isList: boolean): Promise<unknown> {
  await whenEnough(outputs, errors === 'raise' ? 'first-error' : 'all');
  if (errors === 'raise') {
    const failed = outputs.find((output) => output.status !== 'pending' && output.status !== 'finished');
    if (failed !== undefined) throw failed.error;
  }
  if (isList && errors !== 'settle' && outputs.every(isHere)) return outputs.map(({ value }) => value);
  // Those without a result here are asked for together; a result that cannot leave its worker is an error of its Future.
  const settled = new Map<Output, PromiseSettledResult<unknown>>();
  const away = outputs.filter((output) => output.status === 'finished' && !output.hasValue);
  for (const [i, result] of (await Promise.allSettled(away.map((output) => output.promise()))).entries()) settled.set(away[i]!, result);
  const outcomeOf = (output: Output): PromiseSettledResult<unknown> =>
    settled.get(output) ??
    (output.status === 'finished' ? { status: 'fulfilled', value: output.value } : { status: 'rejected', reason: output.error });
  return replaceLeaves(futures, (leaf) => {
    const output = outputOf(leaf);
    if (output === undefined) return { kind: 'keep' };
    const outcome = outcomeOf(output);
    if (errors === 'settle') return { kind: 'value', value: outcome };
    if (outcome.status === 'fulfilled') return { kind: 'value', value: outcome.value };
    if (errors === 'skip') return { kind: 'drop' };
    throw outcome.reason;
  });
}

function isHere({ status, hasValue }: Output): boolean {
  return status === 'finished' && hasValue;
}
