import type { Condition } from '../src/core/audiences/condition.js';
import type { Step } from '../src/core/journeys/plan.js';
import type { RunClock, RunReference } from '../src/core/journeys/run-reference.js';
import type { StepAnswer } from '../src/core/journeys/step-answer.js';
import type { InstantMs } from '../src/core/kernel/instant.js';

/** One question of one run at a message or decide step. */
export interface RunStepInput {
  readonly run: RunReference;
  readonly step: Extract<Step, { kind: 'message' | 'decide' }>;
  /** 1 for the first time that the run is at this step. */
  readonly visit: number;
  /** 1 for the first question of this visit; grows by one after each deferral. */
  readonly ask: number;
  readonly clock: RunClock;
}

/** A condition to test on the user as stored at the time of asking. */
export interface EvaluateBranchInput {
  readonly run: RunReference;
  readonly stepId: string;
  readonly condition: Condition;
  readonly clock: RunClock;
}

/** Which of the user's events to look for, and in which interval of event time. */
export interface FindEventInput {
  readonly run: RunReference;
  /** Names to look for; the first by event time wins. */
  readonly events: readonly string[];
  /** Exclusive. */
  readonly after: InstantMs;
  /** Inclusive. */
  readonly until: InstantMs;
  readonly domain: string;
}

/** The event that was found, as a signal would have told of it. */
export interface FoundEvent {
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
}

/** How a run ended. */
export interface FinishRunInput {
  readonly run: RunReference;
  readonly outcome: 'completed' | 'exited';
  readonly reason: string;
  readonly endedAt: InstantMs;
  readonly clock: RunClock;
}

/** What the workflows may call. Types only: workflow code imports this file with `import type`. */
export interface JourneyActivities {
  /** Decides, claims, sends and records one message or decision, all at the instant of sending. */
  runStep(input: RunStepInput): Promise<StepAnswer>;
  /** Whether the condition holds for the user now; false for a user who is gone. */
  evaluateBranch(input: EvaluateBranchInput): Promise<boolean>;
  /** Virtual time only: the first matching event of the user in the interval, or null. */
  findEvent(input: FindEventInput): Promise<FoundEvent | null>;
  /** Records the end of the run and takes down what waits for it. Idempotent. */
  finishRun(input: FinishRunInput): Promise<void>;
}
