import {
  CancelledError,
  type CapturedData,
  compile,
  compileGraph,
  Graph,
  isHeddleError,
  KeyConflictError,
  keyOf,
  makeData,
  Op,
  type Pass,
  type Plan,
  sameTask,
  type Task,
  withParts,
} from '../graph/index.ts';
import type { Engine } from './engine.ts';
import { cancelledAs, Output, type OutputOwner } from './output.ts';
import { OutputIndex } from './output-index.ts';
import { noteUnseen } from './unseen.ts';

/** Submissions of one turn travel as one plan; a long loop of them is sent on its way in parts. */
const mostPending = 2000;

/** What an executor's Futures stand on: an Output for each key somebody holds. Gathers submissions, compiles them, and hands them to the engine. */
export class Outputs implements OutputOwner {
  readonly #engine: Engine;
  readonly #passes: readonly Pass[];
  readonly #parent: () => number;
  readonly #byId = new OutputIndex();
  #pending: Output[] = [];
  #wanted: { readonly output: Output; readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }[] = [];
  /** Outputs whose results are on their way, and how often: their rows are not let go before. */
  readonly #fetching = new Map<Output, number>();
  #hasGivenKeys = false;
  /** Rows of the engine that Outputs hold; when those are all it has, it need not be asked for others. */
  #rows = 0;
  /** Whether two Outputs may hold one row: of two that stood under one id, one has ended. */
  #sharesRows = false;
  #isClosed = false;

  /** `parent`: the row of the task that runs right here, or -1. */
  constructor(engine: Engine, passes: readonly Pass[], parent: () => number) {
    this.#parent = parent;
    this.#engine = engine;
    this.#passes = passes;
  }

  /** The Output of a task: the one there is, or a new one that begins in this turn. Throws KeyConflictError. */
  begin(task: Task): Output {
    const known = this.#known(task);
    if (known !== undefined) {
      if (known.status === 'pending') this.secede(this.#parent());
      if (known.status === 'finished') this.#engine.reused?.(known.handle);
      return known;
    }
    const output = new Output(task, this);
    this.#byId.set(output);
    if (this.#pending.length >= mostPending) this.flush();
    if (this.#pending.length === 0) queueMicrotask(() => this.flush(this.#parent()));
    this.#pending.push(output); // not sent before the caller holds it: what nobody holds does not run
    return output;
  }

  /** The Output of data that is laid on workers. */
  put(data: unknown, where: { readonly broadcast: boolean; readonly workers: readonly string[] | undefined }): Output {
    const made = makeData(data);
    const known = this.#known(made);
    if (known !== undefined) return known;
    const captured = made.tape[0] === Op.captured ? (made.tape[1] as CapturedData) : undefined;
    const task: Task = withParts(made, { tape: [], scattered: true }); // the data leaves the caller: what is lost with a worker is lost
    const output = new Output(task, this);
    this.#engine.put(task, { data, captured }, where, output);
    if (output.handle >= 0) this.#rows++;
    this.#byId.set(output);
    return output;
  }

  /** The task of a row will wait, perhaps for one that stands behind it. */
  secede(parent: number): void {
    if (parent >= 0) this.#engine.secede?.(parent);
  }

  #known(task: Task): Output | undefined {
    const known = this.#byId.get(task.id) ?? this.#byKeyLike(task);
    if (known === undefined) return undefined;
    if (!sameTask(known.task, task)) throw new KeyConflictError(keyOf(task));
    const hasEnded = known.status === 'cancelled' || known.status === 'lost' || isHeddleError(known.error, 'ERR_NO_WORKER');
    if (hasEnded) this.#sharesRows = true;
    return hasEnded ? undefined : known; // what never ran begins anew; what failed has failed, until it is retried or let go
  }

  /** A key that was given may read like one that heddle made: then the two must be one task. */
  #byKeyLike(task: Task): Output | undefined {
    if (task.givenKey === undefined) return this.#hasGivenKeys ? this.#byId.get(keyOf(task)) : undefined;
    this.#hasGivenKeys = true;
    const natural = this.#byId.get(/-([0-9a-f]{32})$/.exec(task.givenKey)?.[1] ?? '');
    return natural?.key === task.givenKey ? natural : undefined;
  }

  /** Sends what was submitted on its way; what a running task submitted goes before what stands behind that task. */
  flush(parent = -1): void {
    const outputs = this.#pending.filter((output) => output.holds > 0);
    this.#pending = [];
    if (outputs.length === 0) return;
    let plan: Plan;
    try {
      plan = this.#compile(outputs);
    } catch (error) {
      if (outputs.length === 1) outputs[0]!.failed(error as Error);
      else
        for (const output of outputs) {
          this.#pending = [output]; // only those at fault are to fail
          this.flush(parent);
        }
      return;
    }
    this.#engine.run(plan, outputs, parent);
    for (const output of outputs) if (output.handle >= 0) this.#rows++;
  }

  #compile(outputs: readonly Output[]): Plan {
    const isHeld = (task: Task): boolean => {
      const error = cancelledAs(task);
      if (error !== undefined) throw error;
      const known = this.#engine.find(task.id);
      if (known === undefined) return false;
      if (known !== task && !sameTask(known, task)) throw new KeyConflictError(keyOf(task));
      return true;
    };
    const tasks = outputs.map((output) => output.task);
    const options = { workers: this.#engine.workers, passes: this.#passes };
    const areNewRoots = this.#rows === this.#engine.size && !this.#sharesRows && tasks.every((task) => task.dependencies.length === 0);
    return areNewRoots ? compileGraph(Graph.ofRoots(tasks), options) : compile(tasks, { ...options, isHeld });
  }

  fetch(output: Output): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#wanted.length === 0) queueMicrotask(() => void this.#fetchWanted());
      this.#wanted.push({ output, resolve, reject });
      this.#fetching.set(output, (this.#fetching.get(output) ?? 0) + 1);
    });
  }

  #fetched(output: Output): void {
    const left = this.#fetching.get(output)! - 1;
    if (left > 0) this.#fetching.set(output, left);
    else {
      this.#fetching.delete(output);
      if (output.isReleased) this.#letGo(output);
    }
  }

  async #fetchWanted(): Promise<void> {
    const all = this.#wanted;
    const wanted = all.filter(({ output }) => output.handle >= 0);
    this.#wanted = [];
    try {
      for (const { output, reject } of all) if (output.handle < 0) reject(output.error!); // forgotten meanwhile
      const outcomes = await this.#engine.fetch(wanted.map(({ output }) => output.handle));
      for (const [i, { output, resolve, reject }] of wanted.entries()) {
        const outcome = outcomes[i]!;
        if (outcome.kind === 'error') reject(outcome.error);
        else {
          output.hasValue = true;
          output.value = outcome.value;
          resolve(outcome.value);
        }
      }
    } catch (error) {
      for (const { reject } of wanted) reject(error as Error);
    } finally {
      for (const { output } of all) this.#fetched(output);
    }
  }

  release(output: Output): void {
    if (output.task.scattered && this.#pending.length > 0) this.flush(this.#parent()); // what was just submitted may need these data, which nothing makes again
    noteUnseen([output]);
    this.#byId.delete(output);
    if (!this.#fetching.has(output)) this.#letGo(output);
    output.released();
  }

  #letGo(output: Output): void {
    if (output.handle < 0 || this.#isClosed) return;
    this.#rows--;
    this.#engine.release(output.handle);
  }

  async cancel(outputs: readonly Output[], options: { readonly reason: unknown; readonly force: boolean }): Promise<void> {
    this.flush();
    await this.#engine.cancel(
      outputs.filter((output) => output.status === 'pending').map((output) => output.handle),
      options,
    );
  }

  retry(outputs: readonly Output[]): void {
    const failed = outputs.filter((output) => output.status === 'error');
    for (const output of failed) output.reset();
    if (failed.length > 0) this.#engine.retry(failed.map((output) => output.handle));
  }

  /** Outputs that somebody holds. */
  all(): Output[] {
    return [...this.#byId];
  }

  /** The executor starts afresh: whatever is held now belongs to the past. */
  forgetAll(): void {
    this.flush();
    for (const output of this.#byId) {
      output.handle = -1;
      if (output.status === 'finished' && !output.hasValue) output.failed(new CancelledError(output.key, 'the executor was restarted'));
    }
    this.#byId.clear();
    this.#rows = 0;
    this.#sharesRows = false;
  }

  /** Nothing is told to the engine any more. */
  close(): void {
    this.flush();
    this.#isClosed = true;
  }
}
