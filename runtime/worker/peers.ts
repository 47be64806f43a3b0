import type { MessagePort } from 'node:worker_threads';
import { packError, unpackError } from '../failure.ts';
import { decode, encode } from './encode.ts';
import type { BetweenWorkers, Fetched } from './protocol.ts';
import { gone, type Store } from './store.ts';

/** A result that cannot leave the worker that made it. */
export class UnmovedError extends Error {
  readonly rows: readonly number[];
  constructor(row: number, cause: Error) {
    super(cause.message, { cause });
    this.rows = [row];
  }
}

/** Results on their way between workers: asks the one that holds them, answers those that ask. They never pass through the caller's thread. */
export class Peers {
  readonly #results: Pick<Store, 'read'>;
  readonly #ports = new Map<number, MessagePort>();
  readonly #waiting = new Map<number, { readonly peer: number; readonly resolve: (results: readonly Fetched[] | undefined) => void }>();
  #request = 0;

  constructor(results: Pick<Store, 'read'>) {
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

  /** Results that a peer holds, in order, and which of them it has not got, or took with it. Rejects with an UnmovedError when one cannot leave it. */
  async fetch(peer: number, rows: readonly number[]): Promise<{ readonly results: readonly unknown[]; readonly lost: readonly number[] }> {
    const port = this.#ports.get(peer);
    const request = this.#request++;
    const answer = await new Promise<readonly Fetched[] | undefined>((resolve) => {
      if (port === undefined) return resolve(undefined);
      this.#waiting.set(request, { peer, resolve });
      port.postMessage({ kind: 'want', request, rows } satisfies BetweenWorkers);
    });
    if (answer === undefined) return { results: [], lost: rows };
    const lost: number[] = [];
    const results = await Promise.all(
      answer.map(async (result, i) => {
        if (result.kind === 'unsendable') throw new UnmovedError(rows[i]!, await unpackError(result.error));
        if (result.kind === 'value') return decode(result);
        lost.push(rows[i]!);
        return undefined;
      }),
    );
    return { results, lost };
  }

  /** Results as they leave this worker. */
  answer(rows: readonly number[]): { results: Fetched[]; transfer: ArrayBuffer[] } {
    const transfer: ArrayBuffer[] = [];
    const results = rows.map((row): Fetched => {
      const value = this.#results.read(row);
      if (value === gone) return { kind: 'gone' };
      try {
        const encoded = encode(value, 'result');
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
      waiting.resolve(undefined);
    }
  }

  close(): void {
    for (const port of this.#ports.values()) port.close();
  }
}
