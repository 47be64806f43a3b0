import { type Callee, type Capture, type CapturedData, Op } from '../../graph/index.ts';
import type { ClassPlace } from '../failure.ts';
import type { Definition } from '../worker/protocol.ts';

/** Numbers for functions and captured data, and what each worker has been told of them. */
export class Definitions {
  readonly #isLive: boolean;
  readonly #definitions: Definition[] = [];
  readonly #byIdentity = new Map<string, number>();
  readonly #byThing = new WeakMap<object, number>();
  /** What was sent, by the name it has there. */
  readonly #captures = new Map<string, Capture>();
  /** By worker: 1 for each number it knows. */
  readonly #told: Uint8Array[] = [];
  /** Told with the batch that is being made. */
  #news: number[] = [];

  constructor(options: { readonly isLive: boolean }) {
    this.#isLive = options.isLive;
  }

  /** The number of a function; equal functions share one. */
  callee(callee: Callee): number {
    let index = this.#byThing.get(callee);
    if (index !== undefined) return index;
    index = this.#byIdentity.get(callee.identity);
    if (index === undefined) {
      index = this.#definitions.push(this.define(callee)) - 1;
      this.#byIdentity.set(callee.identity, index);
    }
    this.#byThing.set(callee, index);
    return index;
  }

  /** How a worker gets a function. */
  define(callee: Callee): Definition {
    if (this.#isLive && callee.fn !== undefined) return { kind: 'live', thing: callee.fn };
    const { source } = callee;
    if (source.kind === 'own') return { kind: 'own', module: source.module, name: source.name };
    this.#captures.set(source.capture.id, source.capture);
    return { kind: 'payload', payload: source.capture.payload };
  }

  /** Captured data as a worker gets it. */
  defineData(captured: CapturedData): Definition {
    if (this.#isLive) return { kind: 'live', thing: captured.data };
    this.#captures.set(captured.capture.id, captured.capture);
    return { kind: 'payload', payload: captured.capture.payload };
  }

  /** The user's own class behind what a worker says of a copy of it. */
  readonly resolveClass = (place: ClassPlace): unknown => {
    if (typeof place.live === 'function') return place.live;
    const capture = typeof place.payload === 'string' ? this.#captures.get(place.payload) : undefined;
    return capture?.objectAt(Number(place.node));
  };

  /** Puts numbers in the place of captured data on a tape, from `start` on; `use` is called with each. */
  numberData(tape: unknown[], start: number, use: (index: number) => void): void {
    for (let at = start; at < tape.length; at += tape[at] === Op.call ? 4 : 2) {
      if (tape[at] !== Op.captured) continue;
      const captured = tape[at + 1] as CapturedData;
      let index = this.#byThing.get(captured);
      if (index === undefined) {
        index = this.#definitions.push(this.defineData(captured)) - 1;
        this.#byThing.set(captured, index);
      }
      tape[at + 1] = index;
      use(index);
    }
  }

  /** Notes that a worker is told of a number; its definition when that is news. */
  tell(worker: number, index: number): Definition | undefined {
    let told = this.#told[worker];
    if (told === undefined || index >= told.length) {
      const larger = new Uint8Array(Math.max(256, 2 * index));
      if (told !== undefined) larger.set(told);
      told = this.#told[worker] = larger;
    }
    if (told[index] === 1) return undefined;
    told[index] = 1;
    this.#news.push(index);
    return this.#definitions[index];
  }

  /** What was told is on its way; or, when it could not be sent, was not told. */
  sent(worker: number, isSent: boolean): void {
    if (!isSent) for (const index of this.#news) this.#told[worker]![index] = 0;
    if (this.#news.length > 0) this.#news = [];
  }

  /** A worker was replaced: the new one knows nothing. */
  forgetWorker(worker: number): void {
    delete this.#told[worker];
  }
}
