import type { DurationMs, InstantMs } from '../kernel/instant.js';

/** The stretch of time in which contacts are counted: elapsed, or by the person's local calendar. */
export type CapWindow =
  { readonly kind: 'rolling'; readonly durationMs: DurationMs } | { readonly kind: 'calendar'; readonly unit: 'day' };

/** Which contacts a rule is about. */
export type CapScope =
  | { readonly kind: 'global' }
  | { readonly kind: 'channel'; readonly channel: string }
  | { readonly kind: 'journey'; readonly journeyKey: string }
  | { readonly kind: 'tag'; readonly tag: string };

/** At most `limit` contacts of this scope and these purposes within the window. */
export interface CapRule {
  readonly id: string;
  readonly version: number;
  readonly scope: CapScope;
  readonly limit: number;
  readonly window: CapWindow;
  readonly purposes: readonly string[];
  readonly onHit: 'drop' | 'defer';
}

/** One line of the contact ledger that still counts (given-back claims are left out by the reader). */
export interface Contact {
  readonly decisionId: string;
  readonly at: InstantMs;
  readonly channel: string;
  readonly purpose: string;
  readonly journeyKey: string | null;
  readonly tags: readonly string[];
}
