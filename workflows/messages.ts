import type { InterpreterState } from '../src/core/journeys/interpreter.js';
import type { InstantMs } from '../src/core/kernel/instant.js';
import type { Plan } from '../src/core/journeys/plan.js';
import type { RunReference } from '../src/core/journeys/run-reference.js';
import type { RunProgress } from '../src/core/journeys/progress.js';

/** Names and types that the API and the workflows share. The API need not load the workflow SDK to use them. */
export const JOURNEY_WORKFLOW = 'journeyWorkflow';

export interface JourneyInput {
  readonly run: RunReference;
  readonly plan: Plan;
  /** `real`, or the name of a virtual clock domain. */
  readonly clockDomain: string;
  /**
   * When the user entered, as recorded with the enrolment. The execution may start later (the outbox delivers the
   * start): what happened in between counts for the run. A virtual run enters when its execution starts.
   */
  readonly enteredAt: InstantMs;
  /** The run was paused before its start was delivered: it starts paused. */
  readonly isPaused?: boolean;
  /** Set by continue-as-new only. */
  readonly carried?: InterpreterState;
  /** History length at which the run continues as new; tests set it low. */
  readonly eventsMax?: number;
}

export interface JourneyResult {
  readonly outcome: 'completed' | 'exited';
  readonly reason: string;
}

/** A business event of the user that some step of the plan listens to. Deduplicated by `messageId`. */
export const EVENT_SIGNAL = 'event';
export interface EventSignal {
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: number;
  /** Which of the plan's listeners it fits: they were tested when it came in. Left out: none. */
  readonly matches?: readonly number[];
}

/** Something about the user changed (consent, profile): a deferred step asks again at once. */
export const WAKE_SIGNAL = 'wake';
export interface WakeSignal {
  readonly because: string;
}

/** Operator commands: updates with validators, so that the caller learns whether they took effect. */
export const PAUSE_UPDATE = 'pause';
export const RESUME_UPDATE = 'resume';
export const EXIT_UPDATE = 'exit';
export interface ExitUpdate {
  readonly reason: string;
}

/**
 * The same commands as a signal, for a caller that gets no answer to the update (no worker is up): it is kept by the
 * server until a worker comes. It is never refused; one that changes nothing (a repeated one, one after the end) is
 * dropped. Without a reason an exit is recorded as `run_exited`.
 */
export const COMMAND_SIGNAL = 'command';
export interface CommandSignal {
  readonly kind: 'pause' | 'resume' | 'exit';
  readonly reason?: string;
}

export const SEARCH_ATTRIBUTES = {
  journeyKey: 'JourneyKey',
  journeyVersion: 'JourneyVersion',
  userKey: 'UserKey',
  stepId: 'StepId',
  runState: 'RunState',
  exitReason: 'ExitReason',
} as const;

/**
 * What the worker lends to runs and histories do not show: reports of where a run stands. Best effort, and repeated
 * when a workflow task is; the end of a run is an activity.
 */
export type JourneySinks = {
  progress: { report(progress: RunProgress): void };
};
