import type { DeliveryState } from '../kernel/delivery-state-name.js';
import type { DurationMs, InstantMs } from '../kernel/instant.js';

/**
 * The stretch of time in which contacts are counted: elapsed, by the person's local calendar (a week begins on Monday),
 * or since the last contact.
 */
export type CapWindow =
  | { readonly kind: 'rolling'; readonly durationMs: DurationMs }
  | { readonly kind: 'calendar'; readonly unit: 'day' | 'week' | 'month' }
  | { readonly kind: 'min_gap'; readonly durationMs: DurationMs };

/** Which contacts a rule is about. */
export type CapScope =
  | { readonly kind: 'global' }
  | { readonly kind: 'channel'; readonly channel: string }
  | { readonly kind: 'journey'; readonly journeyKey: string }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'group'; readonly group: string };

/**
 * What happens to a contact that finds no room: it is not made (`drop`; the step says what follows a refusal), it waits
 * (`defer`), another channel is tried first (`degrade_channel`, else it is not made), or the step is passed over as if
 * it were not there (`skip`).
 */
export type OnCap = 'drop' | 'defer' | 'degrade_channel' | 'skip';

/** At most `limit` contacts of this scope and these purposes within the window. */
export interface CapRule {
  readonly id: string;
  readonly version: number;
  readonly scope: CapScope;
  /** 1 for a minimum gap. */
  readonly limit: number;
  readonly window: CapWindow;
  readonly purposes: readonly string[];
  /** Final states in which a contact no longer counts under this rule. `sending` and `unknown` always count. */
  readonly givesBackOn: readonly DeliveryState[];
  readonly onHit: OnCap;
}

/** One line of the contact ledger: a claim that was taken back before anything was sent is left out by the reader. */
export interface Contact {
  readonly decisionId: string;
  readonly at: InstantMs;
  readonly channel: string;
  readonly purpose: string;
  readonly journeyKey: string | null;
  readonly action: string;
  /** Of the action at the time of the contact; null when it is in none. */
  readonly group: string | null;
  /** Those at the time of the contact. */
  readonly tags: readonly string[];
  readonly state: DeliveryState;
}
