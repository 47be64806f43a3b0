import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { HeddleError, Op } from '../../graph/index.ts';
import { type PackedError, packError } from '../failure.ts';
import { noLimit } from '../worker/accounts.ts';
import { runningTask } from '../worker/context.ts';
import { WorkerCore } from '../worker/core.ts';
import { startLoader } from '../worker/loader.ts';
import { type Definition, type Fetched, type FromWorker, headerLength } from '../worker/protocol.ts';
import { deserialize, fromBlob, serialize, toBlob } from './data.ts';
import { localise, type ShippedDefinition } from './shipped.ts';
import type { FailureInfo, FromThread, Reference, TaskBody } from './thread-messages.ts';
import { type Blob, BlobKind } from './wire.ts';

interface Run {
  readonly id: number;
  readonly row: number;
  readonly attempt: number;
  readonly body: TaskBody;
  readonly inputs: readonly number[];
  readonly core: WorkerCore;
}

/** Runs tasks as they come from Dask on a WorkerCore: inputs are put, the task is run, its result is fetched, and all of it freed again. */
export class TaskRunner {
  readonly #worker: string;
  readonly #cwd: string;
  readonly #post: (message: FromThread) => void;
  /** One that compares arguments, one that does not. */
  readonly #cores = new Map<boolean, WorkerCore>();
  readonly #definitions = new Map<string, Promise<Definition | undefined>>();
  readonly #awaited = new Map<string, (definition: Definition | undefined) => void>();
  /** The numbers under which a core knows what references mean. */
  readonly #numbers = new Map<string, number>();
  /** The numbers that a core has been told of. */
  readonly #told = new Map<WorkerCore, Set<number>>();
  readonly #runs = new Map<number, Run>();
  readonly #runOf = new Map<number, Run>();
  readonly #stopped = new Set<number>();
  readonly #setups = new Map<string, Promise<unknown>>();
  #loader: Promise<void> | undefined;
  #nextRow = 0;

  constructor(options: { readonly worker: string; readonly cwd: string; readonly post: (message: FromThread) => void }) {
    this.#worker = options.worker;
    this.#cwd = options.cwd;
    this.#post = options.post;
  }

  /** The call that the running task belongs to. */
  currentCall(): number | undefined {
    const row = runningTask.getStore()?.row;
    return row === undefined ? undefined : this.#runs.get(row)?.id;
  }

  #core(checkMutation: boolean): WorkerCore {
    let core = this.#cores.get(checkMutation);
    if (core === undefined) {
      core = new WorkerCore({
        settings: {
          index: 0,
          name: this.#worker,
          setup: undefined,
          checkMutation,
          sharedMemory: false,
          loader: undefined,
          memory: noLimit,
        },
        isLive: false,
        send: (message) => this.#receive(message),
        poll: () => {},
        later: (work) => void setImmediate(work),
      });
      this.#cores.set(checkMutation, core);
    }
    return core;
  }

  /** Runs a task whose inputs came along. */
  async run(id: number, attempt: number, [task, ...inputs]: readonly Blob[]): Promise<void> {
    let body: TaskBody | undefined;
    try {
      body = taskBody(task!);
      await this.#prepare(body);
      if (body.failure !== undefined) return this.#fail(id, attempt, body, body.failure);
      const core = this.#core(body.checkMutation);
      const found = await Promise.all(body.references.map((reference) => this.#definition(reference)));
      if (this.#stopped.delete(id))
        return this.#fail(id, attempt, body, packError(new HeddleError('ERR_CANCELLED', 'stopped before it began')));
      const row = this.#nextRow++;
      const run: Run = { id, row, attempt, body, inputs: inputs.map(() => this.#nextRow++), core };
      this.#runs.set(row, run);
      this.#runOf.set(id, run);
      for (const [i, input] of inputs.entries()) await this.#put(core, run.inputs[i]!, input);
      const { tape, keys, nouts } = body;
      const define = this.#define(core, body.references, found);
      const numbers = body.references.map((reference) => this.#numbers.get(nameOf(reference))!);
      core.receive({
        kind: 'run',
        define,
        header: Int32Array.from([
          ...[row, attempt, 0, tape.length, inputs.length],
          ...new Array<number>(headerLength - 5).fill(-1), // a key of its own; nobody takes it back
          ...run.inputs.flatMap((input) => [input, 0]),
        ]),
        tape: numbered(tape, numbers),
        names: [],
        tokens: '',
        keys: [keys],
        nouts: nouts.map(([member, nout]) => [row, member, nout]),
      });
    } catch (error) {
      this.#fail(id, attempt, body, packError(error));
    }
  }

  async #put(core: WorkerCore, row: number, blob: Blob): Promise<void> {
    if (blob.kind !== BlobKind.captured) {
      core.receive({ kind: 'put', row, rich: false, value: fromBlob(blob) });
      return;
    }
    const { digest } = deserialize(blob.body) as { readonly digest: string };
    const captured = await this.#definition({ digest });
    core.receive({ kind: 'put', row, rich: false, value: undefined, captured });
  }

  /** Runs a function outside any task. */
  async call(id: number, [blob]: readonly Blob[]): Promise<void> {
    try {
      const body = taskBody(blob!);
      await this.#prepare(body);
      const definition = await this.#definition(body.references[0]!);
      this.#core(false).receive({ kind: 'call', request: id, definition });
    } catch (error) {
      this.#fail(id, 1, undefined, packError(error));
    }
  }

  /** Once a thread: the user's TypeScript loader, where it is here too, and the executor's set-up module. */
  async #prepare({ loader, setup }: TaskBody): Promise<void> {
    if (loader !== undefined) {
      const { cjs } = loader as { readonly cjs: string };
      this.#loader ??= existsSync(cjs) ? startLoader(loader as never) : Promise.resolve();
      await this.#loader;
    }
    if (setup === undefined) return;
    const begun = this.#setups.get(setup) ?? import(setup);
    this.#setups.set(setup, begun);
    await begun;
  }

  /** Numbers for references, and definitions of those that are new to a core. Nothing may come between it and the message that carries them. */
  #define(
    core: WorkerCore,
    references: readonly Reference[],
    found: readonly Definition[],
  ): (readonly [index: number, definition: Definition])[] {
    let told = this.#told.get(core);
    if (told === undefined) {
      told = new Set();
      this.#told.set(core, told);
    }
    const define: [number, Definition][] = [];
    for (const [i, reference] of references.entries()) {
      const name = nameOf(reference);
      const number = this.#numbers.get(name) ?? this.#numbers.size;
      this.#numbers.set(name, number);
      if (told.has(number)) continue;
      told.add(number);
      define.push([number, found[i]!]);
    }
    return define;
  }

  async #definition(reference: Reference): Promise<Definition> {
    if ('module' in reference) return { kind: 'own', module: reference.module, name: reference.name };
    const { digest } = reference;
    let definition = this.#definitions.get(digest);
    if (definition === undefined) {
      definition = new Promise((resolve) => this.#awaited.set(digest, resolve));
      this.#definitions.set(digest, definition);
      this.#post({ op: 'need', digests: [digest] });
    }
    const found = await definition;
    if (found === undefined) {
      this.#definitions.delete(digest);
      throw new HeddleError(
        'ERR_LOST',
        `the cluster has no longer the function ${digest.slice(0, 12)} that the task calls: the client that brought it has left; submit the task again`,
      );
    }
    return found;
  }

  /** A definition has come. */
  took(digest: string, shipped: unknown): void {
    const resolve = this.#awaited.get(digest);
    this.#awaited.delete(digest);
    if (shipped === undefined) return resolve?.(undefined);
    resolve?.({ kind: 'payload', payload: localise(shipped as ShippedDefinition, this.#cwd) });
  }

  /** Tells a running task to stop. */
  stop(id: number, why: string): void {
    const run = this.#runOf.get(id);
    if (run === undefined) this.#stopped.add(id);
    else
      run.core.receive({
        kind: 'stop',
        row: run.row,
        reason: why === 'timeout' ? new DOMException('the attempt took too long', 'TimeoutError') : why,
      });
  }

  #receive(message: FromWorker): void {
    switch (message.kind) {
      case 'finished':
        for (let i = 0; i < message.reports.length; i += 3) {
          const row = message.reports[i]!;
          this.#runs.get(row)?.core.receive({ kind: 'fetch', request: row, rows: [row] });
        }
        return;
      case 'fetched': {
        const run = this.#runs.get(message.request)!;
        this.#forget(run);
        return this.#finished(run, message.results[0]!);
      }
      case 'failed': {
        const run = this.#runs.get(message.row);
        if (run === undefined) return;
        this.#forget(run);
        return this.#fail(run.id, run.attempt, run.body, message.error, message.member);
      }
      case 'returned': {
        const run = this.#runs.get(message.row);
        if (run === undefined) return;
        this.#forget(run);
        return this.#fail(run.id, run.attempt, run.body, packError(new HeddleError('ERR_CANCELLED', 'stopped before it began')));
      }
      case 'called': {
        if (message.error !== undefined) return this.#fail(message.request, 1, undefined, message.error);
        return this.#post({ op: 'done', id: message.request, blobs: [toBlob(message)] });
      }
      case 'stray':
        return console.error(
          `heddle: ${message.key === undefined ? 'something' : `task ${message.key}`} threw after it had ended: ${message.error.text}`,
        );
      default:
    }
  }

  #forget(run: Run): void {
    this.#runs.delete(run.row);
    this.#runOf.delete(run.id);
    this.#stopped.delete(run.id);
    run.core.receive({ kind: 'free', rows: [run.row, ...run.inputs] });
  }

  #finished(run: Run, result: Fetched): void {
    try {
      if (result.kind === 'value') return this.#post({ op: 'done', id: run.id, blobs: [toBlob(result)] });
      this.#fail(
        run.id,
        run.attempt,
        run.body,
        result.kind === 'unsendable' ? result.error : packError(new HeddleError('ERR_LOST', 'the result is gone')),
      );
    } catch (error) {
      this.#fail(run.id, run.attempt, run.body, packError(error));
    }
  }

  #fail(id: number, attempt: number, body: TaskBody | undefined, error: PackedError, member = -1): void {
    const keys = body?.keys ?? '';
    const key = typeof keys === 'string' ? keys : (keys[member] ?? keys.at(-1)!);
    const name = body?.names[member] ?? body?.names.at(-1) ?? '';
    const info: FailureInfo = { kind: 'js', key, name, attempt, failure: randomUUID(), text: error.text };
    this.#post({ op: 'failed', id, info, blobs: [{ kind: BlobKind.data, body: serialize(error) }] });
  }

  /** Something threw outside any task, or in one without its knowing. */
  stray(error: unknown): void {
    const row = runningTask.getStore()?.row;
    const core = (row === undefined ? undefined : this.#runs.get(row)?.core) ?? this.#core(false);
    core.stray(error);
  }
}

/** A task's blob without what is meant for Python. */
function taskBody({ body }: Blob): TaskBody {
  const size = new DataView(body.buffer, body.byteOffset).getUint32(0, true);
  return deserialize(body.subarray(4 + size)) as TaskBody;
}

function nameOf(reference: Reference): string {
  return 'digest' in reference ? reference.digest : `${reference.module}#${reference.name}`;
}

/** The tape with this thread's numbers in the place of references. */
function numbered(tape: readonly unknown[], numbers: readonly number[]): unknown[] {
  const own = tape.slice();
  for (let at = 0; at < own.length; at += own[at] === Op.call ? 4 : 2)
    if (own[at] === Op.call || own[at] === Op.captured) own[at + 1] = numbers[own[at + 1] as number];
  return own;
}
