import type { DurationMs, InstantMs } from '../kernel/instant.js';
import { assignmentFraction } from '../kernel/stable-hash.js';
import { findMoment, lastInstantOfLocal } from './moment.js';

// Asks Intl for local times: for activities, never for workflow code.

/** A time of the day by each user's own clock: the next time that it comes, or on one day of their calendar. */
export interface LocalStart {
  /** 0-1439. */
  readonly minute: number;
  /** `YYYY-MM-DD`; null: the next time that it comes. */
  readonly date: string | null;
}

/**
 * When the run of one user of many begins.
 *
 * @param input.from nobody begins earlier: when the enrolment was asked for, or the instant that it names
 * @param input.local by each user's own clock; null: all at one instant
 * @param input.zones IANA zones in one of which the user is, at least one; looked at for a local start only, where several
 *   of them mean the last to come to the time of one date, see `findMoment`
 * @param input.spreadMs over how long the users are spread: each has a fixed place in it, which depends on `salt` and the
 *   user alone, so that a page that is done again gives the same instants
 * @returns an instant, possibly past: then the run begins at once
 */
export function startInstant(input: {
  readonly userId: string;
  readonly salt: string;
  readonly from: InstantMs;
  readonly now: InstantMs;
  readonly local: LocalStart | null;
  readonly zones: readonly string[];
  readonly spreadMs: DurationMs;
}): InstantMs {
  const { salt, userId, spreadMs } = input;
  return beginOf(input) + Math.floor(assignmentFraction(salt, userId) * spreadMs);
}

function beginOf({ local, zones, from, now }: Parameters<typeof startInstant>[0]): InstantMs {
  if (local === null) return from;
  const { minute, date } = local;
  if (date !== null) return Math.max(from, lastInstantOfLocal({ zones, date, minute }));
  const moment = { kind: 'local_time', localMinute: minute, weekdays: [] } as const;
  return findMoment({ moment, value: null, zones, from: Math.max(from, now) }) ?? from;
}
