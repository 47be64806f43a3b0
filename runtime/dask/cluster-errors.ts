import { HeddleError, KilledWorkerError, TimeoutError } from '../../graph/index.ts';
import { lostError } from '../engines/errors.ts';
import { type PackedError, type ResolveClass, unpackError } from '../failure.ts';
import { deserialize } from './data.ts';
import type { FailureInfo } from './thread-messages.ts';
import type { Blob } from './wire.ts';

/** How many failures are remembered, so that all that carry one get the same object. */
const remembered = 1000;

/** Errors as the cluster tells of them, made errors of heddle's again: one object for one failure, whoever carries it. */
export class ClusterErrors {
  readonly #resolveClass: ResolveClass;
  readonly #byFailure = new Map<string, Error | Promise<Error>>();

  constructor(resolveClass: ResolveClass) {
    this.#resolveClass = resolveClass;
  }

  /** `key` is the heddle key of who asks, for failures that name none. */
  errorOf(info: FailureInfo, blob: Blob | undefined, key: string): Error | Promise<Error> {
    const known = info.failure === undefined ? undefined : this.#byFailure.get(info.failure);
    if (known !== undefined) return known;
    const error = this.#make(info, blob, key);
    if (info.failure !== undefined) {
      this.#byFailure.set(info.failure, error);
      if (error instanceof Promise) void error.then((one) => this.#byFailure.set(info.failure!, one));
      if (this.#byFailure.size > remembered) this.#byFailure.delete(this.#byFailure.keys().next().value!);
    }
    return error;
  }

  #make(info: FailureInfo, blob: Blob | undefined, asker: string): Error | Promise<Error> {
    const key = info.key ?? asker;
    const task = { key, name: info.name ?? '', worker: info.worker ?? '', attempt: info.attempt ?? 1 };
    switch (info.kind) {
      case 'js':
        if (blob !== undefined) return unpackError(deserialize(blob.body) as PackedError, task, this.#resolveClass);
        break;
      case 'timeout':
        return Object.assign(new TimeoutError(`task ${key}`, Number(info.ms)), { task });
      case 'killed': {
        const times =
          typeof info.deaths === 'number' ? `its Node process ${info.deaths} times` : 'its worker more often than the scheduler allows';
        const why = typeof info.log === 'string' && info.log !== '' ? `: ${info.log.split('\n').slice(-3).join(' ')}` : '';
        return Object.assign(
          new KilledWorkerError(
            `task ${key} ended ${times}, last on ${task.worker}${why}; see what it does to the process or its memory (${info.text})`,
          ),
          { task },
        );
      }
      case 'lost':
        return lostError(key);
      default:
    }
    const name = typeof info.name === 'string' && info.kind === 'python' ? `${info.name}: ` : '';
    return Object.assign(new HeddleError('ERR_CLUSTER', `task ${key} could not be run by the cluster: ${name}${info.text}`), { task });
  }
}
