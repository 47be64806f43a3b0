import { type Callee, type Capture, type CapturedData, Op, type Task } from '../../graph/index.ts';
import type { ClassPlace } from '../failure.ts';
import type { SchedulerState } from '../scheduler/state.ts';
import type { Definition, ToWorker } from '../worker/protocol.ts';

/** New definitions, or bytes of them, after which it is looked through which are still needed; more when more are needed. */
const fewest = 256;
const fewestBytes = 16 * 2 ** 20;

/** A function or captured data that workers know by a number. */
interface Entry {
  readonly definition: Definition;
  readonly thing: Callee | CapturedData;
}

/**
 * Numbers for functions and captured data, and what each worker has been told of them. A task that runs again asks for its numbers again, so a definition
 * is needed only while the table has a row for a task that uses it. Nobody counts that: now and then all rows are looked through, and the rest is dropped.
 *
 *     rows in the table ──▶ their tasks ──▶ functions, captured data       marked: kept
 *                                           all others: dropped here, and on the workers that were told
 */
export class Definitions {
  readonly #isLive: boolean;
  readonly #entries: (Entry | undefined)[] = [];
  readonly #free: number[] = [];
  readonly #byIdentity = new Map<string, number>();
  readonly #byThing = new WeakMap<object, number>();
  /** What was sent, by the name it has there. */
  readonly #captures = new Map<string, Capture>();
  /** Captures of data that was scattered, by row: the tasks do not have it. */
  readonly #scattered = new Map<number, Capture>();
  /** Captures of calls that run outside the table. */
  readonly #called = new Set<Capture>();
  /** By worker: 1 for each number it knows. */
  readonly #told: Uint8Array[] = [];
  /** Told with the batch that is being made. */
  #news: number[] = [];
  #fresh = 0;
  #freshBytes = 0;
  #kept = 0;
  #keptBytes = 0;

  constructor(options: { readonly isLive: boolean }) {
    this.#isLive = options.isLive;
  }

  /** Functions and data with a number. */
  get size(): number {
    return this.#entries.length - this.#free.length;
  }

  /** The number of a function; equal functions share one. */
  callee(callee: Callee): number {
    let index = this.#byThing.get(callee);
    if (index !== undefined && (this.#entries[index]?.thing as Callee | undefined)?.identity === callee.identity) return index;
    index = this.#byIdentity.get(callee.identity);
    if (index === undefined) {
      index = this.#number({ definition: this.define(callee), thing: callee });
      this.#byIdentity.set(callee.identity, index);
    }
    this.#byThing.set(callee, index); // a hint: the number may be another's by the time it is asked again
    return index;
  }

  #number(entry: Entry): number {
    const index = this.#free.pop() ?? this.#entries.length;
    this.#entries[index] = entry;
    return index;
  }

  /** How a worker gets a function. */
  define(callee: Callee): Definition {
    if (this.#isLive && callee.fn !== undefined) return this.#live(callee.fn);
    const { source } = callee;
    if (source.kind === 'own') return { kind: 'own', module: source.module, name: source.name };
    return this.#payload(source.capture);
  }

  /** Captured data as a worker gets it. */
  defineData(captured: CapturedData): Definition {
    return this.#isLive ? this.#live(captured.data) : this.#payload(captured.capture);
  }

  #live(thing: unknown): Definition {
    this.#fresh++;
    return { kind: 'live', thing };
  }

  #payload(capture: Capture): Definition {
    this.#captures.set(capture.id, capture);
    this.#fresh++;
    this.#freshBytes += capture.payload.byteLength;
    return { kind: 'payload', payload: capture.payload };
  }

  /** Captured data was put on workers as the result of a row. */
  scattered(row: number, { capture }: CapturedData): void {
    if (!this.#isLive) this.#scattered.set(row, capture);
  }

  /** The row is free for another task. */
  forgotten(row: number): void {
    if (this.#scattered.size > 0) this.#scattered.delete(row);
  }

  /** A function is called outside the table, until `done`. */
  async calling<T>({ source }: Callee, done: Promise<T>): Promise<T> {
    if (this.#isLive || source.kind === 'own') return done;
    this.#called.add(source.capture);
    try {
      return await done;
    } finally {
      this.#called.delete(source.capture);
    }
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
      if (index === undefined || this.#entries[index]?.thing !== captured) {
        index = this.#number({ definition: this.defineData(captured), thing: captured });
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
    return this.#entries[index]!.definition;
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

  /** When much is new, drops what no row of the table needs, and tells the workers. Rows that are being run have not left the table. */
  tidy(state: SchedulerState, crew: { post(worker: number, message: ToWorker): void }): void {
    if (this.#fresh < Math.max(fewest, this.#kept) && this.#freshBytes < Math.max(fewestBytes, this.#keptBytes)) return;
    for (const [worker, indexes] of this.#sweep(state)) crew.post(worker, { kind: 'undefine', indexes });
  }

  #sweep(state: SchedulerState): Map<number, number[]> {
    const needed = new Uint8Array(this.#entries.length);
    const captures = new Set<Capture>([...this.#scattered.values(), ...this.#called]);
    const mark = (thing: Callee | CapturedData | undefined): void => {
      if (thing === undefined) return;
      const index = 'identity' in thing ? this.#byIdentity.get(thing.identity) : this.#byThing.get(thing);
      if (index !== undefined) needed[index] = 1;
    };
    for (let row = 0; row < state.size; row++) {
      const task = state.tasks[row];
      if (task === undefined) continue;
      eachDefined(task, mark);
      for (const member of state.sources[row]?.graph.members[state.graphRow[row]!] ?? none) eachDefined(member, mark);
    }
    const dropped = new Map<number, number[]>();
    for (let index = 0; index < needed.length; index++) {
      const entry = this.#entries[index];
      if (entry === undefined) continue;
      if (needed[index] === 1) {
        const capture = entry.definition.kind === 'payload' ? captureOf(entry.thing) : undefined;
        if (capture !== undefined) captures.add(capture);
      } else this.#drop(index, entry, dropped);
    }
    this.#captures.clear();
    this.#keptBytes = 0;
    for (const capture of captures) {
      this.#captures.set(capture.id, capture);
      this.#keptBytes += capture.payload.byteLength;
    }
    this.#kept = this.size;
    this.#fresh = this.#freshBytes = 0;
    return dropped;
  }

  #drop(index: number, { thing }: Entry, dropped: Map<number, number[]>): void {
    this.#entries[index] = undefined;
    this.#free.push(index);
    this.#byThing.delete(thing);
    if ('identity' in thing && this.#byIdentity.get(thing.identity) === index) this.#byIdentity.delete(thing.identity);
    for (const [worker, told] of this.#told.entries()) {
      if (told?.[index] !== 1) continue;
      told[index] = 0;
      const indexes = dropped.get(worker);
      if (indexes === undefined) dropped.set(worker, [index]);
      else indexes.push(index);
    }
  }
}

const none: readonly Task[] = [];

/** Calls `visit` with the function of a task and all captured data on its tape. */
function eachDefined({ callee, tape }: Task, visit: (thing: Callee | CapturedData | undefined) => void): void {
  visit(callee);
  for (let at = 0; at < tape.length; at += tape[at] === Op.call ? 4 : 2) if (tape[at] === Op.captured) visit(tape[at + 1] as CapturedData);
}

function captureOf(thing: Callee | CapturedData): Capture | undefined {
  if ('capture' in thing) return thing.capture;
  return thing.source.kind === 'own' ? undefined : thing.source.capture;
}
