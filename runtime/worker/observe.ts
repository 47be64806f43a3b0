import { HeddleError } from '../../graph/index.ts';
import type { Observer } from './interpret.ts';
import type { Job } from './job.ts';
import { fingerprint } from './outcome.ts';

/** Looks at each call of a job where there is something to look at: which of fused tasks runs, lengths of results, arguments that must not change. */
export function observerOf(job: Job, checkMutation: boolean): Observer | undefined {
  const { nouts } = job;
  if (!job.isFused && nouts === undefined && !checkMutation) return undefined;
  let before: readonly (string | undefined)[] = [];
  return {
    before: (member, args) => {
      job.member = member;
      if (checkMutation) before = args.map(fingerprint);
    },
    after: (member, args, result) => {
      job.member = member;
      if (checkMutation) {
        const changed = args.findIndex((arg, i) => before[i] !== undefined && fingerprint(arg) !== before[i]);
        if (changed >= 0)
          throw new HeddleError(
            'ERR_MUTATED_ARGUMENT',
            `a task changed its argument ${changed}, which other tasks may be reading; work on a copy (structuredClone) instead`,
          );
      }
      const nout = nouts?.get(member);
      if (nout !== undefined && (result as { length?: unknown } | null | undefined)?.length !== nout)
        throw new HeddleError('ERR_NOUT', `a task with nout: ${nout} must return an array of ${nout} elements`);
    },
  };
}
