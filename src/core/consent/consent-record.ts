import type { InstantMs } from '../kernel/instant.js';

/** What a record says. At one instant withdrawn beats denied, denied beats pending, pending beats granted. */
export type ConsentStatus = 'granted' | 'denied' | 'withdrawn' | 'pending';
/** On what a grant rests: the person's own word (`consent`), or what a law reads out of something else. */
export type ConsentBasis = 'consent' | 'soft_opt_in' | 'implied' | 'contract' | 'legitimate_interest';

/** In place of a purpose, a channel or a brand: the statement speaks of every one of them. */
export const ALL = '*';

/** One append-only statement about user x purpose x channel x brand; each of the last three may be `ALL`. */
export interface ConsentRecord {
  readonly id: string;
  readonly purpose: string;
  readonly channel: string;
  readonly brand: string;
  readonly status: ConsentStatus;
  readonly basis: ConsentBasis;
  /** When the person stated it, as the sender says. */
  readonly statedAt: InstantMs;
  /** When we received it. The earlier of the two orders the record. */
  readonly receivedAt: InstantMs;
  /** First instant at which the grant no longer holds; null means it does not expire. */
  readonly expiresAt: InstantMs | null;
  /** A withdrawal by which the person objects to direct marketing as such (GDPR art. 21 (2)), on every channel. */
  readonly isObjection: boolean;
}
