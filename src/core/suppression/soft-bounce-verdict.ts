import type { DurationMs, InstantMs } from '../kernel/instant.js';

/** How many soft bounces within which time suppress an address, and for how long. */
interface SoftBouncePolicy {
  /** At least 1. */
  readonly count: number;
  readonly withinMs: DurationMs;
  readonly forMs: DurationMs;
}

/** The soft bounces of one address. */
export interface SoftBounceQuestion {
  /** In any order; one entry for each message that bounced. */
  readonly bounces: readonly InstantMs[];
  readonly policy: SoftBouncePolicy;
  readonly now: InstantMs;
}

/**
 * Do the soft bounces of an address suppress it at `now`?
 *
 * They do for `forMs` from every bounce that completes `count` of them within `withinMs` (both ends included). Bounces
 * after `now` are not looked at. The answer depends on the set of bounces only, not on the order in which they became known.
 *
 * @returns the first instant at which the suppression no longer holds, after `now`; null when there is none
 * @example count 3 within a week for 14 days, bounces on the 1st, 2nd and 5th: until the 19th
 */
export function softBounceVerdict({ bounces, policy, now }: SoftBounceQuestion): { readonly until: InstantMs } | null {
  const known = bounces.filter((at) => at <= now).sort((left, right) => left - right);
  const last = known.findLast((at, index) => {
    const first = known[index - policy.count + 1];
    return first !== undefined && at - first <= policy.withinMs;
  });
  if (last === undefined || last + policy.forMs <= now) return null;
  return { until: last + policy.forMs };
}
