import type { Step } from '../../core/journeys/plan.js';
import type { RunClock, RunReference } from '../../core/journeys/run-reference.js';
import type { Transaction } from '../../platform/database/database.js';

/**
 * Questions from this number on are asked by operators, of a visit whose own question has its answer already. No run ever
 * comes so far: it puts a hundred by its own timers, and one for each message that wakes it.
 */
export const REPLAY_ASK_FIRST = 1_000_000;

/** Lets a step claim a message that its provider refused, once more. */
interface ReplayPermit {
  /** Which attempt was refused. */
  readonly failedAttempt: number;
  /**
   * Gives the refused delivery back, in the transaction of the claim and under the user's lock.
   *
   * @returns false when it must not be claimed any more
   */
  giveBack(transaction: Transaction): Promise<boolean>;
}

/** One question of one run: may, should and how do we contact this user in this step, now? */
export interface RunStepRequest {
  readonly run: RunReference;
  readonly step: Extract<Step, { kind: 'message' | 'decide' }>;
  /** 1 for the first time that the run is at this step. */
  readonly visit: number;
  /** 1 for the first question of this visit. */
  readonly ask: number;
  readonly clock: RunClock;
  /** Left out: the run itself asks. */
  readonly replay?: ReplayPermit;
}

export const clockDomainOf = ({ clock }: RunStepRequest): string => (clock.kind === 'real' ? 'real' : clock.domain);
