import { HeddleError, Op, type Plan, type Task, withParts } from '../../graph/index.ts';
import type { Engine, EngineListener, EngineView, Outcome, Putting, Sink } from '../engine.ts';
import { unpackError } from '../failure.ts';
import { runningTask } from '../worker/context.ts';
import { decode } from '../worker/decode.ts';
import type { NestedReply, NestedRequest } from './messages.ts';
import { toPortable } from './portable.ts';

/** The engine of a running task's own executor: whatever it is given, the executor that the task runs on does. */
export class ParentEngine implements Engine {
  readonly name = 'parent';
  readonly workers: Engine['workers'] = [];
  listener: EngineListener = { warning: () => {} };
  readonly view: EngineView = {
    workers: () => [],
    whoHas: () => new Map(),
    nbytes: () => new Map(),
    processing: () => new Map(),
    story: () => [],
    explain: () => undefined,
  };
  readonly #post: (request: NestedRequest) => void;
  readonly #sinks = new Map<number, Sink>();
  readonly #answers = new Map<number, (reply: NestedReply) => void>();
  #next = 0;

  constructor(post: (request: NestedRequest) => void) {
    this.#post = post;
  }

  /** Takes in what the executor says. */
  receive(reply: NestedReply): void {
    if (reply.kind !== 'settled') {
      this.#answers.get(reply.request)?.(reply);
      this.#answers.delete(reply.request);
      return;
    }
    const sink = this.#sinks.get(reply.handle);
    if (reply.error === undefined) sink?.finished(reply.hasValue, reply.value);
    else sink?.failed(unpackError(reply.error));
  }

  /** None, so far as one knows here. */
  get size(): number {
    return 0;
  }

  find(): Task | undefined {
    return undefined;
  }

  run(plan: Plan, sinks: readonly Sink[]): void {
    this.#begin(
      Array.from(plan.graph.outputs, (row) => plan.graph.tasks[row]!),
      sinks,
    );
  }

  put(task: Task, { data, captured }: Putting, _where: unknown, sink: Sink): void {
    const tape = captured === undefined ? [Op.literal, data] : [Op.captured, captured];
    this.#begin([withParts(task, { tape, scattered: false })], [sink]);
  }

  #begin(tasks: readonly Task[], sinks: readonly Sink[]): void {
    const handles = sinks.map((sink) => {
      sink.handle = this.#next++;
      this.#sinks.set(sink.handle, sink);
      return sink.handle;
    });
    this.#post({ kind: 'begin', parent: runningTask.getStore()?.row ?? -1, ...toPortable(tasks), handles });
  }

  async fetch(handles: readonly number[]): Promise<Outcome[]> {
    const reply = (await this.#ask((request) => ({ kind: 'fetch', request, handles }))) as Extract<NestedReply, { kind: 'fetched' }>;
    return Promise.all(
      reply.results.map(async (result): Promise<Outcome> => {
        if (result.kind === 'value') return { kind: 'value', value: decode(result) };
        return {
          kind: 'error',
          error: result.kind === 'unsendable' ? await unpackError(result.error) : new HeddleError('ERR_LOST', 'the result is gone'),
        };
      }),
    );
  }

  #ask(make: (request: number) => NestedRequest): Promise<NestedReply> {
    const request = this.#next++;
    return new Promise((resolve) => {
      this.#answers.set(request, resolve);
      this.#post(make(request));
    });
  }

  release(handle: number): void {
    this.#sinks.delete(handle);
    this.#post({ kind: 'release', handle });
  }

  async cancel(handles: readonly number[], { reason, force }: { readonly reason: unknown; readonly force: boolean }): Promise<void> {
    await this.#ask((request) => ({ kind: 'cancel', request, handles, reason: reason instanceof Error ? reason.message : reason, force }));
  }

  retry(handles: readonly number[]): void {
    this.#post({ kind: 'retry', handles });
  }

  async call(): Promise<Map<string, unknown>> {
    throw unsupported('run');
  }

  async restart(): Promise<void> {
    throw unsupported('restart');
  }

  async close(): Promise<void> {}
}

function unsupported(what: string): HeddleError {
  return new HeddleError('ERR_UNSUPPORTED', `${what}() cannot be called inside a task; call it where the executor was made`);
}
