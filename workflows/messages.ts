import type { InterpreterState } from '../src/core/journeys/interpreter.js';
import type { InstantMs } from '../src/core/kernel/instant.js';
import type { Jump } from '../src/core/journeys/jumping.js';
import type { Migration } from '../src/core/journeys/migrating-types.js';
import type { Plan } from '../src/core/journeys/plan.js';
import type { RunReference } from '../src/core/journeys/run-reference.js';
import type { RunReport } from '../src/core/journeys/progress.js';

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
  /** What is planned may be forbidden now: asks again within seconds, also right after the last question. */
  readonly isUrgent?: true;
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

/** Lets a run go on in another version of its journey, once however often it is told. */
export const MIGRATE_SIGNAL = 'migrate';
export type MigrateSignal = Migration;

/**
 * Takes a run to another step; refused while it is busy, and where it could come to a message or a webhook that it may have
 * sent. `offers` are for that answer alone.
 */
export const JUMP_UPDATE = 'jump';
export type JumpUpdate = Jump;

/** Moves the runs of one version to another, page by page. */
export const MIGRATE_RUNS_WORKFLOW = 'migrateRunsWorkflow';
export interface MigrateRunsInput {
  readonly migration: string;
  readonly runsPerSecond: number;
}

/** Asks one execution of a run for a `RunSnapshot`: for jobs that repair the tables, not for hot paths. */
export const RUN_STATE_QUERY = 'run_state';

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
  progress: { report(report: RunReport): void };
};

/** Compares the tables of runs with Temporal, page by page, and puts right what differs. */
export const RECONCILE_WORKFLOW = 'reconcileRunsWorkflow';

/** Carries an enrolment of many, page by page; how far it is stands in PostgreSQL. */
export const BULK_ENROLMENT_WORKFLOW = 'bulkEnrolmentWorkflow';

export interface BulkEnrolmentInput {
  readonly bulkId: string;
  readonly perSecond: number;
  /** Set by continue-as-new only. */
  readonly carried?: { readonly page: number; readonly isPaused: boolean; readonly commandNumber: number };
  /** History length at which it continues as new; tests set it low. */
  readonly eventsMax?: number;
}

/** Told as an update, whose answer somebody waits for, or as a signal where nobody answered. */
export const BULK_COMMAND_UPDATE = 'command_bulk';
export const BULK_COMMAND_SIGNAL = 'bulk_commanded';
export interface BulkCommand {
  readonly kind: 'pause' | 'resume' | 'cancel';
  /** Grows with every command: one that comes late changes nothing. */
  readonly number: number;
}

/** One firing of a schedule of a journey; Temporal's schedules start it. */
export const TRIGGER_FIRING_WORKFLOW = 'triggerFiringWorkflow';

export interface TriggerFiringInput {
  readonly journeyId: string;
  /** Which of its schedules, by their content. */
  readonly fingerprint: string;
}
