import { isOnHost, type WorkerDescription } from '../../graph/index.ts';
import type { EngineView, TaskTransition, WorkerInfo } from '../engine.ts';
import { type SchedulerState, State, stateNames } from '../scheduler/state.ts';
import { explanationOf, storyOf } from '../scheduler/story.ts';

/** The scheduler's table by key and worker name. */
export function localView(
  table: () => SchedulerState,
  isReady: (worker: number) => boolean,
  workers: readonly WorkerDescription[],
): EngineView {
  const nameOf = (index: number): string => workers[index]?.name ?? '';
  return {
    workers: () =>
      workers.map(({ name, host, resources }, index): WorkerInfo => {
        const state = table().workers[index];
        return {
          name,
          host,
          resources,
          status: isReady(index) ? 'running' : 'starting',
          nbytes: state?.nbytes ?? 0,
          spilled: 0,
          processing: state?.inFlight.size ?? 0,
        };
      }),
    whoHas: () => {
      const state = table();
      const found = new Map<string, string[]>();
      for (let row = 0; row < state.size; row++)
        if (state.state[row] === State.memory) found.set(state.key(row), state.holdersOf(row).map(nameOf));
      return found;
    },
    nbytes: () => {
      const state = table();
      const found = new Map<string, number>();
      for (let row = 0; row < state.size; row++) if (state.state[row] === State.memory) found.set(state.key(row), state.nbytes[row]!);
      return found;
    },
    processing: () => {
      const state = table();
      return new Map(workers.map(({ name }, index) => [name, [...(state.workers[index]?.inFlight ?? [])].map((row) => state.key(row))]));
    },
    story: (key) => storyOf(table(), key),
    explain: (key) => explanationOf(table(), key),
  };
}

/** A transition as listeners see it. */
export function transitionOf(
  state: SchedulerState,
  workers: readonly WorkerDescription[],
  row: number,
  from: State,
  to: State,
): TaskTransition {
  const worker = to === State.processing || to === State.memory ? workers[state.worker[row]!] : undefined;
  const hosts = from === State.processing && to === State.memory ? state.sources[row]?.graph.hosts(state.graphRow[row]!) : undefined;
  return {
    time: Date.now(),
    key: state.key(row),
    from: stateNames[from],
    to: stateNames[to],
    ...(worker === undefined ? {} : { worker: worker.name }),
    ...(worker === undefined || hosts === undefined ? {} : { isLocal: hosts.some((host) => isOnHost(worker, host)) }),
  };
}
