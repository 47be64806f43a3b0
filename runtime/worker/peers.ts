import { packError, unpackError } from '../failure.ts';
import { decode } from './decode.ts';
import { encode } from './encode.ts';
import type { OpenLink, PeerLink, Way } from './links.ts';
import type { BetweenWorkers, Fetched } from './protocol.ts';
import { gone, type Store } from './store.ts';

type Given = Extract<BetweenWorkers, { kind: 'give' }>;

/** What a peer gave, in order, and which of it was not there. */
export interface Brought {
  readonly results: readonly unknown[];
  readonly lost: readonly number[];
  /** Microseconds from when the peer turned to it. */
  readonly us: number;
}

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
  readonly #open: OpenLink;
  readonly #links = new Map<number, PeerLink>();
  readonly #waiting = new Map<number, { readonly link: PeerLink; readonly resolve: (answer: Given | undefined) => void }>();
  #request = 0;

  constructor(results: Pick<Store, 'read'>, open: OpenLink) {
    this.#results = results;
    this.#open = open;
  }

  /** A way to a worker; it replaces the way to the one that was there before. */
  connect(peer: number, way: Way): void {
    const before = this.#links.get(peer);
    const link: PeerLink = this.#open(
      way,
      (message) => this.receive(message, link),
      () => this.#lost(peer, link),
    );
    this.#links.set(peer, link);
    before?.close();
  }

  /** Takes in what lies at the links, between two tasks of a long batch. */
  poll(): void {
    for (const link of this.#links.values()) link.poll();
  }

  /** Results that a peer holds, in order, and which of them it has not got, or took with it. Rejects with an UnmovedError when one cannot leave it. */
  async fetch(peer: number, rows: readonly number[]): Promise<Brought> {
    const link = this.#links.get(peer);
    const request = this.#request++;
    const answer = await new Promise<Given | undefined>((resolve) => {
      if (link === undefined) return resolve(undefined);
      this.#waiting.set(request, { link, resolve });
      link.post({ kind: 'want', request, rows }, []);
    });
    if (answer === undefined) return { results: [], lost: rows, us: 0 };
    const lost: number[] = [];
    const results = await Promise.all(
      answer.results.map(async (result, i) => {
        if (result.kind === 'unsendable') throw new UnmovedError(rows[i]!, await unpackError(result.error));
        if (result.kind === 'value') return decode(result);
        lost.push(rows[i]!);
        return undefined;
      }),
    );
    return { results, lost, us: (now() - answer.began) * 1000 };
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

  /** Takes a message of a peer; answers go back over the same link. */
  receive(message: BetweenWorkers, link: Pick<PeerLink, 'post'>): void {
    if (message.kind === 'want') {
      const began = now();
      const { results, transfer } = this.answer(message.rows);
      link.post({ kind: 'give', request: message.request, results, began }, transfer);
      return;
    }
    const waiting = this.#waiting.get(message.request);
    this.#waiting.delete(message.request);
    waiting?.resolve(message);
  }

  #lost(peer: number, link: PeerLink): void {
    if (this.#links.get(peer) === link) this.#links.delete(peer);
    for (const [request, waiting] of this.#waiting) {
      if (waiting.link !== link) continue;
      this.#waiting.delete(request);
      waiting.resolve(undefined);
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
  }
}

/** Milliseconds since the epoch, the same for all threads. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
