import type { Condition, Scalar } from '../audiences/condition.js';
import type { ContextValues } from '../audiences/context-values.js';
import type { RunCondition } from '../audiences/run-condition.js';
import type { DurationMs } from '../kernel/instant.js';

/** Where a message goes out. Later channels join here. */
export type Channel = 'email' | 'sms' | 'push' | 'in_app' | 'webhook';

/**
 * What a message or decide step does when a gate refuses: go on with `next`, end the run, go on elsewhere, or ask again
 * whenever something about the user changes, for so long at most (then it goes on with `next`).
 */
export type OnRefusal =
  | 'continue'
  | 'exit'
  | { readonly kind: 'go_to'; readonly step: string }
  | { readonly kind: 'wait'; readonly forMs: DurationMs };

/** How often a run may come to a step, and where it goes instead from then on. */
interface StepHead {
  readonly id: string;
  readonly limit?: { readonly visits: number; readonly next: string };
}

/** A message as one channel carries it. */
export interface MessageChoice {
  readonly channel: Channel;
  readonly template: string;
}

interface MessageHead extends StepHead {
  readonly kind: 'message';
  /** From the first question of the visit on; left out: as long as it takes. */
  readonly ttlMs?: DurationMs;
  readonly onRefusal: OnRefusal;
  readonly next: string;
}

/**
 * Sends one message, if every gate lets it pass: through its channel, or through the best of several for the person, the
 * earlier one where nothing else tells two apart.
 */
export type MessageStep = MessageHead &
  (MessageChoice | { readonly channel: 'best'; readonly choices: readonly MessageChoice[] });

/** Everything that a message step may send, as it was written down. */
export const messagesOf = (step: MessageStep): readonly MessageChoice[] =>
  step.channel === 'best' ? step.choices : [{ channel: step.channel, template: step.template }];

/** Weighs its actions against doing nothing; `next` follows whatever the answer is. */
export interface DecideStep extends StepHead {
  readonly kind: 'decide';
  readonly actions: readonly string[];
  /** What context weights of actions are matched with; left out: nothing. */
  readonly context?: ContextValues;
  /** On top of what each action says for itself. */
  readonly ttlMs?: DurationMs;
  readonly onRefusal: OnRefusal;
  readonly next: string;
}

/** Waits for a length of elapsed time. */
interface WaitStep extends StepHead {
  readonly kind: 'wait';
  readonly durationMs: DurationMs;
  readonly next: string;
}

/** Goes on when an event of this name happens, or at the time-out, whichever is first by event time. */
interface WaitForStep extends StepHead {
  readonly kind: 'wait_for';
  readonly event: string;
  readonly timeoutMs: DurationMs;
  /** From when an event counts: the start of this step, or the start of the run. */
  readonly since: 'step' | 'entry';
  readonly onEvent: string;
  readonly onTimeout: string;
}

/** Goes one of two ways, by a condition on the user at that moment. */
interface BranchStep extends StepHead {
  readonly kind: 'branch';
  readonly condition: Condition;
  readonly then: string;
  readonly otherwise: string;
}

/** Waits until an instant that is worked out when the run comes to the step; one that is past is not waited for. */
interface WaitUntilStep extends StepHead {
  readonly kind: 'wait_until';
  readonly moment: Moment;
  readonly next: string;
  /** Where the user has no such date; left out: `next`. */
  readonly onMissing?: string;
}

/** An instant in the life of one user. Local times are minutes since midnight in the user's own time zone. */
export type Moment =
  /** So long after (before, when negative) a date or instant in the profile, at this local time if it is given. */
  | {
      readonly kind: 'attribute';
      readonly attribute: string;
      /** Whole days move the local date, over any change of clocks. */
      readonly days: number;
      readonly offsetMs: DurationMs;
      readonly localMinute: number | null;
    }
  /** The next such local time that is not past; ISO weekdays, 1 is Monday, empty: every day. */
  | { readonly kind: 'local_time'; readonly localMinute: number; readonly weekdays: readonly number[] };

/** Waits for a length of time that is drawn for the run, evenly between two bounds; the same for every replay. */
export interface WaitRandomStep extends StepHead {
  readonly kind: 'wait_random';
  readonly minMs: DurationMs;
  readonly maxMs: DurationMs;
  readonly next: string;
}

/** One way out of a `wait_for_any`. */
export interface EventArm {
  readonly event: string;
  /** Position among the plan's `listeners`; null: any event of the name fits. */
  readonly listener: number | null;
  readonly next: string;
}

/** Goes on by the first event, by event time, that fits an arm; of arms that fit the same event, by the first. */
export interface WaitForAnyStep extends StepHead {
  readonly kind: 'wait_for_any';
  readonly arms: readonly EventArm[];
  readonly timeoutMs: DurationMs;
  readonly since: 'step' | 'entry';
  readonly onTimeout: string;
}

/** Goes on by the first arm whose condition holds. */
interface ChooseStep extends StepHead {
  readonly kind: 'choose';
  readonly arms: readonly { readonly condition: RunCondition; readonly next: string }[];
  readonly otherwise: string;
}

/** Sends users different ways by a stable hash of salt and user, never by chance at run time. */
export interface SplitStep extends StepHead {
  readonly kind: 'split';
  readonly salt: string;
  /** Weights in basis points, 10,000 in all. */
  readonly arms: readonly { readonly name: string; readonly weight: number; readonly next: string }[];
  /** The arm that the user met in an earlier run. Only in the plan that one run carries, see `withArmsMet`. */
  readonly met?: string;
}

/** Does something that is no contact. `onFailure` follows when it can never be done; left out: `next`. */
export interface ActStep extends StepHead {
  readonly kind: 'act';
  readonly act: Act;
  readonly next: string;
  readonly onFailure?: string;
}

/** What an `act` step does. */
export type Act =
  /** Sets these attributes of the profile (dotted paths below `attributes`, or `lifecycle_stage`); null removes one. */
  | { readonly kind: 'update_user'; readonly set: Readonly<Record<string, Scalar>> }
  /** Posts facts of the run to a registered endpoint; its answer can be used later as `run.responses.<step id>`. */
  | { readonly kind: 'webhook'; readonly endpoint: string; readonly data: Readonly<Record<string, Scalar>> }
  | { readonly kind: 'start_journey'; readonly journey: string; readonly entryKey: string | null }
  | { readonly kind: 'reach_goal'; readonly goal: string };

/** Ends the run. */
interface EndStep extends StepHead {
  readonly kind: 'end';
  /** Free text of the author, e.g. `converted`; shown as the run's exit reason. */
  readonly reason: string;
}

/** A node of the plan; what follows is named by id. */
export type Step =
  | MessageStep
  | DecideStep
  | WaitStep
  | WaitUntilStep
  | WaitRandomStep
  | WaitForStep
  | WaitForAnyStep
  | BranchStep
  | ChooseStep
  | SplitStep
  | ActStep
  | EndStep;

/** An event that ends the run wherever it is, besides `exitEvents`. */
export interface Watch {
  readonly event: string;
  readonly listener: number | null;
  readonly outcome: 'completed' | 'exited';
  readonly reason: string;
}

/** The compiled, immutable form of one journey version: what a run carries through its whole life. */
export interface Plan {
  readonly journeyKey: string;
  readonly version: number;
  /** SHA-256 of the canonical definition, hex. */
  readonly contentHash: string;
  readonly start: string;
  readonly steps: Readonly<Record<string, Step>>;
  /** Events that end the run wherever it waits. */
  readonly exitEvents: readonly string[];
  /** Goals, and exits with a condition; the first that fits an event decides. */
  readonly watches?: readonly Watch[];
  /** Conditions on the properties of events, tested when an event comes in, so that no property enters a history. */
  readonly listeners?: readonly { readonly event: string; readonly where: Condition }[];
  /** Number of the first of `listeners`; left out: 0. See `movedPlan`. */
  readonly listenersFrom?: number;
}

/** An event that some part of a plan reacts to. */
export interface ListenedEvent {
  readonly name: string;
  /** Ends the run, whatever its properties. */
  readonly isExit: boolean;
  /** Left out: the plan has no condition on events of the name. */
  readonly conditions?: {
    /** Whether some part of the plan reacts to events of the name that meet none of them, too. */
    readonly isPlain: boolean;
    readonly listeners: readonly ListenedCondition[];
  };
}

/** A condition on the properties of an event, and whether an event that meets it ends the run. */
export interface ListenedCondition {
  /** Position among the plan's `listeners`. */
  readonly index: number;
  readonly where: Condition;
  readonly isExit: boolean;
}

/** Every event that a run of this plan can react to, each name once, sorted, and what is asked of it. */
export function listenedEvents(plan: Plan): readonly ListenedEvent[] {
  const watches = plan.watches ?? [];
  const arms = Object.values(plan.steps).flatMap(eventArmsOf);
  const plainExits = watches.flatMap(({ event, listener }) => (listener === null ? [event] : []));
  const exits = new Set([...plan.exitEvents, ...plainExits]);
  const plain = new Set([...exits, ...arms.flatMap(({ event, listener }) => (listener === null ? [event] : []))]);
  const asked = new Set([...arms, ...watches].map(({ listener }) => listener));
  const conditions = (plan.listeners ?? []).flatMap(({ event, where }, place) => {
    const index = place + (plan.listenersFrom ?? 0);
    const isExit = watches.some(({ listener }) => listener === index);
    return asked.has(index) ? [{ event, index, where, isExit }] : [];
  });
  const names = new Set([...plain, ...conditions.map(({ event }) => event)]);
  return [...names].sort().map((name) => {
    const listeners = conditions.flatMap(({ event, ...condition }) => (event === name ? [condition] : []));
    const heard = { name, isExit: exits.has(name) };
    return listeners.length === 0 ? heard : { ...heard, conditions: { isPlain: plain.has(name), listeners } };
  });
}

function eventArmsOf(step: Step): readonly Pick<EventArm, 'event' | 'listener'>[] {
  if (step.kind === 'wait_for') return [{ event: step.event, listener: null }];
  return step.kind === 'wait_for_any' ? step.arms : [];
}
