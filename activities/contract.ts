import type { Condition } from '../src/core/audiences/condition.js';
import type { RunCondition } from '../src/core/audiences/run-condition.js';
import type { Listener } from '../src/core/journeys/interpreter-state.js';
import type { Act, Moment, Step } from '../src/core/journeys/plan.js';
import type { RunClock, RunReference } from '../src/core/journeys/run-reference.js';
import type { ActAnswer, StepAnswer } from '../src/core/journeys/step-answer.js';
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

/** Conditions of which the first that holds is asked for. */
export interface ChooseInput {
  readonly run: RunReference;
  readonly stepId: string;
  readonly conditions: readonly RunCondition[];
  readonly clock: RunClock;
}

/** An instant to work out from the user's profile and time zone. */
export interface FindMomentInput {
  readonly run: RunReference;
  readonly stepId: string;
  readonly moment: Moment;
  /** When the run came to the step; from its second visit on right after that. */
  readonly from: InstantMs;
  readonly clock: RunClock;
}

/** Something to do that is no contact. */
export interface ActInput {
  readonly run: RunReference;
  readonly stepId: string;
  readonly visit: number;
  readonly act: Act;
  readonly clock: RunClock;
}

/** Which of the user's events to look for, and in which interval of event time. */
export interface FindEventInput {
  readonly run: RunReference;
  /** Names that count whatever the event's properties; the first by event time wins. */
  readonly events: readonly string[];
  /** Events that fit one of these count too. */
  readonly listeners?: readonly Listener[];
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
  /** Which of the listeners that were asked about it fits. */
  readonly matches?: readonly number[];
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
  /** Position of the first condition that holds for the user and the run now, or null; null for a user who is gone. */
  chooseBranch(input: ChooseInput): Promise<number | null>;
  /** The instant, possibly past, or null when the user has no such date or is gone. */
  findMoment(input: FindMomentInput): Promise<InstantMs | null>;
  /**
   * One attempt. It fails where it can never be done: the user is gone, the endpoint refuses for good or was away for too
   * long, no such journey. Repeated, after a crash or a wait, it has the effect of once: the key is run, step and visit.
   */
  act(input: ActInput): Promise<ActAnswer>;
  /** Virtual time only: the first matching event of the user in the interval, or null. */
  findEvent(input: FindEventInput): Promise<FoundEvent | null>;
  /** Records the end of the run and takes down what waits for it. Idempotent. */
  finishRun(input: FinishRunInput): Promise<void>;
}
