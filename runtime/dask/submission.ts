import type { Callee, CapturedData } from '../../graph/index.ts';
import {
  encodeRow,
  type Graph,
  HeddleError,
  isOnHost,
  keyOf,
  Op,
  type Plan,
  parseDuration,
  type Task,
  workersOn,
} from '../../graph/index.ts';
import { lostError } from '../engines/errors.ts';
import { packError } from '../failure.ts';
import type { Code } from './code.ts';
import { serialize } from './data.ts';
import type { ClusterWorker } from './link.ts';
import type { Reference, TaskBody, TaskMeta } from './thread-messages.ts';
import { type Blob, BlobKind } from './wire.ts';

/** What an executor says about all its tasks. */
export interface ClusterSettings {
  readonly retries: number;
  readonly allowedFailures: number;
  readonly cancelGraceMs: number;
  readonly checkMutation: boolean;
  readonly setup: string | undefined;
  readonly loader: unknown;
}

/** A task as the bridge reads it: key, dependencies, wishes. */
interface SubmittedTask {
  readonly k: string;
  readonly d?: readonly string[];
  /** Workers that may run it; with `o` those that had best run it. */
  w?: readonly string[];
  o?: boolean;
  readonly p?: number;
  readonly r?: Readonly<Record<string, number>>;
}

/** Part of a graph, ready to go. */
export interface Submission {
  readonly tasks: readonly SubmittedTask[];
  readonly blobs: readonly Blob[];
  /** Says where tasks may run, with the workers that are there by then. */
  place(workers: readonly ClusterWorker[]): void;
}

/** The key under which the cluster knows a task: heddle's own. One that the user gave carries the token along, since other clients may give the same. */
export function clusterKey(task: Task): string {
  return task.givenKey === undefined ? keyOf(task) : `${task.givenKey}-${task.token}`;
}

/** All rows of a plan that are not held yet. */
export function submissionOf({ graph }: Plan, code: Code, settings: ClusterSettings): Submission {
  const tasks: SubmittedTask[] = [];
  const blobs: Blob[] = [];
  const placed: { readonly row: number; readonly task: SubmittedTask }[] = [];
  for (let row = 0; row < graph.size; row++) {
    if (graph.held[row] === 1) continue;
    const { inputs, blob } = rowBlob(graph, row, code, settings);
    const { priority, resources, workers } = graph.tasks[row]!.options;
    const task: SubmittedTask = {
      k: clusterKey(graph.tasks[row]!),
      ...(inputs.length > 0 && { d: inputs.map((input) => clusterKey(graph.tasks[input]!)) }),
      ...(priority !== undefined && { p: priority }),
      ...(resources !== undefined && { r: resources }),
    };
    if (workers !== undefined || graph.hosts(row) !== undefined) placed.push({ row, task });
    tasks.push(task);
    blobs.push(blob);
  }
  return {
    tasks,
    blobs,
    place: (workers) => {
      for (const { row, task } of placed) {
        const wish = placeOf(graph, row, workers);
        if (wish === undefined) continue;
        task.w = wish.workers;
        task.o = wish.isLoose;
      }
    },
  };
}

/** Named workers are a condition, or with `allowOtherWorkers` a wish; hosts that hold a row's bytes are a wish, and nothing when no worker is there. */
function placeOf(
  graph: Graph,
  row: number,
  workers: readonly ClusterWorker[],
): { workers: readonly string[]; isLoose: boolean } | undefined {
  const { options } = graph.tasks[row]!;
  const named =
    options.workers === undefined
      ? undefined
      : addressesNamed(typeof options.workers === 'string' ? [options.workers] : options.workers, workers);
  const isLoose = named === undefined || options.allowOtherWorkers === true;
  const hosts = graph.hosts(row);
  const local = hosts === undefined ? [] : addressesOn(hosts, workers);
  const both = named === undefined ? local : local.filter((address) => named.includes(address));
  if (both.length > 0) return { workers: both, isLoose };
  if (isLoose && local.length > 0) return { workers: local, isLoose };
  return named === undefined ? undefined : { workers: named, isLoose };
}

/** Addresses of the workers that some names mean; a name that none has is passed on, for a worker that may come. */
export function addressesNamed(names: readonly string[], workers: readonly ClusterWorker[]): string[] {
  return names.flatMap((name) => {
    const found = workers.filter((worker) => isCalled(worker, name)).map(({ address }) => address);
    return found.length > 0 ? found : [name];
  });
}

/** Whether a worker is meant by a name, a host or a `host:port`. */
export function isCalled(worker: ClusterWorker, wanted: string): boolean {
  const { name, address } = worker;
  return name === wanted || address === wanted || address.slice(address.indexOf('://') + 3) === wanted || isOnHost(worker, wanted, true);
}

function addressesOn(hosts: readonly string[], workers: readonly ClusterWorker[]): string[] {
  return workersOn(workers, hosts).map((index) => workers[index]!.address);
}

function rowBlob(
  graph: Graph,
  row: number,
  code: Code,
  settings: ClusterSettings,
): { readonly inputs: readonly number[]; readonly blob: Blob } {
  const task = graph.tasks[row]!;
  const members = graph.members[row] ?? [];
  const all = [...members, task];
  const meta: TaskMeta = {
    key: keyOf(task),
    name: task.name,
    retries: task.options.retries ?? settings.retries,
    timeout: task.options.timeout === undefined ? null : parseDuration(task.options.timeout, 'timeout'),
    grace: settings.cancelGraceMs,
    allowedFailures: settings.allowedFailures,
  };
  const references = new References(code);
  const tape: unknown[] = [];
  const inputs = encodeRow(graph, row, references.callee, tape);
  const common = { keys: members.length === 0 ? keyOf(task) : all.map(keyOf), names: all.map(({ name }) => name) };
  try {
    if (task.scattered) throw lostError(keyOf(task)); // it has no tape to be made from again
    if (task.options.concurrency !== undefined) throw unsupported(keyOf(task));
    for (let at = 0; at < tape.length; at += tape[at] === Op.call ? 4 : 2)
      if (tape[at] === Op.captured) tape[at + 1] = references.number(tape[at + 1] as CapturedData);
    const nouts = all.flatMap(({ options }, member) => (options.nout === undefined ? [] : [[member, options.nout] as const]));
    const { checkMutation, setup, loader } = settings;
    return { inputs, blob: taskBlob(meta, { ...common, tape, references: references.list, nouts, checkMutation, setup, loader }) };
  } catch (error) {
    // it fails where it would have run, so that what depends on it fails as with any other error
    const failure = packError(error);
    return {
      inputs,
      blob: taskBlob(meta, {
        ...common,
        tape: [],
        references: [],
        nouts: [],
        checkMutation: false,
        setup: undefined,
        loader: undefined,
        failure,
      }),
    };
  }
}

/** A task's blob: what Python must know as JSON, the rest as V8 writes it. */
export function taskBlob(meta: TaskMeta, body: TaskBody): Blob {
  const text = Buffer.from(JSON.stringify(meta));
  const rest = serialize(body);
  const bytes = new Uint8Array(4 + text.length + rest.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 4);
  bytes.set(rest, 4 + text.length);
  return { kind: BlobKind.task, body: bytes };
}

function unsupported(key: string): HeddleError {
  return new HeddleError(
    'ERR_UNSUPPORTED',
    `task ${key} has option concurrency, which a Dask cluster cannot honour; use resources that its workers declare (dask worker --resources), or leave it out`,
  );
}

/** Numbers for the functions and captured data of one task. */
class References {
  readonly list: Reference[] = [];
  readonly #code: Code;
  readonly #places = new Map<object, number>();

  constructor(code: Code) {
    this.#code = code;
  }

  readonly callee = (callee: Callee): number => this.number(callee);

  number(thing: Callee | CapturedData): number {
    let place = this.#places.get(thing);
    if (place === undefined) {
      place = this.list.push(this.#code.reference(thing)) - 1;
      this.#places.set(thing, place);
    }
    return place;
  }
}
