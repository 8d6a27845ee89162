import type { Condition } from '../src/core/audiences/condition.js';
import type { RunCondition } from '../src/core/audiences/run-condition.js';
import type { Listener } from '../src/core/journeys/interpreter-state.js';
import type { Settling } from '../src/core/journeys/migrating-types.js';
import type { Act, Moment, Step } from '../src/core/journeys/plan.js';
import type { ReconcileInput, ReconcilePlace } from '../src/core/journeys/reconciling.js';
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

/** What became of a migration for one run. */
export interface RecordMoveInput extends Settling {
  /** In the version that the run is in from here on. */
  readonly run: RunReference;
  readonly stepId: string;
  /** Of a run that was moved: which events end it by its new version. */
  readonly exits?: {
    readonly events: readonly string[];
    readonly listeners: readonly Listener[];
    /** Exclusive. */
    readonly after: InstantMs;
  };
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
  /**
   * Records in which version the run goes on, and lets it listen to that version alone. Idempotent.
   *
   * @returns the first event, that has come in already, which ends the run by the new version
   */
  recordMove(input: RecordMoveInput): Promise<FoundEvent | null>;
}

/** What a round of a migration came to. */
export interface MigrationRound {
  /**
   * - `telling`: there are more runs to tell.
   * - `waiting`: all are told, some have not decided yet.
   * - `over`: done, or cancelled.
   */
  readonly kind: 'telling' | 'waiting' | 'over';
}

/** What the workflow of a migration may call. */
export interface MigrationActivities {
  /** Tells so many runs more at most, and looks what became of those that were told. Repeated, it tells nobody twice. */
  tellRuns(input: { readonly migration: string; readonly runsMax: number }): Promise<MigrationRound>;
}

/** What the reconcile workflow may call. */
export interface ReconcileActivities {
  /** Compares one page of runs, and tells where the next one begins. Repeated, it finds less to put right. */
  reconcilePage(input: Required<ReconcileInput>): Promise<ReconcilePlace>;
  /** Records how the job ended. Idempotent. */
  finishReconcile(input: { readonly jobId: string; readonly state: 'done' | 'cancelled' | 'failed' }): Promise<void>;
}

/** The next page of an enrolment of many. */
export interface EnrolPageInput {
  readonly bulkId: string;
  /** From 1. */
  readonly page: number;
}

/** What became of a page of an enrolment of many. */
export type EnrolPageAnswer =
  /** `users` entered or were refused by it; `page` is the last one that is done, this one or a later one. */
  | { readonly kind: 'done'; readonly page: number; readonly users: number }
  /** Nobody is to enter at the moment. */
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'paused' }
  /** Everybody was looked at, or nobody wants it any more. */
  | { readonly kind: 'over' };

/** One firing of a schedule of a journey. */
export interface FireTriggerInput {
  readonly journeyId: string;
  /** Which of its schedules, by their content. */
  readonly fingerprint: string;
  readonly scheduledAt: InstantMs;
}

/** What the workflows of enrolments of many may call. */
export interface BulkActivities {
  /** Lets the users of one page in; a page that is done again changes nothing. */
  enrolPage(input: EnrolPageInput): Promise<EnrolPageAnswer>;
  /** Orders the enrolment of one firing; the same one again orders nothing. */
  fireTrigger(input: FireTriggerInput): Promise<void>;
}
