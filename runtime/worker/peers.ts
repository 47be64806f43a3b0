import type { MessagePort } from 'node:worker_threads';
import { HeddleError } from '../../graph/index.ts';
import { packError, unpackError } from '../failure.ts';
import { decode, encode } from './encode.ts';
import type { BetweenWorkers, Fetched } from './protocol.ts';

/** Results on their way between workers: asks the one that holds them, answers those that ask. They never pass through the caller's thread. */
export class Peers {
  readonly #results: ReadonlyMap<number, unknown>;
  readonly #ports = new Map<number, MessagePort>();
  readonly #waiting = new Map<
    number,
    { readonly peer: number; readonly resolve: (results: readonly Fetched[]) => void; readonly reject: (error: Error) => void }
  >();
  #request = 0;

  constructor(results: ReadonlyMap<number, unknown>) {
    this.#results = results;
  }

  /** A way to a worker; it replaces the way to the one that was there before. */
  connect(peer: number, port: MessagePort): void {
    this.#ports.get(peer)?.close();
    this.#ports.set(peer, port);
    port.on('message', (message: BetweenWorkers) => this.#receive(port, message));
    port.on('close', () => this.#lost(peer, port));
    port.unref();
  }

  /** Takes in what lies at the ports, between two tasks of a long batch. */
  poll(receive: (port: MessagePort) => { readonly message: unknown } | undefined): void {
    for (const port of this.#ports.values())
      for (let got = receive(port); got !== undefined; got = receive(port)) this.#receive(port, got.message as BetweenWorkers);
  }

  /** Results that a peer holds. Rejects with ERR_LOST when it is gone or has them no more, with ERR_UNSENDABLE when one cannot leave it. */
  async fetch(peer: number, rows: readonly number[]): Promise<unknown[]> {
    const port = this.#ports.get(peer);
    if (port === undefined) throw lostError();
    const request = this.#request++;
    const results = await new Promise<readonly Fetched[]>((resolve, reject) => {
      this.#waiting.set(request, { peer, resolve, reject });
      port.postMessage({ kind: 'want', request, rows } satisfies BetweenWorkers);
    });
    return results.map((result) => {
      if (result.kind === 'gone') throw lostError();
      if (result.kind === 'unsendable') throw unpackError(result.error);
      return decode(result);
    });
  }

  /** Results as they leave this worker. */
  answer(rows: readonly number[]): { results: Fetched[]; transfer: ArrayBuffer[] } {
    const transfer: ArrayBuffer[] = [];
    const results = rows.map((row): Fetched => {
      if (!this.#results.has(row)) return { kind: 'gone' };
      try {
        const encoded = encode(this.#results.get(row), 'result');
        transfer.push(...encoded.transfer);
        return { kind: 'value', rich: encoded.rich, value: encoded.value };
      } catch (error) {
        return { kind: 'unsendable', error: packError(error) };
      }
    });
    return { results, transfer };
  }

  #receive(port: MessagePort, message: BetweenWorkers): void {
    if (message.kind === 'want') {
      const { results, transfer } = this.answer(message.rows);
      port.postMessage({ kind: 'give', request: message.request, results } satisfies BetweenWorkers, transfer);
      return;
    }
    const waiting = this.#waiting.get(message.request);
    this.#waiting.delete(message.request);
    waiting?.resolve(message.results);
  }

  #lost(peer: number, port: MessagePort): void {
    if (this.#ports.get(peer) === port) this.#ports.delete(peer);
    for (const [request, waiting] of this.#waiting) {
      if (waiting.peer !== peer) continue;
      this.#waiting.delete(request);
      waiting.reject(lostError());
    }
  }

  close(): void {
    for (const port of this.#ports.values()) port.close();
  }
}

function lostError(): HeddleError {
  return new HeddleError('ERR_LOST', 'the worker that held a result is gone');
}
