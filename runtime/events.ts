import type { ConsoleEvent, Engine, EngineListener, TaskTransition } from './engine.ts';
import type { StateName } from './scheduler/state.ts';

/** Where a task stands in the scheduler. */
export type TaskState = StateName;

/** Events of an executor, by name. Each carries `time`, milliseconds since the epoch. */
export interface ExecutorEvents {
  readonly task: TaskTransition;
  readonly worker: { readonly time: number; readonly worker: string; readonly change: 'joined' | 'left' | 'paused' | 'resumed' };
  readonly console: ConsoleEvent;
  readonly warning: { readonly time: number; readonly code: string; readonly message: string };
}

type Listeners = { [K in keyof ExecutorEvents]: Set<(event: ExecutorEvents[K]) => void> };

/** Listeners of an executor. The engine makes an event of each transition only while somebody listens. */
export class Events {
  readonly #engine: Engine;
  readonly #listeners: Listeners = { task: new Set(), worker: new Set(), console: new Set(), warning: new Set() };

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#attach();
  }

  on<K extends keyof ExecutorEvents>(event: K, listener: (event: ExecutorEvents[K]) => void): () => void {
    const listeners: Set<(event: ExecutorEvents[K]) => void> = this.#listeners[event];
    listeners.add(listener);
    this.#attach();
    return () => {
      listeners.delete(listener);
      this.#attach();
    };
  }

  #attach(): void {
    const { task, worker, warning, console } = this.#listeners;
    const listener: EngineListener = {
      worker: (event) => tell(worker, event),
      warning: (event) => {
        process.emitWarning(event.message, { type: 'HeddleWarning', code: event.code });
        tell(warning, event);
      },
      console: console.size === 0 ? undefined : (event) => tell(console, event),
      task: task.size === 0 ? undefined : (event) => tell(task, event),
    };
    this.#engine.listener = listener;
  }
}

/** A listener that throws is its own affair: the scheduler goes on, the error is uncaught. */
function tell<E>(listeners: ReadonlySet<(event: E) => void>, event: E): void {
  for (const listener of listeners) {
    try {
      listener(event);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}
