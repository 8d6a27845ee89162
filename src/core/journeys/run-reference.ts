import type { InstantMs } from '../kernel/instant.js';

/**
 * The clock that a run lives by. Real runs leave `now` to the database, read after the user's lock; only a virtual run
 * hands its own time over, because its days pass while the wall clock stands still.
 */
export type RunClock =
  { readonly kind: 'real' } | { readonly kind: 'virtual'; readonly domain: string; readonly now: InstantMs };

/** Who asks: one run of one user. */
export interface RunReference {
  readonly runKey: string;
  readonly userId: string;
  readonly journeyKey: string;
  readonly journeyVersion: number;
}
