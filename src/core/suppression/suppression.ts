import type { InstantMs } from '../kernel/instant.js';

/** Why an address or a user is suppressed; some reasons stop marketing only, see `gateSuppression`. */
export type SuppressionReason =
  'hard_bounce' | 'soft_bounce' | 'complaint' | 'stop' | 'manual' | 'erasure' | 'unsubscribe';

/** An address (by keyed hash) or a user that must not be contacted. */
export interface Suppression {
  readonly id: string;
  /** Keyed hash of the normalised address; null when the user as such is suppressed. */
  readonly addressHash: string | null;
  /** Null: every channel. */
  readonly channel: string | null;
  /** Null: every purpose. */
  readonly purpose: string | null;
  readonly reason: SuppressionReason;
  readonly since: InstantMs;
  /** First instant at which it no longer holds; null means for good. */
  readonly until: InstantMs | null;
}
