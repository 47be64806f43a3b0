import { packError } from '../failure.ts';
import { Future, outputOf } from '../future.ts';
import type { Outputs } from '../outputs.ts';
import { encode } from '../worker/encode.ts';
import type { Fetched } from '../worker/protocol.ts';
import type { NestedReply, NestedRequest } from './messages.ts';
import { fromPortable } from './portable.ts';

type Post = (reply: NestedReply, transfer?: readonly ArrayBuffer[]) => void;

/** Tasks that tasks submit: the executor's side. Each worker's Futures are held here until it lets go, or is gone. */
export class NestedHost {
  readonly #outputs: Outputs;
  readonly #held = new Map<number, Map<number, Future<unknown>>>();

  constructor(outputs: Outputs) {
    this.#outputs = outputs;
  }

  /** Does what a task on a worker asks. */
  receive(worker: number, request: NestedRequest, post: Post): void {
    const held = this.#held.get(worker) ?? new Map<number, Future<unknown>>();
    this.#held.set(worker, held);
    // what could not begin is not held: its task hears of that by itself
    const futures = 'handles' in request ? request.handles.flatMap((handle) => held.get(handle) ?? []) : [];
    switch (request.kind) {
      case 'begin':
        return this.#begin(request, held, post);
      case 'seceded':
        return this.#outputs.secede(request.parent);
      case 'fetch':
        return void this.#fetch(request.request, futures, post);
      case 'release':
        held.get(request.handle)?.release();
        held.delete(request.handle);
        return;
      case 'cancel':
        return void this.#outputs
          .cancel(
            futures.map((future) => outputOf(future)!),
            request,
          )
          .finally(() => post({ kind: 'cancelled', request: request.request }));
      case 'retry':
        return this.#outputs.retry(futures.map((future) => outputOf(future)!));
      default:
        request satisfies never;
    }
  }

  #begin(request: Extract<NestedRequest, { kind: 'begin' }>, held: Map<number, Future<unknown>>, post: Post): void {
    this.#outputs.flush();
    this.#outputs.secede(request.parent); // also when what it begins has been begun before
    for (const [i, task] of fromPortable(request).entries()) {
      const handle = request.handles[i]!;
      try {
        const output = this.#outputs.begin(task);
        held.set(handle, new Future(output));
        output.whenDone(() => {
          const { error, hasValue, value } = output;
          const isSmall =
            hasValue && (value === null || (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol'));
          post({ kind: 'settled', handle, error: error && packError(error), hasValue: isSmall, value: isSmall ? value : undefined });
        });
      } catch (error) {
        post({ kind: 'settled', handle, error: packError(error), hasValue: false, value: undefined });
      }
    }
    this.#outputs.flush(request.parent);
  }

  async #fetch(request: number, futures: readonly Future<unknown>[], post: Post): Promise<void> {
    const transfer: ArrayBuffer[] = [];
    const results = await Promise.all(
      futures.map(async (future): Promise<Fetched> => {
        try {
          const { rich, value, transfer: buffers } = encode(await future, 'result');
          transfer.push(...buffers);
          return { kind: 'value', rich, value };
        } catch (error) {
          return { kind: 'unsendable', error: packError(error) };
        }
      }),
    );
    post({ kind: 'fetched', request, results }, transfer);
  }

  /** A worker is gone, and with it whoever waited there. */
  lost(worker: number): void {
    for (const future of this.#held.get(worker)?.values() ?? []) future.release();
    this.#held.delete(worker);
  }
}
