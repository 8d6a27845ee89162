import type { Condition } from './condition.js';

/** Something that is asked beyond the profile: what happened, what is allowed, and what the run did itself. */
export type RunQuestion =
  /** At least so many events of the name, in the time before now or since the run began; `where` reads properties. */
  | {
      readonly kind: 'event';
      readonly name: string;
      /** ISO 8601 duration; left out: since the run began. */
      readonly within?: string | undefined;
      readonly at_least?: number | undefined;
      readonly where?: Condition | undefined;
    }
  /** Whether a message of this purpose may go out on this channel as far as consent and objection go. */
  | { readonly kind: 'consent'; readonly purpose: string; readonly channel: string }
  /** What became of the last visit of a step of this run. */
  | {
      readonly kind: 'outcome';
      readonly step: string;
      readonly is:
        'sent' | 'skipped' | 'nothing' | 'unknown' | 'delivered' | 'opened' | 'clicked' | 'bounced' | 'complained';
    };

/** A tree of tests over the profile of a user, `run.responses` and questions about the run. */
export type RunCondition =
  | { readonly kind: 'all'; readonly of: readonly RunCondition[] }
  | { readonly kind: 'any'; readonly of: readonly RunCondition[] }
  | { readonly kind: 'not'; readonly of: RunCondition }
  | Exclude<Condition, { readonly kind: 'all' | 'any' | 'not' }>
  | RunQuestion;
