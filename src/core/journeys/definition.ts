import type { Condition } from '../audiences/condition.js';
import type { Channel, OnRefusal } from './plan.js';

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
  /** Events that end a run wherever it waits. */
  readonly exit?: { readonly events: readonly string[] } | undefined;
  readonly quiet_hours?: QuietHoursDefinition | undefined;
  /** Of the running runs of one user in one group, only the one of the highest priority may send. */
  readonly conflict?: { readonly group: string; readonly priority: number } | undefined;
  /** Left out: the first step of the list. */
  readonly start?: string | undefined;
  readonly steps: readonly StepDefinition[];
}

/** How often one user may enter: ever once, again after a run has ended (and a cool-down), or side by side by key. */
interface EntryDefinition {
  readonly mode: 'once' | 'after_exit' | 'parallel';
  /** Only with `after_exit`: elapsed time between the end of a run and the next entry. */
  readonly cool_down?: string | undefined;
}

/** Local times `[start, end)` at which this journey stays silent on a channel; may pass midnight. */
type QuietHoursDefinition = {
  readonly [channel in Channel]?: { readonly start: string; readonly end: string } | undefined;
};

interface StepHead {
  readonly id: string;
}

/** One step as its author writes it; `next` left out is the step below it. */
export type StepDefinition = StepHead &
  (
    | {
        readonly kind: 'message';
        readonly channel: Channel;
        readonly template: string;
        /** How long after the step began the message still makes sense. */
        readonly ttl?: string | undefined;
        readonly on_refusal?: OnRefusal | undefined;
        readonly next?: string | undefined;
      }
    | {
        readonly kind: 'decide';
        readonly actions: readonly string[];
        readonly ttl?: string | undefined;
        readonly on_refusal?: OnRefusal | undefined;
        readonly next?: string | undefined;
      }
    | { readonly kind: 'wait'; readonly duration: string; readonly next?: string | undefined }
    | {
        readonly kind: 'wait_for';
        readonly event: string;
        readonly timeout: string;
        readonly since?: 'step' | 'entry' | undefined;
        readonly on_event?: string | undefined;
        readonly on_timeout?: string | undefined;
      }
    | {
        readonly kind: 'branch';
        readonly condition: Condition;
        readonly then?: string | undefined;
        readonly else?: string | undefined;
      }
    | { readonly kind: 'end'; readonly reason: string }
  );
