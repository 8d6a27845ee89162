import type { Condition } from '../audiences/condition.js';
import type { InstantMs } from '../kernel/instant.js';
import type { ReasonCode } from '../kernel/reasons.js';
import type { RunCondition } from '../audiences/run-condition.js';
import type { Migration, Settling } from './migrating-types.js';
import type { Act, DecideStep, MessageStep, Moment } from './plan.js';
import type { ActAnswer, StepAnswer } from './step-answer.js';

/** The interpreter that a run was started with, and keeps. A change of what it commands is a new number. */
export const ENGINE = 1;

/** A business event of the user as a run sees it: when it happened, not when it arrived. */
export interface RunEvent {
  readonly messageId: string;
  readonly name: string;
  readonly occurredAt: InstantMs;
  /** Which of the plan's listeners it fits; left out: none. */
  readonly matches?: readonly number[];
}

/** A question of a step, as far as the next one depends on it. */
interface Question {
  /** Number of the question in this visit, from 1. */
  readonly ask: number;
  /** How many questions of this visit were asked because a deferral was over. */
  readonly timerAsks: number;
  /** When the question was asked. */
  readonly askedAt: InstantMs;
  /** Whether something about the user has changed since then. */
  readonly isWoken: boolean;
  /** Whether it is something after which nothing may stay planned that is not allowed any more. */
  readonly isUrgent?: true;
  /** Once refused in this visit: until when the step still asks again. */
  readonly refusedUntil?: InstantMs;
}

/** The step was put off, and asks again at `until` or, when the run is woken, before that. */
export interface Deferral extends Question {
  readonly because: 'deferred';
  readonly until: InstantMs;
  readonly reason: ReasonCode;
}

/** The step was refused; it asks again whenever something about the user changes, and goes on at `until`. */
export interface Refusal extends Question {
  readonly because: 'refused';
  readonly until: InstantMs;
  readonly reason: ReasonCode;
}

/** Why a run sleeps. */
export type Wait =
  | { readonly because: 'wait' | 'wait_for'; readonly until: InstantMs }
  /** What the step does was not possible yet; it is done again at `until`. */
  | { readonly because: 'act'; readonly until: InstantMs }
  | Deferral
  | Refusal
  | { readonly because: 'unknown'; readonly until: InstantMs; readonly reason: ReasonCode };

/**
 * What a run is doing at its cursor.
 * - `ready`: about to enter the step.
 * - `asking`, `branching`, `working`, `looking`: an activity is due; once it is under way, nothing else starts before its answer.
 * - `waiting`: asleep until the end of the wait, or until the foretold event `found` (virtual time) happens.
 */
export type Phase =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'asking'; readonly isUnderWay: boolean } & Question)
  | { readonly kind: 'branching'; readonly isUnderWay: boolean }
  | { readonly kind: 'working'; readonly isUnderWay: boolean }
  | { readonly kind: 'looking'; readonly isUnderWay: boolean; readonly wait: Wait }
  | { readonly kind: 'waiting'; readonly wait: Wait; readonly found: RunEvent | null; readonly isDue: boolean }
  | { readonly kind: 'ended'; readonly outcome: 'completed' | 'exited'; readonly reason: string };

/** What stable hashes are made of. */
export interface Unit {
  readonly userId: string;
  readonly runKey: string;
}

/** Everything that a run must remember: plain JSON, so that continue-as-new carries it. */
export interface InterpreterState {
  readonly engine: typeof ENGINE;
  /** Whether foretold events are looked up because signals cannot arrive during skipped time. */
  readonly isVirtual: boolean;
  /** Grows with every turn. */
  readonly seq: number;
  /** Id of the step that the run is at. */
  readonly cursor: string;
  readonly phase: Phase;
  /** When the user entered, which may be before the run began to live. No older event counts. */
  readonly entryAt: InstantMs;
  /** When the run came to the step: durations run from here. */
  readonly stepStartedAt: InstantMs;
  /**
   * When the run last stopped waiting, by the clock of what ended the wait. Events count from here (exclusive): what
   * happens while a message goes out, or while a worker is late, is not lost to the wait that follows.
   */
  readonly countsFrom: InstantMs;
  readonly visits: Readonly<Record<string, number>>;
  readonly visitsTotal: number;
  /** Early events that some later step may ask for. */
  readonly inbox: readonly RunEvent[];
  /** Message ids that were taken note of, oldest first. */
  readonly seen: readonly string[];
  readonly isPaused: boolean;
  /** Why the run is to end as soon as nothing is under way. */
  readonly exitReason: string | null;
  /** Set with `exitReason` where the end is a goal. */
  readonly isGoalReached?: true;
  /** Whom the run is about, where the plan draws lots. */
  readonly unit?: Unit;
  /** The arm of each split that the run came through; it never changes. */
  readonly arms?: Readonly<Record<string, string>>;
  /** The run is to go on in another version as soon as nothing is under way. */
  readonly migration?: Migration;
  /** That has been decided, and is to be recorded before anything else. */
  readonly settling?: Settling;
  /** Ids of the migrations that were decided, the last few. */
  readonly migrations?: readonly string[];
  /**
   * Set in a run that was moved to another version: what happened before may have come in while the run did not listen
   * to it yet. A wait for events that counts from before looks them up.
   */
  readonly listensFrom?: InstantMs;
  /** What the run may have sent in earlier versions, see `contentsOf`. */
  readonly contacts?: readonly string[];
  /** The last answer of each step that was asked. */
  readonly answers: Readonly<Record<string, { readonly kind: StepAnswer['kind']; readonly reason: ReasonCode | null }>>;
}

/** What can reach a run at any time. */
export type Message =
  | { readonly kind: 'event'; readonly event: RunEvent }
  /** `isUrgent`: consent was withdrawn, or an address suppressed. */
  | { readonly kind: 'wake'; readonly isUrgent?: true }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'exit'; readonly reason: string }
  /** Goes on in another version, once for each migration. */
  | { readonly kind: 'migrate'; readonly migration: Migration }
  /** The host has recorded where the run stands now, and tells of the first event since entry that ends it there. */
  | { readonly kind: 'recorded'; readonly event: RunEvent | null }
  /** Leaves what it waits for and goes on with this step; nothing while an activity is under way. */
  | { readonly kind: 'jump'; readonly step: string; readonly at: InstantMs };

/** A message, or the answer to the command that the host carried out. */
export type Input =
  | Message
  /** `isLate`: the wait was over long ago, so that news from before its end may still be on their way to the run. */
  | { readonly kind: 'timer'; readonly isLate?: true }
  | { readonly kind: 'step_answer'; readonly answer: StepAnswer }
  | { readonly kind: 'branch_answer'; readonly holds: boolean }
  | { readonly kind: 'choice_answer'; readonly index: number | null }
  /** Null: the user has no such date. */
  | { readonly kind: 'moment_answer'; readonly until: InstantMs | null }
  | { readonly kind: 'act_answer'; readonly answer: ActAnswer }
  | { readonly kind: 'event_answer'; readonly event: RunEvent | null };

/** A condition of the plan on the events of one name. */
export interface Listener {
  readonly index: number;
  readonly event: string;
  readonly where: Condition;
}

/** The one thing that the host has to do or to wait for next. */
export type Command =
  | {
      readonly kind: 'run_step';
      readonly step: MessageStep | DecideStep;
      readonly visit: number;
      readonly ask: number;
    }
  | { readonly kind: 'evaluate_branch'; readonly stepId: string; readonly condition: Condition }
  | { readonly kind: 'choose'; readonly stepId: string; readonly conditions: readonly RunCondition[] }
  | {
      readonly kind: 'find_moment';
      readonly stepId: string;
      readonly moment: Moment;
      /** When the run came to the step; from its second visit on right after that. */
      readonly from: InstantMs;
    }
  | { readonly kind: 'act'; readonly stepId: string; readonly visit: number; readonly act: Act }
  | {
      readonly kind: 'find_event';
      readonly stepId: string;
      /** Names that count whatever the event's properties. */
      readonly events: readonly string[];
      /** Events that fit one of these count too; left out: none. */
      readonly listeners?: readonly Listener[];
      /** Exclusive. */
      readonly after: InstantMs;
      /** Inclusive. */
      readonly until: InstantMs;
    }
  | {
      readonly kind: 'sleep';
      readonly stepId: string;
      readonly until: InstantMs;
      readonly because: Wait['because'];
      /** One line for a person who reads the history; no personal data. */
      readonly label: string;
    }
  /** `moved`: the host first records what `settling` says, and tells the run with `recorded`. */
  | { readonly kind: 'wait_message'; readonly stepId: string; readonly because: 'paused' | 'moved' }
  | { readonly kind: 'end'; readonly outcome: 'completed' | 'exited'; readonly reason: string };
