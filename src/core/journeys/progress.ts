import type { InstantMs } from '../kernel/instant.js';

/** Where a run stands; written to the projection without a trace in the history. */
export interface RunProgress {
  readonly runKey: string;
  /** Grows with every report of a run; an older report never overwrites a newer one. */
  readonly seq: number;
  readonly state: 'running' | 'waiting' | 'paused';
  readonly stepId: string;
  readonly waitsFor: string | null;
  readonly waitsUntil: InstantMs | null;
}
