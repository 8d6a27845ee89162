import type { Step } from '../../core/journeys/plan.js';
import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';

/** One question of one run: may, should and how do we contact this user in this step, now? */
export interface RunStepRequest {
  readonly run: RunReference;
  readonly step: Extract<Step, { kind: 'message' | 'decide' }>;
  /** 1 for the first time that the run is at this step. */
  readonly visit: number;
  /** 1 for the first question of this visit. */
  readonly ask: number;
  readonly clock: RunClock;
}

export const clockDomainOf = ({ clock }: RunStepRequest): string => (clock.kind === 'real' ? 'real' : clock.domain);
