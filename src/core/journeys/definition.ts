import type { Condition, Scalar } from '../audiences/condition.js';
import type { ContextValues } from '../audiences/context-values.js';
import type { RunCondition } from '../audiences/run-condition.js';
import type { EntryLimits } from './entry-limits.js';
import type { Channel, MessageChoice } from './plan.js';
import type { Trigger } from './triggers.js';

/**
 * A journey as its author writes it: the JSON of the API, key for key. Its shape is checked at the edge, its sense by
 * `compile`. Durations are ISO 8601 (`PT1H`, `P2D`), local times `HH:MM`. A target that is left out is the step that
 * follows in the list.
 */
export interface JourneyDefinition {
  readonly key: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly entry?: EntryDefinition | undefined;
  /** What lets people in by itself. */
  readonly triggers?: readonly Trigger[] | undefined;
  /** Events that end a run wherever it waits. */
  readonly exit?: { readonly events: readonly EventPattern[] } | undefined;
  /** Events that complete a run wherever it waits: what the journey is for has happened. */
  readonly goal?: { readonly events: readonly EventPattern[] } | undefined;
  readonly quiet_hours?: QuietHoursDefinition | undefined;
  /** Of the running runs of one user in one group, only the one of the highest priority may send. */
  readonly conflict?: { readonly group: string; readonly priority: number } | undefined;
  /** Left out: the first step of the list. */
  readonly start?: string | undefined;
  readonly steps: readonly StepDefinition[];
}

/** An event by its name, or only those whose properties meet a condition. */
type EventPattern = string | { readonly event: string; readonly where?: Condition | undefined };

/** What a step does when a gate refuses; `wait` asks again for so long, whenever something about the user changes. */
type OnRefusalDefinition = 'continue' | 'exit' | { readonly step: string } | { readonly wait: string };

/** How often one user may enter: ever once, again after a run has ended (and a cool-down), or side by side by key. */
interface EntryDefinition {
  readonly mode: 'once' | 'after_exit' | 'parallel';
  /** Only with `after_exit`: elapsed time between the end of a run and the next entry. */
  readonly cool_down?: string | undefined;
  /** Only those whose profile meets it at the instant of entry. */
  readonly where?: Condition | undefined;
  readonly limits?: EntryLimits | undefined;
}

/** Local times `[start, end)` at which this journey stays silent on a channel; may pass midnight. */
type QuietHoursDefinition = {
  readonly [channel in Channel]?: { readonly start: string; readonly end: string } | undefined;
};

interface StepHead {
  readonly id: string;
  /** How often a run may come here; then it goes to `on_max_visits`. */
  readonly max_visits?: number | undefined;
  readonly on_max_visits?: string | undefined;
}

/** One step as its author writes it; `next` left out is the step below it. */
export type StepDefinition = StepHead &
  (
    | {
        readonly kind: 'message';
        /** `best` goes with `choices`, every other one with `template`. */
        readonly channel: Channel | 'best';
        readonly template?: string | undefined;
        readonly choices?: readonly MessageChoice[] | undefined;
        /** How long after the step began the message still makes sense. */
        readonly ttl?: string | undefined;
        readonly on_refusal?: OnRefusalDefinition | undefined;
        readonly next?: string | undefined;
      }
    | {
        readonly kind: 'decide';
        readonly actions: readonly string[];
        readonly context?: ContextValues | undefined;
        readonly ttl?: string | undefined;
        readonly on_refusal?: OnRefusalDefinition | undefined;
        readonly next?: string | undefined;
      }
    | {
        readonly kind: 'wait';
        /** Exactly one of `duration`, `until` and `between`. */
        readonly duration?: string | undefined;
        readonly until?: UntilDefinition | undefined;
        /** A length drawn for each run, evenly between the two. */
        readonly between?: readonly [string, string] | undefined;
        readonly on_missing?: string | undefined;
        readonly next?: string | undefined;
      }
    | {
        readonly kind: 'wait_for';
        /** One event with `on_event`, or `events` with a target each. */
        readonly event?: string | undefined;
        readonly on_event?: string | undefined;
        readonly events?: readonly EventArmDefinition[] | undefined;
        readonly timeout: string;
        readonly since?: 'step' | 'entry' | undefined;
        readonly on_timeout?: string | undefined;
      }
    | {
        readonly kind: 'branch';
        /** One condition with `then`, or `branches`, of which the first that holds is taken. */
        readonly condition?: RunCondition | undefined;
        readonly then?: string | undefined;
        readonly branches?: readonly { readonly condition: RunCondition; readonly next: string }[] | undefined;
        readonly else?: string | undefined;
      }
    | {
        readonly kind: 'split';
        /** Left out: journey key and step id. The same salt gives the same user the same place everywhere. */
        readonly salt?: string | undefined;
        /** Percent with at most two decimals, 100 in all. */
        readonly arms: readonly { readonly name: string; readonly percent: number; readonly next: string }[];
      }
    | ActDefinition
    | { readonly kind: 'end'; readonly reason: string }
  );

/** A local time, or a date in the profile, in the time zone of the user. */
type UntilDefinition =
  | {
      readonly attribute: string;
      /** How long before or after it, e.g. `P3D` (days are calendar days). */
      readonly before?: string | undefined;
      readonly after?: string | undefined;
      readonly at?: string | undefined;
    }
  | { readonly at: string; readonly weekdays?: readonly WeekdayName[] | undefined };

type WeekdayName = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';

interface EventArmDefinition {
  readonly event: string;
  readonly where?: Condition | undefined;
  readonly next: string;
}

interface ActTargets {
  readonly next?: string | undefined;
  readonly on_failure?: string | undefined;
}

/** Steps that do something which is no contact. */
type ActDefinition =
  | ({ readonly kind: 'update_user'; readonly set: Readonly<Record<string, Scalar>> } & ActTargets)
  | ({
      readonly kind: 'webhook';
      /** Key of a registered endpoint. */
      readonly endpoint: string;
      readonly data?: Readonly<Record<string, Scalar>> | undefined;
    } & ActTargets)
  | ({ readonly kind: 'start_journey'; readonly journey: string; readonly entry_key?: string | undefined } & ActTargets)
  | ({ readonly kind: 'goal'; readonly goal: string } & Pick<ActTargets, 'next'>);
