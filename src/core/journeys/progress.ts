import type { InstantMs } from '../kernel/instant.js';
import type { Move } from './path.js';
import type { ListenedEvent } from './plan.js';

/** Where a run stands; written to the projection without a trace in the history. */
export interface RunProgress {
  readonly runKey: string;
  /** Grows with every report of a run; an older report never overwrites a newer one. */
  readonly seq: number;
  readonly state: 'running' | 'waiting' | 'paused';
  readonly stepId: string;
  readonly waitsFor: string | null;
  readonly waitsUntil: InstantMs | null;
  /** Names of the events that would end the wait, or the reason code that it waits because of; empty: for time alone. */
  readonly waitsOn: readonly string[];
}

/** What a run tells at one time: where it stands and which steps it has been to. */
export interface RunReport {
  readonly runKey: string;
  /** Null: as before, or over, which an activity records. */
  readonly progress: RunProgress | null;
  /** Those that are new or have changed, the oldest first; a repetition does no harm. */
  readonly moves: readonly Move[];
  /**
   * Length of the execution's history when the turn was done, as the worker says that had it. A turn that is done again
   * has a longer one, or the same; null, or left out: nobody knows.
   */
  readonly historyLength?: number | null;
}

/** All that one execution of a run can tell of itself, also after its end. */
export interface RunSnapshot {
  /** The last report; null where the execution has made none. */
  readonly progress: RunProgress | null;
  readonly moves: readonly Move[];
  /** The events that its plan reacts to. */
  readonly listensTo: readonly ListenedEvent[];
  readonly end: {
    readonly outcome: 'completed' | 'exited';
    readonly reason: string;
    readonly endedAt: InstantMs;
  } | null;
}
